//! The words of turns, which come when the other side is ready.

use super::*;
use crate::events::EventKind;

/// The final transcripts, with their turns.
fn finals(told: &Told) -> Vec<String> {
    let words = told.events.iter().filter_map(|event| match &event.kind {
        EventKind::Transcript { text, is_final: true } => Some((event.turn?, text)),
        _ => None,
    });
    words.map(|(turn, text)| format!("{turn}: {text}")).collect()
}

fn both(world: &mut World) {
    world.config.duplex.detecting = Detecting::There(ServerTurns::default());
    world.config.duplex.own_rules = true;
}

impl Side {
    /// Waits until it is told the end of this turn.
    async fn over(&mut self, turn: u32) {
        let over = DuplexInput::TurnEnded { turn: TurnId::new(turn) };
        while self.input().await.is_some_and(|input| input != over) {}
    }
}

#[tokio::test]
async fn two_turns_that_the_other_side_takes_for_one_have_its_words_once() {
    let script = [voice(600), silence(1_500), voice(600), silence(9_000)].concat();
    let (mut world, _) = world(&script, |mut side| {
        Box::pin(async move {
            side.over(2).await;
            side.words(2, "one and two").await;
            side.answer(false, "Three.").await;
            side.rest().await;
        })
    });
    both(&mut world);
    let told = world.run().await;
    assert_eq!(told.said(), ["user: one and two", "assistant: Three."]);
    assert_eq!(finals(&told), ["2: one and two", "1: "]);
    assert_eq!(told.count("turn_failed"), 0);
}

#[tokio::test]
async fn so_have_they_if_it_counts_them_to_the_first_one() {
    let script = [voice(600), silence(1_500), voice(600), silence(9_000)].concat();
    let (mut world, _) = world(&script, |mut side| {
        Box::pin(async move {
            side.over(2).await;
            side.words(1, "one and two").await;
            side.answer(false, "Three.").await;
            side.rest().await;
        })
    });
    both(&mut world);
    let told = world.run().await;
    assert_eq!(told.said(), ["user: one and two", "assistant: Three."]);
    assert_eq!(finals(&told), ["1: one and two", "2: "]);
}

#[tokio::test]
async fn words_are_final_when_the_turn_is_over_and_not_before() {
    let script = [voice(2_000), silence(6_000)].concat();
    let (mut world, _) = world(&script, |mut side| {
        Box::pin(async move {
            side.clock.clone().sleep_until(SessionTime::from_millis(1_000)).await;
            side.words(1, "one").await;
            side.words(1, "one two").await;
            side.over(1).await;
            side.answer(false, "Three.").await;
            side.rest().await;
        })
    });
    both(&mut world);
    let told = world.run().await;
    assert_eq!(finals(&told), ["1: one two"]);
    assert_eq!(told.said(), ["user: one two", "assistant: Three."]);
}

#[tokio::test]
async fn what_it_hears_in_a_turn_that_is_over_is_one_of_its_own() {
    let (mut world, _) = world(&question(), |mut side| {
        Box::pin(async move {
            side.over(1).await;
            side.words(1, "count").await;
            side.answer(false, "One.").await;
            side.clock.clone().sleep(Duration::from_millis(1_000)).await;
            side.words(1, "count sheep").await;
            side.answer(false, "Two.").await;
            side.rest().await;
        })
    });
    both(&mut world);
    let told = world.run().await;
    assert_eq!(finals(&told), ["1: count", "2: sheep"]);
    let said = ["user: count", "assistant: One.", "user: sheep", "assistant: Two."];
    assert_eq!(told.said(), said);
}

/// Its own words never come.
#[tokio::test]
async fn what_it_hears_in_an_earlier_turn_goes_before_what_was_said_next() {
    let script = [voice(600), silence(3_000), voice(600), silence(14_000)].concat();
    let (mut world, _) = world(&script, |mut side| {
        Box::pin(async move {
            side.over(1).await;
            side.words(1, "count").await;
            side.answer(false, "One.").await;
            side.over(2).await;
            side.words(1, "count sheep").await;
            side.clock.clone().sleep(Duration::from_millis(500)).await;
            side.words(1, "count sheep please").await;
            side.answer(false, "Two.").await;
            side.rest().await;
        })
    });
    both(&mut world);
    let told = world.run().await;
    assert_eq!(finals(&told), ["1: count", "2: sheep please"]);
    assert_eq!(told.count("turn_failed"), 0);
    let said = ["user: count", "assistant: One.", "user: sheep please", "assistant: Two."];
    assert_eq!(told.said(), said);
}

/// Hears more of the first turn while the second one is open, and of that what `own` is.
async fn hears_late(mut side: Side, own: &str) {
    side.over(1).await;
    side.words(1, "count").await;
    side.answer(false, "One.").await;
    side.clock.clone().sleep_until(SessionTime::from_millis(4_500)).await;
    side.words(1, "count sheep").await;
    side.over(2).await;
    if !own.is_empty() {
        side.words(2, own).await;
    }
    side.rest().await;
}

#[tokio::test]
async fn so_does_what_it_hears_while_the_next_turn_is_open_whether_words_of_that_come_or_not() {
    let script = [voice(600), silence(3_000), voice(1_600), silence(14_000)].concat();
    let without: Play = |side| Box::pin(hears_late(side, ""));
    let with: Play = |side| Box::pin(hears_late(side, "please"));
    for (play, whole) in [(without, "sheep"), (with, "sheep please")] {
        let (mut world, _) = world(&script, play);
        both(&mut world);
        let told = world.run().await;
        assert_eq!(finals(&told), ["1: count", &format!("2: {whole}")]);
        let said = ["user: count", "assistant: One.", &format!("user: {whole}")];
        assert_eq!(told.said(), said);
    }
}

#[tokio::test]
async fn a_turn_whose_words_do_not_come_in_time_has_failed() {
    let script = [voice(600), silence(14_000)].concat();
    let (world, _) = world(&script, |mut side| {
        Box::pin(async move {
            side.asked().await;
            side.clock.clone().sleep(Duration::from_secs(11)).await;
            side.answer(true, "It is noon.").await;
            side.rest().await;
        })
    });
    let told = world.run().await;
    assert_eq!(finals(&told), [""; 0]);
    assert_eq!(
        (told.count("turn_failed"), field(&told, "turn_failed", "stage")),
        (1, json!("stt"))
    );
    assert_eq!(told.said(), ["user: [speech without a transcript]", "assistant: It is noon."]);
}

#[tokio::test]
async fn an_answer_that_begins_before_the_turn_is_over_here_is_its_answer() {
    let script = [voice(600), silence(14_000)].concat();
    let (mut world, _) = world(&script, |mut side| {
        Box::pin(async move {
            side.clock.clone().sleep_until(SessionTime::from_millis(900)).await;
            side.words(1, "what time is it").await;
            side.answer(false, "It is noon.").await;
            side.rest().await;
        })
    });
    both(&mut world);
    let told = world.run().await;
    assert_eq!(told.said(), ["user: what time is it", "assistant: It is noon."]);
    assert_eq!(told.count("turn_failed"), 0);
}

#[tokio::test]
async fn what_another_connection_hears_once_more_is_no_news() {
    let (mut world, _) = world(&question(), |mut side| {
        Box::pin(async move {
            side.over(1).await;
            side.words(1, "count").await;
            side.tell(DuplexEvent::Ready { resumed: false }).await;
            side.words(1, "count again").await;
            side.answer(false, "One.").await;
            side.rest().await;
        })
    });
    both(&mut world);
    let told = world.run().await;
    assert_eq!(finals(&told), ["1: count"]);
    assert_eq!(told.said(), ["user: count", "assistant: One."]);
}
