//! What takes the agent's own voice out of the microphone's sound.

use std::fmt::{self, Debug};
use std::time::Duration;

use sonora_aec3::block::Block;
use sonora_aec3::block_processor::BlockProcessor;
use sonora_aec3::config::{EchoCanceller3Config, TransparentModeType};

/// Samples of a block at 16 kHz: 4 ms.
pub const BLOCK: usize = 64;

/// An echo canceller at 16 kHz. It computes in the task that listens, never in a device's callback.
pub trait EchoCanceller: Debug + Send {
    /// Names it in reports.
    fn name(&self) -> &'static str;

    /// Takes the echo of `render` and of what was rendered before out of `heard`, in place. Samples
    /// are of the range of `i16`. What is rendered in a block is heard in this one or within the
    /// 400 ms after.
    fn cancel(&mut self, render: &[f32; BLOCK], heard: &mut [f32; BLOCK]);

    /// What its linear filter alone left of the last block, before anything was suppressed: less
    /// than was heard only of what is like something that was rendered.
    fn linear(&self) -> &[f32; BLOCK];

    /// By how much what it gives lags behind what it takes.
    fn delay(&self) -> Duration;

    /// How long the sound takes from the speaker to the microphone, as it believes.
    fn path_delay(&self) -> Duration;
}

/// The canceller of the WebRTC project in its third generation, by the crate `sonora-aec3`.
///
/// It finds the delay itself. Whether there is an echo at all it decides by a hidden Markov model:
/// its other way, by counting, took 2 s of a headset's silence for an echo and the user's first
/// words with it, in 6 of 10 calls.
///
/// The crate makes eleven vectors anew for each block, and frees them: it cannot be told not to.
pub struct Aec3 {
    processor: BlockProcessor,
    render: Block,
    heard: Block,
    filtered: Block,
    linear: [f32; BLOCK],
}

impl Aec3 {
    /// A canceller that knows nothing of the room yet.
    #[must_use]
    pub fn new() -> Self {
        let mut config = EchoCanceller3Config::default();
        config.echo_removal_control.transparent_mode = TransparentModeType::Hmm;
        let processor = BlockProcessor::new(&config, 16_000, 1, 1);
        let block = || Block::new(1, 1);
        Self { processor, render: block(), heard: block(), filtered: block(), linear: [0.0; BLOCK] }
    }
}

impl Default for Aec3 {
    fn default() -> Self {
        Self::new()
    }
}

impl EchoCanceller for Aec3 {
    fn name(&self) -> &'static str {
        "aec3"
    }

    fn cancel(&mut self, render: &[f32; BLOCK], heard: &mut [f32; BLOCK]) {
        self.render.view_mut(0, 0).copy_from_slice(render);
        self.heard.view_mut(0, 0).copy_from_slice(heard);
        self.processor.buffer_render(&self.render);
        let clipped = heard.iter().any(|sample| sample.abs() >= CLIPPED);
        self.processor.process_capture(false, clipped, Some(&mut self.filtered), &mut self.heard);
        heard.copy_from_slice(self.heard.view(0, 0));
        self.linear.copy_from_slice(self.filtered.view(0, 0));
    }

    fn linear(&self) -> &[f32; BLOCK] {
        &self.linear
    }

    /// Of the overlapping windows in which it suppresses.
    fn delay(&self) -> Duration {
        Duration::from_millis(4)
    }

    fn path_delay(&self) -> Duration {
        Duration::from_millis(self.processor.get_metrics().delay_ms.max(0) as u64)
    }
}

impl Debug for Aec3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aec3").finish_non_exhaustive()
    }
}

/// From here on a sample counts as clipped.
const CLIPPED: f32 = 32_000.0;
