//! What can be seen of the devices from outside, and the switch that mutes the microphone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use super::Kind;
use super::tap::peak;

/// The state of a session's devices, for a screen. Reading costs the session nothing.
#[derive(Debug, Default)]
pub struct Meters {
    microphone: Peak,
    speaker: Peak,
    under_runs: AtomicU64,
    xruns: AtomicU64,
    lost_nanos: AtomicU64,
    deaf: AtomicBool,
    unheard: AtomicBool,
}

/// The loudest samples since the last look, in dB below full scale; [`Levels::SILENCE`] at least.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Levels {
    /// What the user said. Silence while it is muted.
    pub microphone: f32,
    /// What left the speaker.
    pub speaker: f32,
}

impl Levels {
    /// The level of digital silence: what 16 bits can hold, in dB.
    pub const SILENCE: f32 = -96.0;
}

impl Meters {
    /// The levels since the last call. Two who call it share what there is to see.
    #[must_use]
    pub fn levels(&self) -> Levels {
        Levels { microphone: self.microphone.take(), speaker: self.speaker.take() }
    }

    /// How often the speaker ran out of sound in the middle of an answer.
    #[must_use]
    pub fn under_runs(&self) -> u64 {
        self.under_runs.load(Ordering::Relaxed)
    }

    /// How often a device's own buffer ran over or dry: the system was too slow.
    #[must_use]
    pub fn xruns(&self) -> u64 {
        self.xruns.load(Ordering::Relaxed)
    }

    /// How much of the microphone's sound was lost because nobody took it in time.
    #[must_use]
    pub fn lost(&self) -> Duration {
        Duration::from_nanos(self.lost_nanos.load(Ordering::Relaxed))
    }

    /// Whether this device was lost, and none has taken its place yet.
    #[must_use]
    pub fn is_missing(&self, kind: Kind) -> bool {
        self.missing(kind).load(Ordering::Relaxed)
    }

    pub(crate) fn set_missing(&self, kind: Kind, missing: bool) {
        self.missing(kind).store(missing, Ordering::Relaxed);
    }

    const fn missing(&self, kind: Kind) -> &AtomicBool {
        match kind {
            Kind::Microphone => &self.deaf,
            Kind::Speaker => &self.unheard,
        }
    }

    pub(crate) fn heard(&self, samples: &[i16]) {
        self.microphone.add(peak(samples));
    }

    /// A block left the speaker whose greatest sample is `peak`.
    pub(crate) fn said(&self, peak: u16) {
        self.speaker.add(peak);
    }

    pub(crate) fn set_under_runs(&self, count: u64) {
        self.under_runs.store(count, Ordering::Relaxed);
    }

    pub(crate) fn set_xruns(&self, count: u64) {
        self.xruns.store(count, Ordering::Relaxed);
    }

    pub(crate) fn add_lost(&self, lost: Duration) {
        let nanos = u64::try_from(lost.as_nanos()).unwrap_or(u64::MAX);
        self.lost_nanos.fetch_add(nanos, Ordering::Relaxed);
    }
}

#[derive(Debug, Default)]
struct Peak(AtomicU32);

impl Peak {
    fn add(&self, peak: u16) {
        self.0.fetch_max(u32::from(peak), Ordering::Relaxed);
    }

    fn take(&self) -> f32 {
        let peak = self.0.swap(0, Ordering::Relaxed) as f32 / 32_768.0;
        (20.0 * peak.log10()).max(Levels::SILENCE)
    }
}

/// Mutes the microphone. Every clone is the same switch.
///
/// Time goes on: what is muted is silence of the same length, in the recording too.
#[derive(Clone, Debug, Default)]
pub struct Mute(Arc<AtomicBool>);

impl Mute {
    /// Mutes, or lets sound in again.
    pub fn set(&self, muted: bool) {
        self.0.store(muted, Ordering::Release);
    }

    /// Whether it is muted.
    #[must_use]
    pub fn is_muted(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_peaks_since_the_last_look() {
        let meters = Meters::default();
        meters.heard(&[100, -16_384, 5]);
        meters.heard(&[1]);
        meters.said(1 << 15);
        let levels = meters.levels();
        assert!((levels.microphone + 6.02).abs() < 0.01 && levels.speaker == 0.0, "{levels:?}");
        let silence = Levels { microphone: Levels::SILENCE, speaker: Levels::SILENCE };
        assert_eq!(meters.levels(), silence);
    }
}
