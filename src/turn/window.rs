//! The frames that were heard last.

use std::collections::VecDeque;
use std::time::Duration;

use crate::time::SessionTime;

/// The last frames, for the share of voice among them.
#[derive(Debug)]
pub(super) struct Window {
    length: Duration,
    frames: VecDeque<(Duration, bool)>,
    covered: Duration,
    pub(super) voiced: Duration,
}

impl Window {
    pub(super) fn new(length: Duration) -> Self {
        Self { length, frames: VecDeque::new(), covered: Duration::ZERO, voiced: Duration::ZERO }
    }

    pub(super) fn push(&mut self, length: Duration, voiced: bool) {
        self.frames.push_back((length, voiced));
        self.covered += length;
        self.voiced += if voiced { length } else { Duration::ZERO };
        while self.covered > self.length
            && let Some((length, voiced)) = self.frames.pop_front()
        {
            self.covered -= length;
            self.voiced -= if voiced { length } else { Duration::ZERO };
        }
    }

    /// The share of the whole window, even before it is full.
    pub(super) fn share(&self) -> f32 {
        self.voiced.as_secs_f32() / self.length.as_secs_f32().max(f32::MIN_POSITIVE)
    }

    /// When the first voice within the window began, if the window ends at `now`.
    pub(super) fn first_voice(&self, now: SessionTime) -> SessionTime {
        let before: Duration =
            self.frames.iter().take_while(|(_, voiced)| !voiced).map(|(length, _)| *length).sum();
        now - (self.covered - before)
    }

    pub(super) fn any(&self) -> bool {
        self.voiced > Duration::ZERO
    }
}
