//! The detector of the WebRTC project: six sub-band Gaussian mixtures, answering yes or no.

mod movable;

use std::fmt;
use std::time::Duration;

use webrtc_vad::{SampleRate as CrateRate, VadMode};

use self::movable::Movable;
use super::Vad;
use crate::audio::SampleRate;

/// How much evidence it wants before it says speech.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggressiveness {
    /// Mode 0: finds nearly all speech and calls most noise speech too.
    Quality,
    /// Mode 1.
    LowBitrate,
    /// Mode 2.
    Aggressive,
    /// Mode 3: the fewest false frames; the mode to use.
    VeryAggressive,
}

/// How long a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameSize {
    /// 10 ms.
    Ms10,
    /// 20 ms.
    Ms20,
    /// 30 ms.
    Ms30,
}

/// The sample rates that it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebRtcRate {
    /// 8,000 Hz, at which it works inside; the other rates are brought down to it.
    Khz8,
    /// 16,000 Hz.
    Khz16,
    /// 32,000 Hz.
    Khz32,
    /// 48,000 Hz. The C library listens to the first 10 ms only of a longer frame at this rate.
    Khz48,
}

/// The WebRTC project's detector: cheap, and much poorer than [`Earshot`](super::Earshot) in noise.
///
/// Its probability is 0 or 1. It calls most pauses inside speech speech. Its modes, 0 and 1 above all, say speech in
/// the first 120 ms of any sound, quiet noise too, while their noise model settles; so those get 0 once per stream.
/// Digital silence before does not count, since it does not settle anything.
pub struct WebRtc {
    vad: Movable,
    mode: Aggressiveness,
    frame: FrameSize,
    rate: WebRtcRate,
    /// Milliseconds of sound until it is believed.
    settling: u32,
}

impl WebRtc {
    /// A detector that has heard nothing.
    #[must_use]
    pub fn new(mode: Aggressiveness, frame: FrameSize, rate: WebRtcRate) -> Self {
        Self {
            vad: Movable::new(crate_rate(rate), crate_mode(mode)),
            mode,
            frame,
            rate,
            settling: SETTLING,
        }
    }

    fn millis(&self) -> u32 {
        match self.frame {
            FrameSize::Ms10 => 10,
            FrameSize::Ms20 => 20,
            FrameSize::Ms30 => 30,
        }
    }
}

impl Vad for WebRtc {
    /// `webrtc:` and the number of the mode.
    fn name(&self) -> &'static str {
        match self.mode {
            Aggressiveness::Quality => "webrtc:0",
            Aggressiveness::LowBitrate => "webrtc:1",
            Aggressiveness::Aggressive => "webrtc:2",
            Aggressiveness::VeryAggressive => "webrtc:3",
        }
    }

    fn rate(&self) -> SampleRate {
        match self.rate {
            WebRtcRate::Khz8 => KHZ8,
            WebRtcRate::Khz16 => SampleRate::SPEECH,
            WebRtcRate::Khz32 => KHZ32,
            WebRtcRate::Khz48 => KHZ48,
        }
    }

    fn frame_len(&self) -> usize {
        (self.rate().hz() / 1_000 * self.millis()) as usize
    }

    /// Rounded between two medians over 20 utterances of flite's voices: followed by digital silence (the end being the
    /// last sample above -50 dBFS), and the same over noise at -60 dBFS. The two differ by 4 to 30 ms. The few human
    /// clips agree (modes 0 and 1: 116 to 179 ms; mode 2: 63 to 86 ms; mode 3: 30 to 50 ms after labelled ends, about
    /// 0 after the last sample above -50 dBFS).
    fn delay(&self) -> Duration {
        use Aggressiveness::{Aggressive, LowBitrate, Quality, VeryAggressive};
        use FrameSize::{Ms10, Ms20, Ms30};
        Duration::from_millis(match (self.mode, self.frame) {
            (Quality | LowBitrate, Ms10) => 140,
            (Quality | LowBitrate, Ms20) => 150,
            (Quality | LowBitrate, Ms30) => 170,
            (Aggressive, Ms10) => 80,
            (Aggressive, Ms20) => 95,
            (Aggressive, Ms30) => 85,
            (VeryAggressive, Ms10) => 35,
            (VeryAggressive, Ms20) => 50,
            (VeryAggressive, Ms30) => 45,
        })
    }

    fn threshold(&self) -> f32 {
        0.5
    }

    fn process(&mut self, frame: &[i16]) -> f32 {
        if frame.len() != self.frame_len() {
            return 0.0;
        }
        let speech = self.vad.is_speech(frame);
        if self.settling > 0 {
            let heard = frame.iter().any(|&sample| sample != 0);
            self.settling = self.settling.saturating_sub(if heard { self.millis() } else { 0 });
            return 0.0;
        }
        if speech { 1.0 } else { 0.0 }
    }

    fn reset(&mut self) {
        *self = Self::new(self.mode, self.frame, self.rate);
    }
}

impl fmt::Debug for WebRtc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mode, frame, rate, .. } = self;
        f.debug_struct("WebRtc")
            .field("mode", mode)
            .field("frame", frame)
            .field("rate", rate)
            .finish_non_exhaustive()
    }
}

fn crate_mode(mode: Aggressiveness) -> VadMode {
    match mode {
        Aggressiveness::Quality => VadMode::Quality,
        Aggressiveness::LowBitrate => VadMode::LowBitrate,
        Aggressiveness::Aggressive => VadMode::Aggressive,
        Aggressiveness::VeryAggressive => VadMode::VeryAggressive,
    }
}

fn crate_rate(rate: WebRtcRate) -> CrateRate {
    match rate {
        WebRtcRate::Khz8 => CrateRate::Rate8kHz,
        WebRtcRate::Khz16 => CrateRate::Rate16kHz,
        WebRtcRate::Khz32 => CrateRate::Rate32kHz,
        WebRtcRate::Khz48 => CrateRate::Rate48kHz,
    }
}

const KHZ8: SampleRate = SampleRate::new(8_000).unwrap();
const KHZ32: SampleRate = SampleRate::new(32_000).unwrap();
const KHZ48: SampleRate = SampleRate::new(48_000).unwrap();
const SETTLING: u32 = 120;

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::vad::tests::noise;

    const MODES: [Aggressiveness; 4] = [
        Aggressiveness::Quality,
        Aggressiveness::LowBitrate,
        Aggressiveness::Aggressive,
        Aggressiveness::VeryAggressive,
    ];
    const FRAMES: [FrameSize; 3] = [FrameSize::Ms10, FrameSize::Ms20, FrameSize::Ms30];
    const RATES: [WebRtcRate; 4] =
        [WebRtcRate::Khz8, WebRtcRate::Khz16, WebRtcRate::Khz32, WebRtcRate::Khz48];

    pub(in crate::vad) fn all() -> impl Iterator<Item = WebRtc> {
        MODES.into_iter().flat_map(|mode| {
            FRAMES
                .into_iter()
                .flat_map(move |frame| RATES.map(|rate| WebRtc::new(mode, frame, rate)))
        })
    }

    /// The share of frames in each 120 ms of `samples` that are speech.
    fn shares(vad: &mut WebRtc, samples: &[i16]) -> Vec<f32> {
        let window = vad.rate().hz() as usize * 12 / 100;
        let frames = 120.0 / vad.millis() as f32;
        let len = vad.frame_len();
        samples
            .chunks_exact(window)
            .map(|w| w.chunks_exact(len).map(|f| vad.process(f)).sum::<f32>() / frames)
            .collect()
    }

    #[test]
    fn every_mode_frame_and_rate_tells_loud_from_silent() {
        for mut vad in all() {
            let second = vad.rate().hz() as usize;
            assert_eq!(vad.frame_len() as u32 * 1_000, vad.millis() * vad.rate().hz());
            assert!(
                shares(&mut vad, &vec![0; second]).iter().all(|&share| share == 0.0),
                "{vad:?}"
            );
            assert!(
                shares(&mut vad, &noise(second, 0.3))[1..].iter().all(|&share| share == 1.0),
                "{vad:?}"
            );
        }
    }

    #[test]
    fn the_start_of_a_sound_is_not_speech() {
        for mut vad in all() {
            let lead = vec![0; vad.rate().hz() as usize * 12 / 100];
            for rms in [0.001, 0.1] {
                let sound = [lead.clone(), noise(lead.len(), rms)].concat();
                vad.reset();
                assert_eq!(shares(&mut vad, &sound), [0.0, 0.0], "{vad:?}");
            }
        }
    }
}
