//! Media that last as long as the program.

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use super::{MediaStore, lost, name_of};
use crate::state::StoreFuture;
use crate::time::{SessionClock, SessionTime};
use crate::types::MediaRef;

/// Keeps media in memory, up to 256 MiB: of more, those longest not put go.
#[derive(Debug)]
pub struct MemoryMedia {
    clock: SessionClock,
    kept: Mutex<BTreeMap<MediaRef, Kept>>,
}

#[derive(Debug)]
struct Kept {
    bytes: Bytes,
    put: SessionTime,
}

impl Default for MemoryMedia {
    fn default() -> Self {
        Self { clock: SessionClock::live(), kept: Mutex::default() }
    }
}

impl MemoryMedia {
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.kept().len()
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<MediaRef, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MediaStore for MemoryMedia {
    fn name(&self) -> &str {
        "media in memory"
    }

    fn put(&self, bytes: Bytes) -> StoreFuture<'_, MediaRef> {
        let (name, put) = (name_of(&bytes), self.clock.now());
        let mut kept = self.kept();
        kept.remove(&name);
        make_room(&mut kept, name.size);
        kept.insert(name.clone(), Kept { bytes, put });
        Box::pin(ready(Ok(name)))
    }

    fn get(&self, media: &MediaRef) -> StoreFuture<'_, Bytes> {
        let found = self.kept().get(media).map(|kept| kept.bytes.clone());
        Box::pin(ready(found.ok_or_else(|| lost(media, self))))
    }

    fn older(&self, than: Duration) -> StoreFuture<'_, Vec<MediaRef>> {
        let now = self.clock.now();
        let kept = self.kept();
        let old = kept.iter().filter(|(_, kept)| now.since(kept.put) > than);
        Box::pin(ready(Ok(old.map(|(name, _)| name.clone()).collect())))
    }

    fn delete(&self, media: &MediaRef) -> StoreFuture<'_, bool> {
        Box::pin(ready(Ok(self.kept().remove(media).is_some())))
    }
}

/// Makes room for so many bytes. What is larger than all there may be is kept alone.
fn make_room(kept: &mut BTreeMap<MediaRef, Kept>, size: u64) {
    let mut sum: u64 = kept.keys().map(|name| name.size).sum();
    while sum + size > MOST {
        let oldest = kept.iter().min_by_key(|(_, kept)| kept.put).map(|(name, _)| name.clone());
        let Some(oldest) = oldest else { return };
        kept.remove(&oldest);
        sum -= oldest.size;
    }
}

/// In bytes.
const MOST: u64 = 256 << 20;
