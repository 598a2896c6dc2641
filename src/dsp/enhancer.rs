//! Makes the user's sound fit for a recogniser: less noise, an even level.

use std::fmt;
use std::time::Duration;

use sonora::config::{AdaptiveDigital, GainController2, NoiseSuppression, NoiseSuppressionLevel};
use sonora::{AudioProcessing, Config, StreamConfig};

/// How much noise is taken away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Suppression {
    /// None.
    Off,
    /// About 6 dB.
    #[default]
    Low,
    /// About 12 dB.
    Moderate,
    /// About 18 dB.
    High,
}

/// Noise suppression and gain control at 16 kHz, by the crate `sonora`, in frames of 10 ms.
pub(super) struct Enhancer {
    processing: AudioProcessing,
    /// Parts of the greatest: the crate takes integers too, but allocates for them.
    frame: [f32; FRAME],
    filled: usize,
}

impl Enhancer {
    /// None if there is nothing to do.
    pub(super) fn new(suppression: Suppression, gain: bool) -> Option<Self> {
        let level = match suppression {
            Suppression::Off => None,
            Suppression::Low => Some(NoiseSuppressionLevel::Low),
            Suppression::Moderate => Some(NoiseSuppressionLevel::Moderate),
            Suppression::High => Some(NoiseSuppressionLevel::High),
        };
        if level.is_none() && !gain {
            return None;
        }
        let controller = || GainController2 {
            adaptive_digital: Some(AdaptiveDigital::default()),
            ..GainController2::default()
        };
        let config = Config {
            noise_suppression: level
                .map(|level| NoiseSuppression { level, ..NoiseSuppression::default() }),
            gain_controller2: gain.then(controller),
            ..Config::default()
        };
        let stream = StreamConfig::new(16_000, 1);
        let processing = AudioProcessing::builder()
            .config(config)
            .capture_config(stream)
            .render_config(stream)
            .build();
        Some(Self { processing, frame: [0.0; FRAME], filled: 0 })
    }

    /// Appends what it makes of these samples, in whole frames.
    pub(super) fn process(&mut self, mut samples: &[i16], out: &mut Vec<i16>) {
        while !samples.is_empty() {
            let (taken, rest) = samples.split_at(samples.len().min(FRAME - self.filled));
            for (to, &sample) in self.frame[self.filled..].iter_mut().zip(taken) {
                *to = f32::from(sample) / GREATEST;
            }
            self.filled += taken.len();
            samples = rest;
            if self.filled == FRAME {
                let mut made = self.frame;
                // It fails for formats that it does not know only.
                let _known = self.processing.process_capture_f32(&[&self.frame], &mut [&mut made]);
                out.extend(made.iter().map(|sample| (sample * GREATEST).round() as i16));
                self.filled = 0;
            }
        }
    }

    /// By how much what it gives lags behind what it takes.
    pub(super) const fn delay() -> Duration {
        Duration::from_millis(6)
    }
}

impl fmt::Debug for Enhancer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Enhancer").finish_non_exhaustive()
    }
}

const GREATEST: f32 = 32_768.0;

/// Samples of 10 ms.
const FRAME: usize = 160;
