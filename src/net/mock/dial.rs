use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{HeaderMap, Request, StatusCode, Uri};

use super::REMEMBERED;
use crate::net::{Connection, Dial, DialFuture, DialLimits, Far, NetError};

/// Opens connections to a test, one for each [`MockDial::accept`] and [`MockDial::fail`], in
/// order, and remembers the last 256 attempts.
///
/// Without an answer it refuses with 404. A clone is another handle to the same service.
#[derive(Clone, Debug, Default)]
pub struct MockDial(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    answers: VecDeque<Answer>,
    attempts: VecDeque<(Uri, HeaderMap)>,
}

#[derive(Debug)]
enum Answer {
    Open(Connection),
    Fail(NetError),
    Hang,
}

impl MockDial {
    /// A service without answers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Accepts an attempt to come; this is the end of the connection that the service holds.
    #[must_use]
    pub fn accept(&self) -> Far {
        let (near, far) = Connection::pair("mock", DialLimits::default());
        self.state().answers.push_back(Answer::Open(near));
        far
    }

    /// Lets an attempt to come fail.
    pub fn fail(&self, error: NetError) {
        self.state().answers.push_back(Answer::Fail(error));
    }

    /// Lets an attempt to come wait until its time is up.
    pub fn hang(&self) {
        self.state().answers.push_back(Answer::Hang);
    }

    /// The address and the headers of each attempt so far.
    #[must_use]
    pub fn attempts(&self) -> Vec<(Uri, HeaderMap)> {
        self.state().attempts.iter().cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Dial for MockDial {
    fn dial(&self, request: Request<()>, limits: DialLimits) -> DialFuture {
        let (head, ()) = request.into_parts();
        let host = head.uri.authority().map(ToString::to_string).unwrap_or_default();
        let mut state = self.state();
        if state.attempts.len() == REMEMBERED {
            state.attempts.pop_front();
        }
        state.attempts.push_back((head.uri, head.headers));
        let answer = state.answers.pop_front();
        Box::pin(async move {
            match answer {
                Some(Answer::Open(connection)) => Ok(connection),
                Some(Answer::Fail(error)) => Err(error),
                Some(Answer::Hang) => {
                    let never = std::future::pending::<()>();
                    let _always = tokio::time::timeout(limits.open, never).await;
                    Err(NetError::TimedOut { host, limit: limits.open })
                }
                None => {
                    let (status, message) = (StatusCode::NOT_FOUND, "no answer".to_owned());
                    let (retry_after, details) = (None, Box::default());
                    Err(NetError::Refused { host, status, message, retry_after, details })
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::SocketMessage;

    fn request() -> Request<()> {
        Request::get("wss://there/live").header("x-key", "k").body(()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_test_speaks_for_the_service() {
        let dial = MockDial::new();
        let mut far = dial.accept();
        let mut near = dial.dial(request(), DialLimits::default()).await.unwrap();
        let (question, answer) = ("question".to_owned(), "answer".to_owned());
        near.outgoing.send(SocketMessage::Text(question.clone())).await.unwrap();
        assert_eq!(far.receive().await, Some(SocketMessage::Text(question)));
        assert!(far.send(SocketMessage::Text(answer.clone())).await);
        assert_eq!(near.incoming.receive().await, Some(Ok(SocketMessage::Text(answer))));
        let (uri, headers) = dial.attempts().remove(0);
        assert_eq!((uri.path(), headers["x-key"].to_str().unwrap()), ("/live", "k"));

        drop(near);
        assert_eq!(far.receive().await, None);
        assert!(!far.send(SocketMessage::Binary("late".into())).await);
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_follows_all_that_came_before_it_however_much_waits() {
        let dial = MockDial::new();
        let far = dial.accept();
        let mut near = dial.dial(request(), DialLimits::default()).await.unwrap();
        let mut sent = 0;
        let full = async {
            while far.send(SocketMessage::Binary("more".into())).await {
                sent += 1;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(1), full).await.unwrap_err();
        assert_eq!(sent, 16);
        let error = NetError::BrokeOff { host: "there".to_owned(), reason: "gone".to_owned() };
        far.fail(error.clone());
        for _ in 0..sent {
            assert!(matches!(near.incoming.receive().await, Some(Ok(_))));
        }
        assert_eq!(near.incoming.receive().await, Some(Err(error)));
        assert_eq!(near.incoming.receive().await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever() {
        let (dial, limits) = (MockDial::new(), DialLimits::default());
        dial.hang();
        let _deaf = dial.accept();
        let late = |limit| NetError::TimedOut { host: "there".to_owned(), limit };
        assert_eq!(dial.dial(request(), limits).await.unwrap_err(), late(limits.open));

        let near = dial.dial(request(), limits).await.unwrap();
        let error = loop {
            if let Err(error) = near.outgoing.send(SocketMessage::Binary("more".into())).await {
                break error;
            }
        };
        assert!(matches!(error, NetError::TimedOut { .. }), "{error:?}");
        near.close().await;
        let refused = dial.dial(request(), limits).await.unwrap_err();
        assert!(matches!(refused, NetError::Refused { .. }), "{refused:?}");
    }
}
