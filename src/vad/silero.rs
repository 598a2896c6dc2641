//! Silero: a recurrent network that listens to 32 ms at a time.

use std::fmt;
use std::time::Duration;

use super::Vad;

/// The network behind [`Silero`]: one window in, the probability of speech out.
///
/// It keeps nothing between windows: what it remembers of a stream is the stream's own `state`.
pub trait SileroNetwork: fmt::Debug + Send {
    /// The probability, from 0 to 1, that the last 512 samples of `window` are speech. Samples are
    /// from -1 to 1 at 16 kHz. Renews `state`; a new stream's is all zeros.
    ///
    /// `None` if the network fails; then the state is as it was.
    fn run(&mut self, window: &[f32; WINDOW], state: &mut [f32; STATE]) -> Option<f32>;
}

/// Samples that the network is shown: a frame, and the 64 samples before it.
pub const WINDOW: usize = CONTEXT + FRAME_LEN;
/// Numbers that the network carries from one window to the next.
pub const STATE: usize = 2 * 128;

/// The Silero detector, versions 5 and 6, in 32 ms frames at 16 kHz. Its network is an ONNX model
/// that does not come with the crate.
///
/// Its threshold is 0.5. In noise it is better than [`Earshot`](super::Earshot), and what is not
/// speech hardly ever triggers it; it costs four times as much.
pub struct Silero {
    network: Box<dyn SileroNetwork>,
    /// The last window; its end is the next one's context.
    window: [f32; WINDOW],
    state: [f32; STATE],
}

impl Silero {
    /// A detector that has heard nothing.
    #[must_use]
    pub fn new(network: Box<dyn SileroNetwork>) -> Self {
        Self { network, window: [0.0; WINDOW], state: [0.0; STATE] }
    }
}

impl Vad for Silero {
    fn name(&self) -> &'static str {
        "silero"
    }

    fn frame_len(&self) -> usize {
        FRAME_LEN
    }

    fn delay(&self) -> Duration {
        DELAY
    }

    fn threshold(&self) -> f32 {
        0.5
    }

    /// A frame on which the network fails gets 0.
    fn process(&mut self, frame: &[i16]) -> f32 {
        if frame.len() != FRAME_LEN {
            return 0.0;
        }
        self.window.copy_within(FRAME_LEN.., 0);
        for (place, &sample) in self.window[CONTEXT..].iter_mut().zip(frame) {
            *place = f32::from(sample) / 32_768.0;
        }
        let probability = self.network.run(&self.window, &mut self.state);
        probability.filter(|it| it.is_finite()).map_or(0.0, |it| it.clamp(0.0, 1.0))
    }

    fn reset(&mut self) {
        self.window = [0.0; WINDOW];
        self.state = [0.0; STATE];
    }
}

impl fmt::Debug for Silero {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Silero").field("network", &self.network).finish_non_exhaustive()
    }
}

const FRAME_LEN: usize = 512;
const CONTEXT: usize = 64;
/// Between the medians over 20 utterances of flite's voices: followed by digital silence, the end being the last sample
/// above -50 dBFS, 42 ms; over noise at -60 dBFS, 38 ms. After five labelled ends of human speech it is 62 ms. The
/// spread is wide, from -20 to 110 ms.
const DELAY: Duration = Duration::from_millis(40);

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers with the first and the last sample of its context, and counts windows in the state.
    #[derive(Debug)]
    struct Shown;

    impl SileroNetwork for Shown {
        fn run(&mut self, window: &[f32; WINDOW], state: &mut [f32; STATE]) -> Option<f32> {
            state[0] += 1.0;
            match state[0] {
                4.0 => None,
                5.0 => Some(f32::NAN),
                6.0 => Some(7.0),
                _ => Some(window[0] + window[CONTEXT - 1]),
            }
        }
    }

    /// A frame of which the last 64 samples begin and end with these.
    fn frame(first: i16, last: i16) -> Vec<i16> {
        let mut frame = vec![0; FRAME_LEN];
        frame[FRAME_LEN - CONTEXT] = first;
        frame[FRAME_LEN - 1] = last;
        frame
    }

    #[test]
    fn a_window_begins_with_the_end_of_the_frame_before() {
        let mut vad = Silero::new(Box::new(Shown));
        assert_eq!(vad.process(&frame(8_192, 0)), 0.0);
        assert_eq!(vad.process(&frame(0, 4_096)), 0.25);
        assert_eq!(vad.process(&frame(0, 0)), 0.125);
    }

    #[test]
    fn a_network_that_fails_or_raves_is_no_speech() {
        let mut vad = Silero::new(Box::new(Shown));
        let all: Vec<f32> = (0..6).map(|_| vad.process(&frame(16_384, 0))).collect();
        assert_eq!(all, [0.0, 0.5, 0.5, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn a_reset_forgets_the_context_and_the_state() {
        let mut vad = Silero::new(Box::new(Shown));
        for _ in 0..3 {
            vad.process(&frame(16_384, 0));
        }
        vad.reset();
        assert_eq!(vad.process(&frame(0, 0)), 0.0);
        assert_eq!(vad.state[0], 1.0);
    }
}
