//! A provider that answers from recorded exchanges, without a network, a key or a model.
//!
//! ```text
//! request ─▶ which exchange of the file it is ─▶ its events, at their times
//! ```
//!
//! The file is one that [`ExchangeLog`](super::exchanges::ExchangeLog) has written. [`Matching`]
//! says which exchange a request is; of several, the one that was replayed least often, the first
//! of them, so that a request that failed and then succeeded does so again. One whose answer was
//! left before its end is taken only if there is no other, and fails where it was left. Errors are
//! given as they came.

mod file;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::stream;
use serde_json::Value;

use self::file::{Recorded, question};
use super::capabilities::ALL_MEDIA;
use super::exchanges::scrub::Scrubber;
use super::{
    Capabilities, JsonAnswers, Provider, ProviderError, ProviderErrorKind, ProviderEvent,
    ProviderRequest, ProviderStream,
};
use crate::time::{SessionClock, SessionTime};
use crate::types::Secret;

pub use file::ReplayError;

/// Answers from a file of recorded exchanges.
#[derive(Debug)]
pub struct Replay {
    name: String,
    path: PathBuf,
    exchanges: Vec<Recorded>,
    /// How often each was replayed.
    used: Mutex<Vec<u32>>,
    matching: Matching,
    pace: Pace,
    clock: SessionClock,
    scrubber: Scrubber,
}

/// Which exchange a request is. Metadata do not count, nor do the bytes of media beside their hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Matching {
    /// The one with the same request; if there is none, one whose last message is the same: what a
    /// user says, or the result of the same call whatever it is.
    #[default]
    Question,
    /// The one with the same request.
    Exact,
    /// The first for the first request, and so on, whatever is asked.
    Order,
}

impl Matching {
    /// As settings name it.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "question" => Some(Self::Question),
            "exact" => Some(Self::Exact),
            "order" => Some(Self::Order),
            _ => None,
        }
    }
}

/// How fast answers come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// As many times faster than they came; 1 by default.
    Times(f64),
    /// At once.
    AtOnce,
}

impl Pace {
    /// So many times faster than they came; at once for 0, and for what is no speed.
    #[must_use]
    pub fn of(speed: f64) -> Self {
        if speed.is_finite() && speed > 0.0 { Self::Times(speed) } else { Self::AtOnce }
    }

    fn due(self, after: Duration) -> Duration {
        match self {
            Self::Times(speed) => Duration::try_from_secs_f64(after.as_secs_f64() / speed),
            Self::AtOnce => Ok(Duration::ZERO),
        }
        .unwrap_or(LONGEST)
        .min(LONGEST)
    }
}

impl Replay {
    /// Reads the exchanges of a file.
    ///
    /// # Errors
    ///
    /// [`ReplayError`] when it cannot be read, or a line of it is no exchange: which one, and why.
    /// A last line without an end, as of a program that was killed, is left out.
    pub fn from_file(path: &Path) -> Result<Self, ReplayError> {
        let exchanges = file::read(path)?;
        let used = Mutex::new(vec![0; exchanges.len()]);
        Ok(Self {
            name: format!("replay:{}", path.display()),
            path: path.to_owned(),
            exchanges,
            used,
            matching: Matching::default(),
            pace: Pace::Times(1.0),
            clock: SessionClock::live(),
            scrubber: Scrubber::default(),
        })
    }

    /// The same, looking so for the exchange of a request.
    #[must_use]
    pub fn matching(self, matching: Matching) -> Self {
        Self { matching, ..self }
    }

    /// The same at another pace.
    #[must_use]
    pub fn paced(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    /// The same with the waits of another clock: real time by default.
    #[must_use]
    pub fn timed_by(self, clock: SessionClock) -> Self {
        Self { clock, ..self }
    }

    /// The same for requests that hold these secrets, which are not in the file.
    #[must_use]
    pub fn without(self, secrets: impl IntoIterator<Item = Secret>) -> Self {
        Self { scrubber: Scrubber::new(secrets), ..self }
    }

    /// How many exchanges there are.
    #[must_use]
    pub fn exchanges(&self) -> usize {
        self.exchanges.len()
    }

    /// The exchange that the request is, which counts as replayed.
    fn find(&self, request: &ProviderRequest) -> Result<&Recorded, ProviderError> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let found = match self.matching {
            Matching::Order => used.iter().position(|times| *times == 0),
            Matching::Question | Matching::Exact => self.same(request.clone(), &used),
        };
        let Some(at) = found else { return Err(self.nothing_for(request)) };
        used[at] += 1;
        let recorded = &self.exchanges[at];
        match &recorded.lacking {
            None => Ok(recorded),
            Some(lacking) => Err(self.refuse(format!(
                "{} lacks {lacking}, of the answer on line {}; record it with --record-media",
                self.path.display(),
                recorded.line
            ))),
        }
    }

    fn same(&self, request: ProviderRequest, used: &[u32]) -> Option<usize> {
        let asked = self.scrubber.asked(request);
        let (whole, last) = (file::key(&asked), question(&asked));
        let exact = |one: &Recorded| one.key == whole;
        let similar = |one: &Recorded| self.matching == Matching::Question && one.question == last;
        self.least_used(exact, used).or_else(|| self.least_used(similar, used))
    }

    fn least_used(&self, is_it: impl Fn(&Recorded) -> bool, used: &[u32]) -> Option<usize> {
        let those = self.exchanges.iter().enumerate().filter(|(_, one)| is_it(one));
        those.min_by_key(|(at, one)| (one.left, used[*at])).map(|(at, _)| at)
    }

    fn nothing_for(&self, request: &ProviderRequest) -> ProviderError {
        let path = self.path.display();
        if self.matching == Matching::Order {
            let count = self.exchanges.len();
            return self.refuse(format!("all {count} exchanges of {path} were replayed already"));
        }
        let asked = self.scrubber.asked(request.clone());
        let last = asked.pointer("/messages").and_then(Value::as_array).and_then(|all| all.last());
        let text = last.and_then(|last| last["text"].as_str()).unwrap_or_default();
        let said: String = text.chars().take(SHOWN).collect();
        let role = last.and_then(|last| last["role"].as_str()).unwrap_or("nobody");
        let instead = match self.matching {
            Matching::Exact => "replay.match=question, for one that ends alike",
            _ => "replay.match=order, for its answers one after the other",
        };
        self.refuse(format!(
            "{path} has no answer to what ends with {said:?} of the {role}; record it, or set {instead}"
        ))
    }

    fn refuse(&self, reason: String) -> ProviderError {
        ProviderError::new(&*self.name, ProviderErrorKind::InvalidRequest, reason)
    }
}

impl Provider for Replay {
    fn name(&self) -> &str {
        &self.name
    }

    /// Whatever it was that answered.
    fn capabilities(&self) -> Capabilities {
        Capabilities { media: ALL_MEDIA, json: JsonAnswers::Schema, tools: true }
    }

    /// Whether what answered was, so that it is asked as often as then. Nobody pays.
    fn is_metered(&self) -> bool {
        self.exchanges.iter().any(|one| one.metered)
    }

    fn stream(&self, request: ProviderRequest) -> ProviderStream {
        let recorded = match self.find(&request) {
            Ok(recorded) => recorded,
            Err(error) => return Box::pin(stream::iter([Err(error)])),
        };
        let left = recorded.left.then(|| {
            let reason = "its recording ends here: nobody wanted the rest";
            (recorded.ended, Err(self.refuse(reason.to_owned())))
        });
        let playing = Playing {
            events: Arc::clone(&recorded.events),
            left,
            next: 0,
            pace: self.pace,
            asked: self.clock.now(),
            clock: self.clock.clone(),
        };
        Box::pin(stream::unfold(playing, |mut playing| async move {
            let event = playing.next().await?;
            Some((event, playing))
        }))
    }
}

type Came = Result<ProviderEvent, ProviderError>;

/// An answer that is given again.
struct Playing {
    events: Arc<[(Duration, Came)]>,
    /// The end of one that has none, and when.
    left: Option<(Duration, Came)>,
    next: usize,
    pace: Pace,
    asked: SessionTime,
    clock: SessionClock,
}

impl Playing {
    async fn next(&mut self) -> Option<Came> {
        let next = self.events.get(self.next).cloned();
        let (after, came) = next.or_else(|| self.left.take())?;
        self.next += 1;
        if self.pace != Pace::AtOnce {
            self.clock.sleep_until(self.asked + self.pace.due(after)).await;
        }
        Some(came)
    }
}

/// In letters, of what errors quote.
const SHOWN: usize = 80;
/// Whoever recorded it did not wait longer, whatever the file says.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);
