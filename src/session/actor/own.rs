//! A model that speaks for itself: when it is asked, what of its own is let be heard, and what was
//! said, whose words come when they come.
//!
//! ```text
//!  turn ended ─▶ due ─────────┐                          ┌▶ words of the turn are known, or late
//!  typed, to be said ─────────┼▶ response ─▶ heard ─▶ over ┴▶ history
//!  offered by the other side ─┘
//! ```
//!
//! Who waits for words before he answers answers late: here a turn is answered when it is over, and
//! its words follow. So what was said is written down when both are known.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::words::OwnWords;
use super::{Actor, Awaited, Ending, Line, Successor, Unanswered};
use crate::duplex::{Detecting, ReplyId};
use crate::events::StageName;
use crate::ids::TurnId;
use crate::pipeline::{self, TurnContext};
use crate::session::answer::{Answer, Said};
use crate::session::dialogue::Begun;
use crate::stages::{AnswerTo, DuplexCommand, DuplexFact};
use crate::time::SessionTime;
use crate::turn::Input;
use crate::types::{Validation, ValidationAction};

/// What the actor knows of a model that speaks for itself.
#[derive(Debug)]
pub(in crate::session) struct OwnVoice {
    commands: mpsc::Sender<DuplexCommand>,
    /// Answers to spoken turns are asked for; else the other side begins them.
    asks: bool,
    /// The instructions that the other side has.
    instructions: Arc<str>,
    /// When the turn that is open began.
    began: SessionTime,
    /// The spoken turn that is to be answered.
    pub(super) due: Option<TurnId>,
    /// A turn so short that its words must say whether it is to be answered.
    pub(super) doubtful: Option<TurnId>,
    /// The other side is to answer this turn by itself, until then.
    pub(super) expected: Option<(TurnId, SessionTime)>,
    /// Answers that it has begun.
    offered: VecDeque<ReplyId>,
    /// What the user said, as far as it is known.
    pub(super) words: OwnWords,
    /// What is to be written down when the words of its turn are known.
    finished: Option<Finished>,
    /// What it is asked to say word by word.
    pub(super) saying: Option<Line>,
    /// It was shown something.
    pub(super) shown: bool,
    /// Why the session with it is over.
    pub(super) over: Option<String>,
    /// Who goes on then, if anybody does.
    pub(super) successor: Option<Box<Successor>>,
}

#[derive(Debug)]
struct Finished {
    answer: Answer,
    said: Said,
    until: SessionTime,
}

/// What is answered next.
struct Next {
    turn: TurnId,
    to: AnswerTo,
    interruptible: bool,
}

impl OwnVoice {
    pub(in crate::session) fn new(
        commands: mpsc::Sender<DuplexCommand>,
        detecting: Detecting,
        transcribes: bool,
        instructions: Arc<str>,
    ) -> Self {
        Self {
            commands,
            asks: detecting == Detecting::Here,
            instructions,
            began: SessionTime::ZERO,
            due: None,
            doubtful: None,
            expected: None,
            offered: VecDeque::new(),
            words: OwnWords::new(transcribes),
            finished: None,
            saying: None,
            shown: false,
            over: None,
            successor: None,
        }
    }

    /// The same, which is followed by others when it is gone.
    pub(in crate::session) fn followed_by(self, successor: Option<Successor>) -> Self {
        Self { successor: successor.map(Box::new), ..self }
    }

    fn command(&self, command: DuplexCommand) {
        if self.commands.try_send(command).is_err() && self.over.is_none() {
            tracing::error!("the stage of the model that speaks for itself does not listen");
        }
    }

    /// The turn was a listener's, it turns out, if there was a doubt. Says whether there was.
    fn is_aside(&mut self, turn: TurnId) -> bool {
        let doubted = self.doubtful.take_if(|doubtful| *doubtful == turn).is_some();
        if doubted {
            self.due.take_if(|due| *due == turn);
        }
        doubted
    }

    /// Whether an answer waits to be written down.
    pub(super) fn has_finished(&self) -> bool {
        self.finished.is_some()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.due.is_none() && self.offered.is_empty() && self.expected.is_none()
    }

    pub(super) fn deadline(&self) -> Option<SessionTime> {
        let finished = self.finished.as_ref().map(|finished| finished.until);
        let expected = self.expected.map(|(_, until)| until);
        finished.into_iter().chain(expected).min()
    }

    /// Nothing more is to be answered.
    pub(super) fn stop(&mut self) {
        (self.due, self.doubtful, self.expected) = (None, None, None);
        self.offered.clear();
    }
}

impl Actor {
    /// The user begins to speak: the other side's next answer may need other instructions.
    pub(super) fn own_turn_begun(&mut self, since: SessionTime) {
        let Some(own) = &mut self.own else { return };
        own.began = since;
        if let Ok(instructions) = self.dialogue.instructions()
            && own.instructions != instructions
        {
            own.instructions = Arc::clone(&instructions);
            own.command(DuplexCommand::Instructions(instructions));
        }
    }

    /// The user shows something.
    pub(super) fn show(&mut self, command: DuplexCommand) {
        match &mut self.own {
            Some(own) => {
                own.shown = true;
                own.command(command);
            }
            None => self.see_nothing(),
        }
    }

    /// A spoken turn is over, which was not noise.
    pub(super) fn own_turn_over(&mut self, turn: TurnId, speech_end: SessionTime) {
        let until = self.clock.now() + self.rules.transcript_limit;
        let Some(own) = &mut self.own else { return };
        let words = own.words.spoken(turn);
        if own.words.wanted {
            self.awaited.push(Awaited { turn, until });
        }
        match own.asks {
            true => own.due = Some(turn),
            // Its answer may have begun before the turn was over here.
            false => own.expected = own.offered.is_empty().then_some((turn, until)),
        }
        // A listener's "mm-hm" is as short. Its words will tell.
        let is_short = speech_end.since(own.began) < BACKCHANNEL;
        if self.answer.is_some() && is_short && own.words.wanted {
            own.doubtful = Some(turn);
        } else {
            self.machine.handle(Input::Called(turn));
        }
        if let Some(words) = words {
            self.on_own_words(turn, &words, true);
        }
    }

    /// The words of a turn are those of somebody who only listens. Says whether they were waited for.
    pub(super) fn no_doubt(&mut self, turn: TurnId) -> bool {
        self.own.as_mut().is_some_and(|own| own.is_aside(turn))
    }

    pub(super) fn on_duplex(&mut self, fact: DuplexFact) {
        let current = self.answer.as_ref().map(|answer| answer.response);
        let Some(own) = &mut self.own else { return self.on_unanswered(&fact) };
        match fact {
            DuplexFact::Ready => own.words.heard_again(self.last_turn),
            DuplexFact::Offered(reply) => {
                own.expected = None;
                own.offered.push_back(reply);
                if own.offered.len() > OFFERS {
                    own.offered.pop_front();
                }
            }
            DuplexFact::Withdrawn(reply) => own.offered.retain(|offered| *offered != reply),
            DuplexFact::Cut(response) if current == Some(response) => self.cancel(),
            DuplexFact::Cut(_) => {}
            DuplexFact::Instead { response, text } if current == Some(response) => self.say(text),
            DuplexFact::Instead { .. } => {}
            DuplexFact::Wordless { turn, reason } => {
                tracing::debug!(%turn, reason, "no words");
                self.on_own_words(turn, &"".into(), true);
            }
            DuplexFact::Hears(hears) => self.on_hearing(hears),
            DuplexFact::Over { reason, again } => self.on_own_lost(reason, &again),
            DuplexFact::Unanswered(_) => {}
        }
    }

    /// Opens a response to what was said, typed or offered, or one with what the agent is to say.
    pub(super) async fn open_own(&mut self) {
        if self.answer.is_some() || self.talking || self.stops() {
            return;
        }
        let Some(Next { turn, to, interruptible }) = self.next_of_own() else { return };
        self.write_down(true);
        let response = self.next_response();
        let tools = Arc::clone(&self.brief.tools);
        let context = match self.dialogue.begin(turn, response, tools) {
            Ok(Begun { context, .. }) => context,
            Err(error) => return self.speechless(turn, error),
        };
        let script = match &to {
            AnswerTo::Asked { say, .. } => say.clone(),
            AnswerTo::Itself(_) => None,
        };
        let scripted = script.is_some();
        if let Some(own) = &mut self.own {
            own.saying = script.map(|text| Line { text, interruptible });
            own.command(DuplexCommand::Begin { response, to });
        }
        self.last_response = Some(response);
        let now = self.clock.now();
        let answer = Answer::new(turn, response, scripted, now);
        self.opened(Answer { interruptible, ..answer });
        self.begin(TurnContext { own_voice: true, ..context }).await;
    }

    fn next_of_own(&mut self) -> Option<Next> {
        let asked = |turn, texts, say| AnswerTo::Asked { turn, texts, say };
        if let Some(line) = self.lines.pop_front() {
            let (turn, interruptible) = (self.last_turn, line.interruptible);
            return Some(Next {
                turn,
                to: asked(None, Vec::new(), Some(line.text)),
                interruptible,
            });
        }
        if self.ending != Ending::NotYet {
            return None;
        }
        let next = |turn, to| Some(Next { turn, to, interruptible: true });
        if let Some(&Unanswered { turn, .. }) = self.unanswered.last() {
            let unanswered: Vec<_> = self.unanswered.drain(..).collect();
            for unanswered in &unanswered {
                self.dialogue.said(unanswered.message());
            }
            let texts = unanswered.into_iter().map(|unanswered| unanswered.text).collect();
            let due = self.own.as_mut().and_then(|own| own.due.take());
            return next(turn, asked(due, texts, None));
        }
        let own = self.own.as_mut()?;
        if let Some(reply) = own.offered.pop_front() {
            return next(self.last_turn, AnswerTo::Itself(reply));
        }
        if let Some(turn) = own.due.take() {
            return next(turn, asked(Some(turn), Vec::new(), None));
        }
        let news = self.dialogue.has_news();
        news.then(|| self.of_results()).and_then(|turn| next(turn, asked(None, Vec::new(), None)))
    }

    /// A response is over: the other side is told what was heard, and so is the history, once it is
    /// known what it answered. If the user went on before anything of it was heard, and nobody knows
    /// the words yet, the next one is the answer to all of them.
    pub(super) fn own_over(&mut self, answer: Answer, said: Said) {
        self.write_down(true);
        let until = self.clock.now() + WORDS_LATE;
        let Some(own) = &mut self.own else { return };
        let nothing = said.heard.is_zero() && answer.tools.is_empty() && !answer.scripted;
        let cut = matches!(said.outcome, pipeline::Outcome::Interrupted { .. });
        let answered = !(nothing && cut) || own.words.are_known(answer.turn);
        own.command(DuplexCommand::Over {
            response: answer.response,
            sound: said.heard,
            text: said.heard_text().to_owned(),
            // Of one that a rule has ended the rest was not heard.
            whole: said.outcome == pipeline::Outcome::Completed && !is_cut(&answer),
            answered,
        });
        if !answered {
            return self.dialogue.unbegun();
        }
        own.finished = Some(Finished { answer, said, until });
        self.write_down(false);
    }

    /// Writes down what was said, if the user's words are known, or are not waited for any more.
    pub(super) fn write_down(&mut self, now: bool) {
        let Some(own) = &mut self.own else { return };
        let Some(turn) = own.finished.as_ref().map(|finished| finished.answer.turn) else { return };
        if !now && !own.words.are_known(turn) {
            return;
        }
        let finished = own.finished.take();
        self.said_by(turn);
        if let Some(Finished { answer, said, .. }) = finished {
            self.dialogue.answered(answer, &said);
        }
    }

    /// Some wait has lasted too long.
    pub(super) fn look_for_own(&mut self, now: SessionTime) {
        let Some(own) = &mut self.own else { return };
        let late = own.finished.as_ref().is_some_and(|finished| finished.until <= now);
        if let Some((turn, _)) = own.expected.take_if(|(_, until)| *until <= now) {
            let error =
                format!("the model has not answered within {:?}", self.rules.transcript_limit);
            self.report.failed(turn, None, StageName::Provider, error);
        }
        if late {
            self.write_down(true);
        }
    }

    /// The session is over: what was said was said.
    pub(super) fn leave_own(&mut self) {
        self.write_down(true);
        self.leave_words();
    }
}

/// Whether a rule for what is said has ended it.
fn is_cut(answer: &Answer) -> bool {
    let acts = |rule: &Validation| rule.action.is_some_and(|it| it != ValidationAction::Warned);
    answer.validations.iter().any(acts)
}

/// A listener's "mm-hm" is shorter.
const BACKCHANNEL: Duration = Duration::from_millis(600);

/// How long the words of a turn are waited for, behind the end of its answer.
const WORDS_LATE: Duration = Duration::from_secs(3);

/// Answers that the other side has begun, and nobody has heard.
const OFFERS: usize = 8;
