//! The machine's rules, as scripts: one symbol a frame of 20 ms.

use std::time::Duration;

use proptest::prelude::*;

use super::{Strategy, *};
use crate::audio::Tone;
use crate::ids::TurnId;
use crate::text::Words;
use crate::time::SessionTime;

/// `s` is speech, `m` may be, and `.` is silence; `p`, `>`, `_` and `<` have the agent prepare, sound,
/// announce and listen, `[` and `]` press and release the key to talk, `)` releases it while 50 ms
/// of sound are on their way, which `!` gives up, `{` and `}` say that the user starts to speak and
/// has finished, `w`, `l`, `n` and `e` say that the last turn has a word, has a listener's, has none,
/// or has ended as the recogniser has it, `3` that it has three, `c` that the agent is called in it,
/// `v` that the turn before has a word, and `|` ends the stream.
fn play_with(config: TurnConfig, delay: Duration, script: &str) -> Vec<(u64, Action)> {
    play_on(TurnMachine::new(config, Detector { threshold: 0.5, delay }), script)
}

fn play_on(mut machine: TurnMachine, script: &str) -> Vec<(u64, Action)> {
    let (mut actions, mut ms, mut turn) = (Vec::new(), 0, TurnId::default());
    for symbol in script.chars() {
        let input = match symbol {
            's' | 'm' | '.' => {
                ms += 20;
                let (end, length) = (SessionTime::from_millis(ms), Duration::from_millis(20));
                let probability = [('s', 0.9), ('m', 0.6), ('.', 0.1)];
                let (_, probability) =
                    probability.into_iter().find(|(of, _)| *of == symbol).unwrap();
                Input::Voice { end, length, probability, tone: Tone::default() }
            }
            'p' => Input::Agent(Agent::Preparing),
            '>' => Input::Agent(Agent::Sounding),
            '_' => Input::Agent(Agent::Announcing),
            '<' => Input::Agent(Agent::Listening),
            '[' => Input::Press,
            ']' => Input::Release { at: SessionTime::from_millis(ms) },
            ')' => Input::Release { at: SessionTime::from_millis(ms + 50) },
            '{' => Input::Started { at: SessionTime::from_millis(ms) },
            '}' => Input::Ended { at: SessionTime::from_millis(ms) },
            '!' => Input::EndLate,
            'w' => Input::Words(turn, words(1)),
            '3' => Input::Words(turn, words(3)),
            'l' => Input::Words(turn, Words { count: 1, of_listener: true }),
            'c' => Input::Called(turn),
            'v' => Input::Words(TurnId::new(turn.get().saturating_sub(1)), words(1)),
            'n' => Input::NoWords(turn),
            'e' => Input::SpeechEnded(turn),
            '|' => Input::StreamEnd,
            other => panic!("no such symbol: {other}"),
        };
        machine.handle(input);
        while let Some(mut action) = machine.poll_action() {
            if let Action::End { silence, .. } = &mut action {
                *silence = ANY;
            }
            if let Action::Begin { turn: begun, .. } = action {
                turn = begun;
            }
            actions.push((ms, action));
        }
    }
    actions
}

fn words(count: u32) -> Words {
    Words { count, of_listener: false }
}

/// What silence was needed is the business of other tests.
const ANY: Duration = Duration::ZERO;

fn play(script: &str) -> Vec<(u64, Action)> {
    play_with(settled(), Duration::ZERO, script)
}

/// The first sound counts.
fn settled() -> TurnConfig {
    TurnConfig { settle: Duration::ZERO, ..TurnConfig::default() }
}

fn at(ms: u64) -> SessionTime {
    SessionTime::from_millis(ms)
}

fn begin(turn: u32, since: u64) -> Action {
    Action::Begin { turn: TurnId::new(turn), since: at(since) }
}

fn end(turn: u32, speech_end: u64, reason: EndReason) -> Action {
    Action::End { turn: TurnId::new(turn), speech_end: at(speech_end), reason, silence: ANY }
}

fn lull(turn: u32) -> Action {
    Action::Lull { turn: TurnId::new(turn) }
}

fn voice(since: u64) -> Action {
    Action::Voice { since: at(since) }
}

/// `count` frames of a symbol.
fn of(symbol: &str, count: usize) -> String {
    symbol.repeat(count)
}

fn without_voice(actions: Vec<(u64, Action)>) -> Vec<(u64, Action)> {
    actions.into_iter().filter(|(_, action)| !matches!(action, Action::Voice { .. })).collect()
}

#[test]
fn a_turn_starts_after_200_ms_of_voice_and_ends_after_800_ms_of_silence() {
    let actions = play(&format!("..{}{}", of("s", 20), of(".", 50)));
    assert_eq!(
        actions,
        [
            (100, voice(40)),
            (240, begin(1, 40)),
            (640, lull(1)),
            (1240, end(1, 440, EndReason::Silence)),
        ]
    );
}

#[test]
fn a_click_is_no_voice_and_a_cough_is_no_turn() {
    assert_eq!(play("..ss............"), []);
    assert_eq!(play(&format!("..{}..............", of("s", 9))), [(100, voice(40))]);
}

#[test]
fn a_stop_consonant_does_not_interrupt_the_start() {
    let actions = play(&format!("{}...{}", of("s", 5), of("s", 5)));
    assert_eq!(actions.last(), Some(&(260, begin(1, 0))));
}

#[test]
fn clicks_far_apart_never_add_up_to_a_turn() {
    assert_eq!(play(&"ss...........".repeat(40)), []);
}

#[test]
fn a_hesitation_shorter_than_the_silence_stays_within_the_turn() {
    let actions = play(&format!("{}{}{}{}", of("s", 15), of(".", 39), of("s", 5), of(".", 40)));
    let ends: Vec<_> =
        actions.iter().filter(|(_, action)| matches!(action, Action::End { .. })).collect();
    assert_eq!(ends, [&(1980, end(1, 1180, EndReason::Silence))]);
    let goes_on = Action::GoesOn { turn: TurnId::new(1) };
    let lulls = actions.iter().filter(|(_, action)| [lull(1), goes_on].contains(action));
    let lulls: Vec<_> = lulls.collect();
    let expected = [&(500, lull(1)), &(1100, goes_on), &(1380, lull(1))];
    assert_eq!(lulls, expected, "each pause may be the end");
}

#[test]
fn a_recogniser_that_hears_the_end_needs_only_a_lull() {
    let actions = play(&format!("{}..e{}", of("s", 20), of(".", 50)));
    assert_eq!(actions.last(), Some(&(700, end(1, 400, EndReason::Silence))));
    let goes_on = play(&format!("{}..es{}", of("s", 20), of(".", 50)));
    assert_eq!(goes_on.last(), Some(&(1260, end(1, 460, EndReason::Silence))));
}

#[test]
fn the_detectors_delay_is_taken_off_the_silence() {
    let script = format!("{}{}", of("s", 20), of(".", 50));
    let actions = play_with(TurnConfig::default(), Duration::from_millis(60), &script);
    assert_eq!(actions.last(), Some(&(1140, end(1, 340, EndReason::Silence))));
}

#[test]
fn a_long_turn_is_cut_and_the_next_begins_at_once() {
    let actions = without_voice(play(&of("s", 1600)));
    assert_eq!(
        actions,
        [
            (200, begin(1, 0)),
            (30_000, end(1, 30_000, EndReason::MaxTurn)),
            (30_200, begin(2, 30_000)),
        ]
    );
}

#[test]
fn the_end_of_the_stream_ends_the_turn() {
    let actions = play(&format!("{}..|", of("s", 20)));
    assert_eq!(actions.last(), Some(&(440, end(1, 400, EndReason::StreamEnd))));
    assert_eq!(play("ssss|"), [(60, voice(0))], "what is not a turn yet is none");
}

#[test]
fn too_little_voice_is_discarded_at_the_end() {
    let config = TurnConfig { min_speech: Duration::from_millis(400), ..settled() };
    let script = format!("{}{}", of("s", 12), of(".", 50));
    let actions = play_with(config, Duration::ZERO, &script);
    assert_eq!(actions.last(), Some(&(1040, end(1, 240, EndReason::TooShort))));
}

#[test]
fn over_the_agents_voice_60_percent_of_half_a_second_is_a_turn_and_holds_the_agent() {
    let actions = play(&format!(">{}", of("s", 20)));
    assert_eq!(
        actions,
        [(60, voice(0)), (60, Action::Duck), (300, Action::Hold), (300, begin(1, 0))]
    );
}

#[test]
fn the_first_200_ms_of_a_sound_start_no_turn() {
    let play = |script: &str| play_with(TurnConfig::default(), Duration::ZERO, script);
    assert_eq!(play(&format!("{}{}", of("s", 12), of(".", 20))), []);
    let actions = without_voice(play(&of("s", 20)));
    assert_eq!(actions, [(400, begin(1, 200))]);
}

#[test]
fn a_detector_that_is_never_sure_takes_twice_as_long() {
    assert_eq!(without_voice(play(&of("m", 20))), [(400, begin(1, 0))]);
    assert_eq!(
        without_voice(play(&format!("{}s{}", of("m", 9), of("m", 9)))),
        [(200, begin(1, 0))]
    );
    assert_eq!(without_voice(play(&format!("{}{}", of("m", 19), of(".", 20)))), []);
}

#[test]
fn over_the_agents_voice_the_detector_must_believe_a_little_more() {
    let detector = Detector { threshold: 0.58, delay: Duration::ZERO };
    let begins = |agent: Agent| {
        let mut machine = TurnMachine::new(settled(), detector);
        machine.handle(Input::Agent(agent));
        for frame in 1..30 {
            let end = SessionTime::from_millis(20 * frame);
            machine.handle(Input::Voice {
                end,
                length: Duration::from_millis(20),
                probability: 0.6,
                tone: Tone::default(),
            });
        }
        std::iter::from_fn(|| machine.poll_action())
            .any(|action| matches!(action, Action::Begin { .. }))
    };
    assert!(begins(Agent::Listening));
    assert!(!begins(Agent::Sounding));
}

#[test]
fn a_backchannel_only_ducks_the_agent() {
    let actions = play(&format!(">{}{}", of("s", 12), of(".", 40)));
    assert_eq!(actions, [(60, voice(0)), (60, Action::Duck), (740, Action::Unduck)]);
}

#[test]
fn a_held_agent_is_cancelled_by_words_once() {
    let actions = play(&format!(">{}wssw{}w", of("s", 20), of(".", 60)));
    let settled: Vec<_> = actions
        .iter()
        .filter(|(_, action)| matches!(action, Action::Cancel | Action::Release))
        .collect();
    assert_eq!(settled, [&(400, Action::Cancel)]);
}

#[test]
fn late_words_of_the_turn_before_cancel_a_held_agent_too() {
    let script = format!(">{}{}{}v", of("s", 20), of(".", 41), of("s", 20));
    let actions: Vec<_> = play(&script).into_iter().map(|(_, action)| action).collect();
    let [.., before, last] = actions[..] else { panic!("{actions:?}") };
    assert!(matches!(before, Action::Begin { turn, .. } if turn == TurnId::new(2)), "{before:?}");
    assert_eq!(last, Action::Cancel);
}

#[test]
fn a_held_agent_goes_on_when_there_were_no_words() {
    let actions = play(&format!(">{}{}n", of("s", 20), of(".", 41)));
    assert_eq!(actions.last().map(|(_, action)| *action), Some(Action::Release));
}

/// How a hold was settled.
fn settled_by(actions: &[(u64, Action)]) -> Vec<(u64, Action)> {
    let settles =
        |action: &Action| matches!(action, Action::Hold | Action::Cancel | Action::Release);
    actions.iter().copied().filter(|(_, action)| settles(action)).collect()
}

#[test]
fn fewer_words_than_are_needed_do_not_cancel() {
    let barge_in = BargeIn { min_words: 2, ..BargeIn::default() };
    let config = TurnConfig { barge_in, ..settled() };
    let play = |script: &str| settled_by(&play_with(config.clone(), Duration::ZERO, script));
    let hold = (300, Action::Hold);
    assert_eq!(
        play(&format!(">{}w{}n", of("s", 20), of(".", 50))),
        [hold, (1400, Action::Release)]
    );
    assert_eq!(play(&format!(">{}w..3", of("s", 20))), [hold, (440, Action::Cancel)], "partials");
    assert_eq!(play(&format!(">{}c", of("s", 20))), [hold, (400, Action::Cancel)], "it is called");
    // Who goes on before the answer is heard had not finished.
    let preparing = play(&format!("p{}w", of("s", 20)));
    assert_eq!(preparing, [(200, Action::Hold), (400, Action::Cancel)]);
}

#[test]
fn words_that_do_not_interrupt_are_passed_over_while_the_agent_is_there() {
    let barge_in = BargeIn { min_words: 2, ..BargeIn::default() };
    let config = TurnConfig { barge_in, ..settled() };
    let detector = Detector { threshold: 0.5, delay: Duration::ZERO };
    let mut machine = TurnMachine::new(config, detector);
    machine.handle(Input::Agent(Agent::Sounding));
    for frame in 1..20 {
        let (end, length) = (at(20 * frame), Duration::from_millis(20));
        machine.handle(Input::Voice { end, length, probability: 0.9, tone: Tone::default() });
    }
    let turn = machine.open_turn().unwrap();
    let listens = Words { count: 2, of_listener: true };
    assert!(machine.passes_over(turn, words(0)) && machine.passes_over(turn, words(1)));
    assert!(machine.passes_over(turn, listens) && !machine.passes_over(turn, words(2)));
    assert!(!machine.passes_over(turn.next(), words(1)), "it is not said over the agent");
    machine.handle(Input::Words(turn, words(2)));
    assert!(!machine.passes_over(turn, words(1)), "the answer is over, whatever the final is");

    machine.handle(Input::Agent(Agent::Listening));
    assert!(!machine.passes_over(turn, listens), "nobody else speaks");
}

#[test]
fn a_hold_without_words_is_released_two_seconds_after_the_voice() {
    let script = format!(">{}{}", of("s", 20), of(".", 200));
    assert_eq!(settled_by(&play(&script)), [(300, Action::Hold), (2400, Action::Release)]);
    // The turn is not over, and its words count when they come.
    let late = settled_by(&play(&format!("{script}w")));
    assert_eq!(late[1..], [(2400, Action::Release), (4400, Action::Cancel)]);
    let told = settled_by(&play(&format!("{script}n")));
    assert_eq!(told[1..], [(2400, Action::Release)], "once");
    let over = settled_by(&play(&format!("{script}<w")));
    assert_eq!(over[1..], [(2400, Action::Release)], "there is nothing to cancel");
}

#[test]
fn noise_that_goes_on_is_known_where_words_are_heard_while_they_are_said() {
    let noise = format!(">{}", of("s", 300));
    assert_eq!(settled_by(&play(&noise)), [(300, Action::Hold)]);
    let detector = Detector { threshold: 0.5, delay: Duration::ZERO };
    let prompt = || TurnMachine::new(settled(), detector).with_prompt_words();
    let actions = settled_by(&play_on(prompt(), &noise));
    assert_eq!(actions, [(300, Action::Hold), (2300, Action::Release)]);
    let speech = settled_by(&play_on(prompt(), &format!("{noise}w")));
    assert_eq!(speech.last(), Some(&(6000, Action::Cancel)));
}

#[test]
fn a_listener_s_words_release_at_the_next_pause() {
    let listens = format!(">{}l{}", of("s", 20), of(".", 20));
    assert_eq!(settled_by(&play(&listens)), [(300, Action::Hold), (700, Action::Release)]);
    let goes_on = settled_by(&play(&format!("{listens}ss3")));
    assert_eq!(goes_on.last(), Some(&(840, Action::Cancel)), "\"yeah, but…\"");
    // Who says it for long wants to say something.
    let long = settled_by(&play(&format!(">{}l{}", of("s", 20), of("s", 20))));
    assert_eq!(long, [(300, Action::Hold), (600, Action::Cancel)]);
}

#[test]
fn no_voice_interrupts_an_announcement_but_a_key_does() {
    let begun = [(820, begin(1, 0))];
    assert_eq!(without_voice(play(&format!("_{}<s", of("s", 40)))), begun, "not before its end");
    assert_eq!(play("_..["), [(40, begin(1, 40)), (40, Action::Cancel)]);
    assert_eq!(told("_{ss<s"), [(60, begin(1, 0))]);
}

#[test]
fn an_answer_that_is_not_heard_yet_is_held_by_the_usual_start() {
    let actions = without_voice(play(&format!("p{}", of("s", 12))));
    assert_eq!(actions, [(200, Action::Hold), (200, begin(1, 0))]);
}

#[test]
fn deferred_finishes_the_sentence_and_neither_ducks_nor_holds() {
    let barge_in = BargeIn { strategy: Strategy::Deferred, ..BargeIn::default() };
    let config = TurnConfig { barge_in, ..settled() };
    let actions = play_with(config, Duration::ZERO, &format!(">{}w", of("s", 20)));
    assert_eq!(without_voice(actions), [(300, Action::FinishSentence), (300, begin(1, 0))]);
}

#[test]
fn ignored_speech_becomes_a_turn_when_the_agent_has_finished() {
    let barge_in = BargeIn { strategy: Strategy::Ignore, ..BargeIn::default() };
    let config = TurnConfig { barge_in, ..settled() };
    let actions = play_with(config, Duration::ZERO, &format!(">{}<s", of("s", 40)));
    assert_eq!(without_voice(actions), [(820, begin(1, 0))]);
}

#[test]
fn a_key_begins_a_turn_and_ends_it_without_waiting_for_silence() {
    let actions = play(&format!("..[{}{}]..", of("s", 10), of(".", 100)));
    let released = end(1, 2240, EndReason::Released);
    assert_eq!(actions, [(40, begin(1, 40)), (2240, released)]);
}

#[test]
fn a_key_pressed_in_a_turn_keeps_it_open() {
    let actions = play(&format!("{}[{}]", of("s", 20), of(".", 100)));
    let released = end(1, 2400, EndReason::Released);
    assert_eq!(without_voice(actions), [(200, begin(1, 0)), (2400, released)]);
}

#[test]
fn a_key_silences_the_agent_at_once_whatever_the_strategy() {
    for strategy in [Strategy::Immediate, Strategy::Deferred, Strategy::Ignore] {
        let barge_in = BargeIn { strategy, ..BargeIn::default() };
        let config = TurnConfig { barge_in, ..settled() };
        let actions = play_with(config, Duration::ZERO, ">..[");
        assert_eq!(actions, [(40, begin(1, 40)), (40, Action::Cancel)]);
    }
}

#[test]
fn with_push_to_talk_voice_alone_does_nothing() {
    let config = TurnConfig { detection: Detection::Key, ..TurnConfig::default() };
    assert_eq!(play_with(config.clone(), Duration::ZERO, &format!(">{}", of("s", 100))), []);
    let actions = play_with(config, Duration::ZERO, &format!("{}[s]s", of("s", 10)));
    assert_eq!(actions, [(200, begin(1, 200)), (220, end(1, 220, EndReason::Released))]);
}

#[test]
fn sound_that_is_on_its_way_when_the_key_is_released_belongs_to_the_turn() {
    assert_eq!(play("[ss)ss")[1..], [], "the sound of 90 ms has not come");
    assert_eq!(play("[ss)sss")[1], (100, end(1, 90, EndReason::Released)));
    assert_eq!(play("[ss)s!ss")[1], (60, end(1, 60, EndReason::Released)));
    assert_eq!(play("[ss)s[sss!]")[1], (120, end(1, 120, EndReason::Released)), "pressed again");
    assert_eq!(play("[ss)s|")[1], (60, end(1, 60, EndReason::StreamEnd)));
    assert_eq!(play("[ss!ss")[1..], [], "it was not released");
}

#[test]
fn a_key_that_is_held_through_the_longest_turn_goes_on_with_the_next() {
    let actions = play(&format!("[{}]", of(".", 1600)));
    let longest = end(1, 30_000, EndReason::MaxTurn);
    let released = end(2, 32_000, EndReason::Released);
    assert_eq!(actions[1..], [(30_000, longest), (30_000, begin(2, 30_000)), (32_000, released)]);
}

#[test]
fn a_key_that_is_never_released_ends_with_the_stream() {
    assert_eq!(play("[..|")[1], (40, end(1, 40, EndReason::StreamEnd)));
}

fn told(script: &str) -> Vec<(u64, Action)> {
    let config = TurnConfig { detection: Detection::Told, ..TurnConfig::default() };
    play_with(config, Duration::ZERO, script)
}

#[test]
fn where_turns_are_told_voice_and_silence_do_nothing() {
    assert_eq!(told(&format!("{}{}", of("s", 50), of(".", 50))), []);
    let actions = told(&format!("..{{{}{}}}..", of("s", 10), of(".", 100)));
    assert_eq!(actions, [(40, begin(1, 40)), (2240, end(1, 2240, EndReason::Told))]);
}

#[test]
fn a_turn_that_is_told_begins_when_it_is_said_to_have_begun_and_lasts_until_all_is_heard() {
    let config = TurnConfig { detection: Detection::Told, ..TurnConfig::default() };
    let detector = Detector { threshold: 0.5, delay: Duration::ZERO };
    let mut machine = TurnMachine::new(config, detector);
    let mut hear = |ms, input| {
        let length = Duration::from_millis(20);
        machine.handle(Input::Voice {
            end: at(ms),
            length,
            probability: 0.9,
            tone: Tone::default(),
        });
        machine.handle(input);
        std::iter::from_fn(|| machine.poll_action()).collect::<Vec<_>>()
    };
    assert_eq!(hear(500, Input::Started { at: at(320) }), [begin(1, 320)]);
    assert_eq!(hear(900, Input::Ended { at: at(910) }), [], "that was not heard yet");
    assert_eq!(hear(920, Input::Agent(Agent::Listening)), [end(1, 910, EndReason::Told)]);
    // A detector may look back.
    assert_eq!(hear(1500, Input::Started { at: at(1400) }), [begin(2, 1400)]);
    assert_eq!(hear(2500, Input::Ended { at: at(2000) }), [end(2, 2000, EndReason::Told)]);
}

#[test]
fn who_is_told_to_speak_interrupts_as_the_strategy_says() {
    let actions = told(">..{s");
    assert_eq!(actions, [(40, Action::Hold), (40, begin(1, 40))]);
    assert_eq!(told(">..{sw").last(), Some(&(60, Action::Cancel)));
    assert_eq!(told(">..{s}n").last(), Some(&(60, Action::Release)));

    let with = |strategy, script: &str| {
        let barge_in = BargeIn { strategy, ..BargeIn::default() };
        let config = TurnConfig { detection: Detection::Told, barge_in, ..TurnConfig::default() };
        play_with(config, Duration::ZERO, script)
    };
    let deferred = with(Strategy::Deferred, ">..{s");
    assert_eq!(deferred, [(40, Action::FinishSentence), (40, begin(1, 40))]);
    assert_eq!(with(Strategy::Ignore, ">..{ss<s"), [(100, begin(1, 40))]);
    assert_eq!(with(Strategy::Ignore, ">..{ss}<ss"), [], "it was over before the agent");
}

#[test]
fn signals_that_are_lost_or_out_of_order_hang_nothing() {
    assert_eq!(told("}s{s{s}s}")[1], (60, end(1, 60, EndReason::Told)));
    assert_eq!(told("}s{s{s}s}").len(), 2);
    assert_eq!(told("{s|")[1], (20, end(1, 20, EndReason::StreamEnd)));
    let lost = told(&format!("{{{}", of(".", 4000)));
    assert_eq!(lost, [(0, begin(1, 0)), (30_000, end(1, 30_000, EndReason::MaxTurn))]);
    let long = told(&format!("{{{}}}", of("s", 1600)));
    assert_eq!(long[2..], [(30_000, begin(2, 30_000)), (32_000, end(2, 32_000, EndReason::Told))]);
    assert_eq!(without_voice(play("s{s}")), [], "nobody is to tell");
}

#[test]
fn a_key_takes_over_a_turn_that_was_told() {
    let actions = told("{s[s}s]");
    assert_eq!(actions, [(0, begin(1, 0)), (60, end(1, 60, EndReason::Released))]);
}

#[test]
fn the_pre_roll_keeps_what_a_turn_begins_with() {
    let rate = crate::audio::SampleRate::SPEECH;
    let mut pre_roll = PreRoll::new(Duration::from_millis(100));
    for index in 0..20 {
        let chunk = crate::audio::AudioChunk::new(vec![index; 320], rate);
        pre_roll.push(at(20 * u64::from(index as u16)), chunk);
    }
    let kept: Vec<_> = pre_roll.take(at(350)).map(|(at, _)| at.as_millis()).collect();
    assert_eq!(kept, [340.0, 360.0, 380.0]);
    assert_eq!(pre_roll.take(at(0)).count(), 0, "what was taken is gone");
}

#[test]
fn settings_that_cannot_work_are_named() {
    assert_eq!(TurnConfig::default().check(), Ok(()));
    let wrong = |change: fn(&mut TurnConfig)| {
        let mut config = TurnConfig::default();
        change(&mut config);
        config.check().unwrap_err().to_string()
    };
    let silence = wrong(|config| config.silence = Duration::from_millis(50));
    assert_eq!(silence, "`silence` is 50ms; expected at least 100 ms: words have gaps");
    assert!(wrong(|config| config.start = Duration::ZERO).contains("`start`"));
    assert!(wrong(|config| config.max_turn = Duration::from_secs(1)).contains("`max_turn`"));
    assert!(wrong(|config| config.barge_in.window = Duration::ZERO).contains("window"));
    assert!(wrong(|config| config.barge_in.min_words = 0).contains("min_words"));
    assert!(wrong(|config| config.barge_in.patience = Duration::ZERO).contains("patience"));
    assert!(wrong(|config| config.barge_in.share = f32::NAN).contains("`barge_in.share` is NaN"));
}

proptest! {
    /// Whatever happens: turns follow one another, each begins once and ends once, the agent is
    /// held only while it has something to say, and a hold is settled once.
    #[test]
    fn invariants(told in any::<bool>(), script in r"[s.]{0,60}([s.]{20}|[p>_<wlc3nve\[\])!{}]){0,40}\|?") {
        let detection = if told { Detection::Told } else { Detection::Voice };
        let config = TurnConfig { detection, ..TurnConfig::default() };
        let actions = play_with(config, Duration::ZERO, &script);
        let mut open = None;
        let mut last = TurnId::default();
        let (mut held, mut released, mut lulled) = (false, false, false);
        let mut time = 0;
        for (ms, action) in actions {
            prop_assert!(ms >= time);
            time = ms;
            match action {
                Action::Begin { turn, since } => {
                    prop_assert_eq!(open, None);
                    prop_assert_eq!(turn, last.next());
                    prop_assert!(since <= at(ms));
                    (open, last) = (Some(turn), turn);
                }
                Action::Ask { turn, .. } => prop_assert_eq!(open, Some(turn)),
                Action::Lull { turn } | Action::GoesOn { turn } => {
                    prop_assert_eq!(open, Some(turn));
                    prop_assert_eq!(lulled, matches!(action, Action::GoesOn { .. }));
                    lulled = !lulled;
                }
                Action::End { turn, speech_end, .. } => {
                    lulled = false;
                    prop_assert_eq!(open.take(), Some(turn));
                    prop_assert!(speech_end <= at(ms));
                }
                Action::Hold => held = true,
                Action::Release => {
                    prop_assert!(held);
                    (held, released) = (false, true);
                }
                // A key cancels what it likes; words what was released because they were late.
                Action::Cancel => {
                    prop_assert!(held || released || script.contains('['));
                    (held, released) = (false, false);
                }
                Action::Voice { .. } | Action::Duck | Action::Unduck | Action::FinishSentence => {}
            }
        }
    }
}
