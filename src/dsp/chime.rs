//! Tells a bell from a voice.
//!
//! Detectors take the chimes of telephones and computers for speech. A voice has much of its sound
//! below 450 Hz, where its pitch is; a chime has next to nothing there, and nearly all in a few
//! lines. Of 400 beginnings of human turns none was such, and all of 18 dings were.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};

/// Listens for chimes in sound at 16 kHz, every 16 ms.
pub(super) struct Chime {
    transform: Arc<dyn RealToComplex<f32>>,
    /// What each sample is weighed by: Hann's window.
    weights: Box<[f32; LENGTH]>,
    /// The last 32 ms, the oldest first.
    sound: Box<[f32; LENGTH]>,
    fresh: usize,
    windowed: Vec<f32>,
    spectrum: Vec<Complex32>,
    scratch: Vec<Complex32>,
    powers: [f32; LINES],
    /// The powers of the last 150 ms or so: where a voice has its pitch, and in all; in the
    /// strongest lines, and where they were looked for.
    low: f32,
    all: f32,
    in_lines: f32,
    searched: f32,
}

impl Chime {
    pub(super) fn new() -> Self {
        let transform = RealFftPlanner::new().plan_fft_forward(LENGTH);
        let step = std::f32::consts::TAU / (LENGTH - 1) as f32;
        let weight = |at: usize| 0.5 - 0.5 * (at as f32 * step).cos();
        Self {
            weights: Box::new(std::array::from_fn(weight)),
            sound: Box::new([0.0; LENGTH]),
            fresh: 0,
            windowed: transform.make_input_vec(),
            spectrum: transform.make_output_vec(),
            scratch: transform.make_scratch_vec(),
            transform,
            powers: [0.0; LINES],
            low: 0.0,
            all: 0.0,
            in_lines: 0.0,
            searched: 0.0,
        }
    }

    /// Whether a chime is what was heard last.
    pub(super) fn sounds(&self) -> bool {
        self.low < LEAST_LOW * self.all && self.in_lines > MOST_IN_LINES * self.searched
    }

    pub(super) fn hear(&mut self, mut samples: &[f32]) {
        while !samples.is_empty() {
            let (taken, rest) = samples.split_at(samples.len().min(HOP - self.fresh));
            let from = LENGTH - HOP + self.fresh;
            self.sound[from..from + taken.len()].copy_from_slice(taken);
            self.fresh += taken.len();
            samples = rest;
            if self.fresh == HOP {
                self.analyse();
                self.sound.copy_within(HOP.., 0);
                self.fresh = 0;
            }
        }
    }

    fn analyse(&mut self) {
        for at in 0..LENGTH {
            self.windowed[at] = self.sound[at] * self.weights[at];
        }
        let (input, output) = (&mut self.windowed, &mut self.spectrum);
        if self.transform.process_with_scratch(input, output, &mut self.scratch).is_err() {
            return; // only with buffers of other lengths
        }
        for (power, line) in self.powers.iter_mut().zip(&self.spectrum) {
            *power = line.norm_sqr();
        }
        let sum = |lines: Range<usize>| self.powers[lines].iter().sum::<f32>();
        let (low, all, searched) = (sum(LOW), sum(ALL), sum(SEARCHED));
        self.low = self.low * FADE + low;
        self.all = self.all * FADE + all;
        self.searched = self.searched * FADE + searched;
        self.in_lines = self.in_lines * FADE + self.strongest_lines();
    }

    /// The power in the four strongest lines, with their neighbours.
    fn strongest_lines(&self) -> f32 {
        let mut strongest = [0_usize; 4];
        for at in SEARCHED.start + 1..SEARCHED.end - 1 {
            let here = self.powers[at];
            let is_peak = here > self.powers[at - 1] && here >= self.powers[at + 1];
            if is_peak && here > self.powers[strongest[0]] {
                strongest[0] = at;
                strongest.sort_unstable_by(|a, b| self.powers[*a].total_cmp(&self.powers[*b]));
            }
        }
        strongest.sort_unstable();
        let (mut sum, mut counted) = (0.0, SEARCHED.start);
        for at in strongest.into_iter().filter(|at| *at > 0) {
            let from = counted.max(at - 1);
            sum += self.powers[from..at + 2].iter().sum::<f32>();
            counted = at + 2;
        }
        sum
    }
}

impl fmt::Debug for Chime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chime").field("sounds", &self.sounds()).finish_non_exhaustive()
    }
}

const LENGTH: usize = 512;
const HOP: usize = 256;
/// Lines of 31.25 Hz each. Nobody asks for those above.
const LINES: usize = SEARCHED.end;
const LOW: Range<usize> = 3..15;
const ALL: Range<usize> = 3..128;
const SEARCHED: Range<usize> = 4..160;
/// For each 16 ms.
const FADE: f32 = 0.9;
const LEAST_LOW: f32 = 0.035;
const MOST_IN_LINES: f32 = 0.8;
