//! Who has the floor, as events tell it.

use crate::events::{EventKind, StageName};
use crate::turn::EndReason;

/// Who has the floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Floor {
    Listening,
    You,
    Thinking,
    Agent,
    /// The agent falls silent: you may be interrupting.
    Held,
}

/// What each of the two is at.
#[derive(Debug, Default)]
pub(super) struct Sides {
    you: You,
    agent: Agent,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum You {
    #[default]
    Silent,
    Talk,
    /// You have ended, and the words are awaited.
    Said,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Agent {
    #[default]
    Silent,
    Thinks,
    Talks,
    Holds,
}

impl Sides {
    pub(super) fn on(&mut self, kind: &EventKind) {
        match kind {
            EventKind::TurnStarted { .. } => self.you = You::Talk,
            EventKind::TurnEnded { reason: EndReason::TooShort, .. } => self.you = You::Silent,
            EventKind::TurnEnded { .. } => self.you = You::Said,
            EventKind::Typed { .. } if self.you == You::Silent => self.you = You::Said,
            EventKind::Transcript { text, is_final: true } if text.is_empty() => self.unheard(),
            EventKind::TurnFailed { stage: StageName::Stt, .. } => self.unheard(),
            EventKind::ResponseStarted => {
                self.unheard();
                self.agent = Agent::Thinks;
            }
            EventKind::AgentSpeechStarted { .. } | EventKind::Released => {
                self.agent = Agent::Talks;
            }
            EventKind::Held => self.agent = Agent::Holds,
            EventKind::AgentSpeechEnded { .. } | EventKind::ResponseEnded { .. } => {
                self.agent = Agent::Silent;
            }
            EventKind::SessionEnded { .. } => *self = Self::default(),
            _ => {}
        }
    }

    pub(super) fn floor(&self) -> Floor {
        match (&self.you, &self.agent) {
            (You::Talk, _) => Floor::You,
            (_, Agent::Talks) => Floor::Agent,
            (_, Agent::Holds) => Floor::Held,
            (You::Said, _) | (_, Agent::Thinks) => Floor::Thinking,
            (You::Silent, Agent::Silent) => Floor::Listening,
        }
    }

    /// No words are awaited any more.
    fn unheard(&mut self) {
        if self.you == You::Said {
            self.you = You::Silent;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(reason: EndReason) -> EventKind {
        EventKind::TurnEnded { speech_end_ms: 0.0, silence_ms: 800.0, reason }
    }

    fn words(text: &str) -> EventKind {
        EventKind::Transcript { text: text.to_owned(), is_final: true }
    }

    fn floors(events: &[EventKind]) -> Vec<Floor> {
        let mut sides = Sides::default();
        let after = |event| {
            sides.on(event);
            sides.floor()
        };
        events.iter().map(after).collect()
    }

    const TURN: EventKind = EventKind::TurnStarted { start_ms: 0.0 };
    const SOUND: EventKind = EventKind::AgentSpeechStarted { start_ms: 0.0 };
    const SILENCE: EventKind =
        EventKind::AgentSpeechEnded { end_ms: 0.0, heard_ms: 0.0, complete: true };

    #[test]
    fn it_goes_from_you_to_the_agent_and_back() {
        let events = [TURN, ended(EndReason::Silence), words("hi"), EventKind::ResponseStarted];
        use Floor::{Agent, Listening, Thinking, You};
        assert_eq!(floors(&events), [You, Thinking, Thinking, Thinking]);
        let events = [EventKind::ResponseStarted, SOUND, SILENCE];
        assert_eq!(floors(&events), [Thinking, Agent, Listening]);
    }

    #[test]
    fn an_interruption_takes_it_and_noise_gives_it_back() {
        use Floor::{Agent, Held, You};
        let noise = [SOUND, EventKind::Held, EventKind::Released];
        assert_eq!(floors(&noise), [Agent, Held, Agent]);
        let words = [SOUND, EventKind::Held, TURN, SILENCE];
        assert_eq!(floors(&words), [Agent, Held, You, You]);
    }

    #[test]
    fn what_is_typed_is_thought_about() {
        use Floor::{Agent, Thinking};
        let typed = || EventKind::Typed { text: "what time is it".to_owned() };
        assert_eq!(floors(&[typed(), EventKind::ResponseStarted]), [Thinking, Thinking]);
        assert_eq!(floors(&[SOUND, typed(), SILENCE]), [Agent, Agent, Thinking]);
    }

    #[test]
    fn a_turn_without_words_leads_nowhere() {
        let failed = EventKind::TurnFailed { stage: StageName::Stt, error: "it hangs".to_owned() };
        for last in [words(""), failed, ended(EndReason::TooShort)] {
            let floors = floors(&[TURN, ended(EndReason::Silence), last]);
            assert_eq!(floors.last(), Some(&Floor::Listening));
        }
    }
}
