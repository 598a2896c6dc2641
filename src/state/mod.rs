//! Conversations that are kept, and the stores that keep them.
//!
//! A conversation is a log of [entries](Entry): that it was opened, each turn when it has ended,
//! what was amended, set, summed up or cleared. What is known of it is [`Saved`], the fold over
//! them. A [`StateStore`] knows nothing but entries and how many there are:
//!
//! ```text
//! read(id) ─▶ entries ─▶ Saved             a conversation is taken up again
//! Keeper ─▶ append(id, after, entries)     what happens is written behind it
//! ```
//!
//! Whoever adds to a log says after how many entries. If another number is there, somebody else
//! has written to it: that is a [conflict](StateError::Conflict), and nothing is written. So two
//! programs with one conversation never tear it. What a store has acknowledged is there for good. Of
//! what it has not, as when the program was killed, the first entries may be there and the others
//! not; an entry is never there in part.
//!
//! ```
//! use banter::ids::ConversationId;
//! use banter::state::{Entry, MemoryStore, Mode, Opened, Revision, Saved, StateStore, TurnRecord};
//! use banter::time::UtcTime;
//! use banter::types::Message;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = MemoryStore::default();
//! let id: ConversationId = "kitchen".parse()?;
//! let now = UtcTime::now();
//! let words = vec![Message::user("good morning"), Message::assistant("Hello!")];
//! let log = vec![
//!     Entry::Opened(Opened::new(now)),
//!     Entry::Turn(TurnRecord::new(now, Mode::Text, words)),
//! ];
//! let revision = store.append(&id, Revision::ZERO, log.clone()).await?;
//! assert_eq!(revision.get(), 2);
//!
//! let saved = Saved::of(store.read(&id).await?.ok_or("it is there")?);
//! assert_eq!(saved.messages().count(), 2);
//! // Whoever does not know what is there does not write over it.
//! assert!(store.append(&id, Revision::ZERO, log).await.is_err());
//! # Ok(())
//! # }
//! ```
//!
//! It neither decides what is written down nor gives a model its history: that is for a session.

mod by_name;
mod entry;
mod error;
mod files;
mod keeper;
mod line;
mod listing;
pub mod media;
mod memory;
#[cfg(feature = "redis")]
mod redis;
mod retention;
mod saved;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(test)]
mod tests;

pub use by_name::{StoreNameError, by_name};
pub use entry::{Entry, Mode, Opened, Revision, TurnLatency, TurnRecord};
pub use error::StateError;
pub use files::FileStore;
pub use keeper::{Keeper, NotKept};
pub use listing::Listing;
pub use memory::{MemoryLimits, MemoryStore};
#[cfg(feature = "redis")]
pub use redis::RedisStore;
pub use retention::Retention;
pub use saved::Saved;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;

use std::fmt::Debug;
use std::pin::Pin;

use crate::ids::ConversationId;
use crate::time::UtcTime;

/// Keeps conversations.
pub trait StateStore: Debug + Send + Sync {
    /// What it is and where, without anything secret: `files:/home/me/talks`.
    fn name(&self) -> &str;

    /// All entries of a conversation, in order; `None` if there is none of that name.
    fn read(&self, id: &ConversationId) -> StoreFuture<'_, Option<Vec<Entry>>>;

    /// Adds entries after those that are there, and says how many there are now. `after` is how
    /// many must be there before. No entries make no conversation.
    ///
    /// When the future is done, they are there for good. When it was dropped or has failed
    /// otherwise than by a conflict, some of the first may be, and a caller looks.
    ///
    /// # Errors
    ///
    /// [`StateError::Conflict`] when another number is there, and whatever else may happen.
    fn append(
        &self,
        id: &ConversationId,
        after: Revision,
        entries: Vec<Entry>,
    ) -> StoreFuture<'_, Revision>;

    /// All conversations, ordered by name.
    fn list(&self) -> StoreFuture<'_, Vec<Listing>>;

    /// Forgets a conversation; says whether there was one.
    fn delete(&self, id: &ConversationId) -> StoreFuture<'_, bool>;

    /// Forgets what is not to be kept, and says what that was.
    ///
    /// # Errors
    ///
    /// As [`list`](Self::list) and [`delete`](Self::delete).
    fn prune(&self, retention: Retention) -> StoreFuture<'_, Vec<ConversationId>> {
        Box::pin(async move {
            let mut gone = Vec::new();
            for id in retention.expired(self.list().await?, UtcTime::now()) {
                if self.delete(&id).await? {
                    gone.push(id);
                }
            }
            Ok(gone)
        })
    }
}

/// What a store does, while it does it.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StateError>> + Send + 'a>>;

/// Does what blocks on a thread for it.
fn blocking<'a, T: Send + 'static>(
    store: &'a str,
    work: impl FnOnce() -> Result<T, StateError> + Send + 'static,
) -> StoreFuture<'a, T> {
    Box::pin(async move {
        let done = tokio::task::spawn_blocking(work).await;
        // The runtime has ended, or the work has a mistake.
        let ended = |error| StateError::Failed {
            place: store.to_owned(),
            reason: format!("its thread has ended: {error}"),
        };
        done.unwrap_or_else(|error| Err(ended(error)))
    })
}
