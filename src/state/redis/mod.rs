//! Conversations on a Redis server.

mod server;
#[cfg(test)]
mod tests;

use std::time::Duration;

use ::redis::{cmd, pipe};

use super::listing::{Listing, Sketch};
use super::{Entry, Revision, StateError, StateStore, StoreFuture, StoreNameError, line};
use crate::ids::ConversationId;
use crate::time::UtcTime;
use server::Server;

/// Keeps conversations on a server: a list each, whose members are entries.
///
/// A conversation that nobody writes to goes after a day, or what [`with_idle`](Self::with_idle)
/// says. What is acknowledged is as safe as the server's own settings make it: by itself it writes
/// to its disk now and then. A connection is made when it is needed, shared, and made anew when it
/// breaks. Its keys begin with `banter:`. It wants Redis 5 or later; a cluster of servers is not
/// supported.
#[derive(Debug)]
pub struct RedisStore {
    server: Server,
    idle: Duration,
}

impl RedisStore {
    /// The store at an address such as `redis://user:password@host:6379/0`.
    ///
    /// # Errors
    ///
    /// When that is none.
    pub fn new(address: &str) -> Result<Self, StoreNameError> {
        let idle = Duration::from_secs(24 * 3_600);
        Ok(Self { server: Server::new(address)?, idle })
    }

    /// Keeps a conversation for so long after its last entry; 24 h by default.
    #[must_use]
    pub fn with_idle(self, idle: Duration) -> Self {
        Self { idle, ..self }
    }

    async fn add(
        &self,
        id: ConversationId,
        expected: Revision,
        entries: &[Entry],
    ) -> Result<Revision, StateError> {
        let mut add = cmd("EVAL");
        add.arg(APPEND).arg(3).arg(log(&id)).arg(listing(&id)).arg(INDEX);
        let sketch = Sketch::of(entries);
        add.arg(expected.get()).arg(u64::try_from(self.idle.as_millis()).unwrap_or(u64::MAX));
        add.arg(id.as_str()).arg(sketch.changed.map_or(0, UtcTime::as_millis));
        add.arg(u8::from(sketch.cleared)).arg(sketch.turns).arg(&sketch.first_words);
        add.arg(match &sketch.opened {
            Some(opened) => line::write(&Entry::Opened(opened.clone()), self.name())?,
            None => String::new(),
        });
        for entry in entries {
            add.arg(line::write(entry, self.name())?);
        }
        let ((is_right, found), again): ((u8, u64), bool) = self.server.ask_twice(add).await?;
        let found = Revision::new(found);
        match is_right {
            0 if again => Err(StateError::Unreachable {
                place: self.name().to_owned(),
                reason: "the connection broke, and what was sent may be stored".to_owned(),
            }),
            0 => Err(StateError::Conflict { id, expected, found }),
            _ => Ok(found),
        }
    }

    async fn entries(&self, id: &ConversationId) -> Result<Option<Vec<Entry>>, StateError> {
        let mut all = cmd("LRANGE");
        all.arg(log(id)).arg(0).arg(-1);
        let texts: Vec<Vec<u8>> = self.server.ask(all).await?;
        let entries = texts.iter().enumerate().map(|(at, text)| {
            line::read(text, || format!("{}, entry {} of {id}", self.name(), at + 1))
        });
        let entries: Vec<_> = entries.collect::<Result<_, _>>()?;
        Ok((!entries.is_empty()).then_some(entries))
    }

    async fn listings(&self) -> Result<Vec<Listing>, StateError> {
        let mut index = cmd("ZRANGE");
        index.arg(INDEX).arg(0).arg(-1);
        let names: Vec<String> = self.server.ask(index).await?;
        let ids: Vec<ConversationId> = names.iter().filter_map(|name| name.parse().ok()).collect();
        let mut listings = Vec::new();
        for ids in ids.chunks(AT_A_TIME) {
            let mut ask = pipe();
            for id in ids {
                ask.cmd("HMGET").arg(listing(id)).arg(&FIELDS);
            }
            let told: Vec<Told> = self.server.ask(ask).await?;
            for (id, told) in ids.iter().zip(told) {
                listings.extend(self.told(id, told));
            }
        }
        listings.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(listings)
    }

    /// Nothing, for a conversation that has gone meanwhile.
    fn told(&self, id: &ConversationId, told: Told) -> Option<Listing> {
        let (changed, turns, first_words, opened) = told;
        let place = || format!("{}, the listing of {id}", self.name());
        let opened = opened.map(|opened| line::read(opened.as_bytes(), place)).transpose();
        let (opened, damage) = match opened {
            Ok(Some(Entry::Opened(opened))) => (Some(opened), None),
            Ok(_) => (None, None),
            Err(error) => (None, Some(error.to_string())),
        };
        let sketch = Sketch {
            opened,
            changed: Some(UtcTime::from_millis(changed?)),
            turns: turns.unwrap_or(0),
            first_words: first_words.unwrap_or_default(),
            ..Sketch::default()
        };
        Some(Listing { damage, ..sketch.listing(id.clone())? })
    }

    async fn forget(&self, id: &ConversationId) -> Result<bool, StateError> {
        let mut all = pipe();
        all.atomic().del(log(id)).del(listing(id)).ignore().zrem(INDEX, id.as_str()).ignore();
        let (gone,): (u64,) = self.server.ask(all).await?;
        Ok(gone > 0)
    }
}

impl StateStore for RedisStore {
    fn name(&self) -> &str {
        self.server.name()
    }

    fn read(&self, id: &ConversationId) -> StoreFuture<'_, Option<Vec<Entry>>> {
        let id = id.clone();
        Box::pin(async move { self.entries(&id).await })
    }

    fn append(
        &self,
        id: &ConversationId,
        after: Revision,
        entries: Vec<Entry>,
    ) -> StoreFuture<'_, Revision> {
        let id = id.clone();
        Box::pin(async move { self.add(id, after, &entries).await })
    }

    fn list(&self) -> StoreFuture<'_, Vec<Listing>> {
        Box::pin(self.listings())
    }

    fn delete(&self, id: &ConversationId) -> StoreFuture<'_, bool> {
        let id = id.clone();
        Box::pin(async move { self.forget(&id).await })
    }
}

/// The fields of a listing.
type Told = (Option<i64>, Option<u64>, Option<String>, Option<String>);

fn log(id: &ConversationId) -> String {
    format!("banter:conversation:{id}")
}

fn listing(id: &ConversationId) -> String {
    format!("banter:listing:{id}")
}

/// It is sent each time: it is shorter than most turns.
const APPEND: &str = include_str!("append.lua");
/// By when they go.
const INDEX: &str = "banter:conversations";
const FIELDS: [&str; 4] = ["changed", "turns", "first", "opened"];
/// Listings are asked for so many at a time, which a server does in no time.
const AT_A_TIME: usize = 500;
