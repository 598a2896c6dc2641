//! The file, and the thread that writes it.

use std::collections::VecDeque;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::KeptMedia;
use super::recording::Exchange;
use super::scrub::Scrubber;
use crate::types::Secret;

/// Writes exchanges to a file, one a line, behind those who ask. Clones are the same log.
///
/// A thread of its own writes and flushes each. Nobody waits for it: 64 exchanges may be on their
/// way to it, and further ones are lost, which [`finish`](Self::finish) tells. After a failure, as
/// of a full disk, nothing more is written.
#[derive(Clone)]
pub struct ExchangeLog(Arc<Owner>);

/// The exchanges are not all in the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeLogError {
    /// There is no file.
    #[error("cannot create {}: {source}; name another file", path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It cannot be written on.
    #[error(
        "cannot write exchanges to {}: {source}; {written} are there, {lost} are not", path.display()
    )]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
        /// How many are in the file.
        written: u64,
        /// How many are not.
        lost: u64,
    },
    /// It is too slow.
    #[error(
        "{lost} exchanges came too fast to be written to {}; {written} are there", path.display()
    )]
    Behind {
        /// The file.
        path: PathBuf,
        /// How many are in the file.
        written: u64,
        /// How many are not.
        lost: u64,
    },
    /// It does not end.
    #[error("{} takes nothing for {LIMIT:?}; {written} exchanges are there", path.display())]
    Late {
        /// The file.
        path: PathBuf,
        /// How many are in the file.
        written: u64,
    },
}

/// What all handles hold together; its drop ends the thread, once all is written.
struct Owner(Arc<Shared>);

struct Shared {
    path: PathBuf,
    media: KeptMedia,
    scrubber: Scrubber,
    state: Mutex<State>,
    /// The state has changed.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Exchange>,
    /// One is being written.
    busy: bool,
    closing: bool,
    written: u64,
    lost: u64,
    failure: Option<io::Error>,
}

impl ExchangeLog {
    /// Makes the file anew, for its user alone.
    ///
    /// # Errors
    ///
    /// [`ExchangeLogError::Create`] when it cannot be made.
    pub fn create(
        path: &Path,
        media: KeptMedia,
        secrets: impl IntoIterator<Item = Secret>,
    ) -> Result<Self, ExchangeLogError> {
        let failed = |source| ExchangeLogError::Create { path: path.to_owned(), source };
        let file = for_user().create(true).write(true).truncate(true).open(path).map_err(failed)?;
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            media,
            scrubber: Scrubber::new(secrets),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let thread = thread::Builder::new().name("exchanges".to_owned());
        let writer = Arc::clone(&shared);
        thread.spawn(move || writer.write_all(file)).map_err(failed)?;
        Ok(Self(Arc::new(Owner(shared))))
    }

    /// Waits until all that is over is in the file: for 10 s at most, and without letting others
    /// run meanwhile, so that it is for the end of a program. Returns how many exchanges there are.
    ///
    /// # Errors
    ///
    /// As [`ExchangeLogError`] says; a failure is told once.
    pub fn finish(&self) -> Result<u64, ExchangeLogError> {
        let Shared { path, changed, .. } = &*self.0.0;
        let path = path.clone();
        let is_busy = |state: &mut State| state.busy || !state.queue.is_empty();
        let waited = changed.wait_timeout_while(self.0.0.state(), LIMIT, is_busy);
        let (mut state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        let State { written, lost, .. } = *state;
        if let Some(source) = state.failure.take() {
            return Err(ExchangeLogError::Write { path, source, written, lost });
        }
        match (waited.timed_out(), lost) {
            (true, _) => Err(ExchangeLogError::Late { path, written }),
            (false, 0) => Ok(written),
            (false, _) => Err(ExchangeLogError::Behind { path, written, lost }),
        }
    }

    /// Takes an exchange. Never waits.
    pub(super) fn write(&self, exchange: Exchange) {
        let shared = &self.0.0;
        let mut state = shared.state();
        if state.queue.len() == MOST_WAITING {
            state.lost += 1;
        } else {
            state.queue.push_back(exchange);
            shared.changed.notify_all();
        }
    }

    /// One cannot be written.
    pub(super) fn lose(&self) {
        self.0.0.state().lost += 1;
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.state().closing = true;
        self.0.changed.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_all(&self, mut file: File) {
        let mut works = true;
        while let Some(exchange) = self.next() {
            let written =
                if works { self.line(exchange, &mut file).map(|()| true) } else { Ok(false) };
            let mut state = self.state();
            state.busy = false;
            match written {
                Ok(true) => state.written += 1,
                Ok(false) => state.lost += 1,
                Err(error) => {
                    tracing::warn!(
                        file = %self.path.display(), %error,
                        "exchanges with models cannot be written any longer"
                    );
                    works = false;
                    state.lost += 1;
                    state.failure = Some(error);
                }
            }
            self.changed.notify_all();
        }
    }

    /// The next one; nothing, once nobody is left who could write another.
    fn next(&self) -> Option<Exchange> {
        let waits = |state: &mut State| state.queue.is_empty() && !state.closing;
        let state = self.changed.wait_while(self.state(), waits);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        let next = state.queue.pop_front();
        state.busy = next.is_some();
        next
    }

    fn line(&self, exchange: Exchange, file: &mut File) -> io::Result<()> {
        let line = self.scrubber.line(exchange, self.media)?;
        let mut line = serde_json::to_vec(&line)?;
        line.push(b'\n');
        file.write_all(&line)?;
        file.flush()
    }
}

/// What people say is nobody else's business.
fn for_user() -> OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "there is no mode to set"))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// A disk that stands still for a moment must not cost an exchange.
const MOST_WAITING: usize = 64;
const LIMIT: Duration = Duration::from_secs(10);

impl fmt::Debug for ExchangeLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExchangeLog").field("path", &self.0.0.path).finish_non_exhaustive()
    }
}
