//! Fetches models: what was begun goes on, and nothing gets its name before it is whole.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, RANGE};
use http::{Response, StatusCode};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::manifest::{Archive, Build};
use super::unpack::{Unpacked, unpack};
use super::{Folder, Presence};
use crate::error::Recovery;
use crate::net::{Body, Endpoint, EndpointError, Http, Incoming, Limits, NetError};

/// The environment variable that names another place to fetch models from.
pub const SOURCE_VARIABLE: &str = "BANTER_MODELS_SOURCE";

/// Brings models into a folder.
///
/// ```text
/// GET, from the first byte that is missing ─▶ FILE.part ─▶ size, hash ─▶ member ─▶ size, hash ─▶ FILE
/// ```
#[derive(Debug)]
pub struct Fetcher {
    http: Arc<dyn Http>,
    folder: Folder,
    mirror: Option<Endpoint>,
    limits: FetchLimits,
}

/// How long a fetch waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchLimits {
    /// For an answer to begin: 30 s by default.
    pub head: Duration,
    /// For each next piece of it: 30 s by default.
    pub piece: Duration,
    /// For all of it: an hour by default.
    pub whole: Duration,
}

impl Default for FetchLimits {
    fn default() -> Self {
        let piece = Duration::from_secs(30);
        Self { head: piece, piece, whole: Duration::from_secs(3_600) }
    }
}

/// How much of an archive is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that are there.
    pub done: u64,
    /// All bytes.
    pub size: u64,
}

/// Why a model is not there now.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The place to fetch from is no address.
    #[error(transparent)]
    Source(#[from] EndpointError),
    /// The server cannot be reached, refuses, or fails. What came is kept.
    #[error("{0}; try again: what is there is not fetched twice")]
    Net(#[from] NetError),
    /// The answer ended too early. What came is kept.
    #[error("{host} sent {got} of {size} bytes; try again: it goes on from there")]
    Cut {
        /// Who sent it.
        host: String,
        /// Bytes that are there.
        got: u64,
        /// All bytes.
        size: u64,
    },
    /// It took too long as a whole. What came is kept.
    #[error("{host} has not sent all in {limit:?}; try again: it goes on from there")]
    Slow {
        /// Who sent it.
        host: String,
        /// How long was waited.
        limit: Duration,
    },
    /// What was sent is something else. It was thrown away.
    #[error(
        "what {host} sent is not what was asked for ({why}), and was thrown away; try again, or \
         another source"
    )]
    Wrong {
        /// Who sent it.
        host: String,
        /// How that shows.
        why: String,
    },
    /// Somebody else fetches it now.
    #[error("{} is being fetched by another program; wait for it, or end it", .0.display())]
    Busy(PathBuf),
    /// A file cannot be written.
    #[error("{path} cannot be written: {error}; make room or correct its permissions, or set BANTER_MODELS to another folder", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl FetchError {
    /// What to do about it.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        match self {
            Self::Net(error) => error.recovery(),
            Self::Cut { .. } => Recovery::RetryAfter(Duration::ZERO),
            Self::Slow { .. } | Self::Wrong { .. } => Recovery::FallBack,
            Self::Source(_) | Self::Busy(_) | Self::File { .. } => Recovery::AskUser,
        }
    }
}

impl Fetcher {
    /// Fetches by `http` into `folder`, from where the list of models says.
    #[must_use]
    pub fn new(http: Arc<dyn Http>, folder: Folder) -> Self {
        Self { http, folder, mirror: None, limits: FetchLimits::default() }
    }

    /// Fetches from this address instead: of each archive, `base` and the last part of its own
    /// address.
    ///
    /// # Errors
    ///
    /// [`FetchError::Source`] when that is no address.
    pub fn from_mirror(self, base: &str) -> Result<Self, FetchError> {
        Ok(Self { mirror: Some(Endpoint::new(base, None)?), ..self })
    }

    /// Waits as long as this.
    #[must_use]
    pub fn with_limits(self, limits: FetchLimits) -> Self {
        Self { limits, ..self }
    }

    /// Brings a model into the folder, unless it is there, and tells `seen` of each piece. Gives
    /// the path of its file. Must be called within a Tokio runtime.
    ///
    /// It may be dropped at any time: the next try goes on from there.
    ///
    /// # Errors
    ///
    /// As [`FetchError`] says.
    pub async fn pull(
        &self,
        build: &Build,
        seen: impl FnMut(Progress),
    ) -> Result<PathBuf, FetchError> {
        let path = self.folder.file(build);
        let (folder, known) = (self.folder.clone(), build.clone());
        let presence = blocking(&path, move || Ok(folder.presence(&known))).await?;
        if presence == Presence::Whole {
            return Ok(path);
        }
        let partial = self.folder.partial(build);
        let mut part = self.claim(&partial)?;
        let (endpoint, name) = self.place(&build.archive)?;
        let fetched = self.fetch(&build.archive, (&endpoint, name), &mut part, (&partial, seen));
        let host = || endpoint.host().to_owned();
        let limit = self.limits.whole;
        let fetched = timeout(limit, fetched).await;
        let fetched = fetched.unwrap_or_else(|_| Err(FetchError::Slow { host: host(), limit }));
        if let Err(FetchError::Wrong { .. }) = &fetched {
            discard(&partial)?;
        }
        fetched?;
        let (wanted, to) = (build.clone(), path.clone());
        match blocking(&path, move || unpack(&mut part, &wanted, &to)).await? {
            Unpacked::Done => discard(&partial).map(|()| path),
            Unpacked::Wrong(why) => {
                discard(&partial)?;
                Err(FetchError::Wrong { host: host(), why })
            }
        }
    }

    /// The file of what is there by now, for this program alone.
    fn claim(&self, partial: &Path) -> Result<File, FetchError> {
        let failed = |error| FetchError::File { path: partial.to_owned(), error };
        fs::create_dir_all(self.folder.path()).map_err(failed)?;
        let open =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(partial);
        let part = open.map_err(failed)?;
        match part.try_lock() {
            Ok(()) => Ok(part),
            Err(TryLockError::WouldBlock) => Err(FetchError::Busy(partial.to_owned())),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Where the archive is, and its name there.
    fn place<'a>(&self, archive: &'a Archive) -> Result<(Endpoint, &'a str), FetchError> {
        let (base, name) = archive.url.rsplit_once('/').unwrap_or(("", &archive.url));
        match &self.mirror {
            Some(mirror) => Ok((mirror.clone(), name)),
            None => Ok((Endpoint::new(base, None)?, name)),
        }
    }

    /// Fetches what `part` does not have yet.
    async fn fetch(
        &self,
        archive: &Archive,
        (endpoint, name): (&Endpoint, &str),
        part: &mut File,
        (path, mut seen): (&Path, impl FnMut(Progress)),
    ) -> Result<(), FetchError> {
        let size = archive.size;
        let failed = |error| FetchError::File { path: path.to_owned(), error };
        let mut have = part.metadata().map_err(failed)?.len();
        if have >= size {
            // All of it: the hash decides. More than that is something else.
            return if have == size { Ok(()) } else { Err(wrong(endpoint, "it is too long")) };
        }
        let mut answer = self.ask((endpoint, name), have, size).await;
        if have > 0 && !goes_on(&answer, have) {
            have = 0;
            answer = self.ask((endpoint, name), have, size).await;
        }
        let answer = answer?;
        if answer.status() != StatusCode::PARTIAL_CONTENT {
            have = 0; // A server that knows no ranges sends all.
        }
        part.set_len(have).map_err(failed)?;
        part.seek(SeekFrom::Start(have)).map_err(failed)?;
        let announced =
            answer.headers().get(CONTENT_LENGTH).and_then(|it| it.to_str().ok()?.parse().ok());
        if announced.is_some_and(|length: u64| length > size - have) {
            return Err(wrong(endpoint, "it is too long"));
        }
        seen(Progress { done: have, size });
        let mut body = answer.into_body();
        while let Some(piece) = body.next().await {
            let piece = match piece {
                Err(NetError::TooLong { .. }) => return Err(wrong(endpoint, "it is too long")),
                other => other?,
            };
            if have + piece.len() as u64 > size {
                return Err(wrong(endpoint, "it is too long"));
            }
            part.write_all(&piece).map_err(failed)?;
            have += piece.len() as u64;
            seen(Progress { done: have, size });
        }
        match have {
            _ if have == size => Ok(()),
            got => Err(FetchError::Cut { host: endpoint.host().to_owned(), got, size }),
        }
    }

    /// Asks for all from the byte `from` on.
    async fn ask(
        &self,
        (endpoint, name): (&Endpoint, &str),
        from: u64,
        size: u64,
    ) -> Result<Response<Incoming>, NetError> {
        let request = endpoint.get(name).header(ACCEPT_ENCODING, "identity");
        let request = match from {
            0 => request,
            from => request.header(RANGE, format!("bytes={from}-")),
        };
        let nonsense = |error: http::Error| NetError::Nonsense {
            host: endpoint.host().to_owned(),
            reason: error.to_string(),
        };
        let request = request.body(Body::empty()).map_err(nonsense)?;
        let FetchLimits { head, piece, .. } = self.limits;
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        endpoint.send(self.http.as_ref(), request, Limits { head, piece, size }).await
    }
}

/// Whether an answer continues at the byte `from`, or begins anew; a server that will not do
/// either is asked for all.
fn goes_on(answer: &Result<Response<Incoming>, NetError>, from: u64) -> bool {
    match answer {
        Ok(answer) if answer.status() == StatusCode::PARTIAL_CONTENT => {
            let range = answer.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
            range.is_some_and(|range| range.starts_with(&format!("bytes {from}-")))
        }
        Err(NetError::Refused { status, .. }) => *status != StatusCode::RANGE_NOT_SATISFIABLE,
        Ok(_) | Err(_) => true,
    }
}

fn wrong(endpoint: &Endpoint, why: &str) -> FetchError {
    FetchError::Wrong { host: endpoint.host().to_owned(), why: why.to_owned() }
}

fn discard(partial: &Path) -> Result<(), FetchError> {
    fs::remove_file(partial).map_err(|error| FetchError::File { path: partial.to_owned(), error })
}

/// Does `work` beside the runtime. A fault in it is one of the file at `path`.
async fn blocking<R: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> io::Result<R> + Send + 'static,
) -> Result<R, FetchError> {
    let done = spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)));
    done.map_err(|error| FetchError::File { path: path.to_owned(), error })
}

#[cfg(test)]
mod tests;
