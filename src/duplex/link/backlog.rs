//! What is to be told to the other side: what it has not been told yet, and what it was told of a
//! say that it has not answered, which another connection has to be told again. A core.

use std::collections::VecDeque;
use std::time::Duration;

use crate::duplex::{Detecting, DuplexInput};
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
    inputs: VecDeque<DuplexInput>,
    sound: Duration,
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
        self.waiting.push(input);
        self.waiting.trim(MOST_SOUND)
    }

    /// The next input to be told.
    pub(super) fn pop(&mut self) -> Option<DuplexInput> {
        let input = self.waiting.pop()?;
        self.note(&input);
        Some(input)
    }

    /// The other side hears the user speak, since then.
    pub(super) fn speech_started(&mut self, at: SessionTime) {
        self.speaks = true;
        self.told.drop_sound_before(at);
        self.speaks_over();
    }

    /// Whether the user speaks, or has said what is not answered yet.
    pub(super) fn is_open(&self) -> bool {
        let is_told = !self.told.inputs.is_empty() || self.over.is_some();
        self.speaks || self.in_turn || !self.detects() && is_told
    }

    /// An answer begins, to all that was told. If one that was asked for is lost, whoever asked asks
    /// again.
    pub(super) fn begun(&mut self, asked: bool) {
        self.replying = true;
        if let Some(over) = self.over.take() {
            over.inputs.into_iter().for_each(|input| self.told.push(input));
        }
        if asked {
            self.told.inputs.retain(|input| !matches!(input, DuplexInput::Respond { .. }));
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
    /// answered is told again. Returns how much sound is forgotten for it.
    pub(super) fn lost(&mut self, was_dead: bool) -> Duration {
        if self.hears_silence() && !was_dead {
            let _was_heard_there = self.told.trim(BEFORE_SPEECH);
        }
        (self.speaks, self.in_turn, self.replying) = (false, false, false);
        let mut all = std::mem::take(&mut self.told);
        let over = self.over.take().unwrap_or_default();
        let waiting = std::mem::take(&mut self.waiting);
        over.inputs.into_iter().chain(waiting.inputs).for_each(|input| all.push(input));
        self.waiting = all;
        self.waiting.trim(MOST_SOUND)
    }

    /// Keeps what may have to be told again: of sound, what belongs to the user's say.
    fn note(&mut self, input: &DuplexInput) {
        match input {
            // Who does not say that it hears the user may do so all the same.
            DuplexInput::TurnBegan { .. } => {
                if self.hears_silence() {
                    let _silence = self.told.trim(BEFORE_TURN);
                }
                self.in_turn = true;
                self.speaks_over();
                self.say().push(input.clone());
            }
            DuplexInput::TurnDropped { .. } => {
                self.in_turn = false;
                match self.detects() {
                    true => self.say().push(input.clone()),
                    false => self.say().drop_turn(),
                }
                self.over.take_if(|over| over.inputs.is_empty());
            }
            // Who answers turns by itself is asked when it does so already.
            DuplexInput::Respond { say: None } if self.replying && self.say().inputs.is_empty() => {
            }
            DuplexInput::TurnEnded { .. }
            | DuplexInput::Text(_)
            | DuplexInput::Image(_)
            | DuplexInput::Respond { .. } => self.say().push(input.clone()),
            // Another connection knows nothing of the calls: it is told in words.
            DuplexInput::ToolResults(results) => {
                for ToolResult { name, content, .. } in results {
                    let text = format!("The tool `{name}`, which you called, has given: {content}");
                    self.say().push(DuplexInput::Text(text.into()));
                }
                self.say().push(DuplexInput::Respond { say: None });
            }
            DuplexInput::Sound { .. } => {
                let keep = if self.hears_silence() { BEFORE_LOSS } else { MOST_SOUND };
                self.say().push(input.clone());
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
    fn push(&mut self, input: DuplexInput) {
        self.sound += length(&input);
        self.inputs.push_back(input);
        // Nobody says so much; a program gone wild may.
        while self.inputs.len() > MOST_INPUTS {
            self.pop();
        }
    }

    fn pop(&mut self) -> Option<DuplexInput> {
        let input = self.inputs.pop_front()?;
        self.sound = self.sound.saturating_sub(length(&input));
        Some(input)
    }

    /// Forgets the oldest sound until there is no more than `most`.
    fn trim(&mut self, most: Duration) -> Duration {
        let mut over = self.sound.saturating_sub(most);
        let before = self.sound;
        if over.is_zero() {
            return Duration::ZERO;
        }
        self.inputs.retain(|input| {
            let length = length(input);
            if over.is_zero() || length.is_zero() {
                return true;
            }
            over = over.saturating_sub(length);
            false
        });
        self.sound = self.inputs.iter().map(length).sum();
        before - self.sound
    }

    fn drop_sound_before(&mut self, at: SessionTime) {
        self.inputs.retain(|input| match input {
            DuplexInput::Sound { at: begins, audio } => {
                *begins + audio.rate().duration(audio.samples().len() as u64) + PREFIX > at
            }
            _ => true,
        });
        self.sound = self.inputs.iter().map(length).sum();
    }

    /// Forgets the last turn with its sound.
    fn drop_turn(&mut self) {
        let began = |input: &DuplexInput| matches!(input, DuplexInput::TurnBegan { .. });
        if let Some(at) = self.inputs.iter().rposition(began) {
            self.inputs.truncate(at);
        }
        self.sound = self.inputs.iter().map(length).sum();
    }
}

fn length(input: &DuplexInput) -> Duration {
    match input {
        DuplexInput::Sound { audio, .. } => audio.rate().duration(audio.samples().len() as u64),
        _ => Duration::ZERO,
    }
}

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
mod tests {
    use super::*;
    use crate::audio::{AudioChunk, SampleRate};
    use crate::duplex::ServerTurns;
    use crate::ids::TurnId;

    const TURN: TurnId = TurnId::new(1);

    /// A tenth of a second of sound that begins then.
    fn sound(tenth: u64) -> DuplexInput {
        let at = SessionTime::ZERO + Duration::from_millis(tenth * 100);
        DuplexInput::Sound {
            at,
            audio: AudioChunk::new(vec![tenth as i16; 1_600], SampleRate::SPEECH),
        }
    }

    fn told(backlog: &mut Backlog) -> Vec<DuplexInput> {
        std::iter::from_fn(|| backlog.pop()).collect()
    }

    #[test]
    fn a_say_that_was_not_answered_is_told_again_before_what_came_since() {
        let mut backlog = Backlog::new(Detecting::Here);
        let say = [
            DuplexInput::TurnBegan { turn: TURN },
            sound(0),
            sound(1),
            DuplexInput::TurnEnded { turn: TURN },
        ];
        for input in say.clone().into_iter().chain([DuplexInput::Respond { say: None }]) {
            assert_eq!(backlog.push(input), Duration::ZERO);
        }
        told(&mut backlog);
        let text = DuplexInput::Text("and then?".into());
        backlog.push(text.clone());
        assert_eq!(backlog.lost(false), Duration::ZERO);
        let asked = DuplexInput::Respond { say: None };
        let again: Vec<_> = say.clone().into_iter().chain([asked, text.clone()]).collect();
        assert_eq!(told(&mut backlog), again);
        // Who asked asks again himself, once an answer has begun.
        backlog.begun(true);
        backlog.lost(false);
        let again: Vec<_> = say.into_iter().chain([text]).collect();
        assert_eq!(told(&mut backlog), again);
    }

    #[test]
    fn what_is_answered_is_not_told_again() {
        let mut backlog = Backlog::new(Detecting::Here);
        for input in [DuplexInput::TurnBegan { turn: TURN }, sound(0)] {
            backlog.push(input);
        }
        told(&mut backlog);
        backlog.answered();
        backlog.lost(false);
        assert_eq!(told(&mut backlog), []);
    }

    /// Its rest still comes when the user has begun to speak.
    #[test]
    fn what_is_said_over_an_answer_is_not_answered_by_it() {
        let say = [
            DuplexInput::TurnBegan { turn: TURN },
            sound(3),
            DuplexInput::TurnEnded { turn: TURN },
        ];
        let mut backlog = Backlog::new(Detecting::Here);
        for answered in [false, true] {
            backlog.begun(true);
            for input in say.clone() {
                backlog.push(input);
            }
            told(&mut backlog);
            backlog.answered();
            backlog.ended();
            if answered {
                backlog.begun(true);
                backlog.answered();
            }
            assert_eq!(backlog.is_open(), !answered);
            backlog.lost(false);
            assert_eq!(told(&mut backlog), if answered { &[][..] } else { &say });
        }

        let mut stream = Backlog::new(Detecting::There(ServerTurns::default()));
        for tenth in 0..20 {
            stream.push(sound(tenth));
        }
        told(&mut stream);
        stream.begun(false);
        stream.speech_started(SessionTime::ZERO + Duration::from_millis(1_900));
        stream.push(sound(20));
        told(&mut stream);
        stream.answered();
        stream.lost(false);
        let again: Vec<_> = (14..21).map(sound).collect();
        assert_eq!(told(&mut stream), again);
    }

    /// It is asked when it has already begun.
    #[test]
    fn who_answers_by_itself_is_not_asked_again() {
        let mut backlog = Backlog::new(Detecting::Here);
        backlog.begun(true);
        backlog.answered();
        backlog.push(DuplexInput::Respond { say: None });
        told(&mut backlog);
        backlog.lost(false);
        assert_eq!(told(&mut backlog), []);
    }

    #[test]
    fn results_of_tools_are_told_again_in_words() {
        let mut backlog = Backlog::new(Detecting::Here);
        let (id, name, content) = ("c".to_owned(), "clock".to_owned(), "12:00".to_owned());
        let result = ToolResult { id, name, content, is_error: false };
        backlog.push(DuplexInput::ToolResults(vec![result]));
        told(&mut backlog);
        backlog.lost(false);
        let text = "The tool `clock`, which you called, has given: 12:00".into();
        assert_eq!(
            told(&mut backlog),
            [DuplexInput::Text(text), DuplexInput::Respond { say: None }]
        );
    }

    #[test]
    fn noise_is_not_told_again() {
        let mut backlog = Backlog::new(Detecting::Here);
        for input in [
            DuplexInput::Text("first".into()),
            DuplexInput::TurnBegan { turn: TURN },
            sound(0),
            DuplexInput::TurnDropped { turn: TURN },
        ] {
            backlog.push(input);
        }
        told(&mut backlog);
        backlog.lost(false);
        assert_eq!(told(&mut backlog), [DuplexInput::Text("first".into())]);
    }

    #[test]
    fn without_a_connection_the_newest_half_minute_is_kept() {
        let mut backlog = Backlog::new(Detecting::Here);
        let forgotten: Duration = (0..350).map(|tenth| backlog.push(sound(tenth))).sum();
        assert_eq!(forgotten, Duration::from_secs(5));
        assert_eq!(told(&mut backlog).first(), Some(&sound(50)));
    }

    /// Not every service says when the user speaks.
    #[test]
    fn of_a_stream_a_turn_that_is_told_is_told_again_as_well() {
        let mut backlog = Backlog::new(Detecting::There(ServerTurns::default()));
        let tell = |backlog: &mut Backlog, input| {
            backlog.push(input);
            backlog.pop();
        };
        let speak = |backlog: &mut Backlog, tenths: std::ops::Range<u64>| {
            tenths.for_each(|tenth| tell(backlog, sound(tenth)));
        };
        speak(&mut backlog, 0..50);
        tell(&mut backlog, DuplexInput::TurnBegan { turn: TURN });
        speak(&mut backlog, 50..100);
        assert!(backlog.is_open());
        backlog.lost(false);
        let again = told(&mut backlog);
        assert_eq!((again.first(), again.len()), (Some(&sound(35)), 66));
        // It was noise.
        tell(&mut backlog, DuplexInput::TurnDropped { turn: TURN });
        speak(&mut backlog, 100..150);
        assert!(!backlog.is_open());
        backlog.lost(false);
        let sounds = told(&mut backlog).into_iter().filter(|input| !length(input).is_zero());
        assert_eq!(sounds.count(), 10);
    }

    #[test]
    fn of_a_stream_the_users_say_is_told_again_with_what_comes_just_before() {
        let mut backlog = Backlog::new(Detecting::There(ServerTurns::default()));
        for tenth in 0..100 {
            backlog.push(sound(tenth));
            backlog.pop();
        }
        backlog.speech_started(SessionTime::ZERO + Duration::from_millis(9_800));
        for tenth in 100..200 {
            backlog.push(sound(tenth));
            backlog.pop();
        }
        backlog.lost(false);
        let again = told(&mut backlog);
        assert_eq!((again.first(), again.len()), (Some(&sound(93)), 107));
    }

    #[test]
    fn of_a_stream_into_a_dead_connection_all_is_told_again() {
        let mut backlog = Backlog::new(Detecting::There(ServerTurns::default()));
        for tenth in 0..300 {
            backlog.push(sound(tenth));
            backlog.pop();
        }
        let mut alive = backlog.clone();
        assert_eq!(alive.lost(false), Duration::ZERO);
        assert_eq!(told(&mut alive).first(), Some(&sound(290)));
        assert_eq!(backlog.lost(true), Duration::ZERO);
        assert_eq!(told(&mut backlog).first(), Some(&sound(190)));
    }
}
