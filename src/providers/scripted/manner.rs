//! How an answer comes: how soon, and whether whole. So a script shows what slow and broken models
//! do to a conversation.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::stream;
use http::StatusCode;
use serde::Deserialize;

use crate::net::{Details, NetError};
use crate::providers::{ProviderError, ProviderEvent, ProviderStream};
use crate::time::SessionClock;

/// How the answers of a rule come.
#[derive(Debug, Default)]
pub(super) struct Manner {
    /// Before the first piece.
    pub(super) first: Duration,
    /// Before each later one.
    pub(super) each: Duration,
    pub(super) fault: Option<Fault>,
    /// How often it fails before it does not; always, if there is no number.
    pub(super) times: Option<u32>,
    pub(super) failed: AtomicU32,
}

/// What goes wrong, in the words of the mock server.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub(super) enum Fault {
    /// It is refused: the status, and when to come back.
    Refuse(StatusCode, Option<Duration>),
    /// The connection breaks off after this part of the words.
    Cut(f64),
    /// Nothing follows after this part of the words.
    Stall(f64),
}

impl TryFrom<String> for Fault {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        let (what, how) = match word.split_once(':') {
            Some((what, how)) => (what, Some(how)),
            None => (&*word, None),
        };
        let part = || match how.map_or(Ok(HALF), str::parse) {
            Ok(part) if (0.0..=1.0).contains(&part) => Some(part),
            _ => None,
        };
        let seconds = || match how.map(str::parse::<f64>) {
            None => Some(None),
            Some(Ok(seconds)) => Duration::try_from_secs_f64(seconds).ok().map(Some),
            Some(Err(_)) => None,
        };
        let fault = match what {
            "cut" => part().map(Self::Cut),
            "stall" => part().map(Self::Stall),
            status => status
                .parse()
                .ok()
                .filter(|status| (400..600).contains(status))
                .and_then(|status: u16| StatusCode::from_u16(status).ok())
                .and_then(|status| Some(Self::Refuse(status, seconds()?))),
        };
        fault.ok_or_else(|| {
            format!(
                "\"{word}\" is no way to fail: write a status from 400 to 599, as \"429\" or, to \
                 come back after 2 s, \"429:2\"; \"cut\" or \"stall\", or after 0.3 of the words \
                 \"cut:0.3\""
            )
        })
    }
}

impl Manner {
    /// Gives the pieces of an answer so. The faults strike what is `asked`, and not what is made
    /// of a tool's result.
    pub(super) fn stream(&self, asked: bool, pieces: Vec<ProviderEvent>) -> ProviderStream {
        let fault = self.fault.filter(|_| asked && self.strikes());
        let words = pieces.iter().filter(|piece| matches!(piece, ProviderEvent::TextDelta(_)));
        let part = |part: f64| (words.clone().count() as f64 * part) as usize;
        let (kept, end) = match fault {
            None => (pieces.len(), End::Whole),
            Some(Fault::Refuse(status, pause)) => (0, End::Failed(refused(status, pause))),
            Some(Fault::Cut(after)) => (part(after), End::Failed(broken())),
            Some(Fault::Stall(after)) => (part(after), End::Never),
        };
        let clock = SessionClock::live();
        let (first, each) = (self.first, self.each);
        let given = (pieces.into_iter().take(kept), Some(end), true);
        Box::pin(stream::unfold(given, move |(mut pieces, end, is_first)| {
            let clock = clock.clone();
            async move {
                let pause = if is_first { first } else { each };
                let piece = pieces.next();
                let over = piece.is_none() && matches!(end, None | Some(End::Whole));
                if !over && pause > Duration::ZERO {
                    clock.sleep(pause).await;
                }
                match (piece, end) {
                    (Some(piece), end) => Some((Ok(piece), (pieces, end, false))),
                    (None, Some(End::Failed(error))) => Some((Err(error), (pieces, None, false))),
                    (None, Some(End::Never)) => std::future::pending().await,
                    (None, None | Some(End::Whole)) => None,
                }
            }
        }))
    }

    fn strikes(&self) -> bool {
        let Some(times) = self.times else { return true };
        let more = |failed: u32| (failed < times).then_some(failed + 1);
        self.failed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }
}

enum End {
    Whole,
    Failed(ProviderError),
    Never,
}

fn refused(status: StatusCode, retry_after: Option<Duration>) -> ProviderError {
    let (host, message) = (HOST.to_owned(), "as its rule says".to_owned());
    let details = Box::<Details>::default();
    let error = NetError::Refused { host, status, message, retry_after, details };
    ProviderError::of_net(super::NAME, error)
}

fn broken() -> ProviderError {
    let (host, reason) = (HOST.to_owned(), "as its rule says".to_owned());
    ProviderError::of_net(super::NAME, NetError::BrokeOff { host, reason })
}

const HOST: &str = "the script";
/// Of the words, where nobody says how many.
const HALF: f64 = 0.5;
