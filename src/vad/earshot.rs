//! The default detector: a small recurrent network in pure Rust.

use std::fmt;
use std::time::Duration;

use super::Vad;

/// The network of the crate `earshot`, its weights included: 16 ms frames at 16 kHz.
///
/// Its threshold is 0.6: on labelled human speech that still finds nine frames in ten, with a third fewer
/// false ones than the crate's own 0.5. It does not tell speech from the agent's own voice, and takes some music for speech.
pub struct Earshot(earshot::Detector);

impl Earshot {
    /// A detector that has heard nothing.
    #[must_use]
    pub fn new() -> Self {
        Self(earshot::Detector::default())
    }
}

impl Default for Earshot {
    fn default() -> Self {
        Self::new()
    }
}

impl Vad for Earshot {
    fn name(&self) -> &'static str {
        "earshot"
    }

    fn frame_len(&self) -> usize {
        FRAME_LEN
    }

    fn delay(&self) -> Duration {
        DELAY
    }

    fn threshold(&self) -> f32 {
        THRESHOLD
    }

    fn process(&mut self, frame: &[i16]) -> f32 {
        if frame.len() == FRAME_LEN { self.0.predict_i16(frame) } else { 0.0 }
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}

impl fmt::Debug for Earshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Earshot").finish_non_exhaustive()
    }
}

const FRAME_LEN: usize = 256;
const THRESHOLD: f32 = 0.6;
/// Three frames. The median over-hang over 20 utterances of flite's voices followed by digital silence, the end being the
/// last sample above -50 dBFS, is 35 ms; over noise at -60 dBFS it is 20 ms; after 15 labelled ends of human speech it
/// is 10 ms. The spread is wide, from -50 to 70 ms: a frame more than the median keeps the turns that end late within
/// 25 ms of the silence that the settings ask for.
const DELAY: Duration = Duration::from_millis(48);
