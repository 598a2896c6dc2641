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
//!
//!           started                                     ended, limit
//!   Quiet ────────▶ Told, where others detect turns ────────────────▶ Quiet
//! ```

use std::collections::VecDeque;
use std::time::Duration;

use super::endpoint::Watch;
use super::grip::Grip;
use super::terms::{Action, Agent, Detector, EndReason, Input};
use super::window::Window;
use super::{Detection, Endpointer, Strategy, TurnConfig};
use crate::audio::Tone;
use crate::ids::TurnId;
use crate::text::Words;
use crate::time::SessionTime;

/// Decides when the user's turn starts and ends, and when the user cuts the agent short.
///
/// It does no I/O and reads no clock: tell it what happened with [`handle`](Self::handle), then
/// drain [`poll_action`](Self::poll_action) until `None`. Its time is that of the sound.
#[derive(Debug)]
pub struct TurnMachine {
    config: TurnConfig,
    detector: Detector,
    state: State,
    turn: TurnId,
    agent: Agent,
    grip: Grip,
    window: Window,
    watch: Watch,
    /// When the sound began.
    since: Option<SessionTime>,
    /// The end of the last frame, and its length.
    now: SessionTime,
    frame: Duration,
    actions: VecDeque<Action>,
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
    /// Somebody else has said that the user speaks.
    Told {
        since: SessionTime,
        /// The turn has begun: not before the agent has finished, where it is not interrupted.
        begun: bool,
        /// It ended then, and the sound of that time is still to come.
        ended: Option<SessionTime>,
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
    /// The detector was sure of it, at some time.
    sure: bool,
    /// It was long enough to be suspected.
    reported: bool,
}

impl TurnMachine {
    /// A machine in silence, which is told what this detector says.
    #[must_use]
    pub fn new(config: TurnConfig, detector: Detector) -> Self {
        let window = Window::new(config.barge_in.window);
        let watch = Watch::new(config.endpoint.endpointer(config.silence));
        let grip = Grip::new(config.barge_in.clone());
        Self {
            config,
            detector,
            state: State::Quiet,
            turn: TurnId::default(),
            agent: Agent::Listening,
            grip,
            window,
            watch,
            since: None,
            now: SessionTime::ZERO,
            frame: Duration::ZERO,
            actions: VecDeque::new(),
        }
    }

    /// The same with somebody else who says how much silence ends a turn.
    #[must_use]
    pub fn with_endpointer(mut self, endpointer: Box<dyn Endpointer>) -> Self {
        self.watch.set_endpointer(endpointer);
        self
    }

    /// The same with a model that hears whether a turn is over: in pauses it is [`Action::Ask`]ed.
    #[must_use]
    pub fn asking_a_model(mut self) -> Self {
        self.watch.ask_model();
        self
    }

    /// The same with a recogniser that gives words while they are said.
    #[must_use]
    pub fn with_prompt_words(mut self) -> Self {
        self.grip.set_prompt(true);
        self
    }

    /// Whether the recogniser gives words while they are said, from now on.
    pub fn expect_prompt_words(&mut self, prompt: bool) {
        self.grip.set_prompt(prompt);
    }

    /// Turns begin by this from now on. One whose end was to be told ends by silence, if nobody tells
    /// any more.
    pub fn detect_by(&mut self, detection: Detection) {
        self.config.detection = detection;
        let State::Told { since, begun, ended: None } = self.state else { return };
        if detection == Detection::Told {
            return;
        }
        let (last, total) = (self.now, self.now.since(since));
        let voice = Voice { since, last, total, sure: true, reported: true };
        self.watch.begin(since);
        self.state = match begun {
            true => State::Speaking { voice, lulled: false, finished: false },
            false => State::Quiet,
        };
    }

    /// Tells the machine what happened.
    pub fn handle(&mut self, input: Input) {
        match input {
            Input::Voice { end, length, probability, tone } => {
                self.on_frame(end, length, probability, tone);
            }
            Input::Agent(agent) => self.on_agent(agent),
            Input::Press => self.press(),
            Input::Release { at } => {
                if let State::Pressed { released, .. } = &mut self.state {
                    *released = Some(at);
                    self.decide(self.now);
                }
            }
            Input::Started { at } => self.on_started(at),
            Input::Ended { at } => {
                if let State::Told { ended, .. } = &mut self.state {
                    *ended = Some(at);
                    self.decide(self.now);
                }
            }
            Input::EndLate => match self.state {
                State::Pressed { released: Some(_), .. } => self.release(EndReason::Released),
                State::Told { ended: Some(_), .. } => self.release(EndReason::Told),
                _ => {}
            },
            Input::Words(turn, words) => self.actions.extend(self.grip.words(turn, words)),
            Input::Called(turn) => self.actions.extend(self.grip.call(turn)),
            Input::NoWords(turn) => {
                self.actions.extend(self.grip.no_words(turn, turn == self.turn));
            }
            Input::Judged { at, likely } => self.watch.answered(at, likely),
            Input::Said(turn, words) if turn == self.turn => self.watch.words(words),
            Input::SpeechEnded(turn) if turn == self.turn => {
                if let State::Speaking { finished, .. } = &mut self.state {
                    *finished = true;
                }
            }
            Input::Said(..) | Input::SpeechEnded(_) => {}
            Input::StreamEnd => match self.state {
                State::Speaking { voice, .. } => {
                    self.end(&voice, EndReason::StreamEnd, Duration::ZERO);
                }
                State::Pressed { .. } | State::Told { .. } => self.release(EndReason::StreamEnd),
                State::Quiet | State::Onset(_) => {}
            },
        }
    }

    /// The turn that is open, if one is.
    #[must_use]
    pub fn open_turn(&self) -> Option<TurnId> {
        let open = match self.state {
            State::Quiet | State::Onset(_) => false,
            State::Speaking { .. } | State::Pressed { .. } => true,
            State::Told { begun, .. } => begun,
        };
        open.then_some(self.turn)
    }

    /// The turn that is open and may have ended: the user pauses.
    #[must_use]
    pub fn pauses(&self) -> Option<TurnId> {
        matches!(self.state, State::Speaking { lulled: true, .. }).then_some(self.turn)
    }

    /// When the key was released, or the end was told, while the sound of that time is still to
    /// come.
    #[must_use]
    pub fn ends_at(&self) -> Option<SessionTime> {
        match self.state {
            State::Pressed { released: end, .. } | State::Told { ended: end, .. } => end,
            _ => None,
        }
    }

    /// Whether these words of a turn, if there are no more, do not interrupt the agent, which is to
    /// go on: they are too few, or somebody has only shown that he listens.
    #[must_use]
    pub fn passes_over(&self, turn: TurnId, words: Words) -> bool {
        self.grip.passes_over(turn, words)
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

    fn on_frame(&mut self, end: SessionTime, length: Duration, probability: f32, tone: Tone) {
        let start = end - length;
        let needed = self.threshold(start);
        let voiced = probability >= needed;
        let sure = probability >= self.detector.threshold + SURE;
        self.window.push(length, voiced);
        (self.now, self.frame) = (end, length);
        match &mut self.state {
            State::Quiet if voiced && self.config.detection == Detection::Voice => {
                let voice = Voice { since: start, last: end, total: length, sure, reported: false };
                self.watch.clear();
                self.state = State::Onset(voice);
            }
            State::Quiet => {}
            State::Onset(voice) if voiced => voice.goes_on(end, length, sure),
            State::Speaking { voice, finished, .. } if voiced => {
                self.watch.went_on(start.since(voice.end(self.detector.delay)));
                voice.goes_on(end, length, sure);
                *finished = false;
            }
            State::Onset(voice) if end.since(voice.last) > ONSET_GAP => self.state = State::Quiet,
            State::Onset(_)
            | State::Speaking { .. }
            | State::Pressed { .. }
            | State::Told { .. } => {}
        }
        self.watch.hear(end, length, probability - needed, tone);
        if !self.window.any() {
            self.actions.extend(self.grip.unduck());
        }
        self.decide(end);
        self.actions.extend(self.grip.look(end));
    }

    /// The probability from which a frame that begins at `start` counts as voice. In the first
    /// moments of a sound nothing does, since detectors settle then. Over the agent's voice, of
    /// which something may be left in the sound, the detector must be surer than else.
    fn threshold(&mut self, start: SessionTime) -> f32 {
        let settled = start.since(*self.since.get_or_insert(start)) >= self.config.settle;
        match self.agent {
            _ if !settled => f32::INFINITY,
            Agent::Sounding | Agent::Announcing => {
                self.detector.threshold + self.config.barge_in.margin
            }
            Agent::Listening | Agent::Preparing => self.detector.threshold,
        }
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
                self.grip.voice(self.turn, voice.total, self.speech_end(&voice));
                let silence = now.since(self.speech_end(&voice));
                let (turn, lull) = (self.turn, silence >= self.config.lull);
                match (lulled, lull) {
                    (false, true) => self.actions.push_back(Action::Lull { turn }),
                    (true, false) => self.actions.push_back(Action::GoesOn { turn }),
                    _ => {}
                }
                self.state = State::Speaking { voice, lulled: lull, finished };
                let needed = self.needs(&voice, finished);
                if silence >= needed {
                    self.end(&voice, EndReason::Silence, needed);
                } else if now.since(voice.since) >= self.config.max_turn {
                    self.end(&voice, EndReason::MaxTurn, Duration::ZERO);
                } else if self.watch.asks(now, silence) {
                    self.actions.push_back(Action::Ask { turn: self.turn, at: now });
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
            State::Told { since, begun, ended } => self.decide_told(since, begun, ended),
        }
    }

    /// The silence that ends the turn now. If the recogniser believes in its end, little does.
    fn needs(&mut self, voice: &Voice, finished: bool) -> Duration {
        let needed = self.watch.needs(voice.total, self.detector.delay, finished);
        if finished { needed.min(FINISHED) } else { needed }
    }

    fn on_started(&mut self, at: SessionTime) {
        match &mut self.state {
            State::Quiet if self.config.detection == Detection::Told => {
                let since = at.min(self.now);
                self.state = State::Told { since, begun: false, ended: None };
                self.decide(self.now);
            }
            // The end was meant too early.
            State::Told { ended, .. } => *ended = None,
            _ => {}
        }
    }

    /// A turn that is told begins as one by voice does, and lasts until its end or the limit.
    fn decide_told(&mut self, since: SessionTime, begun: bool, ended: Option<SessionTime>) {
        let waits = match self.agent {
            Agent::Announcing => true,
            Agent::Sounding => self.config.barge_in.strategy == Strategy::Ignore,
            Agent::Listening | Agent::Preparing => false,
        };
        if begun {
            self.grip.voice(self.turn, self.now.since(since), self.now);
        }
        if !begun && !waits {
            self.state = State::Told { since, begun: true, ended };
            self.take_floor(since);
        } else if ended.is_some_and(|at| self.now >= at) {
            self.release(EndReason::Told);
        } else if self.now.since(since) >= self.config.max_turn {
            self.release(EndReason::MaxTurn);
            // Its end may be lost; but who is still heard speaks.
            if self.window.any() {
                self.state = State::Told { since: self.now, begun: false, ended: None };
                self.decide(self.now);
            }
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
            State::Speaking { voice, lulled, .. } => {
                if lulled {
                    self.actions.push_back(Action::GoesOn { turn: self.turn });
                }
                self.state = State::Pressed { since: voice.since, released: None };
            }
            State::Told { since, begun: true, .. } => {
                self.state = State::Pressed { since, released: None };
            }
            State::Quiet | State::Onset(_) | State::Told { .. } => self.begin_pressed(),
        }
        if self.agent != Agent::Listening {
            self.grip.let_go();
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
            State::Pressed { since, released: Some(at) }
            | State::Told { since, ended: Some(at), .. } => at.max(since).min(self.now),
            _ => self.now,
        };
        let begun = self.open_turn().is_some();
        self.state = State::Quiet;
        if !begun {
            return;
        }
        let turn = self.turn;
        let silence = Duration::ZERO;
        self.actions.push_back(Action::End { turn, speech_end, reason, silence });
    }

    fn suspect(&mut self, voice: Voice) {
        self.state = State::Onset(Voice { reported: true, ..voice });
        self.actions.push_back(Action::Voice { since: voice.since });
        let interruptible = self.config.barge_in.strategy == Strategy::Immediate;
        if interruptible && self.agent == Agent::Sounding {
            self.actions.extend(self.grip.duck());
        }
    }

    /// The voice that a turn begins with, if there is enough: twice as much if the detector has
    /// never been sure, as of chimes. Over the agent's voice it takes more, and is counted in a
    /// window: nobody speaks half a second without a gap.
    fn starts(&self, run: Voice, now: SessionTime) -> Option<Voice> {
        match (self.agent, self.config.barge_in.strategy) {
            (Agent::Announcing, _) | (Agent::Sounding, Strategy::Ignore) => None,
            (Agent::Sounding, _) => {
                let since = self.window.first_voice(now).min(run.since);
                let enough = self.window.share() >= self.config.barge_in.share;
                enough.then_some(Voice { since, total: self.window.voiced.max(run.total), ..run })
            }
            _ => {
                let doubt = if run.sure { 1 } else { 2 };
                self.amounts_to(run.total, self.config.start * doubt).then_some(run)
            }
        }
    }

    fn begin(&mut self, voice: Voice) {
        self.watch.begin(voice.since);
        self.state = State::Speaking { voice, lulled: false, finished: false };
        self.take_floor(voice.since);
    }

    /// The next turn begins; the agent falls silent as the rule says.
    fn take_floor(&mut self, since: SessionTime) {
        self.turn = self.turn.next();
        match (self.agent, self.config.barge_in.strategy) {
            (Agent::Listening, _) => {}
            (Agent::Sounding, Strategy::Deferred) => {
                self.actions.push_back(Action::FinishSentence);
            }
            // An answer that is not heard yet is held in any case: the user had not finished.
            _ => {
                let over_voice = self.agent == Agent::Sounding;
                self.actions.push_back(self.grip.hold(self.turn, self.now, over_voice));
            }
        }
        self.actions.push_back(Action::Begin { turn: self.turn, since });
    }

    fn end(&mut self, voice: &Voice, reason: EndReason, silence: Duration) {
        self.state = State::Quiet;
        let reason = match self.amounts_to(voice.total, self.config.min_speech) {
            true => reason,
            false => EndReason::TooShort,
        };
        let speech_end = self.speech_end(voice);
        let by_silence = (reason == EndReason::Silence).then_some(speech_end);
        self.watch.end(by_silence, reason == EndReason::TooShort);
        self.actions.push_back(Action::End { turn: self.turn, speech_end, reason, silence });
        if reason == EndReason::TooShort {
            self.actions.extend(self.grip.no_words(self.turn, true));
        }
    }

    /// Voice comes in frames: whether it is so much, to the nearest of them.
    fn amounts_to(&self, voice: Duration, length: Duration) -> bool {
        voice + self.frame / 2 >= length
    }

    fn speech_end(&self, voice: &Voice) -> SessionTime {
        voice.end(self.detector.delay)
    }

    fn on_agent(&mut self, agent: Agent) {
        self.agent = agent;
        if agent == Agent::Listening {
            self.grip.let_go();
        }
    }
}

impl Voice {
    /// When it ended, by a detector with this delay.
    fn end(&self, delay: Duration) -> SessionTime {
        (self.last - delay).max(self.since)
    }

    fn goes_on(&mut self, end: SessionTime, length: Duration, sure: bool) {
        self.last = end;
        self.total += length;
        self.sure |= sure;
    }
}

/// The silence that ends a turn if the recogniser believes in its end as well.
const FINISHED: Duration = Duration::from_millis(300);

/// A gap within the first voice of a turn: stop consonants are silent for up to 100 ms, and
/// detectors bridge half of that.
const ONSET_GAP: Duration = Duration::from_millis(60);

/// So far above its threshold a detector is sure. On human speech in an office, words get there
/// within 200 ms; of nine melodies one did.
const SURE: f32 = 0.2;

/// So much voice is more than a click.
const SUSPICION: Duration = Duration::from_millis(60);
