//! What the turn machine keeps for its endpointer.

use std::time::Duration;

use super::{Endpointer, Lesson, MAX_SILENCE, Prosody, SoFar};
use crate::audio::Tone;
use crate::text::Completeness;
use crate::time::SessionTime;

/// Gathers what is known of a turn, asks the endpointer, and tells it what became of pauses.
#[derive(Debug)]
pub(in crate::turn) struct Watch {
    endpointer: Box<dyn Endpointer>,
    prosody: Prosody,
    words: Completeness,
    /// When a model is asked in a pause, if there is one.
    asks: bool,
    asked: Option<SessionTime>,
    heard_end: Option<f32>,
    last_voice: SessionTime,
    /// How much may have been voice since.
    doubt: Duration,
    /// When the speech of the last turn ended, if silence ended it.
    ended: Option<SessionTime>,
    /// The turn that is open began so soon after the last one that it is the rest of it.
    rest_of: Option<Duration>,
}

impl Watch {
    pub(in crate::turn) fn new(endpointer: Box<dyn Endpointer>) -> Self {
        let (prosody, words) = (Prosody::new(), Completeness::Unknown);
        let (last_voice, doubt) = (SessionTime::ZERO, Duration::ZERO);
        Self {
            endpointer,
            prosody,
            words,
            asks: false,
            asked: None,
            heard_end: None,
            last_voice,
            doubt,
            ended: None,
            rest_of: None,
        }
    }

    /// There is a model to be asked.
    pub(in crate::turn) fn ask_model(&mut self) {
        self.asks = true;
    }

    /// The same with somebody else who says how much silence is needed.
    pub(in crate::turn) fn set_endpointer(&mut self, endpointer: Box<dyn Endpointer>) {
        self.endpointer = endpointer;
    }

    /// Whether a model is to be asked now, after so much silence.
    pub(in crate::turn) fn asks(&mut self, now: SessionTime, silence: Duration) -> bool {
        let due = match self.asked {
            None => silence >= FIRST_QUESTION,
            Some(asked) => now.since(asked) >= NEXT_QUESTION,
        };
        let asks = self.asks && due && self.endpointer.asks_a_model();
        if asks {
            self.asked = Some(now);
        }
        asks
    }

    /// What a model has answered to the question of that time. It does not count if there was
    /// voice since.
    pub(in crate::turn) fn answered(&mut self, asked: SessionTime, likely: f32) {
        if asked > self.last_voice {
            self.heard_end = Some(self.heard_end.map_or(likely, |before| before.min(likely)));
        }
    }

    /// The next frame. `margin` is by how much the detector is surer of a voice than it must be.
    pub(in crate::turn) fn hear(
        &mut self,
        end: SessionTime,
        length: Duration,
        margin: f32,
        tone: Tone,
    ) {
        if margin >= 0.0 {
            (self.last_voice, self.doubt) = (end, Duration::ZERO);
            (self.asked, self.heard_end) = (None, None);
        } else if margin >= -DOUBT && end.since(self.last_voice) > FADING {
            self.doubt += length.mul_f32((margin + DOUBT) * NEARER);
        }
        self.prosody.push(end, margin >= 0.0, tone);
    }

    /// A voice begins that may become a turn.
    pub(in crate::turn) const fn clear(&mut self) {
        self.prosody.clear();
    }

    /// A turn begins.
    pub(in crate::turn) fn begin(&mut self, since: SessionTime) {
        self.words = Completeness::Unknown;
        let pause = self.ended.take().map(|ended| since.since(ended));
        self.rest_of = pause.filter(|pause| *pause <= MAX_SILENCE + LATE);
    }

    /// What the words so far are, as the recogniser has them.
    pub(in crate::turn) const fn words(&mut self, words: Completeness) {
        self.words = words;
    }

    /// The voice has come back after so much silence.
    pub(in crate::turn) fn went_on(&mut self, pause: Duration) {
        if pause >= PAUSE {
            self.endpointer.learn(Lesson::WentOn(pause));
        }
    }

    /// The silence that is needed now.
    pub(in crate::turn) fn needs(
        &mut self,
        spoken: Duration,
        delay: Duration,
        finished: bool,
    ) -> Duration {
        let contour = self.prosody.contour(delay);
        let (heard_end, words, doubt) = (self.heard_end, self.words, self.doubt);
        let turn = SoFar { spoken, contour, heard_end, words, doubt, finished };
        self.endpointer.silence(&turn)
    }

    /// The turn is over: by silence after this end of speech, or else. Noise teaches nothing.
    pub(in crate::turn) fn end(&mut self, by_silence: Option<SessionTime>, noise: bool) {
        if noise {
            return;
        }
        match self.rest_of.take() {
            Some(pause) => self.endpointer.learn(Lesson::CutOff(pause)),
            None => self.endpointer.learn(Lesson::Ended),
        }
        self.ended = by_silence;
    }
}

/// The first answer is the best: each pause sounds more like an end the longer it is.
const FIRST_QUESTION: Duration = Duration::from_millis(100);
const NEXT_QUESTION: Duration = Duration::from_millis(200);
/// Shorter gaps are between words.
const PAUSE: Duration = Duration::from_millis(200);
/// So far below its threshold a detector may hear a voice that begins softly, or in noise.
const DOUBT: f32 = 0.2;
/// How much of a frame counts as doubt, for each 1 that it is above that: just below the threshold
/// twice its length.
const NEARER: f32 = 10.0;
const FADING: Duration = Duration::from_millis(250);
/// Starts are heard late.
const LATE: Duration = Duration::from_millis(100);
