//! Sounds of a desk that are no speech.

use std::f64::consts::TAU;

use super::levels::{RATE, at_level};
use super::noise::Chance;

/// A sound that must cause nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noise {
    /// Of a mouse.
    Click,
    Cough,
    /// Eight keys of a keyboard in a second.
    Keys,
    /// A bell, as a message makes it come.
    Ding,
    /// A key of a telephone.
    Dtmf,
    /// Some bars of soft chords.
    Tones,
}

impl Noise {
    pub(super) const ALL: [Self; 6] =
        [Self::Click, Self::Cough, Self::Keys, Self::Ding, Self::Dtmf, Self::Tones];

    /// As manifests call it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Click => "click",
            Self::Cough => "cough",
            Self::Keys => "keys",
            Self::Ding => "ding",
            Self::Dtmf => "dtmf",
            Self::Tones => "tones",
        }
    }

    /// The sound, with chance where nature has it.
    pub(super) fn sound(self, chance: &mut Chance) -> Vec<f64> {
        match self {
            Self::Click => click(chance),
            Self::Cough => cough(chance),
            Self::Keys => keys(chance),
            Self::Ding => at_level(&ding(), LEVEL),
            Self::Dtmf => at_level(&tone(0.5, |at| sine(770.0, at) + sine(1_336.0, at)), LEVEL),
            Self::Tones => tone(2.0, |at| {
                let chord: f64 = [262.0, 330.0, 392.0].iter().map(|&hz| sine(hz, at)).sum();
                chord * (-3.0 * (4.0 * at).fract()).exp() * 0.02
            }),
        }
    }
}

/// As loud as somebody who speaks in an ordinary voice.
pub(super) const LEVEL: f64 = -26.0;

/// 15 ms.
fn click(chance: &mut Chance) -> Vec<f64> {
    (0..RATE * 15 / 1_000).map(|at| chance.normal() * (-(at as f64) / 40.0).exp() * 0.3).collect()
}

fn keys(chance: &mut Chance) -> Vec<f64> {
    let mut sound = vec![0.0; RATE];
    let mut at = 0;
    for _ in 0..8 {
        at += 900 + chance.below(1_700);
        let key = click(chance);
        for (sample, of_key) in sound.iter_mut().skip(at).zip(key) {
            *sample += of_key * 0.5;
        }
    }
    sound
}

/// Two bursts of breath: 400 ms, between 300 Hz and 3 kHz.
fn cough(chance: &mut Chance) -> Vec<f64> {
    let envelope = |at: f64| {
        let second = (at - 3_600.0) / 900.0;
        (-at / 1_600.0).exp() + 0.5 * (-second * second).exp()
    };
    let breath: Vec<f64> = (0..RATE * 2 / 5).map(|_| chance.normal()).collect();
    let (mut low, mut high) = (Pole::at(300.0), Pole::at(3_000.0));
    let band = breath.iter().map(|&sample| {
        let below = high.pass(sample);
        below - low.pass(below)
    });
    let sound: Vec<f64> = band.enumerate().map(|(at, s)| s * envelope(at as f64)).collect();
    let peak = sound.iter().map(|sample| sample.abs()).fold(f64::MIN_POSITIVE, f64::max);
    sound.iter().map(|sample| sample * 0.35 / peak).collect()
}

/// Three partials of a small bell, which fade the faster the higher they are.
fn ding() -> Vec<f64> {
    let partials = [(880.0, 1.0, 3.0), (2_427.0, 0.5, 5.0), (4_752.0, 0.25, 9.0)];
    tone(1.1, |at| {
        partials.iter().map(|&(hz, loud, fading)| loud * sine(hz, at) * (-fading * at).exp()).sum()
    })
}

fn tone(seconds: f64, of: impl Fn(f64) -> f64) -> Vec<f64> {
    (0..(seconds * RATE as f64) as usize).map(|at| of(at as f64 / RATE as f64)).collect()
}

fn sine(hz: f64, at: f64) -> f64 {
    (TAU * hz * at).sin()
}

/// A filter of one pole, twice in a row: what is above its frequency fades by 12 dB an octave.
struct Pole {
    share: f64,
    held: [f64; 2],
}

impl Pole {
    fn at(hz: f64) -> Self {
        Self { share: 1.0 - (-TAU * hz / RATE as f64).exp(), held: [0.0; 2] }
    }

    fn pass(&mut self, sample: f64) -> f64 {
        self.held[0] += self.share * (sample - self.held[0]);
        self.held[1] += self.share * (self.held[0] - self.held[1]);
        self.held[1]
    }
}

#[cfg(test)]
mod tests {
    use super::super::levels::{factor, rms};
    use super::*;

    #[test]
    fn each_is_audible_and_none_is_clipped() {
        for noise in Noise::ALL {
            let sound = noise.sound(&mut Chance::new(1, noise.name()));
            let peak = sound.iter().map(|sample| sample.abs()).fold(0.0, f64::max);
            assert!((0.02..1.2).contains(&peak), "{noise:?}: {peak}");
            assert!(rms(&sound) > factor(-45.0), "{noise:?}: {}", rms(&sound));
            assert!((0.01..=2.0).contains(&(sound.len() as f64 / RATE as f64)), "{noise:?}");
        }
    }

    #[test]
    fn no_two_coughs_are_alike() {
        let mut chance = Chance::new(1, "");
        assert_ne!(Noise::Cough.sound(&mut chance), Noise::Cough.sound(&mut chance));
        assert_eq!(Noise::Ding.sound(&mut chance), Noise::Ding.sound(&mut chance));
    }
}
