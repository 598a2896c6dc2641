//! The endpointer that weighs what is known.
//!
//! Each thing that is known speaks for an end or against it, as a number; their sum is looked up in
//! a preset's [`Curve`]. The sum is in the logarithm of the odds, as far as it was fitted: on some
//! hundred ends of read sentences and commands, and as many places within them, clean and in noise.

use std::time::Duration;

use super::{Contour, Endpointer, Habit, Lesson, MAX_SILENCE, MIN_SILENCE, SoFar};
use crate::text::Completeness;

/// Wants more silence the less the turn seems to be over.
#[derive(Clone, Debug)]
pub struct Graded {
    /// Where nothing but silence is known.
    blind: Duration,
    curve: Curve,
    habit: Habit,
}

/// Evidence, and the silence in ms that is enough with it, in rising order of evidence. Between
/// two it lies on the line.
type Curve = &'static [(f32, f32)];

impl Graded {
    /// Answers fast: 350 ms where the turn seems over, 700 ms where it does not.
    #[must_use]
    pub const fn eager(blind: Duration) -> Self {
        Self::of(blind, EAGER)
    }

    /// 630 ms where the turn seems over, a second where it does not.
    #[must_use]
    pub const fn balanced(blind: Duration) -> Self {
        Self::of(blind, BALANCED)
    }

    /// A second where the turn seems over, a second and a half where it does not.
    #[must_use]
    pub const fn patient(blind: Duration) -> Self {
        Self::of(blind, PATIENT)
    }

    const fn of(blind: Duration, curve: Curve) -> Self {
        Self { blind, curve, habit: Habit::NONE }
    }
}

impl Endpointer for Graded {
    fn silence(&self, turn: &SoFar) -> Duration {
        let wanted = evidence(turn).map_or(self.blind, |evidence| enough(self.curve, evidence));
        let wanted = wanted + turn.doubt.min(BENEFIT);
        wanted.max(self.habit.asks()).clamp(MIN_SILENCE, MAX_SILENCE.max(self.blind))
    }

    fn learn(&mut self, lesson: Lesson) {
        self.habit.learn(lesson);
    }
}

/// How much speaks for an end; `None` if nothing but silence is known.
fn evidence(turn: &SoFar) -> Option<f32> {
    let words = match turn.words {
        Completeness::Unknown => None,
        Completeness::Open => Some(OPEN),
        Completeness::Whole => Some(WHOLE),
    };
    let voice = match turn.heard_end {
        Some(likely) => {
            let heard = heard(likely, voice(turn).unwrap_or_default());
            // Models doubt a word that is the answer.
            Some(if turn.spoken < SHORT { heard.max(WORD) } else { heard })
        }
        None => voice(turn),
    };
    match (voice, words) {
        (None, None) => None,
        (voice, words) => Some(voice.unwrap_or_default() + words.unwrap_or_default()),
    }
}

/// How much a model's answer speaks for an end. It has heard the voice as well, but both together
/// tell more than either.
fn heard(likely: f32, voice: f32) -> f32 {
    let likely = likely.clamp(0.01, 0.99);
    line(HEARD, (likely / (1.0 - likely)).ln() + voice)
}

fn voice(turn: &SoFar) -> Option<f32> {
    turn.contour.map(|contour| match turn.spoken < SHORT {
        // A melody needs more than a word; and a word is often the answer.
        true => WORD,
        false => melody(&contour),
    })
}

/// How much the end of the voice speaks for an end of the turn.
fn melody(end: &Contour) -> f32 {
    let breath = end.breath.as_secs_f32() * 1e3;
    let sum = -0.15 * end.pitch.clamp(-6.0, 4.0) - 0.13 * end.level.clamp(-7.0, 2.0)
        + 0.0078 * breath.clamp(12.0, 252.0)
        + 0.05 * end.fall.unwrap_or(-7.0).clamp(-14.0, 0.0)
        - 0.98;
    sum.clamp(-1.5, 1.5)
}

fn enough(curve: Curve, evidence: f32) -> Duration {
    Duration::from_millis(line(curve, evidence).round() as u64)
}

/// The value at `x`, on the lines between points.
fn line(points: Curve, x: f32) -> f32 {
    match points.iter().position(|(at, _)| *at > x) {
        None => points.last().map_or(0.0, |(_, value)| *value),
        Some(0) => points[0].1,
        Some(next) => {
            let ((from, before), (to, after)) = (points[next - 1], points[next]);
            before + (after - before) * (x - from) / (to - from)
        }
    }
}

/// Evidence by a model's answer with the voice. Models are sure too easily, also of pauses within
/// sentences.
const HEARD: Curve = &[(-2.5, -1.9), (-0.6, -1.0), (0.2, -0.7), (0.6, 3.4), (4.0, 3.6)];
const BALANCED: Curve =
    &[(-3.0, 1_400.0), (-1.6, 1_000.0), (-0.7, 1_000.0), (-0.3, 630.0), (2.0, 630.0), (3.5, 400.0)];
const EAGER: Curve =
    &[(-3.0, 1_000.0), (-1.6, 700.0), (-0.7, 700.0), (-0.3, 450.0), (1.5, 350.0), (3.5, 250.0)];
const PATIENT: Curve =
    &[(-3.0, 1_500.0), (-0.7, 1_500.0), (-0.3, 1_000.0), (2.0, 1_000.0), (3.5, 700.0)];

/// What may be a voice gets so much time at most to become one.
const BENEFIT: Duration = Duration::from_millis(200);
/// A turn with less voice is a word or two.
const SHORT: Duration = Duration::from_millis(700);
const WORD: f32 = 0.5;
/// Words that want more after them.
const OPEN: f32 = -2.0;
/// Words that want nothing: hardly a sign, since most beginnings are whole as well.
const WHOLE: f32 = 0.2;
