//! Server-sent events: the pieces of an answer's body become the data of its events.

mod parser;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::pin::Pin;

use futures_util::{Stream, StreamExt, stream};

use self::parser::{LONGEST_EVENT, Parser, Wrong};
use super::{Incoming, NetError};

/// The data of events as they come; ends with the body or with the first error.
pub type Events = Pin<Box<dyn Stream<Item = Result<String, NetError>> + Send>>;

/// The data of the events in `body`, which comes from `host`. Names, ids, comments and what is no
/// field are left out. A last event is one even if the body ends without the empty line after it.
///
/// An event of over 1 MiB, and what is not UTF-8, are errors, after what came before. How the body
/// is cut into pieces makes no difference.
#[must_use]
pub fn events(body: Incoming, host: &str) -> Events {
    let reading = Reading {
        body: Some(body),
        host: host.to_owned(),
        parser: Parser::default(),
        ready: VecDeque::new(),
    };
    Box::pin(stream::unfold(reading, |mut reading| async move {
        let event = reading.next().await?;
        Some((event, reading))
    }))
}

/// A body that is being read.
struct Reading {
    /// Nothing, once it is over.
    body: Option<Incoming>,
    host: String,
    parser: Parser,
    ready: VecDeque<Result<String, NetError>>,
}

impl Reading {
    async fn next(&mut self) -> Option<Result<String, NetError>> {
        while self.ready.is_empty() {
            let body = self.body.as_mut()?;
            let read = match body.next().await {
                Some(Ok(piece)) => self.parser.read(&piece, &mut self.ready),
                Some(Err(error)) => {
                    self.body = None;
                    self.ready.push_back(Err(error));
                    continue;
                }
                None => {
                    self.body = None;
                    self.parser.end(&mut self.ready)
                }
            };
            if let Err(wrong) = read {
                self.body = None;
                self.ready.push_back(Err(self.error(wrong)));
            }
        }
        self.ready.pop_front()
    }

    fn error(&self, wrong: Wrong) -> NetError {
        let host = self.host.clone();
        match wrong {
            Wrong::TooLong => NetError::TooLong { host, limit: LONGEST_EVENT },
            Wrong::NotUtf8 => NetError::Nonsense { host, reason: "it is not UTF-8".to_owned() },
        }
    }
}
