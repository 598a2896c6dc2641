//! A store of conversations with one of media beside it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::{LARGE, MediaStore, externalize, internalize, named};
use crate::ids::ConversationId;
use crate::state::{Entry, Listing, Retention, Revision, StateError, StateStore, StoreFuture};
use crate::time::UtcTime;

/// Keeps conversations in one store, and the bytes of their large media in another.
///
/// It reads what was appended, bytes and all; an entry of which media were lost, with references
/// alone. With a conversation that is deleted go the media
/// that no other one names; not those of the last five minutes, which somebody may be about to
/// name.
#[derive(Debug)]
pub struct WithMedia {
    conversations: Arc<dyn StateStore>,
    media: Arc<dyn MediaStore>,
    from: usize,
}

impl WithMedia {
    /// Conversations in one store, and media of at least [`LARGE`] bytes in the other.
    #[must_use]
    pub fn new(conversations: Arc<dyn StateStore>, media: Arc<dyn MediaStore>) -> Self {
        Self { conversations, media, from: LARGE }
    }

    /// Media of at least so many bytes go to the store of media.
    #[must_use]
    pub fn with_large(self, from: usize) -> Self {
        Self { from, ..self }
    }

    async fn read_all(&self, id: ConversationId) -> Result<Option<Vec<Entry>>, StateError> {
        let Some(entries) = self.conversations.read(&id).await? else { return Ok(None) };
        let mut whole = Vec::with_capacity(entries.len());
        for entry in entries {
            whole.push(match internalize(entry.clone(), &*self.media).await {
                Ok(whole) => whole,
                // The words are there still.
                Err(lost @ StateError::Lost { .. }) => {
                    tracing::warn!(%id, %lost, "a reference stays in the place of media");
                    entry
                }
                Err(error) => return Err(error),
            });
        }
        Ok(Some(whole))
    }

    async fn add(
        &self,
        id: ConversationId,
        after: Revision,
        entries: Vec<Entry>,
    ) -> Result<Revision, StateError> {
        let mut light = Vec::with_capacity(entries.len());
        for entry in entries {
            light.push(externalize(entry, &*self.media, self.from).await?);
        }
        self.conversations.append(&id, after, light).await
    }

    /// Forgets the media that nobody names. Where a conversation cannot be read, none goes: it may
    /// name any.
    async fn sweep(&self) -> Result<(), StateError> {
        let mut idle: BTreeSet<_> = self.media.older(UNDER_WAY).await?.into_iter().collect();
        if idle.is_empty() {
            return Ok(());
        }
        for listing in self.conversations.list().await? {
            let entries = match self.conversations.read(&listing.id).await {
                Ok(entries) => entries.unwrap_or_default(),
                Err(error) => {
                    tracing::debug!(%error, "no media are forgotten");
                    return Ok(());
                }
            };
            for name in entries.iter().flat_map(named) {
                idle.remove(name);
            }
        }
        for name in idle {
            self.media.delete(&name).await?;
        }
        Ok(())
    }
}

impl StateStore for WithMedia {
    fn name(&self) -> &str {
        self.conversations.name()
    }

    fn read(&self, id: &ConversationId) -> StoreFuture<'_, Option<Vec<Entry>>> {
        Box::pin(self.read_all(id.clone()))
    }

    fn append(
        &self,
        id: &ConversationId,
        after: Revision,
        entries: Vec<Entry>,
    ) -> StoreFuture<'_, Revision> {
        Box::pin(self.add(id.clone(), after, entries))
    }

    fn list(&self) -> StoreFuture<'_, Vec<Listing>> {
        self.conversations.list()
    }

    fn delete(&self, id: &ConversationId) -> StoreFuture<'_, bool> {
        let id = id.clone();
        Box::pin(async move {
            let gone = self.conversations.delete(&id).await?;
            self.sweep().await?;
            Ok(gone)
        })
    }

    fn prune(&self, retention: Retention) -> StoreFuture<'_, Vec<ConversationId>> {
        Box::pin(async move {
            let mut gone = Vec::new();
            for id in retention.expired(self.list().await?, UtcTime::now()) {
                if self.conversations.delete(&id).await? {
                    gone.push(id);
                }
            }
            self.sweep().await?;
            Ok(gone)
        })
    }
}

/// What was put may not be named yet: it is while its entry is appended.
const UNDER_WAY: Duration = Duration::from_secs(5 * 60);
