//! A model that speaks for itself is lost for good, and others go on in its place: a recogniser, a
//! model and a synthesizer.
//!
//! ```text
//!  lost ─▶ its words that are known ────────────────▶ history ──┐
//!       ├▶ turns without words: heard again ▶ awaited ▶ words ──┼▶ response, in VAD mode
//!       └▶ its response: what was heard stays ▶ resumed ────────┘
//! ```
//!
//! Turns, responses, floor, gate and history go on as they are: from the next response on another
//! cast speaks.

use crate::events::EventKind;
use crate::ids::TurnId;
use crate::pipeline::Outcome;
use crate::session::answer::{Answer, Said};
use crate::stages::{DuplexFact, TurnCommand};
use crate::turn::{Detection, Input};

use super::words::UNKNOWN;
use super::{Actor, Awaited, OwnVoice, Rules, Services, Unanswered};

/// Who goes on when a model that speaks for itself is gone.
#[derive(Debug)]
pub(in crate::session) struct Successor {
    pub(in crate::session) rules: Rules,
    pub(in crate::session) services: Services,
    /// What begins a turn; and whether the model tells instead, as long as it is there.
    pub(in crate::session) detection: Detection,
    pub(in crate::session) told: bool,
    /// Words come while they are said.
    pub(in crate::session) prompt_words: bool,
    /// The recogniser's name; the others have theirs.
    pub(in crate::session) stt: String,
}

impl Actor {
    /// As long as nobody tells of turns, what is said is found here: whoever follows must know it.
    pub(super) fn on_hearing(&mut self, hears: bool) {
        let Some(successor) = self.own.as_ref().and_then(|own| own.successor.as_ref()) else {
            return;
        };
        if successor.told {
            let by = if hears { Detection::Told } else { successor.detection };
            self.machine.detect_by(by);
        }
    }

    /// The model that speaks for itself is gone for good. Who follows hears these turns from the
    /// beginning.
    pub(super) fn on_own_lost(&mut self, reason: String, again: &[TurnId]) {
        let successor = self.own.as_mut().and_then(|own| own.successor.take());
        match successor {
            // Nobody is needed for a call that ends.
            Some(_) if self.stops() => {}
            Some(successor) => self.succeed(*successor, reason, again),
            None => {
                if let Some(own) = &mut self.own {
                    own.over = Some(reason);
                }
                self.stop();
            }
        }
    }

    fn succeed(&mut self, successor: Successor, reason: String, again: &[TurnId]) {
        let Successor { rules, services, detection, prompt_words, stt, .. } = successor;
        self.write_down(true);
        let Some(own) = self.own.take() else { return };
        // Its words are waited for no more.
        let unheard = self.awaited.extract_if(.., |awaited| !again.contains(&awaited.turn));
        for Awaited { turn, .. } in unheard.collect::<Vec<_>>() {
            self.report.transcript(turn, "", true);
        }
        let (llm, tts) = (services.provider.name(), services.synthesizer.name());
        let (llm, tts) = (llm.to_owned(), tts.to_owned());
        self.dialogue.answered_by(&llm);
        self.report.publish(
            None,
            None,
            EventKind::ModeChanged { mode: "vad", reason, stt, llm, tts },
        );
        if own.shown {
            self.see_nothing();
        }
        (self.rules, self.services) = (rules, Some(services));
        self.report.await_words();
        self.machine.detect_by(detection);
        self.machine.expect_prompt_words(prompt_words);
        self.command(TurnCommand::ByTurns);
        self.warm();
        self.say_again(&own);
        self.inherit(own, again);
    }

    /// Nobody sees what is shown, which is told once.
    pub(super) fn see_nothing(&mut self) {
        if !std::mem::replace(&mut self.blind, true) {
            let message =
                "the model that goes on sees nothing: what is shown is left out".to_owned();
            self.report.publish(None, None, EventKind::Warning { message });
        }
    }

    /// What it was asked to say and nobody has heard is said by the others.
    fn say_again(&mut self, own: &OwnVoice) {
        let unheard = self.answer.as_ref().is_some_and(|one| one.scripted && !one.sounding);
        if let Some(line) = own.saying.clone().filter(|_| unheard) {
            self.lines.push_front(line);
            self.cancel();
        }
    }

    /// Takes over what the user said: words that are known, and turns whose words are still to come.
    fn inherit(&mut self, own: OwnVoice, again: &[TurnId]) {
        let until = self.clock.now() + self.rules.transcript_limit;
        let answered = self.answer.as_ref().map(|answer| answer.turn);
        for (turn, words) in own.words.leave() {
            let text = match words {
                Some(text) => text.into(),
                None if again.contains(&turn) => {
                    self.awaited.retain(|awaited| awaited.turn != turn);
                    self.awaited.push(Awaited { turn, until });
                    continue;
                }
                None => UNKNOWN.into(),
            };
            let said = Unanswered::user(turn, text);
            match Some(turn) <= answered {
                true => self.dialogue.said(said.message()),
                false => self.unanswered.push(said),
            }
        }
        if let Some(turn) = own.doubtful.filter(|turn| !self.awaits(*turn)) {
            self.machine.handle(Input::NoWords(turn));
        }
        self.resume_at(own.due.or(own.expected.map(|(turn, _)| turn)));
    }

    /// Nothing more comes of a response that the model was asked for.
    pub(super) fn on_unanswered(&mut self, fact: &DuplexFact) {
        let DuplexFact::Unanswered(response) = *fact else { return };
        let Some(answer) = self.answer.as_ref().filter(|answer| answer.is(response)) else {
            return;
        };
        let Answer { turn, scripted, sounding, .. } = *answer;
        self.left = (!scripted).then_some(response);
        self.resume_at(Some(turn).filter(|_| !scripted));
        match sounding {
            // What was said before is heard to its end.
            true => self.wires.floor.enough(response),
            false => self.wires.floor.cancel(response),
        }
    }

    /// What was heard of a response that somebody else goes on with. If that is nothing, what it was
    /// to answer still is to be answered.
    pub(super) fn left_over(&mut self, answer: Answer, mut said: Said) {
        if answer.tools.is_empty() && said.heard_text().is_empty() {
            return self.dialogue.unbegun();
        }
        if !answer.tools.is_empty() {
            // The results of its tools come last, so that they are what is answered.
            said.outcome = Outcome::AwaitingTools;
        }
        self.dialogue.answered(answer, &said);
    }

    /// This turn is answered next, unless its words are waited for.
    fn resume_at(&mut self, turn: Option<TurnId>) {
        self.resume = turn.filter(|turn| !self.awaits(*turn)).or(self.resume);
    }

    fn awaits(&self, turn: TurnId) -> bool {
        self.awaited.iter().any(|awaited| awaited.turn == turn)
    }
}
