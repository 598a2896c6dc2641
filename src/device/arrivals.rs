//! Sound that comes when it comes, laid on the timeline of a clock.
//!
//! Its time is its own: the sample after the last one, whenever it arrives. Only two things tie it
//! to the clock:
//!
//! ```text
//!   clock - 60 ms ........ clock ................ clock + 200 ms
//!        │   sound is taken at once, whenever it comes   │
//!   silence: what has not                          waits: who sends faster than
//!   come by now is missing                         real time is held back
//! ```
//!
//! So jitter costs nothing, up to the width of this window; who stops sending falls silent; and a
//! whole file that comes at once is heard at the pace of speech.

use std::time::Duration;

use super::CapturePort;
use crate::audio::SampleRate;
use crate::time::SessionTime;

/// A microphone's port for sound that comes when it comes.
#[derive(Debug)]
pub(crate) struct Arrivals {
    port: CapturePort,
    rate: SampleRate,
    moved: u64,
}

impl Arrivals {
    pub(crate) const fn new(port: CapturePort, rate: SampleRate) -> Self {
        Self { port, rate, moved: 0 }
    }

    /// How many samples may be [taken](Self::take) now: what is more has to wait.
    pub(crate) fn room(&self, now: SessionTime) -> usize {
        let due = self.rate.samples(now.since(self.port.origin()));
        let until = due + self.rate.samples(AHEAD);
        usize::try_from(until.saturating_sub(self.moved)).unwrap_or(usize::MAX)
    }

    /// Takes what has come.
    pub(crate) fn take(&mut self, samples: &[i16]) {
        self.port.push(samples);
        self.moved += samples.len() as u64;
    }

    /// What has not come by now is silence.
    pub(crate) fn be_silent(&mut self, now: SessionTime) {
        let due = self.rate.samples(now.since(self.port.origin()));
        let until = due.saturating_sub(self.rate.samples(LATE));
        while self.moved < until {
            let count = usize::try_from(until - self.moved).unwrap_or(BLOCK).min(BLOCK);
            self.take(&[0; BLOCK][..count]);
        }
    }

    /// Where the sound that was taken ends.
    #[cfg(feature = "server")]
    pub(crate) fn heard(&self) -> SessionTime {
        self.port.origin() + self.rate.duration(self.moved)
    }
}

/// What is later than this is missing.
const LATE: Duration = Duration::from_millis(60);

/// How far sound may be ahead of the clock. What was held up on its way comes all at once; with
/// room for it, the call is not later for the rest of its time.
const AHEAD: Duration = Duration::from_millis(200);

const BLOCK: usize = 640;
