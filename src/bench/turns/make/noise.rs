//! Chance that is the same each time, and noise made from it.

use rustfft::FftPlannerScalar;
use rustfft::num_complex::Complex64;

use super::levels::{rms, scaled};

/// Random numbers. The same seed and name give the same, whatever else is made.
#[derive(Clone, Debug)]
pub(super) struct Chance(fastrand::Rng);

impl Chance {
    pub(super) fn new(seed: u64, name: &str) -> Self {
        // FNV-1a: every byte counts, and the same bytes give the same seed on every machine.
        let bytes = seed.to_le_bytes().into_iter().chain(name.bytes());
        let mixed = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
        Self(fastrand::Rng::with_seed(mixed))
    }

    /// Normally distributed around 0, with a deviation of 1 (Box and Muller's way).
    pub(super) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.0.f64()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.0.f64()).cos()
    }

    /// From 0 up to, and without, `end`; 0 for none.
    pub(super) fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { self.0.usize(..end) }
    }

    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        self.0.shuffle(items);
    }
}

/// A stretch of noise that goes on from its start when it ends. Its level is 1.
#[derive(Clone, Debug)]
pub(super) struct Loop(Vec<f64>);

impl Loop {
    /// Pink noise, as a quiet room has it: as much power in every octave.
    pub(super) fn pink(chance: &mut Chance) -> Self {
        let mut spectrum: Vec<_> =
            (0..PINK).map(|_| Complex64::new(chance.normal(), 0.0)).collect();
        // The scalar planner gives the same bits on every processor.
        let mut planner = FftPlannerScalar::new();
        planner.plan_fft_forward(PINK).process(&mut spectrum);
        for (bin, value) in spectrum.iter_mut().enumerate() {
            // The upper half mirrors the lower, and nothing is at 0 Hz.
            let frequency = bin.min(PINK - bin) as f64;
            *value = if bin == 0 { Complex64::ZERO } else { *value / frequency.sqrt() };
        }
        planner.plan_fft_inverse(PINK).process(&mut spectrum);
        Self::of(&spectrum.iter().map(|value| value.re).collect::<Vec<_>>())
    }

    /// What was recorded. Silence stays silence.
    pub(super) fn of(sound: &[f64]) -> Self {
        let level = rms(sound);
        Self(if level > 0.0 { scaled(sound, 1.0 / level) } else { sound.to_vec() })
    }

    /// So many samples of it from some place on, at this level.
    pub(super) fn cut(&self, samples: usize, level: f64, chance: &mut Chance) -> Vec<f64> {
        let from = chance.below(self.0.len());
        let cut: Vec<f64> = self.0.iter().copied().cycle().skip(from).take(samples).collect();
        let loudness = rms(&cut);
        if loudness > 0.0 { scaled(&cut, level / loudness) } else { vec![0.0; samples] }
    }
}

/// 16 s.
const PINK: usize = 1 << 18;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_hangs_on_its_seed_and_name_alone() {
        let some = |seed, name| {
            let mut chance = Chance::new(seed, name);
            [chance.normal(), chance.normal(), chance.below(1_000) as f64]
        };
        assert_eq!(some(1, "a"), some(1, "a"));
        assert_ne!(some(1, "a"), some(2, "a"));
        assert_ne!(some(1, "a"), some(1, "b"));
        assert_eq!(Chance::new(1, "a").below(0), 0);
    }

    #[test]
    fn normal_numbers_have_a_deviation_of_1() {
        let mut chance = Chance::new(7, "");
        let some: Vec<f64> = (0..20_000).map(|_| chance.normal()).collect();
        assert!((rms(&some) - 1.0).abs() < 0.02);
        assert!((some.iter().sum::<f64>() / 20_000.0).abs() < 0.02);
    }

    #[test]
    fn pink_noise_has_as_much_power_in_every_octave() {
        let mut chance = Chance::new(1, "floor");
        let noise = Loop::pink(&mut chance).cut(PINK, 0.5, &mut chance);
        assert!((rms(&noise) - 0.5).abs() < 1e-9);
        let mut spectrum: Vec<_> = noise.iter().map(|&at| Complex64::new(at, 0.0)).collect();
        FftPlannerScalar::new().plan_fft_forward(PINK).process(&mut spectrum);
        let octave =
            |from: usize| spectrum[from..2 * from].iter().map(|at| at.norm_sqr()).sum::<f64>();
        for from in [1 << 10, 1 << 12, 1 << 14] {
            let ratio = octave(2 * from) / octave(from);
            assert!((0.85..1.15).contains(&ratio), "{from}: {ratio}");
        }
    }

    #[test]
    fn a_loop_is_as_long_as_is_asked_for() {
        let mut chance = Chance::new(1, "");
        assert_eq!(Loop::of(&[0.5, -0.5]).cut(5, 1.0, &mut chance).len(), 5);
        assert_eq!(Loop::of(&[]).cut(3, 1.0, &mut chance), [0.0; 3]);
        assert_eq!(Loop::of(&[0.0; 4]).cut(3, 1.0, &mut chance), [0.0; 3]);
    }
}
