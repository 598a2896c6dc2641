//! Who has the floor.
//!
//! A [`TurnMachine`] decides, from voice and from what the agent does, when the user's turn
//! starts, when it ends, and when the user cuts the agent short. It does no I/O, holds no lock
//! and reads no clock: tell it what happened with [`handle`](TurnMachine::handle), then drain
//! [`poll_action`](TurnMachine::poll_action) until `None`. Its time is that of the sound.
//!
//! ```text
//!           voice                start's worth of voice
//!   Quiet ────────▶ Onset ───────────────────────────────▶ Speaking ──┐ silence, limit
//!     ▲              │ gap       (agent sounding: share of a window)  │ or end of stream
//!     ├──────────────┴────────────────────────────────────────────────┘
//!     │                key is pressed
//!     └─── Pressed ◀────────────────── any of these
//!   released, limit (then Pressed again)
//! ```

use std::collections::VecDeque;
use std::time::Duration;

use super::{Strategy, TurnConfig};
use crate::ids::TurnId;
use crate::time::SessionTime;

/// What the machine is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A frame of sound was speech, or was not.
    Voice {
        /// When the frame ends. Times must not go back.
        end: SessionTime,
        /// How long the frame is.
        length: Duration,
        /// Whether the detector heard speech.
        voiced: bool,
    },
    /// What the agent does now.
    Agent(Agent),
    /// The user presses the key to talk: a turn begins now, if none has, and lasts until it is
    /// released.
    Press,
    /// The user releases the key: the turn is over once the sound of that time has come.
    Release {
        /// When the key was released.
        at: SessionTime,
    },
    /// The sound up to the release of the key has not come, and is not waited for any more.
    ReleaseLate,
    /// The recogniser found words in a turn. Whichever it is, they end an answer that is held: it
    /// was not opened before all that was said was known.
    Words(TurnId),
    /// The recogniser found no words in the turn, which is over.
    NoWords(TurnId),
    /// The recogniser believes that the user has finished: a lull is then silence enough.
    SpeechEnded(TurnId),
    /// No more sound will come.
    StreamEnd,
}

/// What the agent does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Agent {
    /// Nothing: it listens.
    #[default]
    Listening,
    /// It prepares an answer; nothing is heard yet.
    Preparing,
    /// It is heard.
    Sounding,
}

/// What the caller must now do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// There is voice; it may become a turn.
    Voice {
        /// When it began.
        since: SessionTime,
    },
    /// Lower the agent's voice: the user may be about to interrupt.
    Duck,
    /// Raise the agent's voice again: it was nothing.
    Unduck,
    /// Silence the agent, but keep what it has to say.
    Hold,
    /// Let the agent go on where it was held: there were no words.
    Release,
    /// End the agent's answer.
    Cancel,
    /// End the agent's answer after the sentence that is being spoken.
    FinishSentence,
    /// A turn began.
    Begin {
        /// The new turn.
        turn: TurnId,
        /// When its first voice was heard.
        since: SessionTime,
    },
    /// The user pauses and may have finished.
    Lull {
        /// The turn.
        turn: TurnId,
    },
    /// The turn is over.
    End {
        /// The turn.
        turn: TurnId,
        /// When the user ceased to speak.
        speech_end: SessionTime,
        /// Why it is over.
        reason: EndReason,
    },
}

/// Why a turn is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The user was silent for long enough.
    Silence,
    /// The user released the key to talk.
    Released,
    /// It reached the limit. What follows is the next turn.
    MaxTurn,
    /// No more sound comes.
    StreamEnd,
    /// It had too little voice to be speech.
    TooShort,
}

/// Decides when the user's turn starts and ends, and when the user cuts the agent short.
///
/// It does no I/O and reads no clock: tell it what happened with [`handle`](Self::handle), then
/// drain [`poll_action`](Self::poll_action) until `None`. Its time is that of the sound.
#[derive(Debug)]
pub struct TurnMachine {
    config: TurnConfig,
    /// How long the detector goes on reporting speech after its end.
    vad_delay: Duration,
    state: State,
    turn: TurnId,
    agent: Agent,
    grip: Grip,
    window: Window,
    /// The end of the last frame.
    now: SessionTime,
    actions: VecDeque<Action>,
}

/// What the user's voice does to the agent's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grip {
    Free,
    Ducked,
    Held,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Quiet,
    Onset(Voice),
    Speaking {
        voice: Voice,
        /// The pause was told.
        lulled: bool,
        /// The recogniser believes that the user has finished.
        finished: bool,
    },
    /// The key to talk is pressed.
    Pressed {
        since: SessionTime,
        /// It was released then, and the sound of that time is still to come.
        released: Option<SessionTime>,
    },
}

/// A stretch of voice, short gaps included.
#[derive(Clone, Copy, Debug)]
struct Voice {
    since: SessionTime,
    /// The end of the last voiced frame.
    last: SessionTime,
    /// Without the gaps.
    total: Duration,
    /// It was long enough to be suspected.
    reported: bool,
}

impl TurnMachine {
    /// A machine in silence, for a detector with this delay.
    #[must_use]
    pub fn new(config: TurnConfig, vad_delay: Duration) -> Self {
        let window = Window::new(config.barge_in.window);
        Self {
            config,
            vad_delay,
            state: State::Quiet,
            turn: TurnId::default(),
            agent: Agent::Listening,
            grip: Grip::Free,
            window,
            now: SessionTime::ZERO,
            actions: VecDeque::new(),
        }
    }

    /// Tells the machine what happened.
    pub fn handle(&mut self, input: Input) {
        match input {
            Input::Voice { end, length, voiced } => self.on_frame(end, length, voiced),
            Input::Agent(agent) => self.on_agent(agent),
            Input::Press => self.press(),
            Input::Release { at } => {
                if let State::Pressed { released, .. } = &mut self.state {
                    *released = Some(at);
                    self.decide(self.now);
                }
            }
            Input::ReleaseLate => {
                if let State::Pressed { released: Some(_), .. } = self.state {
                    self.release(EndReason::Released);
                }
            }
            Input::Words(_) => self.settle(Action::Cancel),
            Input::NoWords(turn) if turn == self.turn => self.settle(Action::Release),
            Input::NoWords(_) => {}
            Input::SpeechEnded(turn) if turn == self.turn => {
                if let State::Speaking { finished, .. } = &mut self.state {
                    *finished = true;
                }
            }
            Input::SpeechEnded(_) => {}
            Input::StreamEnd => match self.state {
                State::Speaking { voice, .. } => self.end(&voice, EndReason::StreamEnd),
                State::Pressed { .. } => self.release(EndReason::StreamEnd),
                State::Quiet | State::Onset(_) => {}
            },
        }
    }

    /// The turn that is open, if one is.
    #[must_use]
    pub fn open_turn(&self) -> Option<TurnId> {
        let open = matches!(self.state, State::Speaking { .. } | State::Pressed { .. });
        open.then_some(self.turn)
    }

    /// When the key was released, while the sound of that time is still to come.
    #[must_use]
    pub fn released_at(&self) -> Option<SessionTime> {
        match self.state {
            State::Pressed { released, .. } => released,
            _ => None,
        }
    }

    /// Takes the number of a turn without sound, such as a typed one.
    pub fn number_turn(&mut self) -> TurnId {
        self.turn = self.turn.next();
        self.turn
    }

    /// The next thing to do, if any.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    fn on_frame(&mut self, end: SessionTime, length: Duration, voiced: bool) {
        self.window.push(length, voiced);
        self.now = end;
        let start = end - length;
        match &mut self.state {
            State::Quiet if voiced && !self.config.push_to_talk => {
                let voice = Voice { since: start, last: end, total: length, reported: false };
                self.state = State::Onset(voice);
            }
            State::Quiet => {}
            State::Onset(voice) if voiced => voice.goes_on(end, length),
            State::Speaking { voice, finished, .. } if voiced => {
                voice.goes_on(end, length);
                *finished = false;
            }
            State::Onset(voice) if end.since(voice.last) > ONSET_GAP => self.state = State::Quiet,
            State::Onset(_) | State::Speaking { .. } | State::Pressed { .. } => {}
        }
        if !self.window.any() {
            self.unduck();
        }
        self.decide(end);
    }

    /// Looks at what the frames so far amount to at `now`.
    fn decide(&mut self, now: SessionTime) {
        match self.state {
            State::Quiet => {}
            State::Onset(voice) => {
                if !voice.reported && voice.total >= SUSPICION {
                    self.suspect(voice);
                }
                if let Some(voice) = self.starts(voice, now) {
                    self.begin(voice);
                }
            }
            State::Speaking { voice, lulled, finished } => {
                let silence = now.since(self.speech_end(&voice));
                let lull = silence >= self.config.lull;
                if lull && !lulled {
                    self.actions.push_back(Action::Lull { turn: self.turn });
                }
                self.state = State::Speaking { voice, lulled: lull, finished };
                if silence >= self.config.silence || (finished && lull) {
                    self.end(&voice, EndReason::Silence);
                } else if now.since(voice.since) >= self.config.max_turn {
                    self.end(&voice, EndReason::MaxTurn);
                }
            }
            State::Pressed { released: Some(at), .. } if now >= at => {
                self.release(EndReason::Released);
            }
            State::Pressed { since, .. } if now.since(since) >= self.config.max_turn => {
                self.release(EndReason::MaxTurn);
                self.begin_pressed(); // the key is still down
            }
            State::Pressed { .. } => {}
        }
    }

    /// A key leaves no doubt: what the agent says is over, whatever the rule for voices is.
    fn press(&mut self) {
        match self.state {
            // Pressed again before the sound of its release had come: it goes on.
            State::Pressed { since, .. } => {
                self.state = State::Pressed { since, released: None };
                return;
            }
            State::Speaking { voice, .. } => {
                self.state = State::Pressed { since: voice.since, released: None };
            }
            State::Quiet | State::Onset(_) => self.begin_pressed(),
        }
        if self.agent != Agent::Listening {
            self.grip = Grip::Free;
            self.actions.push_back(Action::Cancel);
        }
    }

    fn begin_pressed(&mut self) {
        self.turn = self.turn.next();
        self.state = State::Pressed { since: self.now, released: None };
        self.actions.push_back(Action::Begin { turn: self.turn, since: self.now });
    }

    /// Who speaks by key has ceased to when it is released.
    fn release(&mut self, reason: EndReason) {
        let speech_end = match self.state {
            State::Pressed { since, released: Some(at) } => at.max(since).min(self.now),
            _ => self.now,
        };
        self.state = State::Quiet;
        let turn = self.turn;
        self.actions.push_back(Action::End { turn, speech_end, reason });
    }

    fn suspect(&mut self, voice: Voice) {
        self.state = State::Onset(Voice { reported: true, ..voice });
        self.actions.push_back(Action::Voice { since: voice.since });
        let interruptible = self.config.barge_in.strategy == Strategy::Immediate;
        if interruptible && self.agent == Agent::Sounding && self.grip == Grip::Free {
            self.grip = Grip::Ducked;
            self.actions.push_back(Action::Duck);
        }
    }

    /// The voice that a turn begins with, if there is enough. Over the agent's voice it takes
    /// more, and is counted in a window: nobody speaks half a second without a gap.
    fn starts(&self, run: Voice, now: SessionTime) -> Option<Voice> {
        match (self.agent, self.config.barge_in.strategy) {
            (Agent::Sounding, Strategy::Ignore) => None,
            (Agent::Sounding, _) => {
                let since = self.window.first_voice(now).min(run.since);
                let enough = self.window.share() >= self.config.barge_in.share;
                enough.then_some(Voice { since, total: self.window.voiced.max(run.total), ..run })
            }
            _ => (run.total >= self.config.start).then_some(run),
        }
    }

    fn begin(&mut self, voice: Voice) {
        self.turn = self.turn.next();
        self.state = State::Speaking { voice, lulled: false, finished: false };
        match (self.agent, self.config.barge_in.strategy) {
            (Agent::Listening, _) => {}
            (Agent::Sounding, Strategy::Deferred) => {
                self.actions.push_back(Action::FinishSentence);
            }
            // An answer that is not heard yet is held in any case: the user had not finished.
            _ => {
                self.grip = Grip::Held;
                self.actions.push_back(Action::Hold);
            }
        }
        self.actions.push_back(Action::Begin { turn: self.turn, since: voice.since });
    }

    fn end(&mut self, voice: &Voice, reason: EndReason) {
        self.state = State::Quiet;
        let reason =
            if voice.total < self.config.min_speech { EndReason::TooShort } else { reason };
        let speech_end = self.speech_end(voice);
        self.actions.push_back(Action::End { turn: self.turn, speech_end, reason });
        if reason == EndReason::TooShort {
            self.settle(Action::Release);
        }
    }

    fn speech_end(&self, voice: &Voice) -> SessionTime {
        (voice.last - self.vad_delay).max(voice.since)
    }

    fn on_agent(&mut self, agent: Agent) {
        self.agent = agent;
        if agent == Agent::Listening {
            self.grip = Grip::Free;
        }
    }

    fn unduck(&mut self) {
        if self.grip == Grip::Ducked {
            self.grip = Grip::Free;
            self.actions.push_back(Action::Unduck);
        }
    }

    /// A held answer is cancelled or released, once.
    fn settle(&mut self, action: Action) {
        if self.grip == Grip::Held {
            self.grip = Grip::Free;
            self.actions.push_back(action);
        }
    }
}

impl Voice {
    fn goes_on(&mut self, end: SessionTime, length: Duration) {
        self.last = end;
        self.total += length;
    }
}

/// The last frames, for the share of voice among them.
#[derive(Debug)]
struct Window {
    length: Duration,
    frames: VecDeque<(Duration, bool)>,
    covered: Duration,
    voiced: Duration,
}

impl Window {
    fn new(length: Duration) -> Self {
        Self { length, frames: VecDeque::new(), covered: Duration::ZERO, voiced: Duration::ZERO }
    }

    fn push(&mut self, length: Duration, voiced: bool) {
        self.frames.push_back((length, voiced));
        self.covered += length;
        self.voiced += if voiced { length } else { Duration::ZERO };
        while self.covered > self.length
            && let Some((length, voiced)) = self.frames.pop_front()
        {
            self.covered -= length;
            self.voiced -= if voiced { length } else { Duration::ZERO };
        }
    }

    /// The share of the whole window, even before it is full.
    fn share(&self) -> f32 {
        self.voiced.as_secs_f32() / self.length.as_secs_f32().max(f32::MIN_POSITIVE)
    }

    /// When the first voice within the window began, if the window ends at `now`.
    fn first_voice(&self, now: SessionTime) -> SessionTime {
        let before: Duration =
            self.frames.iter().take_while(|(_, voiced)| !voiced).map(|(length, _)| *length).sum();
        now - (self.covered - before)
    }

    fn any(&self) -> bool {
        self.voiced > Duration::ZERO
    }
}

/// A gap within the first voice of a turn: stop consonants are silent for up to 100 ms, and
/// detectors bridge half of that.
const ONSET_GAP: Duration = Duration::from_millis(60);

/// So much voice is more than a click.
const SUSPICION: Duration = Duration::from_millis(60);
