//! Conversations in a folder, a file each and a line for each entry.

mod folder;
mod log;
mod scan;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::listing::{Listing, Sketch};
use super::{Entry, Revision, StateError, StateStore, StoreFuture, blocking, line};
use crate::ids::ConversationId;
use crate::time::UtcTime;
use log::{Hold, Known, Log, shown};

#[cfg(feature = "sqlite")]
pub(super) use folder::{file_number, make_file};
pub(super) use folder::{
    for_user as file_for_user, make as make_folder, of_user, sync as sync_folder,
};
pub(super) use log::failure;

/// Keeps conversations in a folder: `ID.jsonl` each, a line of JSON for each entry.
///
/// Who writes holds a lock on the file, and acknowledges nothing before it is on the disk. A last
/// line that is not whole was never acknowledged; it is not read, and cut off with the next append.
/// Folder and files can be read by their user alone.
#[derive(Debug)]
pub struct FileStore {
    name: String,
    files: Arc<Files>,
}

#[derive(Debug)]
struct Files {
    folder: PathBuf,
    /// So that an append need not read the file.
    known: Mutex<BTreeMap<ConversationId, Known>>,
}

impl FileStore {
    /// A store in `folder`, which is made when something is stored.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        let name = format!("files:{}", folder.display());
        Self { name, files: Arc::new(Files { folder, known: Mutex::default() }) }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.files.folder
    }

    fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Files) -> Result<T, StateError> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        let files = Arc::clone(&self.files);
        blocking(&self.name, move || work(&files))
    }
}

impl StateStore for FileStore {
    fn name(&self) -> &str {
        &self.name
    }

    fn read(&self, id: &ConversationId) -> StoreFuture<'_, Option<Vec<Entry>>> {
        let id = id.clone();
        self.blocking(move |files| files.read(&id))
    }

    fn append(
        &self,
        id: &ConversationId,
        after: Revision,
        entries: Vec<Entry>,
    ) -> StoreFuture<'_, Revision> {
        let id = id.clone();
        self.blocking(move |files| files.append(&id, after, &entries))
    }

    fn list(&self) -> StoreFuture<'_, Vec<Listing>> {
        self.blocking(Files::list)
    }

    fn delete(&self, id: &ConversationId) -> StoreFuture<'_, bool> {
        let id = id.clone();
        self.blocking(move |files| files.delete(&id))
    }
}

impl Files {
    fn read(&self, id: &ConversationId) -> Result<Option<Vec<Entry>>, StateError> {
        let path = self.path(id);
        let Some(mut log) = Log::open(&path, Hold::Shared, false)? else { return Ok(None) };
        let bytes = log.read()?;
        // Others may go on while it is parsed.
        drop(log);
        let lines = bytes.split_inclusive(|&byte| byte == b'\n').enumerate();
        let entries: Result<Vec<_>, _> = lines
            .map(|(at, line)| line::read(line, || format!("{}:{}", shown(&path), at + 1)))
            .collect();
        entries.map(|entries| (!entries.is_empty()).then_some(entries))
    }

    fn append(
        &self,
        id: &ConversationId,
        expected: Revision,
        entries: &[Entry],
    ) -> Result<Revision, StateError> {
        let path = self.path(id);
        let conflict = |found| StateError::Conflict { id: id.clone(), expected, found };
        let begins = expected == Revision::ZERO && !entries.is_empty();
        if begins {
            make_folder(&self.folder).map_err(|error| failure(&self.folder, &error))?;
        }
        let mut lines = String::new();
        for entry in entries {
            lines += &line::write(entry, &shown(&path))?;
            lines.push('\n');
        }
        let Some(mut log) = Log::open(&path, Hold::Alone, begins)? else {
            let is_right = expected == Revision::ZERO;
            return if is_right { Ok(expected) } else { Err(conflict(Revision::ZERO)) };
        };
        let known = log.look(self.forget(id))?;
        if known.revision != expected {
            self.remember(id, known);
            return Err(conflict(known.revision));
        }
        if entries.is_empty() {
            return Ok(expected);
        }
        let known = log.append(known, &lines, entries.len())?;
        self.remember(id, known);
        Ok(known.revision)
    }

    fn list(&self) -> Result<Vec<Listing>, StateError> {
        let names = match fs::read_dir(&self.folder) {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failure(&self.folder, &error)),
        };
        let mut listings = Vec::new();
        for name in names {
            let name = name.map_err(|error| failure(&self.folder, &error))?.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(SUFFIX)?.parse().ok());
            if let Some(id) = id {
                listings.extend(self.listing(id)?);
            }
        }
        listings.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(listings)
    }

    /// Nothing, if it is deleted meanwhile or holds nothing whole.
    fn listing(&self, id: ConversationId) -> Result<Option<Listing>, StateError> {
        let path = self.path(&id);
        let seen = File::open(&path).and_then(|file| {
            let written = file.metadata()?.modified()?;
            Ok((scan::sketch(BufReader::new(file), &shown(&path))?, written))
        });
        let ((mut sketch, damage), written) = match seen {
            Ok(seen) => seen,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failure(&path, &error)),
        };
        let Some(damage) = damage else { return Ok(Sketch::listing(sketch, id)) };
        sketch.changed.get_or_insert(UtcTime::from(written));
        Ok(sketch
            .listing(id)
            .map(|listing| Listing { damage: Some(damage.to_string()), ..listing }))
    }

    fn delete(&self, id: &ConversationId) -> Result<bool, StateError> {
        self.forget(id);
        Log::open(&self.path(id), Hold::Alone, false)?.map_or(Ok(false), Log::delete)
    }

    fn path(&self, id: &ConversationId) -> PathBuf {
        self.folder.join(format!("{id}{SUFFIX}"))
    }

    fn remember(&self, id: &ConversationId, now: Known) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_KNOWN {
            known.clear();
        }
        known.insert(id.clone(), now);
    }

    /// What was known; whoever fails knows nothing any more.
    fn forget(&self, id: &ConversationId) -> Option<Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(id)
    }
}

const SUFFIX: &str = ".jsonl";
/// Conversations; what is forgotten is read again.
const MOST_KNOWN: usize = 4_096;
