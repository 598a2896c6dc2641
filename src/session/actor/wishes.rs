//! What the program wishes.

use std::sync::Arc;

use super::{Actor, Ending, Unanswered};
use crate::events::EventKind;
use crate::session::handle::Wish;
use crate::stages::DuplexCommand;
use crate::turn::Input;

/// What the agent says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: Arc<str>,
    /// A voice may interrupt it.
    pub(super) interruptible: bool,
}

impl Actor {
    pub(super) fn on_wish(&mut self, wish: Wish) {
        match wish {
            _ if self.stops() => {}
            Wish::Say(text) => self.say(text),
            Wish::Announce(text) => self.queue(Line { text, interruptible: false }),
            Wish::Hear(text) => self.read(text),
            Wish::Prompt(text) => self.prompt(text),
            Wish::Frame(at, image) => self.show(DuplexCommand::Frame { at, image }),
            Wish::Image(image) => self.show(DuplexCommand::Image(image)),
            Wish::Press => {
                self.rouse();
                self.sign_of_life();
                self.machine.handle(Input::Press);
            }
            Wish::Release => self.machine.handle(Input::Release { at: self.clock.now() }),
            Wish::Started(at) => {
                let at = at.unwrap_or_else(|| self.clock.now());
                self.machine.handle(Input::Started { at });
            }
            Wish::Ended(at) => {
                let at = at.unwrap_or_else(|| self.clock.now());
                self.machine.handle(Input::Ended { at });
            }
            Wish::HangUp => self.ending = Ending::HangingUp,
            Wish::TakeLeave if self.ending == Ending::NotYet => {
                self.ending = Ending::TakingLeave;
            }
            Wish::TakeLeave => {}
        }
    }

    /// The agent will say `text`, unless it is about to say just that.
    pub(super) fn say(&mut self, text: Arc<str>) {
        self.queue(Line { text, interruptible: true });
    }

    fn queue(&mut self, line: Line) {
        if line.text.trim().is_empty() || self.lines.back() == Some(&line) {
            return;
        }
        if self.lines.len() == LINES {
            let message = format!("more than {LINES} lines wait to be said; one was dropped");
            self.report.publish(None, None, EventKind::Warning { message });
            return;
        }
        self.lines.push_back(line);
    }

    /// The agent will say that it failed, unless that is all that it has said for some time. A
    /// service that is down is not news any more, and what the agent says may come back to it
    /// through an open speaker: words to answer, which fails.
    pub(super) fn apologise(&mut self, text: Arc<str>) {
        if text.trim().is_empty() || self.apologies > APOLOGIES {
            return;
        }
        self.apologies += 1;
        if self.apologies <= APOLOGIES {
            return self.say(text);
        }
        let message = format!(
            "the agent has apologised {APOLOGIES} times and answered nothing; it does not \
             apologise again until it has answered: see why the turns failed, and use headphones"
        );
        self.report.publish(None, None, EventKind::Warning { message });
    }

    /// The user was understood.
    pub(super) fn understood(&mut self) {
        if self.ending == Ending::TakingLeave {
            self.ending = Ending::NotYet;
        }
    }

    /// What the user typed: a part of the turn that is open, else a turn of its own.
    pub(super) fn read(&mut self, text: Arc<str>) {
        if text.trim().is_empty() {
            return;
        }
        let turn = self.machine.open_turn().unwrap_or_else(|| self.machine.number_turn());
        self.last_turn = turn;
        self.rouse();
        self.sign_of_life();
        self.understood();
        self.report.typed(turn, &text);
        self.cancel();
        self.unanswered.push(Unanswered::user(turn, text));
    }

    /// An instruction that is answered as if somebody had said something.
    fn prompt(&mut self, text: Arc<str>) {
        if text.trim().is_empty() {
            return;
        }
        let turn = self.machine.open_turn().unwrap_or_else(|| self.machine.number_turn());
        self.last_turn = turn;
        self.unanswered.push(Unanswered::instruction(turn, text));
    }
}

/// What the agent may have to say of itself. More would rather be a program gone wild.
const LINES: usize = 16;

/// Apologies in a row, without an answer in between. Whoever is there has heard them.
const APOLOGIES: u32 = 3;
