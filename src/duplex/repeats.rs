//! Frames that came before.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hasher};

/// Tells frames that come twice, as some networks and proxies have it. Only for protocols whose
/// frames all differ.
#[derive(Clone, Debug, Default)]
pub(super) struct Repeats(VecDeque<u64>);

impl Repeats {
    /// Whether this frame is one of the last 64.
    pub(super) fn has(&mut self, frame: &[u8]) -> bool {
        let mut hasher = DefaultHasher::new();
        hasher.write(frame);
        let hash = hasher.finish();
        if self.0.contains(&hash) {
            return true;
        }
        if self.0.len() == FRAMES {
            self.0.pop_front();
        }
        self.0.push_back(hash);
        false
    }
}

/// A second of sound.
const FRAMES: usize = 64;
