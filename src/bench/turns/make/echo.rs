//! The way from the speaker to the microphone.

use rustfft::FftPlannerScalar;
use rustfft::num_complex::Complex64;

use super::levels::{RATE, factor, rms, scaled};
use super::noise::Chance;

/// How long the sound is on its way, buffers of the devices included: 60 ms.
const DELAY: usize = RATE * 60 / 1_000;
/// A room of 200 ms.
const TAPS: usize = RATE / 5;
/// How fast the reverberation fades, in samples, and how loud it begins beside the direct sound.
const FADING: f64 = 700.0;
const REVERBERATION: f64 = 0.25;

/// What the microphone hears of `sound` in a room made by `chance`, by so many dB less. It is as
/// long as the sound: what sounds on after it is cut.
pub(super) fn echo(sound: &[f64], db: f64, chance: &mut Chance) -> Vec<f64> {
    let room = convolved(sound, &room(chance));
    let heard = room.into_iter().map(|sample| sample * factor(db));
    std::iter::repeat_n(0.0, DELAY).chain(heard).take(sound.len()).collect()
}

/// The room's answer to a click: the click, and a tail of noise that fades. Its energy is 1.
fn room(chance: &mut Chance) -> Vec<f64> {
    let tail = (1..TAPS).map(|at| chance.normal() * (-(at as f64) / FADING).exp() * REVERBERATION);
    let answer: Vec<f64> = [1.0].into_iter().chain(tail).collect();
    let energy = rms(&answer) * (TAPS as f64).sqrt();
    scaled(&answer, 1.0 / energy)
}

/// The convolution of both, by their spectra.
fn convolved(sound: &[f64], answer: &[f64]) -> Vec<f64> {
    let len = sound.len() + answer.len() - 1;
    let size = len.next_power_of_two();
    let mut planner = FftPlannerScalar::new();
    let forward = planner.plan_fft_forward(size);
    let spectrum = |sound: &[f64]| {
        let mut values: Vec<_> = sound.iter().map(|&at| Complex64::new(at, 0.0)).collect();
        values.resize(size, Complex64::ZERO);
        forward.process(&mut values);
        values
    };
    let mut both = spectrum(sound);
    for (value, other) in both.iter_mut().zip(spectrum(answer)) {
        *value *= other;
    }
    planner.plan_fft_inverse(size).process(&mut both);
    both[..len].iter().map(|value| value.re / size as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_convolution_is_the_sum_of_delayed_copies() {
        let (sound, answer) = ([1.0, 2.0, -3.0, 0.5], [1.0, 0.0, 0.5]);
        let expected = [1.0, 2.0, -2.5, 1.5, -1.5, 0.25];
        let found = convolved(&sound, &answer);
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().zip(expected).all(|(found, right)| (found - right).abs() < 1e-12));
    }

    #[test]
    fn the_echo_comes_later_and_softer_and_rings() {
        let mut click = vec![0.0; RATE];
        click[0] = 1.0;
        let heard = echo(&click, -20.0, &mut Chance::new(3, "room"));
        assert_eq!(heard.len(), click.len());
        assert!(heard[..DELAY].iter().all(|&sample| sample == 0.0));
        let energy: f64 = heard.iter().map(|sample| sample * sample).sum();
        assert!((energy - 0.01).abs() < 1e-6, "{energy}");
        let loudest = heard.iter().map(|sample| sample.abs()).fold(0.0, f64::max);
        assert_eq!(heard[DELAY].abs(), loudest);
        let after = |ms: usize| rms(&heard[DELAY + RATE * ms / 1_000..][..RATE / 50]);
        assert!(after(10) > 3.0 * after(100) && after(100) > 0.0 && after(210) < 1e-9);
    }

    #[test]
    fn a_sound_shorter_than_the_way_is_not_heard() {
        assert_eq!(echo(&[1.0; 10], 0.0, &mut Chance::new(1, "")), [0.0; 10]);
    }
}
