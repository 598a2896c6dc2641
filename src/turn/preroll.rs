//! The sound before a turn is known to be one.

use std::collections::VecDeque;
use std::time::Duration;

use crate::audio::AudioChunk;
use crate::time::SessionTime;

/// The last chunks of sound, kept so that a turn loses nothing of its beginning.
///
/// A turn is decided some time after its first voice; what was heard meanwhile, and a little
/// before, waits here.
#[derive(Debug)]
pub struct PreRoll {
    /// Kept before the present: the pre-roll itself, and as long as a decision may take.
    keep: Duration,
    chunks: VecDeque<(SessionTime, AudioChunk)>,
}

impl PreRoll {
    /// Keeps the last `keep` of sound.
    #[must_use]
    pub fn new(keep: Duration) -> Self {
        Self { keep, chunks: VecDeque::new() }
    }

    /// Adds a chunk that begins at `at`. Times must not go back.
    pub fn push(&mut self, at: SessionTime, chunk: AudioChunk) {
        let end = at + chunk.duration();
        self.chunks.push_back((at, chunk));
        while let Some((at, chunk)) = self.chunks.front()
            && end.since(*at + chunk.duration()) >= self.keep
        {
            self.chunks.pop_front();
        }
    }

    /// Takes out all chunks that end after `from`, the oldest first; the ones before are
    /// forgotten.
    pub fn take(&mut self, from: SessionTime) -> impl Iterator<Item = (SessionTime, AudioChunk)> {
        let chunks = std::mem::take(&mut self.chunks);
        chunks.into_iter().filter(move |(at, chunk)| *at + chunk.duration() > from)
    }
}
