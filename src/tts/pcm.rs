//! Cuts raw sound, as it comes in pieces of any size, into chunks.

use std::time::Duration;

use crate::audio::{AudioChunk, SampleRate};

/// Mono 16-bit sound, little-endian: the first chunk as soon as there is a sample, then chunks of
/// 20 to 100 ms.
#[derive(Debug)]
pub(super) struct Pcm {
    rate: SampleRate,
    spoke: bool,
    bytes: Vec<u8>,
}

impl Pcm {
    /// Nothing yet.
    pub(super) fn new(rate: SampleRate) -> Self {
        Self { rate, spoke: false, bytes: Vec::new() }
    }

    /// The sound that came and is in no chunk yet, to add to.
    pub(super) fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Whether there was a chunk.
    pub(super) fn spoke(&self) -> bool {
        self.spoke
    }

    /// The next chunk, if there is enough for one.
    pub(super) fn chunk(&mut self) -> Option<AudioChunk> {
        let enough = if self.spoke { byte_len(self.rate, MIN_CHUNK) } else { 2 };
        (self.bytes.len() >= enough).then(|| self.take())
    }

    /// The next chunk when no more comes. Half a sample is dropped.
    pub(super) fn rest(&mut self) -> Option<AudioChunk> {
        (self.bytes.len() >= 2).then(|| self.take())
    }

    fn take(&mut self) -> AudioChunk {
        let len = self.bytes.len().min(byte_len(self.rate, MAX_CHUNK)) / 2 * 2;
        let samples: Vec<i16> =
            self.bytes.drain(..len).as_slice().chunks_exact(2).map(sample).collect();
        self.spoke = true;
        AudioChunk::new(samples, self.rate)
    }
}

/// The bytes of so much sound.
pub(super) fn byte_len(rate: SampleRate, duration: Duration) -> usize {
    rate.samples(duration) as usize * 2
}

fn sample(bytes: &[u8]) -> i16 {
    i16::from_le_bytes([bytes[0], bytes[1]])
}

/// Shorter ones are not worth their handling.
pub(super) const MIN_CHUNK: Duration = Duration::from_millis(20);
/// Longer ones would hold up what waits for the next.
pub(super) const MAX_CHUNK: Duration = Duration::from_millis(100);
