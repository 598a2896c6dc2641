//! Two devices, two clocks: what keeps their samples on one timeline.
//!
//! Each device counts samples by a crystal of its own, and tells by callbacks, which jitter, how
//! far it is. A [`Line`] draws the straight line through what it was told. The speaker's is the
//! [`Master`]; [`Steering`] says by how much the microphone's samples must be stretched so that
//! they stay beside it, and when each was captured.
//!
//! ```text
//! samples │        ·  ╱      told: late by some milliseconds, now and then
//!         │     ·  ╱·
//!         │    · ╱           the line: an offset and a speed, known better and better
//!         │   ╱ ·
//!         └────────────▶ session time
//! ```

use std::time::Duration;

use crate::audio::SampleRate;
use crate::time::SessionTime;

/// Where a device is in session time: an offset and a speed, by a Kalman filter.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    rate: f64,
    /// The sample and the second that the estimate stands at.
    index: f64,
    seconds: f64,
    /// How much longer than nominal a sample lasts, as a part of it.
    slowness: f64,
    /// How uncertain that is: variance of the offset, covariance, variance of the slowness.
    offset_variance: f64,
    covariance: f64,
    slowness_variance: f64,
    /// How many notes in a row were far off.
    strays: u32,
    /// How many notes it is made of, and by how much the last of them were off on average.
    notes: u32,
    bias: f64,
    /// The slowness from before that began.
    trusted: f64,
    /// While the line is in doubt: how many notes there were since, and the sum of what they are
    /// off.
    doubt: Option<(u32, f64)>,
}

/// What a note said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Noted {
    /// The device is where it should be.
    OnLine,
    /// It has stood still for so long, and goes on: the line begins anew here.
    Stood(Duration),
    /// It has leapt ahead: the line begins anew here.
    Leapt,
}

impl Line {
    /// A device that was at sample `index` at `at`.
    pub(crate) fn new(rate: SampleRate, index: u64, at: SessionTime) -> Self {
        Self {
            rate: f64::from(rate.hz()),
            index: index as f64,
            seconds: seconds(at),
            slowness: 0.0,
            offset_variance: NOISE,
            covariance: 0.0,
            slowness_variance: PRIOR,
            strays: 0,
            notes: 0,
            bias: 0.0,
            trusted: 0.0,
            doubt: None,
        }
    }

    /// The device was at sample `index` at `at`, give or take some jitter.
    pub(crate) fn note(&mut self, index: u64, at: SessionTime) -> Noted {
        let off = seconds(at) - self.seconds_of(index as f64);
        if off.abs() < STRAY {
            self.strays = 0;
        } else {
            self.strays += 1;
            if self.strays > STRAYS {
                return self.begin_anew(index, at, off);
            }
            return Noted::OnLine; // an outlier teaches nothing
        }
        self.notes = self.notes.saturating_add(1);
        if let Some(noted) = self.doubts(index, off) {
            return noted;
        }
        self.predict(index as f64);
        let certainty = self.offset_variance + NOISE;
        let (by_offset, by_slowness) =
            (self.offset_variance / certainty, self.covariance / certainty);
        self.seconds += by_offset * off;
        self.slowness = (self.slowness + by_slowness * off).clamp(-SLOWEST, SLOWEST);
        self.slowness_variance -= by_slowness * self.covariance;
        self.covariance -= by_offset * self.covariance;
        self.offset_variance -= by_offset * self.offset_variance;
        Noted::OnLine
    }

    /// When sample `index` was, or will be, in seconds.
    pub(crate) fn seconds_of(&self, index: f64) -> f64 {
        self.seconds + (index - self.index) / self.rate * (1.0 + self.slowness)
    }

    /// The sample at this second.
    pub(crate) fn index_at(&self, seconds: f64) -> f64 {
        self.index + (seconds - self.seconds) / (1.0 + self.slowness) * self.rate
    }

    /// Moves the estimate to a later sample; with distance its certainty falls.
    fn predict(&mut self, index: f64) {
        let passed = ((index - self.index) / self.rate).max(0.0);
        self.seconds = self.seconds_of(index);
        self.index = index;
        self.offset_variance += passed * (2.0 * self.covariance + passed * self.slowness_variance);
        self.covariance += passed * self.slowness_variance;
        self.slowness_variance += WANDER * passed;
    }

    /// Whether notes that are off by less than [`STRAY`] tell of a step, which is not to be taken
    /// for slowness: a buffer that ran dry or over for a moment. No crystal does that.
    fn doubts(&mut self, index: u64, off: f64) -> Option<Noted> {
        if let Some((count, sum)) = &mut self.doubt {
            (*count, *sum) = (*count + 1, *sum + off);
            let mean = *sum / f64::from(*count);
            if *count < DOUBTED {
                return Some(Noted::OnLine);
            }
            (self.doubt, self.bias) = (None, 0.0);
            return (mean.abs() > STEP * 0.75).then(|| self.shift(index, mean));
        }
        if !self.is_settled() {
            return None;
        }
        self.bias += (off - self.bias) / AVERAGED;
        if self.bias.abs() < STEP / 4.0 {
            self.trusted = self.slowness;
        }
        (self.bias.abs() > STEP).then(|| {
            self.doubt = Some((0, 0.0));
            Noted::OnLine
        })
    }

    /// Whether its place is known well.
    const fn is_settled(&self) -> bool {
        self.notes > SETTLED
    }

    /// The speed stays what it was: it is the same crystal.
    fn begin_anew(&mut self, index: u64, at: SessionTime, off: f64) -> Noted {
        (self.index, self.seconds) = (index as f64, seconds(at));
        self.begun_anew(off)
    }

    fn shift(&mut self, index: u64, off: f64) -> Noted {
        self.slowness = self.trusted;
        self.predict(index as f64);
        self.seconds += off;
        let noted = self.begun_anew(off);
        self.offset_variance /= f64::from(DOUBTED);
        noted
    }

    fn begun_anew(&mut self, off: f64) -> Noted {
        (self.strays, self.notes, self.bias, self.doubt) = (0, 0, 0.0, None);
        (self.offset_variance, self.covariance) = (NOISE, 0.0);
        if off > 0.0 { Noted::Stood(Duration::from_secs_f64(off)) } else { Noted::Leapt }
    }
}

/// The speaker's timeline, which the recording and the microphone follow. It goes on when the
/// speaker is exchanged: what nobody played is silence.
#[derive(Debug)]
pub(crate) struct Master {
    rate: SampleRate,
    line: Option<Line>,
    /// Samples of silence that no speaker has played.
    silence: u64,
}

impl Master {
    pub(crate) fn new(rate: SampleRate) -> Self {
        Self { rate, line: None, silence: 0 }
    }

    /// Another speaker plays: its clock is another one.
    pub(crate) fn exchanged(&mut self) {
        self.line = None;
    }

    /// A block whose first sample is number `from` is in the air at `at`. Returns how many
    /// samples of silence come before it.
    pub(crate) fn note(&mut self, from: u64, at: SessionTime) -> u64 {
        let place = from + self.silence;
        let pause = match &mut self.line {
            None => self.rate.samples(at.since(SessionTime::ZERO)).saturating_sub(place),
            Some(line) => match line.note(place, at) {
                Noted::Stood(pause) => self.rate.samples(pause),
                Noted::OnLine | Noted::Leapt => 0,
            },
        };
        let place = place + pause;
        if pause > 0 || self.line.is_none() {
            let line = self.line.get_or_insert_with(|| Line::new(self.rate, place, at));
            line.index = place as f64;
        }
        self.silence += pause;
        pause
    }

    /// Where the timeline is at this second of the session, in seconds of its own.
    fn seconds_at(&self, seconds: f64) -> f64 {
        let rate = f64::from(self.rate.hz());
        self.line.as_ref().map_or(seconds, |line| line.index_at(seconds) / rate)
    }

    fn is_settled(&self) -> bool {
        self.line.as_ref().is_some_and(Line::is_settled)
    }

    /// How fast it goes, as a part of the session's time.
    fn speed(&self) -> f64 {
        self.line.as_ref().map_or(1.0, |line| 1.0 / (1.0 + line.slowness))
    }
}

/// Keeps a microphone with a clock of its own beside the master.
#[derive(Debug)]
pub(crate) struct Steering {
    from: f64,
    to: SampleRate,
    line: Line,
    /// Samples that went into the resampler, and what should have come out by now.
    taken: u64,
    due: f64,
    ratio: f64,
    /// The last sample that was given a time.
    last: (u64, f64),
}

impl Steering {
    /// A microphone of rate `from`, whose sample `index` was captured at `at`, before any was
    /// taken. `given` samples of the timeline of rate `to` were given before. Returns also how
    /// many samples of silence come first.
    pub(crate) fn new(
        (from, index, at): (SampleRate, u64, SessionTime),
        (to, given): (SampleRate, u64),
        master: &Master,
    ) -> (Self, u64) {
        let line = Line::new(from, index, at);
        let begun = line.seconds_of(0.0);
        let place = (master.seconds_at(begun) * f64::from(to.hz())).round().max(0.0) as u64;
        let silence = place.saturating_sub(given);
        let first = given + silence;
        let from = f64::from(from.hz());
        let steering =
            Self { from, to, line, taken: 0, due: first as f64, ratio: 1.0, last: (first, begun) };
        (steering, silence)
    }

    /// The microphone was at sample `index` at `at`. Returns by how many samples the timeline
    /// leaps here: silence if it has stood still, or else, less than nothing, samples that are to
    /// be cut, since there was silence for what has come late after all.
    pub(crate) fn note(&mut self, index: u64, at: SessionTime, master: &Master) -> i64 {
        match self.line.note(index, at) {
            Noted::Stood(pause) => {
                let silence = self.to.samples(pause);
                self.due += silence as f64;
                silence as i64
            }
            Noted::Leapt => self.leap(master),
            Noted::OnLine if !(self.line.is_settled() && master.is_settled()) => 0,
            Noted::OnLine => {
                let off = (self.place(master) - self.due) / f64::from(self.to.hz());
                if off.abs() > ASTRAY { self.leap(master) } else { 0 }
            }
        }
    }

    /// Goes where the master is, at once.
    fn leap(&mut self, master: &Master) -> i64 {
        let leap = (self.place(master) - self.due).round();
        self.due += leap;
        leap as i64
    }

    /// So many samples go into the resampler: by how much it is to stretch them.
    pub(crate) fn take(&mut self, samples: u64, master: &Master) -> f64 {
        let speeds = master.speed() * (1.0 + self.line.slowness);
        let behind = (self.place(master) - self.due) / f64::from(self.to.hz());
        self.taken += samples;
        self.ratio = (speeds * (1.0 + behind / CATCH_UP)).clamp(1.0 - LIMIT, 1.0 + LIMIT);
        self.due += samples as f64 * f64::from(self.to.hz()) / self.from * self.ratio;
        self.ratio
    }

    /// So many samples were lost on the way: they take their time as silence. Returns how much of
    /// it the timeline needs.
    pub(crate) fn lose(&mut self, samples: u64) -> u64 {
        self.taken += samples;
        let before = self.due;
        self.due += samples as f64 * f64::from(self.to.hz()) / self.from * self.ratio;
        self.due.round() as u64 - before.round() as u64
    }

    /// When sample `index` of the timeline was captured. Later samples have later times, and
    /// what the line learns moves them little by little.
    pub(crate) fn time_of(&mut self, index: u64) -> SessionTime {
        let back = (self.due - index as f64) * self.from / f64::from(self.to.hz()) / self.ratio;
        let at = self.line.seconds_of(self.taken as f64 - back);
        let (before, then) = self.last;
        let step = (index as f64 - before as f64) / f64::from(self.to.hz());
        let at = at.clamp(then + step * (1.0 - SLEW), then + step * (1.0 + SLEW));
        self.last = (index, at);
        SessionTime::from_nanos((at.max(0.0) * 1e9) as u64)
    }

    /// Where the master is at the sample after the last that was taken.
    fn place(&self, master: &Master) -> f64 {
        master.seconds_at(self.line.seconds_of(self.taken as f64)) * f64::from(self.to.hz())
    }
}

fn seconds(at: SessionTime) -> f64 {
    at.as_nanos() as f64 / 1e9
}

/// The variance of a callback's jitter: 12 ms, as of one that comes up to 20 ms early or late.
const NOISE: f64 = 0.012 * 0.012;

/// The variance of a crystal's error before anything is known of it: 150 ppm.
const PRIOR: f64 = 150e-6 * 150e-6;

/// By how much that grows in a second: 1 ppm in a minute, as a crystal warms up.
const WANDER: f64 = 1e-6 * 1e-6 / 60.0;

/// Farther off than any jitter of a system that keeps up, in seconds.
const STRAY: f64 = 0.06;

/// Notes in a row that are far off before the device is believed to have stood still: a quarter
/// of a second of them.
const STRAYS: u32 = 25;

/// Notes until a place is known well, and those that an average is made of.
const SETTLED: u32 = 100;
const AVERAGED: f64 = 20.0;

/// Notes that are off by so many seconds on average may tell of a step: jitter of 20 ms alone does
/// that some times in an hour. So as many more are looked at before it is believed.
const STEP: f64 = 0.008;
const DOUBTED: u32 = 32;

/// No crystal is off by more.
const SLOWEST: f64 = 400e-6;

/// A microphone that is off by so many seconds is not waited for until it has been stretched.
const ASTRAY: f64 = 0.012;

/// An offset is made up for within so many seconds.
const CATCH_UP: f64 = 30.0;

/// The most that sound is stretched: less than a hundredth of a semitone.
const LIMIT: f64 = 500e-6;

/// How much faster or slower than the sound itself its times may pass.
const SLEW: f64 = 0.05;

#[cfg(test)]
mod tests;
