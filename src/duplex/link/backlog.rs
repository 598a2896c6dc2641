//! What is to be told to the other side: what it has not been told yet, and what it was told of a
//! say that it has not answered, which another connection has to be told again. A core.

use std::collections::VecDeque;
use std::time::Duration;

use crate::duplex::{Detecting, DuplexInput, Known};
use crate::time::SessionTime;
use crate::types::ToolResult;

/// Inputs on their way.
#[derive(Clone, Debug)]
pub(super) struct Backlog {
    /// Not told yet.
    waiting: Queue,
    /// Told, and not answered yet.
    told: Queue,
    /// The same of what is said over an answer, which that does not answer.
    over: Option<Queue>,
    /// The other side is in the middle of an answer.
    replying: bool,
    detecting: Detecting,
    /// The user speaks, or has spoken and is not answered: as the other side has it, which may not
    /// tell, or as who tells it has it.
    speaks: bool,
    in_turn: bool,
}

/// Inputs in order, with a bound on their sound and on their number.
#[derive(Clone, Debug, Default)]
struct Queue {
    entries: VecDeque<Entry>,
    sound: Duration,
}

/// An input, and so many frames of the connection whose other side has read them knows it: none if it
/// was known before.
#[derive(Clone, Debug)]
struct Entry {
    input: DuplexInput,
    frames: u64,
}

/// What is to be told next.
#[derive(Debug)]
pub(super) struct Next {
    pub(super) input: DuplexInput,
    /// The other side knows it from the connection before.
    pub(super) is_known: bool,
}

impl Backlog {
    pub(super) fn new(detecting: Detecting) -> Self {
        Self {
            waiting: Queue::default(),
            told: Queue::default(),
            over: None,
            replying: false,
            detecting,
            speaks: false,
            in_turn: false,
        }
    }

    /// Takes an input. Returns how much sound is forgotten for it.
    pub(super) fn push(&mut self, input: DuplexInput) -> Duration {
        self.waiting.push(input, UNKNOWN);
        self.waiting.trim(MOST_SOUND)
    }

    /// The next input to be told, and then to be given back as [`told`](Self::told).
    pub(super) fn pop(&mut self) -> Option<Next> {
        let Entry { input, frames } = self.waiting.pop()?;
        Some(Next { input, is_known: frames == 0 })
    }

    /// The other side hears the user speak, since then.
    pub(super) fn speech_started(&mut self, at: SessionTime) {
        self.speaks = true;
        self.told.drop_sound_before(at);
        self.speaks_over();
    }

    /// Whether the user speaks, or has said what is not answered yet.
    pub(super) fn is_open(&self) -> bool {
        let is_told = !self.told.entries.is_empty() || self.over.is_some();
        self.speaks || self.in_turn || !self.detects() && is_told
    }

    /// An answer begins, to all that was told. If one that was asked for is lost, whoever asked asks
    /// again.
    pub(super) fn begun(&mut self, asked: bool) {
        self.replying = true;
        if let Some(over) = self.over.take() {
            over.entries.into_iter().for_each(|entry| self.told.add(entry));
        }
        if asked {
            self.told.entries.retain(|told| !matches!(told.input, DuplexInput::Respond { .. }));
        }
    }

    /// What the user said is being answered: nobody has to be told again.
    pub(super) fn answered(&mut self) {
        self.told = Queue::default();
        if self.over.is_none() {
            (self.speaks, self.in_turn) = (false, false);
        }
    }

    /// The answer is over.
    pub(super) fn ended(&mut self) {
        self.replying = false;
    }

    /// The connection is lost, perhaps so that it had been dead before that was noticed: what was not
    /// answered is told again, unless the next one knows it. Returns how much sound is forgotten for it.
    pub(super) fn lost(&mut self, known: Known, was_dead: bool) -> Duration {
        if self.hears_silence() && !was_dead {
            let _was_heard_there = self.told.trim(BEFORE_SPEECH);
        }
        (self.speaks, self.in_turn, self.replying) = (false, false, false);
        let mut all = std::mem::take(&mut self.told);
        let over = self.over.take().unwrap_or_default();
        let waiting = std::mem::take(&mut self.waiting);
        over.entries.into_iter().for_each(|entry| all.add(entry));
        waiting.entries.into_iter().for_each(|entry| all.add(entry));
        all.know(known);
        self.waiting = all;
        self.waiting.trim(MOST_SOUND)
    }

    /// An input was told by the end of so many frames, or was known (0). Keeps what may have to be
    /// told again: of sound, what belongs to the user's say.
    pub(super) fn told(&mut self, input: DuplexInput, frames: u64) {
        match input {
            // Who does not say that it hears the user may do so all the same.
            DuplexInput::TurnBegan { .. } => {
                if self.hears_silence() {
                    let _silence = self.told.trim(BEFORE_TURN);
                }
                self.in_turn = true;
                self.speaks_over();
                self.say().push(input, frames);
            }
            DuplexInput::TurnDropped { .. } => {
                self.in_turn = false;
                match self.detects() {
                    true => self.say().push(input, frames),
                    false => self.say().drop_turn(),
                }
                self.over.take_if(|over| over.entries.is_empty());
            }
            // Who answers turns by itself is asked when it does so already.
            DuplexInput::Respond { say: None }
                if self.replying && self.say().entries.is_empty() => {}
            DuplexInput::TurnEnded { .. }
            | DuplexInput::Text(_)
            | DuplexInput::Image(_)
            | DuplexInput::Respond { .. } => self.say().push(input, frames),
            // Another connection knows nothing of the calls: it is told in words.
            DuplexInput::ToolResults(results) => {
                for ToolResult { name, content, .. } in results {
                    let text = format!("The tool `{name}`, which you called, has given: {content}");
                    self.say().push(DuplexInput::Text(text.into()), frames);
                }
                self.say().push(DuplexInput::Respond { say: None }, frames);
            }
            DuplexInput::Sound { .. } => {
                let keep = if self.hears_silence() { BEFORE_LOSS } else { MOST_SOUND };
                self.say().push(input, frames);
                let _nobody_misses_it = self.say().trim(keep);
            }
            // What they are about is gone with the connection, or is known to the next one.
            DuplexInput::Frame { .. }
            | DuplexInput::Cancel { .. }
            | DuplexInput::Heard { .. }
            | DuplexInput::Settings(_) => {}
        }
    }

    /// The other side detects turns, and hears silence too.
    fn detects(&self) -> bool {
        self.detecting != Detecting::Here
    }

    /// It does so now, as far as anybody knows.
    fn hears_silence(&self) -> bool {
        self.detects() && !self.speaks && !self.in_turn
    }

    /// Where what is said now belongs: what is said over an answer stays together.
    fn say(&mut self) -> &mut Queue {
        self.over.as_mut().unwrap_or(&mut self.told)
    }

    /// The user begins to speak, over an answer if there is one. In a stream the sound just before
    /// belongs to it.
    fn speaks_over(&mut self) {
        if self.replying && self.over.is_none() {
            let before =
                if self.detects() { std::mem::take(&mut self.told) } else { Queue::default() };
            self.over = Some(before);
        }
    }
}

impl Queue {
    fn push(&mut self, input: DuplexInput, frames: u64) {
        self.add(Entry { input, frames });
    }

    fn add(&mut self, entry: Entry) {
        self.sound += entry.length();
        self.entries.push_back(entry);
        // Nobody says so much; a program gone wild may.
        while self.entries.len() > MOST_INPUTS {
            self.pop();
        }
    }

    fn pop(&mut self) -> Option<Entry> {
        let entry = self.entries.pop_front()?;
        self.sound = self.sound.saturating_sub(entry.length());
        Some(entry)
    }

    /// The connection is lost, and so much is known to the next one.
    fn know(&mut self, known: Known) {
        for entry in &mut self.entries {
            let is_known = match known {
                Known::Nothing => false,
                Known::Before => entry.frames == 0,
                // The first frame is number 0.
                Known::UpTo(last) => {
                    entry.frames != UNKNOWN && entry.frames <= last.saturating_add(1)
                }
            };
            entry.frames = if is_known { 0 } else { UNKNOWN };
        }
    }

    /// Forgets the oldest sound until there is no more than `most`.
    fn trim(&mut self, most: Duration) -> Duration {
        let mut over = self.sound.saturating_sub(most);
        let before = self.sound;
        if over.is_zero() {
            return Duration::ZERO;
        }
        self.entries.retain(|entry| {
            let length = entry.length();
            if over.is_zero() || length.is_zero() {
                return true;
            }
            over = over.saturating_sub(length);
            false
        });
        self.sound = self.entries.iter().map(Entry::length).sum();
        before - self.sound
    }

    fn drop_sound_before(&mut self, at: SessionTime) {
        self.entries.retain(|entry| match &entry.input {
            DuplexInput::Sound { at: begins, .. } => *begins + entry.length() + PREFIX > at,
            _ => true,
        });
        self.sound = self.entries.iter().map(Entry::length).sum();
    }

    /// Forgets the last turn with its sound.
    fn drop_turn(&mut self) {
        let began = |entry: &Entry| matches!(entry.input, DuplexInput::TurnBegan { .. });
        if let Some(at) = self.entries.iter().rposition(began) {
            self.entries.truncate(at);
        }
        self.sound = self.entries.iter().map(Entry::length).sum();
    }
}

impl Entry {
    /// How much sound it is.
    fn length(&self) -> Duration {
        match &self.input {
            DuplexInput::Sound { audio, .. } => audio.rate().duration(audio.samples().len() as u64),
            _ => Duration::ZERO,
        }
    }
}

/// More frames than there ever are: nobody knows it.
const UNKNOWN: u64 = u64::MAX;

/// What the user says while there is no connection, and what may have to be said again.
const MOST_SOUND: Duration = Duration::from_secs(30);

/// Between the user's turns so much sound is told again, in case the next one has just begun.
const BEFORE_SPEECH: Duration = Duration::from_secs(1);

/// A turn is known to be one within so much of its beginning.
const BEFORE_TURN: Duration = Duration::from_millis(1_500);

/// A connection may have been dead for so long when that is noticed: what was said meanwhile nobody
/// has heard.
const BEFORE_LOSS: Duration = Duration::from_secs(11);

/// What comes before the sound in which speech was found may be its beginning.
const PREFIX: Duration = Duration::from_millis(500);

/// 30 s of frames of 10 ms, and all that is said about them.
const MOST_INPUTS: usize = 4_096;

#[cfg(test)]
mod tests;
