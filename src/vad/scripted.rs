//! A detector for tests: it says what its script says and does not listen.

use std::time::Duration;

use super::Vad;

/// Reads one symbol per frame of 20 ms (320 samples at 16 kHz): `s` is speech (1), any other symbol, `.` by custom,
/// is silence (0). After the script there is silence. A reset starts the script again.
///
/// ```
/// use banter::vad::{Scripted, Vad};
///
/// let mut vad = Scripted::new(".s");
/// assert_eq!([(); 3].map(|()| vad.process(&[0; 320])), [0.0, 1.0, 0.0]);
/// ```
#[derive(Clone, Debug)]
pub struct Scripted {
    script: Vec<f32>,
    at: usize,
}

impl Scripted {
    /// A detector that follows `script`.
    #[must_use]
    pub fn new(script: &str) -> Self {
        Self {
            script: script.chars().map(|symbol| if symbol == 's' { 1.0 } else { 0.0 }).collect(),
            at: 0,
        }
    }
}

impl Vad for Scripted {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn frame_len(&self) -> usize {
        320
    }

    fn delay(&self) -> Duration {
        Duration::ZERO
    }

    fn threshold(&self) -> f32 {
        0.5
    }

    fn process(&mut self, frame: &[i16]) -> f32 {
        if frame.len() != self.frame_len() {
            return 0.0;
        }
        let probability = self.script.get(self.at).copied().unwrap_or(0.0);
        self.at += 1;
        probability
    }

    fn reset(&mut self) {
        self.at = 0;
    }
}
