//! Where a phrase wakes the agent: what is said while it sleeps is for nobody.

use std::sync::Arc;

use super::Actor;
use crate::events::EventKind;
use crate::ids::TurnId;
use crate::time::SessionTime;
use crate::turn::Input;

impl Actor {
    /// Words of the recogniser. Those that are not meant are told to nobody; a phrase among them,
    /// once they are final, wakes the agent, and what follows it is what was said.
    pub(super) fn on_words(&mut self, turn: TurnId, text: Arc<str>, is_final: bool) {
        let text = match self.called_in(&text).filter(|_| is_final) {
            // Who is awake may be spoken of.
            Some((_, first, _)) if self.is_meant(turn) && !first => text,
            Some((phrase, _, rest)) => {
                self.on_phrase(turn, phrase);
                rest.into()
            }
            None => text,
        };
        if self.is_meant(turn) {
            self.on_transcript(turn, text, is_final);
        } else if is_final {
            self.report.transcript(turn, "", true);
            self.no_words(turn);
        }
    }

    /// The phrase that `text` holds, whether it begins with it, and what follows.
    pub(super) fn called_in(&self, text: &str) -> Option<(String, bool, String)> {
        let phrases = &self.rules.wake.as_ref()?.phrases;
        let found = phrases.find(text)?;
        Some((found.phrase.to_owned(), found.first, found.rest.to_owned()))
    }

    /// Somebody calls the agent in this turn.
    pub(super) fn on_phrase(&mut self, turn: TurnId, phrase: String) {
        let now = self.clock.now();
        let Some(attention) = &mut self.attention else { return };
        if attention.called(turn, now) {
            self.warm_services();
            self.report.publish(Some(turn), None, EventKind::Woken { phrase: Some(phrase) });
        }
        // Who is called has nothing to go on with.
        self.machine.handle(Input::Called(turn));
    }

    /// Whether what is said in the turn is for the agent.
    pub(super) fn is_meant(&self, turn: TurnId) -> bool {
        self.attention.as_ref().is_none_or(|attention| attention.is_meant(turn))
    }

    /// A turn begins.
    pub(super) fn begun(&mut self, turn: TurnId) {
        if let Some(attention) = &mut self.attention {
            attention.begin(turn);
        }
    }

    fn warm_services(&self) {
        if let Some(services) = &self.services {
            services.warm();
        }
    }

    /// Opens connections ahead, unless nobody speaks to the agent.
    pub(super) fn warm(&self) {
        if self.attention.as_ref().is_none_or(|attention| !attention.sleeps()) {
            self.warm_services();
        }
    }

    /// All words of the turn are known. Who called and asked nothing is told that somebody
    /// listens, if that is wanted.
    pub(super) fn settled(&mut self, turn: TurnId) {
        let now = self.clock.now();
        let Some(attention) = &mut self.attention else { return };
        let called = attention.settled(turn, now);
        let asked = self.unanswered.iter().any(|asked| asked.turn == turn);
        if let Some(wake) = self.rules.wake.as_ref().filter(|_| called && !asked) {
            self.say(Arc::clone(&wake.acknowledgement));
        }
    }

    /// A key or a typed line is meant, and so is the turn that is open.
    pub(super) fn rouse(&mut self) {
        let now = self.clock.now();
        let open = self.machine.open_turn().filter(|_| self.talking);
        let Some(attention) = &mut self.attention else { return };
        if let Some(open) = open {
            attention.mean(open, false);
        }
        if attention.wake(now) {
            self.report.publish(None, None, EventKind::Woken { phrase: None });
        }
    }

    /// The agent begins to say something.
    pub(super) fn answers(&mut self) {
        let now = self.clock.now();
        if self.attention.as_mut().is_some_and(|attention| attention.answers(now)) {
            self.report.publish(None, None, EventKind::Woken { phrase: None });
        }
    }

    /// It has said all of it.
    pub(super) fn answered(&mut self) {
        let now = self.clock.now();
        if let Some(attention) = &mut self.attention {
            attention.answered(now);
        }
    }

    pub(super) fn sleeps_at(&self) -> Option<SessionTime> {
        self.attention.as_ref()?.sleeps_at()
    }

    pub(super) fn look_for_sleep(&mut self, now: SessionTime) {
        if self.attention.as_mut().is_some_and(|attention| attention.sleep(now)) {
            self.report.publish(None, None, EventKind::Asleep);
        }
    }

    /// Where a phrase wakes the agent, it begins asleep.
    pub(super) fn report_asleep(&self) {
        if self.attention.is_some() {
            self.report.publish(None, None, EventKind::Asleep);
        }
    }
}
