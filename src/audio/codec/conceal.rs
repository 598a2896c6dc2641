//! What is heard in place of packets that did not come.
//!
//! A voice repeats itself, some 100 times a second. So a short gap is filled with the last period of
//! what went before, again and again; after 10 ms with the last two in turn, after 20 ms with three, so
//! that it does not buzz; and it fades: as in Appendix I of G.711.
//!
//! ```text
//!          10 ms      60 ms
//! came   |lost.......................|  came
//! ~~~~~~~~~~~~~~~~~~~~~~~-------......../~~~~~
//!         repeated   fades   silence  blended
//! ```
//!
//! In one thing it differs: the appendix holds back 3.75 ms of all sound so that it can blend into the
//! repetition; here nothing is late. What the repetition does not meet of the last sample is added to it,
//! and is gone after a quarter of a period.
//!
//! ```
//! use banter::audio::codec::Concealer;
//! use banter::audio::SampleRate;
//!
//! let mut concealer = Concealer::new(SampleRate::SPEECH)?;
//! let mut played = vec![1_000; 320];
//! concealer.came(&mut played); // call it with all that comes, in order
//! concealer.lost(320, &mut played);
//! assert_eq!(played.len(), 640);
//! # Ok::<(), banter::audio::codec::CodecError>(())
//! ```
//!
//! It does not know what was lost when, or in which order packets belong: that is the receiver's part.
//! Opus conceals by itself.

mod period;

use std::ops::RangeInclusive;
use std::time::Duration;

use self::period::PeriodFinder;
use super::CodecError;
use crate::audio::SampleRate;

/// Fills the gaps of one stream of sound. Allocates nothing once it is made.
#[derive(Clone, Debug)]
pub struct Concealer {
    lengths: Lengths,
    finder: PeriodFinder,
    /// What was heard last, concealed or not.
    heard: Vec<i16>,
    state: State,
    repetition: Repetition,
}

impl Concealer {
    /// A concealer for sound at `rate`.
    ///
    /// # Errors
    ///
    /// [`CodecError::Rate`] below 8 kHz and above 48 kHz: resample the sound.
    pub fn new(rate: SampleRate) -> Result<Self, CodecError> {
        if !RATES.contains(&rate.hz()) {
            return Err(CodecError::Rate { rate, known: "8 to 48 kHz" });
        }
        let lengths = Lengths::at(rate);
        Ok(Self {
            lengths,
            finder: PeriodFinder::new(rate, lengths.shortest..=lengths.longest),
            heard: vec![0; lengths.remembered()],
            state: State::Whole,
            repetition: Repetition::new(&lengths),
        })
    }

    /// Takes sound that came. What follows a gap is blended with what filled it, for at most 10 ms.
    pub fn came(&mut self, pcm: &mut [i16]) {
        if let State::Lost = self.state {
            self.state = State::Back { blended: 0, over: self.blend() };
        }
        if let State::Back { blended, over } = self.state {
            let now = pcm.len().min(over - blended);
            for (at, sample) in pcm[..now].iter_mut().enumerate() {
                let filled = self.repetition.next(&self.lengths);
                *sample = mix(filled, *sample, blended + at, over);
            }
            let blended = blended + now;
            self.state = if blended < over { State::Back { blended, over } } else { State::Whole };
        }
        self.remember(pcm);
    }

    /// Appends to `pcm` so many samples in place of those that did not come.
    pub fn lost(&mut self, samples: usize, pcm: &mut Vec<i16>) {
        if !matches!(self.state, State::Lost) {
            let period = self.finder.find(&self.heard);
            self.repetition.begin(&self.heard, period);
            self.state = State::Lost;
        }
        let from = pcm.len();
        pcm.extend((0..samples).map(|_| self.repetition.next(&self.lengths)));
        self.remember(&pcm[from..]);
    }

    /// The longer the gap, the less is what filled it like what follows.
    fn blend(&self) -> usize {
        let Lengths { step, .. } = self.lengths;
        let longer = self.repetition.given / step * step * 2 / 5;
        (self.repetition.quarter() + longer).min(step)
    }

    fn remember(&mut self, pcm: &[i16]) {
        let len = self.heard.len();
        let new = &pcm[pcm.len().saturating_sub(len)..];
        self.heard.copy_within(new.len().., 0);
        self.heard[len - new.len()..].copy_from_slice(new);
    }
}

#[derive(Clone, Copy, Debug)]
enum State {
    Whole,
    Lost,
    /// The sound is back, and so much of it has been blended.
    Back {
        blended: usize,
        over: usize,
    },
}

/// What goes on while nothing comes.
#[derive(Clone, Debug)]
struct Repetition {
    /// What was heard before the gap.
    past: Vec<i16>,
    /// What is repeated: the last periods, whose end leads to their beginning.
    cycle: Vec<i16>,
    at: usize,
    period: usize,
    /// What the cycle before would have gone on with, and how much of it has been blended.
    tail: Vec<i16>,
    blended: usize,
    /// By how much the first sample of the cycle is off from what went before.
    off: f32,
    peak: f32,
    /// How many samples it has filled.
    given: usize,
}

impl Repetition {
    fn new(lengths: &Lengths) -> Self {
        Self {
            past: vec![0; lengths.remembered()],
            cycle: Vec::with_capacity(lengths.longest * PERIODS),
            at: 0,
            period: lengths.longest,
            tail: Vec::with_capacity(lengths.longest / 4),
            blended: 0,
            off: 0.0,
            peak: 0.0,
            given: 0,
        }
    }

    fn begin(&mut self, heard: &[i16], period: usize) {
        self.past.copy_from_slice(heard);
        (self.period, self.given) = (period, 0);
        let last = heard.len() - 1;
        self.off = f32::from(heard[last]) - f32::from(heard[last - period]);
        self.peak = heard.iter().map(|it| f32::from(*it).abs()).fold(0.0, f32::max);
        self.tail.clear();
        self.repeat(1);
        self.at = 0;
    }

    /// Repeats the last `periods`. Their end is blended into what went before their beginning.
    fn repeat(&mut self, periods: usize) {
        let (end, quarter) = (self.past.len(), self.quarter());
        let start = end - periods * self.period;
        self.cycle.clear();
        self.cycle.extend_from_slice(&self.past[start..]);
        let from = self.cycle.len() - quarter;
        let before = &self.past[start - quarter..start];
        for (at, (end, before)) in self.cycle[from..].iter_mut().zip(before).enumerate() {
            *end = mix(*end, *before, at, quarter);
        }
    }

    /// Goes over to one more period, from the same place in it.
    fn grow(&mut self, periods: usize) {
        self.tail.clear();
        let old = self.cycle.iter().cycle().skip(self.at).take(self.quarter());
        self.tail.extend(old);
        self.blended = 0;
        self.at %= self.period;
        self.repeat(periods);
    }

    fn next(&mut self, lengths: &Lengths) -> i16 {
        if self.given >= lengths.fades_by {
            return 0;
        }
        if self.given > 0 && self.given.is_multiple_of(lengths.step) {
            let periods = self.given / lengths.step + 1;
            if periods <= PERIODS {
                self.grow(periods);
            }
        }
        let mut sample = self.cycle[self.at];
        self.at = (self.at + 1) % self.cycle.len();
        if let Some(&old) = self.tail.get(self.blended) {
            sample = mix(old, sample, self.blended, self.tail.len());
            self.blended += 1;
        }
        let met = (self.given + 1) as f32 / (self.quarter() + 1) as f32;
        let sample = f32::from(sample) + self.off * (1.0 - met).max(0.0);
        let sample = sample.clamp(-self.peak, self.peak) * lengths.gain(self.given);
        self.given += 1;
        sample as i16
    }

    fn quarter(&self) -> usize {
        self.period / 4
    }
}

/// From `old` to `new`: where a blend over `over` samples is `at` its place.
fn mix(old: i16, new: i16, at: usize, over: usize) -> i16 {
    let share = (at + 1) as f32 / (over + 1) as f32;
    (f32::from(old) + (f32::from(new) - f32::from(old)) * share) as i16
}

/// Times in samples.
#[derive(Clone, Copy, Debug)]
struct Lengths {
    /// Of periods.
    shortest: usize,
    longest: usize,
    /// After each of them something changes.
    step: usize,
    fades_by: usize,
}

impl Lengths {
    fn at(rate: SampleRate) -> Self {
        let samples = |duration| rate.samples(duration) as usize;
        let step = samples(STEP);
        Self { shortest: samples(SHORTEST), longest: samples(LONGEST), step, fades_by: 6 * step }
    }

    const fn remembered(&self) -> usize {
        self.longest * PERIODS + self.longest / 4
    }

    fn gain(&self, given: usize) -> f32 {
        let fading = given.saturating_sub(self.step) as f32;
        1.0 - fading / (self.fades_by - self.step) as f32
    }
}

const RATES: RangeInclusive<u32> = 8_000..=48_000;
/// Periods of 200 Hz and of 66 Hz. A higher voice repeats itself in the double of its period as well.
const SHORTEST: Duration = Duration::from_millis(5);
const LONGEST: Duration = Duration::from_millis(15);
const STEP: Duration = Duration::from_millis(10);
const PERIODS: usize = 3;

#[cfg(test)]
mod tests;
