//! What the user said and nobody has answered, for whoever goes on when the session is lost. A core.

use std::collections::VecDeque;
use std::time::Duration;

use crate::ids::TurnId;
use crate::pipeline::{Element, Outcome, Payload};

/// Sound in turns and the ends of turns, in order, with a bound on the sound.
#[derive(Debug, Default)]
pub(super) struct Sounds {
    elements: VecDeque<Element>,
    length: Duration,
}

/// What the user said and nobody has answered.
#[derive(Debug, Default)]
pub(super) struct Kept {
    of_turns: Sounds,
    /// Sound of no turn, which may be the beginning of the next one.
    before: Sounds,
    /// The last turn that is answered, and the last one whose words are known.
    answered: TurnId,
    worded: TurnId,
    forgotten: Duration,
}

impl Sounds {
    pub(super) fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    pub(super) fn front(&self) -> Option<&Element> {
        self.elements.front()
    }

    pub(super) fn pop(&mut self) {
        if let Some(element) = self.elements.pop_front() {
            self.length = self.length.saturating_sub(length(&element));
        }
    }

    /// Adds an element. Of the sound no more than `most` is kept: gives how much is forgotten, the
    /// oldest first.
    pub(super) fn push(&mut self, element: Element, most: Duration) -> Duration {
        self.length += length(&element);
        self.elements.push_back(element);
        let mut over = self.length.saturating_sub(most);
        if over.is_zero() {
            return over;
        }
        let before = self.length;
        self.retain(|element| {
            let length = length(element);
            let stays = over.is_zero() || length.is_zero();
            over = over.saturating_sub(if stays { Duration::ZERO } else { length });
            stays
        });
        before - self.length
    }

    fn retain(&mut self, keeps: impl FnMut(&Element) -> bool) {
        self.elements.retain(keeps);
        self.length = self.elements.iter().map(length).sum();
    }
}

impl Kept {
    /// The next thing that is heard.
    pub(super) fn push(&mut self, element: &Element) {
        let turn = element.turn;
        let is_sound = matches!(element.payload, Payload::Heard(_));
        if turn == TurnId::default() {
            if is_sound {
                let _nobody_misses_it = self.before.push(element.clone(), BEFORE);
            }
            return;
        }
        let before = std::mem::take(&mut self.before);
        if turn <= self.answered || turn == self.worded {
            return;
        }
        let is_new = self.of_turns.elements.back().is_none_or(|last| last.turn != turn);
        match &element.payload {
            Payload::TurnEnd(Outcome::Discarded) => self.of_turns.retain(|kept| kept.turn != turn),
            // One that others find may be over as soon as it is known.
            Payload::TurnEnd(_) if is_new && before.is_empty() => {}
            Payload::TurnEnd(_) | Payload::Heard(_) => {
                for earlier in before.elements.into_iter().filter(|_| is_new) {
                    self.add(Element { turn, ..earlier });
                }
                self.add(element.clone());
            }
            _ => {}
        }
    }

    fn add(&mut self, element: Element) {
        self.forgotten += self.of_turns.push(element, MOST);
    }

    /// All turns up to this one are answered, or never will be.
    pub(super) fn answered(&mut self, turn: TurnId) {
        self.answered = self.answered.max(turn);
        self.of_turns.retain(|kept| kept.turn > turn);
        self.forget_nothing();
    }

    /// All that was said so far is answered, be the turn open or not.
    pub(super) fn all_answered(&mut self) {
        if let Some(last) = self.of_turns.elements.back() {
            self.answered(last.turn);
        }
    }

    /// The words of the turn are known: nobody has to hear it again.
    pub(super) fn worded(&mut self, turn: TurnId) {
        self.worded = turn;
        self.of_turns.retain(|kept| kept.turn != turn);
        self.forget_nothing();
    }

    /// What is not kept any more needs not be missed.
    fn forget_nothing(&mut self) {
        if self.of_turns.is_empty() {
            self.forgotten = Duration::ZERO;
        }
    }

    /// Whether there is something of the turn.
    pub(super) fn has(&self, turn: TurnId) -> bool {
        self.of_turns.elements.iter().any(|kept| kept.turn == turn)
    }

    /// The turns of which there is something, in order.
    pub(super) fn turns(&self) -> Vec<TurnId> {
        let mut turns: Vec<_> = self.of_turns.elements.iter().map(|kept| kept.turn).collect();
        turns.dedup();
        turns
    }

    /// All of it, and how much more of it there was.
    pub(super) fn take(self) -> (Sounds, Duration) {
        (self.of_turns, self.forgotten)
    }
}

fn length(element: &Element) -> Duration {
    match &element.payload {
        Payload::Heard(audio) => audio.duration(),
        _ => Duration::ZERO,
    }
}

/// The longest turn, and what is said while somebody takes over.
pub(super) const MOST: Duration = Duration::from_secs(30);

/// Where all that is heard is sent, a turn is known to be one so long after it began, at most.
const BEFORE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::{AudioChunk, SampleRate};
    use crate::time::SessionTime;

    const ONE: TurnId = TurnId::new(1);
    const TWO: TurnId = TurnId::new(2);

    /// A tenth of a second.
    fn sound(turn: TurnId, tenth: u64) -> Element {
        let at = SessionTime::from_millis(tenth * 100);
        Element::heard(turn, at, AudioChunk::new(vec![1; 1_600], SampleRate::SPEECH))
    }

    fn end(turn: TurnId, outcome: Outcome) -> Element {
        Element::new(turn, SessionTime::ZERO, Payload::TurnEnd(outcome))
    }

    fn kept(elements: impl IntoIterator<Item = Element>) -> Kept {
        let mut kept = Kept::default();
        elements.into_iter().for_each(|element| kept.push(&element));
        kept
    }

    /// For each element its turn and its time in tenths of a second; ends have none.
    fn told(kept: Kept) -> Vec<(u32, Option<u64>)> {
        let tenth = |element: &Element| (element.at.as_millis() / 100.0) as u64;
        let sound = |element: &Element| !length(element).is_zero();
        let elements = kept.take().0.elements;
        elements.iter().map(|e| (e.turn.get(), sound(e).then(|| tenth(e)))).collect()
    }

    #[test]
    fn turns_are_kept_with_their_ends_until_they_are_answered() {
        let said = [sound(ONE, 0), end(ONE, Outcome::Completed), sound(TWO, 9)];
        assert_eq!(kept(said.clone()).turns(), [ONE, TWO]);
        let mut both = kept(said.clone());
        both.answered(ONE);
        both.push(&sound(ONE, 1));
        assert_eq!(told(both), [(2, Some(9))]);
        let mut all = kept(said.clone());
        all.all_answered();
        all.push(&sound(TWO, 10));
        assert_eq!(told(all), []);
        let mut words = kept(said);
        words.worded(TWO);
        words.push(&sound(TWO, 10));
        assert_eq!(told(words), [(1, Some(0)), (1, None)]);
    }

    #[test]
    fn noise_is_not_kept() {
        assert_eq!(told(kept([sound(ONE, 0), end(ONE, Outcome::Discarded)])), []);
        assert_eq!(told(kept([end(ONE, Outcome::Completed)])), []);
    }

    #[test]
    fn what_was_heard_just_before_a_turn_belongs_to_it() {
        let before = (0..50).map(|tenth| sound(TurnId::default(), tenth));
        let told = told(kept(before.chain([sound(ONE, 50), sound(ONE, 51)])));
        assert_eq!((told[0], told.len()), ((1, Some(30)), 22));
    }

    #[test]
    fn a_turn_that_is_found_when_it_is_over_is_what_was_heard_just_before() {
        let before = (0..3).map(|tenth| sound(TurnId::default(), tenth));
        let told = told(kept(before.chain([end(ONE, Outcome::Completed)])));
        assert_eq!(told, [(1, Some(0)), (1, Some(1)), (1, Some(2)), (1, None)]);
    }

    #[test]
    fn of_more_than_half_a_minute_the_oldest_is_forgotten_and_the_ends_stay() {
        let first = [sound(ONE, 0), end(ONE, Outcome::Completed)];
        let kept = kept(first.into_iter().chain((1..=300).map(|tenth| sound(TWO, tenth))));
        assert_eq!(kept.forgotten, Duration::from_millis(100));
        let told = told(kept);
        assert_eq!((told[0], told[1], told.len()), ((1, None), (2, Some(1)), 301));
    }
}
