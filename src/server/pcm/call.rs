//! A call: a session whose devices are a socket.

use std::pin::pin;
use std::time::Duration;

use axum::extract::ws::WebSocket;
use futures_util::StreamExt;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

use super::NewCall;
use super::microphone::SocketMicrophone;
use super::outgoing::outgoing;
pub(super) use super::socket::Ending;
use super::socket::{Sign, close, read, write};
use super::speaker::SocketSpeaker;
use crate::events::{EventKind, Subscription};
use crate::session::{Pace, Session, SessionError, Summary};
use crate::time::SessionClock;

/// Holds the call with this number until either side ends it or `away` is told. Says why it is
/// over.
pub(super) async fn hold(
    socket: WebSocket,
    call: NewCall,
    number: u64,
    mut away: watch::Receiver<bool>,
) -> Ending {
    let clock = SessionClock::live();
    let session = Session::with_cast(call.cast, call.config);
    let handle = session.handle();
    if let Some(greeting) = call.greeting {
        // There is room for the first wish.
        let _taken = handle.say(greeting);
    }
    let (microphone, sound) = SocketMicrophone::new(handle.clone());
    let (outlet, queue) = outgoing();
    let overflow = queue.overflow();
    let watching = tell(session.subscribe(), number);
    let talking = session.run(Box::new(microphone), Box::new(SocketSpeaker(outlet)), Pace::Live);
    let mut session = JoinSet::new();
    session.spawn(async move { tokio::join!(talking, watching).0 });

    let (mut sink, mut stream) = socket.split();
    let sign = Sign::new(clock.clone());
    let ending = {
        let mut reading = pin!(read(&mut stream, sound, &sign));
        let mut writing = pin!(write(&mut sink, queue, &sign));
        let mut sends = true;
        let first = tokio::select! {
            biased;
            () = overflow => Some(Ending::Slow),
            ending = &mut reading => Some(ending),
            written = &mut writing => {
                sends = false;
                written.err()
            }
            _told = away.wait_for(|away| *away) => Some(Ending::Away),
        };
        handle.stop();
        let rest = async {
            let over = session.join_next().await.map_or(Ending::Over, over);
            let ending = first.clone().unwrap_or(over);
            if sends && ending.lets_send() {
                return writing.await.err().unwrap_or(ending);
            }
            ending
        };
        let late = || first.clone().unwrap_or_else(|| Ending::Failed("it does not end".to_owned()));
        clock.timeout(REST, rest).await.unwrap_or_else(late)
    };
    close(sink, stream, &ending, &clock).await;
    ending
}

/// How a session ended by itself.
fn over(session: Result<Result<Summary, SessionError>, JoinError>) -> Ending {
    match session {
        Ok(Ok(_)) => Ending::Over,
        Ok(Err(error)) => Ending::Failed(error.to_string()),
        Err(gone) => Ending::Failed(gone.to_string()),
    }
}

/// What went wrong in a call goes to the server's log: the client hears an apology at most.
async fn tell(mut events: Subscription, call: u64) {
    while let Some(event) = events.next().await {
        match event.map(|event| event.kind) {
            Ok(EventKind::TurnFailed { stage, error }) => {
                tracing::warn!(call, ?stage, "a turn failed: {error}");
            }
            Ok(EventKind::Warning { message }) => tracing::warn!(call, "{message}"),
            Ok(EventKind::ConnectionLost { error, .. }) => {
                tracing::warn!(call, "the connection with the model is lost: {error}");
            }
            Ok(_) | Err(_) => {}
        }
    }
}

/// How long the session may take to end, and what is left to leave.
const REST: Duration = Duration::from_secs(3);
