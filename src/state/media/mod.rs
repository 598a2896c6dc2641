//! Large media by reference: their bytes once, in a store of their own, and their names in the log.
//!
//! ```text
//! entry with bytes ─ externalize ─▶ bytes to a MediaStore, entry with names ─▶ StateStore
//!                  ◀─ internalize ─
//! ```
//!
//! [`WithMedia`] does both around any [`StateStore`](super::StateStore), so that nobody else need
//! know. Stores by name have it where they keep conversations on a disk.

mod folder;
mod memory;
#[cfg(test)]
mod tests;
mod with_media;

pub use folder::FolderMedia;
pub use memory::MemoryMedia;
pub use with_media::WithMedia;

use std::fmt::{Debug, Write};
use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{Entry, StateError, StoreFuture};
use crate::types::{MediaRef, MediaSource, Message};

/// Keeps media by the hash of their bytes: the same bytes are kept once.
pub trait MediaStore: Debug + Send + Sync {
    /// What it is and where: `media:/home/me/talks/media`.
    fn name(&self) -> &str;

    /// Keeps bytes, and says what they are called. When the future is done they are there for good.
    fn put(&self, bytes: Bytes) -> StoreFuture<'_, MediaRef>;

    /// The bytes of that name.
    ///
    /// # Errors
    ///
    /// [`StateError::Lost`] when they are not there, or are others.
    fn get(&self, media: &MediaRef) -> StoreFuture<'_, Bytes>;

    /// All that was last put longer ago than this.
    fn older(&self, than: Duration) -> StoreFuture<'_, Vec<MediaRef>>;

    /// Forgets the bytes of that name; says whether there were any.
    fn delete(&self, media: &MediaRef) -> StoreFuture<'_, bool>;
}

/// Media of at least so many bytes are kept by reference, unless one says otherwise: 64 KiB.
pub const LARGE: usize = 64 << 10;

/// The entry with the bytes of its media in `store`, of those that have at least `from`.
///
/// # Errors
///
/// As the store. The bytes may be there then.
pub async fn externalize(
    mut entry: Entry,
    store: &dyn MediaStore,
    from: usize,
) -> Result<Entry, StateError> {
    for media in messages(&mut entry).iter_mut().flat_map(|message| &mut message.media) {
        if let MediaSource::Bytes(bytes) = &media.source
            && bytes.len() >= from
        {
            media.source = MediaSource::Stored(store.put(bytes.clone()).await?);
        }
    }
    Ok(entry)
}

/// The entry with the bytes of all its media.
///
/// # Errors
///
/// As the store, of whose media one may be lost.
pub async fn internalize(mut entry: Entry, store: &dyn MediaStore) -> Result<Entry, StateError> {
    for media in messages(&mut entry).iter_mut().flat_map(|message| &mut message.media) {
        if let MediaSource::Stored(name) = &media.source {
            media.source = MediaSource::Bytes(store.get(name).await?);
        }
    }
    Ok(entry)
}

/// What bytes are called.
#[must_use]
pub fn name_of(bytes: &[u8]) -> MediaRef {
    let mut sha256 = String::new();
    for byte in Sha256::digest(bytes) {
        let _infallible = write!(sha256, "{byte:02x}");
    }
    MediaRef { sha256, size: bytes.len() as u64 }
}

/// The media that an entry names.
fn named(entry: &Entry) -> impl Iterator<Item = &MediaRef> {
    let messages = match entry {
        Entry::Turn(record) | Entry::Amended { record, .. } => &record.messages[..],
        _ => &[],
    };
    let media = messages.iter().flat_map(|message| &message.media);
    media.filter_map(|media| match &media.source {
        MediaSource::Stored(name) => Some(name),
        _ => None,
    })
}

fn messages(entry: &mut Entry) -> &mut [Message] {
    match entry {
        Entry::Turn(record) | Entry::Amended { record, .. } => &mut record.messages,
        _ => &mut [],
    }
}

/// What a store says that does not have it.
fn lost(media: &MediaRef, store: &dyn MediaStore) -> StateError {
    // What another program wrote may be of any length.
    let name = media.sha256.chars().take(64).filter(|c| !c.is_control()).collect();
    StateError::Lost { name, place: store.name().to_owned() }
}
