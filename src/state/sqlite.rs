//! Conversations in an SQLite database.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior, params};

use super::listing::{Listing, Sketch};
use super::{Entry, Revision, StateError, StateStore, StoreFuture, blocking, files, line};
use crate::ids::ConversationId;
use crate::time::UtcTime;

/// Keeps conversations in a database: a row for each entry, keyed by conversation and number.
///
/// Other programs may read and write it meanwhile; who holds it for over 2 s is told as
/// [`StateError::Locked`]. What is acknowledged is on the disk.
#[derive(Debug)]
pub struct SqliteStore {
    name: String,
    database: Arc<Database>,
}

#[derive(Debug)]
struct Database {
    path: PathBuf,
    /// Opened when it is needed. Who waits for it waits on a thread for what blocks.
    open: Mutex<Option<Open>>,
}

#[derive(Debug)]
struct Open {
    connection: Connection,
    /// Which file it is.
    file: u64,
}

impl SqliteStore {
    /// A store in the database `file`, which is made when something is stored.
    #[must_use]
    pub fn new(file: impl Into<PathBuf>) -> Self {
        let path = file.into();
        let name = format!("sqlite:{}", path.display());
        Self { name, database: Arc::new(Database { path, open: Mutex::default() }) }
    }

    fn with<T: Send + 'static>(
        &self,
        missing: Missing<T>,
        work: impl FnOnce(&mut Connection) -> Result<T, Trouble> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        let database = Arc::clone(&self.database);
        blocking(&self.name, move || database.with(missing, work))
    }
}

impl StateStore for SqliteStore {
    fn name(&self) -> &str {
        &self.name
    }

    fn read(&self, id: &ConversationId) -> StoreFuture<'_, Option<Vec<Entry>>> {
        let (id, name) = (id.clone(), self.name.clone());
        self.with(Missing::Is(None), move |connection| {
            let entries = read(connection, &id, &name)?;
            Ok((!entries.is_empty()).then_some(entries))
        })
    }

    fn append(
        &self,
        id: &ConversationId,
        after: Revision,
        entries: Vec<Entry>,
    ) -> StoreFuture<'_, Revision> {
        let (id, name, database) = (id.clone(), self.name.clone(), Arc::clone(&self.database));
        blocking(&self.name, move || {
            let begins = after == Revision::ZERO && !entries.is_empty();
            let missing = if begins { Missing::Make } else { Missing::Is(Revision::ZERO) };
            let found = database.with(missing, |connection| {
                let write = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                let found = revision(&write, &id)?;
                if found == after && !entries.is_empty() {
                    insert(&write, &id, after, &entries, &name)?;
                    write.commit()?;
                }
                Ok(found)
            })?;
            match found == after {
                true => Ok(after.plus(entries.len())),
                false => Err(StateError::Conflict { id, expected: after, found }),
            }
        })
    }

    fn list(&self) -> StoreFuture<'_, Vec<Listing>> {
        let name = self.name.clone();
        self.with(Missing::Is(Vec::new()), move |connection| list(connection, &name))
    }

    fn delete(&self, id: &ConversationId) -> StoreFuture<'_, bool> {
        let id = id.clone();
        self.with(Missing::Is(false), move |connection| {
            let gone = "DELETE FROM entries WHERE conversation = ?1";
            Ok(connection.execute(gone, [id.as_str()])? > 0)
        })
    }
}

/// What there is while there is no database.
enum Missing<T> {
    /// One that is made.
    Make,
    /// This.
    Is(T),
}

/// What went wrong: with a database, or with what is in it.
enum Trouble {
    Sqlite(rusqlite::Error),
    State(StateError),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<StateError> for Trouble {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

impl Database {
    fn with<T>(
        &self,
        missing: Missing<T>,
        work: impl FnOnce(&mut Connection) -> Result<T, Trouble>,
    ) -> Result<T, StateError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let mut file = files::file_number(&self.path);
        if file.is_none() {
            match missing {
                Missing::Is(nothing) => return Ok(nothing),
                Missing::Make => file = Some(self.make()?),
            }
        }
        let ready = match open.take() {
            // It may have been deleted, and be another one by now.
            Some(ready) if Some(ready.file) == file => Ok(ready),
            _ => self.connect().map(|connection| Open { connection, file: file.unwrap_or(0) }),
        };
        let done = ready.and_then(|mut ready| {
            let done = work(&mut ready.connection)?;
            Ok((ready, done))
        });
        match done {
            // What failed is opened anew the next time.
            Ok((ready, done)) => {
                *open = Some(ready);
                Ok(done)
            }
            Err(Trouble::State(error)) => Err(error),
            Err(Trouble::Sqlite(error)) => Err(self.failure(&error)),
        }
    }

    /// Makes an empty file, for its user alone, with the folders above it.
    fn make(&self) -> Result<u64, StateError> {
        let made = files::make_file(&self.path);
        made.map_err(|error| files::failure(&self.path, &error))
    }

    fn connect(&self) -> Result<Connection, Trouble> {
        let mut connection =
            Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.busy_timeout(LIMIT)?;
        let version = |connection: &Connection| {
            connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))
        };
        if version(&connection)? == 0 {
            // What was written ahead stays valid when the program is killed.
            connection.pragma_update(None, "journal_mode", "WAL")?;
            let make = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            // Somebody else may have been faster.
            if version(&make)? == 0 {
                self.check_empty(&make)?;
                make.execute_batch(TABLE)?;
                make.pragma_update(None, "user_version", VERSION)?;
            }
            make.commit()?;
        }
        // Each commit is on the disk before it is acknowledged.
        connection.pragma_update(None, "synchronous", "FULL")?;
        match version(&connection)? {
            VERSION => Ok(connection),
            other => Err(Trouble::State(StateError::Newer {
                place: self.path.display().to_string(),
                reason: format!("its format is {other}, and this version knows {VERSION}"),
            })),
        }
    }

    fn check_empty(&self, connection: &Connection) -> Result<(), Trouble> {
        let count = "SELECT count(*) FROM sqlite_schema";
        let things: i64 = connection.query_row(count, [], |row| row.get(0))?;
        if things == 0 {
            return Ok(());
        }
        Err(Trouble::State(StateError::Failed {
            place: self.path.display().to_string(),
            reason: "it is a database of another program; name another file".to_owned(),
        }))
    }

    fn failure(&self, error: &rusqlite::Error) -> StateError {
        let (place, reason) = (self.path.display().to_string(), error.to_string());
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                StateError::Locked { place, limit: LIMIT }
            }
            Some(ErrorCode::DiskFull) => StateError::Full { place, reason },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                StateError::Damaged { place, reason }
            }
            _ => StateError::Failed { place, reason },
        }
    }
}

fn revision(connection: &Connection, id: &ConversationId) -> rusqlite::Result<Revision> {
    let last = "SELECT max(revision) FROM entries WHERE conversation = ?1";
    let last: Option<i64> = connection.query_row(last, [id.as_str()], |row| row.get(0))?;
    Ok(Revision::new(last.and_then(|last| u64::try_from(last).ok()).unwrap_or(0)))
}

fn insert(
    write: &Transaction<'_>,
    id: &ConversationId,
    after: Revision,
    entries: &[Entry],
    name: &str,
) -> Result<(), Trouble> {
    let mut add = write.prepare("INSERT INTO entries VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for (at, entry) in entries.iter().enumerate() {
        let number = i64::try_from(after.plus(at + 1).get()).unwrap_or(i64::MAX);
        let text = line::write(entry, name)?;
        add.execute(params![id.as_str(), number, entry.kind(), entry.at().as_millis(), text])?;
    }
    Ok(())
}

fn read(connection: &Connection, id: &ConversationId, name: &str) -> Result<Vec<Entry>, Trouble> {
    let all = "SELECT revision, entry FROM entries WHERE conversation = ?1 ORDER BY revision";
    let mut all = connection.prepare(all)?;
    let mut rows = all.query([id.as_str()])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let (number, text): (i64, String) = (row.get(0)?, row.get(1)?);
        entries.push(line::read(text.as_bytes(), || place(name, id, number))?);
    }
    Ok(entries)
}

/// It reads the texts of those entries only that it needs.
fn list(connection: &Connection, name: &str) -> Result<Vec<Listing>, Trouble> {
    let all =
        "SELECT conversation, revision, kind, at FROM entries ORDER BY conversation, revision";
    let (mut all, mut one) = (connection.prepare(all)?, connection.prepare(ONE)?);
    let mut rows = all.query([])?;
    let mut seen: Vec<(String, Sketch, Option<String>)> = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, number): (String, i64) = (row.get(0)?, row.get(1)?);
        if seen.last().is_none_or(|(last, ..)| *last != id) {
            seen.push((id.clone(), Sketch::default(), None));
        }
        let Some((_, sketch, damage)) = seen.last_mut() else { continue };
        let kind: String = row.get(2)?;
        let entry = || {
            let text = one.query_row(params![id, number], |row| row.get::<_, String>(0));
            let place = || place(name, &id, number);
            let lost = |error: rusqlite::Error| StateError::Failed {
                place: place(),
                reason: error.to_string(),
            };
            line::read(text.map_err(lost)?.as_bytes(), place)
        };
        if let Err(error) = sketch.see(&kind, entry) {
            damage.get_or_insert(error.to_string());
        }
        sketch.changed = Some(UtcTime::from_millis(row.get(3)?));
    }
    let listings = seen.into_iter().filter_map(|(id, sketch, damage)| {
        Some(Listing { damage, ..sketch.listing(id.parse().ok()?)? })
    });
    Ok(listings.collect())
}

fn place(name: &str, id: impl std::fmt::Display, number: i64) -> String {
    format!("{name}, entry {number} of {id}")
}

/// Who holds the database for longer is told of.
const LIMIT: Duration = Duration::from_secs(2);
const VERSION: i64 = 1;
/// The key is the second fence against two writers. What a listing needs stands before the text.
const TABLE: &str = "
    CREATE TABLE entries (
        conversation TEXT NOT NULL,
        revision INTEGER NOT NULL,
        kind TEXT NOT NULL,
        at INTEGER NOT NULL,
        entry TEXT NOT NULL,
        PRIMARY KEY (conversation, revision)
    ) STRICT;
";
const ONE: &str = "SELECT entry FROM entries WHERE conversation = ?1 AND revision = ?2";

#[cfg(test)]
mod tests;
