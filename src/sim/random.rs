//! Calls that nobody thought of.

use std::time::Duration;

use serde_json::json;

use super::dice::Dice;
use super::play::{Play, Wish};
use super::voice;
use crate::bench::person::{Utterance, When};
use crate::bench::services::{Answer, Profile, Script};
use crate::session::SessionConfig;
use crate::time::SessionTime;
use crate::turn::{Speculate, Strategy};

/// A call of any kind, the same for the same seed: turns with pauses, interruptions, noises,
/// typed lines and keys; answers short and long, with and without tools; services fast and slow.
/// It needs neither files nor programs. Its voice is for the detector `energy`.
#[must_use]
pub fn play(seed: u64) -> Play {
    let mut dice = Dice::new(seed, "play", 0);
    let turns = dice.count(1..5);
    let utterances: Vec<_> = (0..turns).map(|turn| utterance(&mut dice, turn)).collect();
    let script = script(&mut dice, &utterances);
    let profile = dice.one(&[Profile::Zero, Profile::Fast, Profile::Realistic]);
    let mut delays = profile.delays();
    delays.jitter = dice.between(0.0, 0.5);
    let greeting = dice.strikes(0.2).then(|| "Hello, how can I help you?".to_owned());
    let mut play = Play {
        name: format!("random {seed}"),
        utterances,
        patience: dice.millis(4_000..20_000),
        config: config(&mut dice),
        greeting,
        vad: "energy".to_owned(),
        delays,
        script,
        wishes: Vec::new(),
    };
    let length = play.length();
    play.wishes = wishes(&mut dice, length);
    play
}

fn utterance(dice: &mut Dice, turn: usize) -> Utterance {
    let when = when(dice);
    if dice.strikes(0.15) {
        let length = dice.millis(50..700);
        return voice::noise(dice, length, when);
    }
    let pieces: Vec<_> =
        (0..dice.count(1..4)).map(|_| (dice.millis(250..1_800), dice.millis(100..1_000))).collect();
    voice::utterance(&format!("this is what I said as number {turn}"), &pieces, when)
}

fn when(dice: &mut Dice) -> When {
    match dice.count(0..10) {
        0..=4 => When::AfterReply(dice.millis(100..2_000)),
        5..=7 => When::IntoReply(dice.millis(50..3_000)),
        8 => When::AtWord(dice.count(1..12)),
        _ => When::At(SessionTime::ZERO + dice.millis(500..20_000)),
    }
}

fn script(dice: &mut Dice, utterances: &[Utterance]) -> Script {
    let heard = utterances.iter().map(|utterance| utterance.text.clone());
    let answers = (0..dice.count(1..8)).flat_map(|number| answer(dice, number)).collect();
    Script { heard: heard.filter(|text| !text.is_empty()).collect(), answers, ..Script::default() }
}

/// What the model answers: before some of its texts it wants a tool.
fn answer(dice: &mut Dice, number: usize) -> Vec<Answer> {
    let words = dice.count(1..24);
    let mut text: Vec<_> = (0..words).map(|_| dice.one(&WORDS)).collect();
    for at in (5..words).step_by(7) {
        text.insert(at, "there.");
    }
    let text = Answer::Text(format!("{}.", text.join(" ")));
    match dice.strikes(0.25) {
        true => {
            let (name, arguments) = ("look_up".to_owned(), json!({"what": number}));
            vec![Answer::Tool { name, arguments }, text]
        }
        false => vec![text],
    }
}

fn config(dice: &mut Dice) -> SessionConfig {
    let mut config = SessionConfig::default();
    config.turn.silence = dice.millis(300..1_200);
    config.speculation.when =
        dice.one(&[Speculate::WhereFree, Speculate::WhereFree, Speculate::Never]);
    config.turn.barge_in.strategy =
        dice.one(&[Strategy::Immediate, Strategy::Immediate, Strategy::Deferred, Strategy::Ignore]);
    config
}

fn wishes(dice: &mut Dice, length: Duration) -> Vec<(SessionTime, Wish)> {
    let mut wishes = Vec::new();
    let sometime = |dice: &mut Dice| SessionTime::ZERO + length.mul_f64(dice.part());
    if dice.strikes(0.2) {
        wishes.push((sometime(dice), Wish::Hear("This is what I typed.".to_owned())));
    }
    if dice.strikes(0.15) {
        wishes.push((sometime(dice), Wish::Say("One moment, please.".to_owned())));
    }
    if dice.strikes(0.15) {
        let at = sometime(dice);
        wishes.push((at, Wish::Press));
        wishes.push((at + dice.millis(20..3_000), Wish::Release));
    }
    if dice.strikes(0.1) {
        let wish = dice.one(&[true, false]);
        wishes.push((sometime(dice), if wish { Wish::HangUp } else { Wish::Stop }));
    }
    wishes
}

const WORDS: [&str; 12] = [
    "well", "it", "is", "a", "garden", "of", "seven", "yellow", "windows", "and", "perhaps", "more",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_play() {
        let shown = |seed| format!("{:?}", play(seed));
        assert_eq!(shown(5), shown(5));
        assert_ne!(shown(5), shown(6));
    }

    #[test]
    fn all_kinds_of_calls_come_up() {
        let plays: Vec<_> = (0..200).map(play).collect();
        let any = |what: &str, holds: fn(&Play) -> bool| {
            let count = plays.iter().filter(|play| holds(play)).count();
            assert!((5..195).contains(&count), "{what}: {count} of 200");
        };
        any("a noise", |play| play.utterances.iter().any(|it| it.text.is_empty()));
        any("an interruption", |play| {
            play.utterances.iter().any(|it| matches!(it.when, When::IntoReply(_)))
        });
        any("a greeting", |play| play.greeting.is_some());
        any("a tool", |play| {
            play.script.answers.iter().any(|it| matches!(it, Answer::Tool { .. }))
        });
        any("a typed line", |play| play.wishes.iter().any(|(_, it)| matches!(it, Wish::Hear(_))));
        any("a key", |play| play.wishes.iter().any(|(_, it)| *it == Wish::Press));
        any("a wished end", |play| {
            play.wishes.iter().any(|(_, it)| matches!(it, Wish::Stop | Wish::HangUp))
        });
    }
}
