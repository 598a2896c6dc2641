//! What is to be told to the other side: what it has not been told yet, and what it was told of a
//! say that it has not answered, which another connection has to be told again. A core.

use std::collections::VecDeque;
use std::time::Duration;

use crate::duplex::{Detecting, DuplexInput};
use crate::time::SessionTime;
use crate::types::ToolResult;

/// Inputs on their way.
#[derive(Debug)]
pub(super) struct Backlog {
    /// Not told yet.
    waiting: Queue,
    /// Told, and not answered yet.
    told: Queue,
    /// The other side detects turns; the user speaks, as it has it.
    detects: bool,
    speaks: bool,
}

/// Inputs in order, with a bound on their sound and on their number.
#[derive(Debug, Default)]
struct Queue {
    inputs: VecDeque<DuplexInput>,
    sound: Duration,
}

impl Backlog {
    pub(super) fn new(detecting: Detecting) -> Self {
        let detects = matches!(detecting, Detecting::There(_));
        Self { waiting: Queue::default(), told: Queue::default(), detects, speaks: false }
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
    }

    /// Whether the user speaks, or has said what is not answered yet.
    pub(super) fn is_open(&self) -> bool {
        self.speaks || !self.detects && !self.told.inputs.is_empty()
    }

    /// The answer that was asked for has begun. If it is lost, whoever asked asks again.
    pub(super) fn begun(&mut self) {
        self.told.inputs.retain(|input| !matches!(input, DuplexInput::Respond { .. }));
    }

    /// What the user said is being answered: nobody has to be told again.
    pub(super) fn answered(&mut self) {
        self.speaks = false;
        self.told = Queue::default();
    }

    /// The connection is lost: what was not answered is told again. Returns how much sound is
    /// forgotten for it.
    pub(super) fn lost(&mut self) -> Duration {
        self.speaks = false;
        let mut all = std::mem::take(&mut self.told);
        while let Some(input) = self.waiting.pop() {
            all.push(input);
        }
        self.waiting = all;
        self.waiting.trim(MOST_SOUND)
    }

    /// Keeps what may have to be told again: of sound, what belongs to the user's say.
    fn note(&mut self, input: &DuplexInput) {
        match input {
            DuplexInput::TurnBegan { .. } if !self.detects => {
                self.told.push(input.clone());
            }
            DuplexInput::TurnDropped { .. } if !self.detects => self.told.drop_turn(),
            DuplexInput::TurnBegan { .. }
            | DuplexInput::TurnEnded { .. }
            | DuplexInput::TurnDropped { .. }
            | DuplexInput::Text(_)
            | DuplexInput::Image(_)
            | DuplexInput::Respond { .. } => self.told.push(input.clone()),
            // Another connection knows nothing of the calls: it is told in words.
            DuplexInput::ToolResults(results) => {
                for ToolResult { name, content, .. } in results {
                    let text = format!("The tool `{name}`, which you called, has given: {content}");
                    self.told.push(DuplexInput::Text(text.into()));
                }
                self.told.push(DuplexInput::Respond { say: None });
            }
            DuplexInput::Sound { .. } => {
                self.told.push(input.clone());
                let keep = if self.detects && !self.speaks { BEFORE_SPEECH } else { MOST_SOUND };
                let _nobody_misses_it = self.told.trim(keep);
            }
            // What they are about is gone with the connection, or is known to the next one.
            DuplexInput::Frame { .. }
            | DuplexInput::Cancel { .. }
            | DuplexInput::Heard { .. }
            | DuplexInput::Settings(_) => {}
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

/// Between the user's turns so much sound is kept, in case the next one has just begun.
const BEFORE_SPEECH: Duration = Duration::from_secs(1);

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
        assert_eq!(backlog.lost(), Duration::ZERO);
        let asked = DuplexInput::Respond { say: None };
        let again: Vec<_> = say.clone().into_iter().chain([asked, text.clone()]).collect();
        assert_eq!(told(&mut backlog), again);
        // Who asked asks again himself, once an answer has begun.
        backlog.begun();
        backlog.lost();
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
        backlog.lost();
        assert_eq!(told(&mut backlog), []);
    }

    #[test]
    fn results_of_tools_are_told_again_in_words() {
        let mut backlog = Backlog::new(Detecting::Here);
        let (id, name, content) = ("c".to_owned(), "clock".to_owned(), "12:00".to_owned());
        let result = ToolResult { id, name, content, is_error: false };
        backlog.push(DuplexInput::ToolResults(vec![result]));
        told(&mut backlog);
        backlog.lost();
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
        backlog.lost();
        assert_eq!(told(&mut backlog), [DuplexInput::Text("first".into())]);
    }

    #[test]
    fn without_a_connection_the_newest_half_minute_is_kept() {
        let mut backlog = Backlog::new(Detecting::Here);
        let forgotten: Duration = (0..350).map(|tenth| backlog.push(sound(tenth))).sum();
        assert_eq!(forgotten, Duration::from_secs(5));
        assert_eq!(told(&mut backlog).first(), Some(&sound(50)));
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
        backlog.lost();
        let again = told(&mut backlog);
        assert_eq!((again.first(), again.len()), (Some(&sound(93)), 107));
    }
}
