//! Clients that are gone, deaf or wrong, in virtual time.

use futures_util::{sink, stream};

use super::super::outgoing::outgoing;
use super::*;

/// A client: what the server sends goes to `answer`, which says what comes back; without it, the
/// client takes nothing. Returns how the call ended, and after how long.
async fn call(
    sound: usize,
    answer: Option<fn(&Message) -> Option<Message>>,
) -> (Result<Ending, ()>, Duration) {
    let clock = SessionClock::live();
    let sign = Sign::new(clock.clone());
    let (back, answers) = mpsc::channel(16);
    let mut sink = Box::pin(sink::unfold(back, move |back, message: Message| async move {
        let Some(answer) = answer else { return std::future::pending().await };
        if let Some(answer) = answer(&message) {
            back.try_send(Ok(answer)).unwrap();
        }
        Ok::<_, axum::Error>(back)
    }));
    let mut stream = Box::pin(stream::unfold(answers, |mut answers| async {
        answers.recv().await.map(|answer| (answer, answers))
    }));
    let (mut outlet, queue) = outgoing();
    (0..sound).for_each(|_| outlet.sound(Bytes::from_static(&[0, 0])));
    let (heard, _microphone) = mpsc::channel(1);
    let over = async {
        tokio::select! {
            ending = read(&mut stream, heard, &sign) => ending,
            ended = write(&mut sink, queue, &sign) => ended.unwrap_err(),
        }
    };
    let ending = clock.timeout(Duration::from_secs(600), over).await.ok_or(());
    (ending, clock.now().since(SessionTime::ZERO))
}

fn pong(message: &Message) -> Option<Message> {
    matches!(message, Message::Ping(_)).then(|| Message::Pong(Bytes::new()))
}

#[tokio::test(start_paused = true)]
async fn who_answers_pings_may_be_silent() {
    assert_eq!(call(3, Some(pong)).await.0, Err(()), "ten minutes, and no end");
}

#[tokio::test(start_paused = true)]
async fn who_answers_no_ping_is_gone_within_30_s() {
    let (ending, after) = call(3, Some(|_| None)).await;
    assert!(matches!(ending, Ok(Ending::Vanished(_))), "{ending:?}");
    assert!((30..31).contains(&after.as_secs()), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn who_takes_nothing_for_5_s_is_too_slow() {
    let (ending, after) = call(1, None).await;
    assert_eq!((ending, after.as_secs()), (Ok(Ending::Slow), 5));
}

#[tokio::test(start_paused = true)]
async fn who_closes_is_let_go() {
    let (ending, after) = call(1, Some(|_| Some(Message::Close(None)))).await;
    assert_eq!((ending, after), (Ok(Ending::Closed), Duration::ZERO));
}

#[test]
fn what_fails_has_a_name_and_a_code() {
    use tungstenite::error::{CapacityError, Error, ProtocolError};
    let ended = |error: Error| failure(axum::Error::new(error));
    let too_long = CapacityError::MessageTooLong { size: 2, max_size: 1 };
    assert_eq!(ended(Error::Capacity(too_long)), Ending::TooLong);
    let unmasked = ended(Error::Protocol(ProtocolError::UnmaskedFrameFromClient));
    assert!(matches!(unmasked, Ending::Wrong(_)));
    let gone = ended(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake));
    assert!(matches!(gone, Ending::Vanished(_)));
    assert!(gone.frame().is_none());
    let code = |ending: &Ending| ending.frame().map(|frame| (frame.code, frame.reason.len() < 124));
    assert_eq!(code(&Ending::TooLong), Some((1009, true)));
    assert_eq!(code(&Ending::Slow), Some((1008, true)));
    assert_eq!(code(&Ending::Failed("no".to_owned())), Some((1011, true)));
}
