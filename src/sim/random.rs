//! Calls that nobody thought of.

use std::time::Duration;

use serde_json::json;

use super::dice::Dice;
use super::mode::Mode;
use super::play::{Play, Wish};
use super::voice;
use crate::bench::person::{Utterance, When};
use crate::bench::services::duplex::Protocol;
use crate::bench::services::{Answer, Profile, Script};
use crate::duplex::{Detecting, ServerTurns};
use crate::session::SessionConfig;
use crate::time::SessionTime;
use crate::tools::Filler;
use crate::turn::{Endpoint, Speculate, StillThere, Strategy};

/// What kind of agent a random call is with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// As the seed says: in every third call a model that speaks for itself.
    #[default]
    Any,
    /// A recogniser, a model and a synthesizer.
    Vad,
    /// A model that speaks for itself; which, and who detects turns, the seed says.
    Asm,
}

/// A call of any kind, the same for the same seed: turns with pauses, interruptions, noises,
/// typed lines and keys; answers short and long, with and without tools; services fast and slow.
/// It needs neither files nor programs. Its voice is for the detector `energy`.
#[must_use]
pub fn play(seed: u64) -> Play {
    play_of(seed, Kind::Any)
}

/// As [`play`], with this kind of agent. What is said, and when, hangs on the seed alone.
#[must_use]
pub fn play_of(seed: u64, kind: Kind) -> Play {
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
        mode: Mode::Vad,
        vad: "energy".to_owned(),
        delays,
        script,
        wishes: Vec::new(),
    };
    let length = play.length();
    play.wishes = wishes(&mut dice, length);
    // Dice of their own: what is drawn by them changes nothing of the rest.
    cast(&mut play, kind, &mut Dice::new(seed, "mode", 0));
    manners(&mut play.config, &mut Dice::new(seed, "manners", 0));
    play
}

/// How soon the agent takes its turn and gives way, and what it says when nobody says anything.
fn manners(config: &mut SessionConfig, dice: &mut Dice) {
    let endpoints = Endpoint::NAMES.map(|(_, endpoint)| endpoint);
    config.turn.endpoint = dice.one(&endpoints);
    config.turn.barge_in.min_words = dice.one(&[1, 1, 2, 3]);
    config.turn.barge_in.patience = dice.millis(500..3_500);
    let filler = |after, text: &str| Filler { after, text: text.to_owned() };
    let (slow, tool) = (dice.millis(50..1_500), dice.millis(50..1_500));
    config.slow_filler = dice.strikes(0.25).then(|| filler(slow, "Let me think."));
    config.filler = dice.strikes(0.25).then(|| filler(tool, "One moment."));
    let (after, times) = (dice.millis(1_500..8_000), dice.count(1..4) as u32);
    let asks = StillThere { after, times, ..StillThere::new("Are you still there?") };
    config.still_there = dice.strikes(0.2).then_some(asks);
}

/// Who answers.
fn cast(play: &mut Play, kind: Kind, dice: &mut Dice) {
    let third = dice.strikes(1.0 / 3.0);
    let protocol = dice.one(&Protocol::ALL);
    let there = Detecting::There(ServerTurns::default());
    let (detecting, own_rules) =
        dice.one(&[(Detecting::Here, false), (there, false), (there, true)]);
    if kind == Kind::Asm || kind == Kind::Any && third {
        play.mode = Mode::Asm(protocol);
        (play.config.duplex.detecting, play.config.duplex.own_rules) = (detecting, own_rules);
    }
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
    fn what_is_said_hangs_on_the_seed_and_not_on_who_answers() {
        for seed in 0..20 {
            let [vad, asm] = [Kind::Vad, Kind::Asm].map(|kind| play_of(seed, kind));
            assert_eq!((vad.mode, asm.mode.is_asm()), (Mode::Vad, true));
            assert_eq!(vad.utterances, asm.utterances);
            assert_eq!(vad.wishes, asm.wishes);
        }
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
        any("a model that speaks", |play| play.mode.is_asm());
        for mode in Protocol::ALL.map(Mode::Asm) {
            assert!(plays.iter().any(|play| play.mode == mode), "{mode}");
        }
        any("turns there", |play| play.config.duplex.detecting != Detecting::Here);
        any("turns on both sides", |play| play.config.duplex.own_rules);
        any("an eager agent", |play| play.config.turn.endpoint == Endpoint::Eager);
        any("more than a word to interrupt", |play| play.config.turn.barge_in.min_words > 1);
        any("a filler", |play| play.config.slow_filler.is_some());
        any("a question in silence", |play| play.config.still_there.is_some());
        any("a wished end", |play| {
            play.wishes.iter().any(|(_, it)| matches!(it, Wish::Stop | Wish::HangUp))
        });
    }
}
