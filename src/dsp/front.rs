//! The front end as a whole.

use std::collections::VecDeque;
use std::time::Duration;

use sonora::high_pass_filter::HighPassFilter;

use super::chime::Chime;
use super::enhancer::Enhancer;
use super::gate::Gate;
use super::{Aec3, BLOCK, EchoCanceller, EchoPath, Suppression};
use crate::audio::SampleRate;
use crate::vad::{Detected, Framer, Vad};

/// What the front end does to the microphone's sound.
#[derive(Clone, Debug, PartialEq)]
pub struct FrontConfig {
    /// Whether the agent's own voice is taken out: by default.
    pub echo: bool,
    /// How much noise is taken out of what the recogniser hears: a little by default.
    pub noise: Suppression,
    /// Whether what the recogniser hears is brought to an even level: by default.
    pub gain: bool,
}

impl Default for FrontConfig {
    fn default() -> Self {
        Self { echo: true, noise: Suppression::default(), gain: true }
    }
}

impl FrontConfig {
    /// The sound as it comes.
    #[must_use]
    pub const fn off() -> Self {
        Self { echo: false, noise: Suppression::Off, gain: false }
    }
}

/// Cleans the microphone's sound and looks for voice in it. See the [module](super).
#[derive(Debug)]
pub struct FrontEnd {
    vad: Framer,
    /// None for a detector that does not listen at 16 kHz.
    chime: Option<Chime>,
    echo: Option<Echo>,
    enhancer: Option<Enhancer>,
    /// Whether the detector's last frame was a voice.
    voice: bool,
    /// Kept for their room.
    cleaned: Vec<i16>,
    floats: Vec<f32>,
}

/// What takes the echo out, block by block.
#[derive(Debug)]
struct Echo {
    canceller: Box<dyn EchoCanceller>,
    high_pass: HighPass,
    gate: Gate,
    /// What left the speaker and has not been heard beside yet.
    rendered: VecDeque<i16>,
    heard: [f32; BLOCK],
    filled: usize,
    /// The block before, as it came.
    before: [f32; BLOCK],
}

impl FrontEnd {
    /// A front end for this detector. One that does not listen at 16 kHz gets the sound as it
    /// comes, whatever the configuration.
    #[must_use]
    pub fn new(vad: Box<dyn Vad>, config: &FrontConfig) -> Self {
        Self::with_canceller(vad, config, || Box::new(Aec3::new()))
    }

    /// As [`new`](Self::new), with a canceller of your own where the configuration asks for one.
    #[must_use]
    pub fn with_canceller(
        vad: Box<dyn Vad>,
        config: &FrontConfig,
        canceller: impl FnOnce() -> Box<dyn EchoCanceller>,
    ) -> Self {
        let works = vad.rate() == SampleRate::SPEECH;
        let enhancer = || Enhancer::new(config.noise, config.gain);
        Self {
            vad: Framer::new(vad),
            chime: works.then(Chime::new),
            echo: (works && config.echo).then(|| Echo::new(canceller())),
            enhancer: works.then(enhancer).flatten(),
            voice: false,
            cleaned: Vec::new(),
            floats: Vec::new(),
        }
    }

    /// The detector.
    #[must_use]
    pub fn vad(&self) -> &dyn Vad {
        self.vad.vad()
    }

    /// Whether the sound is another after it, or passes as it comes.
    #[must_use]
    pub const fn changes_sound(&self) -> bool {
        self.echo.is_some() || self.enhancer.is_some()
    }

    /// By how much the detector's frames lag behind the microphone.
    #[must_use]
    pub fn delay(&self) -> Duration {
        self.echo.as_ref().map_or(Duration::ZERO, |echo| echo.canceller.delay())
    }

    /// By how much the cleaned sound lags behind the microphone.
    #[must_use]
    pub fn sound_delay(&self) -> Duration {
        self.delay() + self.enhancer.as_ref().map_or(Duration::ZERO, |_| Enhancer::delay())
    }

    /// What the echo path is like; `None` if no echo is cancelled.
    #[must_use]
    pub fn echo_path(&self) -> Option<(EchoPath, Duration)> {
        self.echo.as_ref().map(|echo| (echo.gate.path(), echo.canceller.path_delay()))
    }

    /// The next samples that left the speaker, before those that the microphone heard at that
    /// time. What is missing counts as silence; of what nobody has heard beside, the oldest is
    /// forgotten after a second.
    pub fn render(&mut self, samples: &[i16]) {
        if let Some(echo) = &mut self.echo {
            let over = (echo.rendered.len() + samples.len()).saturating_sub(MOST_RENDERED);
            echo.rendered.drain(..over.min(echo.rendered.len()));
            echo.rendered.extend(samples);
        }
    }

    /// The next samples that the microphone heard. Appends what is cleaned of them to `out`, and
    /// hands each frame that is complete to `each`. Once its buffers have grown, only canceller and
    /// gain control allocate.
    pub fn hear(&mut self, samples: &[i16], out: &mut Vec<i16>, mut each: impl FnMut(Detected)) {
        self.cleaned.clear();
        let (vad, chime, cleaned) = (&mut self.vad, &mut self.chime, &mut self.cleaned);
        let threshold = vad.vad().threshold();
        let voice = &mut self.voice;
        // Returns whether the last frame was a voice, whoever's.
        let mut listen = |floats: &[f32], clean: &[i16], is_open: bool| -> bool {
            let chimes = chime.as_mut().is_some_and(|chime| {
                chime.hear(floats);
                chime.sounds()
            });
            let may_be_voice = is_open && !chimes;
            vad.push(clean, |frame| {
                *voice = frame.probability >= threshold;
                let probability = if may_be_voice { frame.probability } else { 0.0 };
                each(Detected { probability, ..frame });
            });
            *voice
        };
        match &mut self.echo {
            None => {
                self.floats.clear();
                self.floats.extend(samples.iter().map(|&sample| f32::from(sample)));
                cleaned.extend_from_slice(samples);
                listen(&self.floats, samples, true);
            }
            Some(echo) => echo.hear(samples, |block, is_open| {
                let from = cleaned.len();
                cleaned.extend(block.iter().map(|sample| sample.clamp(MIN, MAX) as i16));
                listen(block, &cleaned[from..], is_open)
            }),
        }
        match &mut self.enhancer {
            Some(enhancer) => enhancer.process(&self.cleaned, out),
            None => out.extend_from_slice(&self.cleaned),
        }
    }
}

impl Echo {
    fn new(canceller: Box<dyn EchoCanceller>) -> Self {
        Self {
            canceller,
            high_pass: HighPass::new(),
            gate: Gate::new(),
            rendered: VecDeque::with_capacity(MOST_RENDERED),
            heard: [0.0; BLOCK],
            filled: 0,
            before: [0.0; BLOCK],
        }
    }

    fn hear(&mut self, samples: &[i16], mut each: impl FnMut(&[f32; BLOCK], bool) -> bool) {
        for &sample in samples {
            self.heard[self.filled] = f32::from(sample);
            self.filled += 1;
            if self.filled == BLOCK {
                self.filled = 0;
                let block = self.cancel();
                let voice = each(&block, self.gate.is_open());
                self.gate.note_voice(voice);
            }
        }
    }

    fn cancel(&mut self) -> [f32; BLOCK] {
        let mut rendered = [0.0; BLOCK];
        for (to, from) in
            rendered.iter_mut().zip(self.rendered.drain(..BLOCK.min(self.rendered.len())))
        {
            *to = f32::from(from);
        }
        self.high_pass.process(&mut self.heard);
        let mut left = self.heard;
        self.canceller.cancel(&rendered, &mut left);
        self.gate.note(&rendered, &self.before, &left, self.canceller.linear());
        let before = std::mem::replace(&mut self.before, self.heard);
        if self.gate.hears_no_echo() { before } else { left }
    }
}

/// Takes away what lies below voices, as the canceller wants it.
struct HighPass {
    filter: HighPassFilter,
    block: [Vec<f32>; 1],
}

impl HighPass {
    fn new() -> Self {
        Self { filter: HighPassFilter::new(16_000, 1), block: [vec![0.0; BLOCK]] }
    }

    fn process(&mut self, samples: &mut [f32; BLOCK]) {
        self.block[0].copy_from_slice(samples);
        self.filter.process_channels(&mut self.block);
        samples.copy_from_slice(&self.block[0]);
    }
}

impl std::fmt::Debug for HighPass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HighPass").finish_non_exhaustive()
    }
}

/// A second.
const MOST_RENDERED: usize = 16_000;

const MIN: f32 = i16::MIN as f32;
const MAX: f32 = i16::MAX as f32;
