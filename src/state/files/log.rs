//! One conversation's file, held by nobody else meanwhile.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::folder;
use super::scan;
use crate::state::{Revision, StateError};

/// A file that is locked for as long as this lives.
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    path: PathBuf,
}

/// What is known of a file that nobody else has written to since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) revision: Revision,
    /// In bytes, all of them acknowledged.
    pub(super) length: u64,
    /// Which file it is: there may be another one of that name by now.
    file: u64,
}

/// Who else may hold a file meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// Others that only read.
    Shared,
    /// Nobody.
    Alone,
}

impl Log {
    /// Opens the file and locks it; `None` if there is none and it is not to be created.
    pub(super) fn open(path: &Path, hold: Hold, create: bool) -> Result<Option<Self>, StateError> {
        let mut waited = Duration::ZERO;
        loop {
            let file = match options(hold, create).open(path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(failure(path, &error)),
            };
            lock(&file, path, hold, &mut waited)?;
            // Who held it may have deleted it.
            if folder::is_there(&file).map_err(|error| failure(path, &error))? {
                return Ok(Some(Self { file, path: path.to_owned() }));
            }
        }
    }

    /// All that is whole.
    pub(super) fn read(&mut self) -> Result<Vec<u8>, StateError> {
        let mut bytes = Vec::new();
        let read = self.file.rewind().and_then(|()| self.file.read_to_end(&mut bytes));
        read.map_err(|error| self.failure(&error))?;
        bytes.truncate(scan::whole(&bytes));
        Ok(bytes)
    }

    /// How much is there; nothing is read if that is `known` already.
    pub(super) fn look(&mut self, known: Option<Known>) -> Result<Known, StateError> {
        let data = self.file.metadata().map_err(|error| self.failure(&error))?;
        let file = folder::number(&data);
        match known {
            Some(known) if known.length == data.len() && known.file == file => Ok(known),
            _ => {
                let bytes = self.read()?;
                let revision = Revision::ZERO.plus(scan::count(&bytes));
                Ok(Known { revision, length: bytes.len() as u64, file })
            }
        }
    }

    /// Adds lines behind what is known to be there; what comes after that was never acknowledged.
    /// When it returns they are on the disk; if it fails, none of them is there.
    pub(super) fn append(
        &mut self,
        known: Known,
        lines: &str,
        count: usize,
    ) -> Result<Known, StateError> {
        match self.write(known.length, lines) {
            Ok(()) => {
                let length = known.length + lines.len() as u64;
                Ok(Known { revision: known.revision.plus(count), length, ..known })
            }
            Err(error) => {
                let cut = self.file.set_len(known.length).and_then(|()| self.file.sync_data());
                if let Err(error) = cut {
                    tracing::warn!(path = %self.path.display(), %error, "half a line stays");
                }
                Err(self.failure(&error))
            }
        }
    }

    fn write(&mut self, at: u64, lines: &str) -> io::Result<()> {
        if self.file.metadata()?.len() > at {
            self.file.set_len(at)?;
        }
        self.file.seek(SeekFrom::Start(at))?;
        self.file.write_all(lines.as_bytes())?;
        self.file.sync_data()?;
        // The name of a new file is on the disk when its folder is.
        if at == 0 { folder::sync(folder::of(&self.path)) } else { Ok(()) }
    }

    /// Deletes the file; says whether a conversation was in it.
    pub(super) fn delete(mut self) -> Result<bool, StateError> {
        let was_there = self.look(None)?.revision > Revision::ZERO;
        let gone = std::fs::remove_file(&self.path);
        let gone = gone.and_then(|()| folder::sync(folder::of(&self.path)));
        gone.map_err(|error| self.failure(&error))?;
        Ok(was_there)
    }

    fn failure(&self, error: &io::Error) -> StateError {
        failure(&self.path, error)
    }
}

fn options(hold: Hold, create: bool) -> OpenOptions {
    let mut options = folder::for_user();
    options.read(true).write(hold == Hold::Alone).create(create);
    options
}

/// Waits until nobody else holds the file: nothing tells when that is.
#[expect(
    clippy::disallowed_methods,
    reason = "a lock on a file has no event that could be awaited"
)]
fn lock(file: &File, path: &Path, hold: Hold, waited: &mut Duration) -> Result<(), StateError> {
    let mut pause = Duration::from_millis(1);
    loop {
        let tried = match hold {
            Hold::Shared => file.try_lock_shared(),
            Hold::Alone => file.try_lock(),
        };
        match tried {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(failure(path, &error)),
            Err(TryLockError::WouldBlock) if *waited >= LIMIT => {
                return Err(StateError::Locked { place: shown(path), limit: LIMIT });
            }
            Err(TryLockError::WouldBlock) => {
                std::thread::sleep(pause);
                *waited += pause;
                pause = (2 * pause).min(LONGEST_PAUSE);
            }
        }
    }
}

/// What the system says of a file, as an error of a store.
pub(in crate::state) fn failure(path: &Path, error: &io::Error) -> StateError {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    let (place, reason) = (shown(path), error.to_string());
    match error.kind() {
        StorageFull | QuotaExceeded | FileTooLarge => StateError::Full { place, reason },
        _ => StateError::Failed { place, reason },
    }
}

pub(super) fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Nobody writes for so long.
const LIMIT: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(20);
