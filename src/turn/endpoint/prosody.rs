//! How a voice ends: what of its melody and loudness tells whether more is to come.
//!
//! Who has finished ends low and softly, and the voice fades into breath; who searches for a word
//! breaks off at the height and loudness of the sentence. It is told the frames of a turn and
//! answers with a [`Contour`], relative to the same voice before. It allocates nothing.

use std::time::Duration;

use crate::audio::Tone;
use crate::time::SessionTime;

/// How the voice ended, against how it was before in the turn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contour {
    /// The last pitch against the usual one, in semitones.
    pub pitch: f32,
    /// The loudest of the last 300 ms of voice against the loud ones of the turn, in dB.
    pub level: f32,
    /// How long the detector heard voice after the last of it that had a pitch: breath, hiss.
    pub breath: Duration,
    /// The level right after the last pitch against that before, in dB: a voice that is broken
    /// off falls deep. `None` if there is no sound at all after it, as behind a gate.
    pub fall: Option<f32>,
}

/// Follows the voice of a turn.
#[derive(Debug)]
pub struct Prosody {
    /// A ring: the last frames of the turn, silence left out.
    frames: [Frame; KEPT],
    count: usize,
    /// Frames without voice that have come since the last with voice.
    after: u8,
    last_voice: SessionTime,
    contour: Option<Contour>,
    is_known: bool,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    end: SessionTime,
    level: f32,
    /// In semitones.
    pitch: Option<f32>,
    voiced: bool,
}

impl Prosody {
    /// Nothing was heard.
    #[must_use]
    pub const fn new() -> Self {
        let nothing = Frame { end: SessionTime::ZERO, level: 0.0, pitch: None, voiced: false };
        Self {
            frames: [nothing; KEPT],
            count: 0,
            after: 0,
            last_voice: SessionTime::ZERO,
            contour: None,
            is_known: true,
        }
    }

    /// A new turn may begin.
    pub const fn clear(&mut self) {
        *self = Self::new();
    }

    /// The next frame, which ends then.
    pub fn push(&mut self, end: SessionTime, voiced: bool, tone: Tone) {
        if voiced {
            (self.after, self.last_voice) = (0, end);
        } else if self.count == 0 || self.after >= AFTER {
            return;
        } else {
            self.after += 1;
        }
        let pitch = tone.pitch_hz.map(|hz| 12.0 * hz.log2());
        self.frames[self.count % KEPT] = Frame { end, level: tone.level_db, pitch, voiced };
        self.count += 1;
        self.is_known = false;
    }

    /// How the voice has ended, if it had enough of a pitch. The detector lags behind the voice by
    /// `delay`.
    pub fn contour(&mut self, delay: Duration) -> Option<Contour> {
        if !self.is_known {
            self.contour = self.measure(delay);
            self.is_known = true;
        }
        self.contour
    }

    fn measure(&self, delay: Duration) -> Option<Contour> {
        let mut room = [0.0; KEPT];
        let loud = share(&mut room, self.voiced().map(|frame| frame.level), 0.9)?;
        let pitched = || {
            let sung = |frame: &&Frame| frame.end <= self.last_voice && frame.level > loud - RANGE;
            self.iter().filter(sung).filter_map(|frame| Some((frame, frame.pitch?)))
        };
        let rough = share(&mut room, pitched().map(|(_, pitch)| pitch), 0.5)?;
        // What is further away is an octave that was taken for another.
        let pitched = || pitched().filter(|(_, pitch)| (pitch - rough).abs() < 10.0);
        if pitched().count() < LEAST {
            return None;
        }
        let usual = share(&mut room, pitched().map(|(_, pitch)| pitch), 0.5)?;
        let (last, _) = pitched().last()?;
        let of_last =
            |span: Duration| pitched().filter(move |(frame, _)| last.end.since(frame.end) < span);
        let final_pitch = share(&mut room, of_last(FINAL).map(|(_, pitch)| pitch), 0.5)?;
        let peak = of_last(TAIL).map(|(frame, _)| frame.level).fold(f32::MIN, f32::max);
        let before = mean(of_last(EDGE).map(|(frame, _)| frame.level))?;
        let behind = |frame: &&Frame| frame.end > last.end && frame.end.since(last.end) <= EDGE;
        let after = mean(self.iter().filter(behind).map(|frame| frame.level))?;
        Some(Contour {
            pitch: final_pitch - usual,
            level: peak - loud,
            breath: self.last_voice.since(last.end).saturating_sub(delay),
            fall: (after > NOTHING).then_some(after - before),
        })
    }

    /// Oldest first.
    fn iter(&self) -> impl Iterator<Item = &Frame> {
        let from = self.count.saturating_sub(KEPT);
        (from..self.count).map(|at| &self.frames[at % KEPT])
    }

    fn voiced(&self) -> impl Iterator<Item = &Frame> {
        self.iter().filter(|frame| frame.voiced)
    }
}

impl Default for Prosody {
    fn default() -> Self {
        Self::new()
    }
}

/// The value below which such a share of all lies.
fn share(room: &mut [f32; KEPT], values: impl Iterator<Item = f32>, share: f32) -> Option<f32> {
    let mut count = 0;
    for (place, value) in room.iter_mut().zip(values) {
        *place = value;
        count += 1;
    }
    let at = (count as f32 * share) as usize;
    let (_, value, _) =
        room[..count].select_nth_unstable_by(at.min(count.checked_sub(1)?), f32::total_cmp);
    Some(*value)
}

fn mean(values: impl Iterator<Item = f32>) -> Option<f32> {
    let (sum, count) = values.fold((0.0, 0_u16), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f32::from(count))
}

/// Four seconds of the shortest frames.
const KEPT: usize = 256;
/// Frames that are kept of the silence.
const AFTER: u8 = 5;
/// Frames with a pitch that make a melody.
const LEAST: usize = 4;
/// What is so far below the loud is no voice, in dB.
const RANGE: f32 = 22.0;
/// No microphone is so quiet, in dB.
const NOTHING: f32 = -90.0;
const FINAL: Duration = Duration::from_millis(160);
const TAIL: Duration = Duration::from_millis(300);
const EDGE: Duration = Duration::from_millis(50);
