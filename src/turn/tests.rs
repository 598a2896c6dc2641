//! The machine's rules, as scripts: one symbol a frame of 20 ms.

use std::time::Duration;

use proptest::prelude::*;

use super::{Strategy, *};
use crate::ids::TurnId;
use crate::time::SessionTime;

/// `s` is speech and `.` silence; `p`, `>` and `<` have the agent prepare, sound and listen,
/// `[` and `]` press and release the key to talk, `)` releases it while 50 ms of sound are on their
/// way, which `!` gives up, `w`, `n` and `e` say that the last turn has words, has none, or has
/// ended as the recogniser has it, `v` that the turn before has words, and `|` ends the stream.
fn play_with(config: TurnConfig, delay: Duration, script: &str) -> Vec<(u64, Action)> {
    let mut machine = TurnMachine::new(config, delay);
    let (mut actions, mut ms, mut turn) = (Vec::new(), 0, TurnId::default());
    for symbol in script.chars() {
        let input = match symbol {
            's' | '.' => {
                ms += 20;
                let (end, length) = (SessionTime::from_millis(ms), Duration::from_millis(20));
                Input::Voice { end, length, voiced: symbol == 's' }
            }
            'p' => Input::Agent(Agent::Preparing),
            '>' => Input::Agent(Agent::Sounding),
            '<' => Input::Agent(Agent::Listening),
            '[' => Input::Press,
            ']' => Input::Release { at: SessionTime::from_millis(ms) },
            ')' => Input::Release { at: SessionTime::from_millis(ms + 50) },
            '!' => Input::ReleaseLate,
            'w' => Input::Words(turn),
            'v' => Input::Words(TurnId::new(turn.get().saturating_sub(1))),
            'n' => Input::NoWords(turn),
            'e' => Input::SpeechEnded(turn),
            '|' => Input::StreamEnd,
            other => panic!("no such symbol: {other}"),
        };
        machine.handle(input);
        while let Some(action) = machine.poll_action() {
            if let Action::Begin { turn: begun, .. } = action {
                turn = begun;
            }
            actions.push((ms, action));
        }
    }
    actions
}

fn play(script: &str) -> Vec<(u64, Action)> {
    play_with(TurnConfig::default(), Duration::ZERO, script)
}

fn at(ms: u64) -> SessionTime {
    SessionTime::from_millis(ms)
}

fn begin(turn: u32, since: u64) -> Action {
    Action::Begin { turn: TurnId::new(turn), since: at(since) }
}

fn end(turn: u32, speech_end: u64, reason: EndReason) -> Action {
    Action::End { turn: TurnId::new(turn), speech_end: at(speech_end), reason }
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
            (740, lull(1)),
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
    let lulls = actions.iter().filter(|(_, action)| *action == lull(1)).count();
    assert_eq!(lulls, 2, "each pause may be the end");
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
    let config = TurnConfig { min_speech: Duration::from_millis(400), ..TurnConfig::default() };
    let script = format!("{}{}", of("s", 12), of(".", 50));
    let actions = play_with(config, Duration::ZERO, &script);
    assert_eq!(actions.last(), Some(&(1040, end(1, 240, EndReason::TooShort))));
}

#[test]
fn over_the_agents_voice_70_percent_of_half_a_second_is_a_turn_and_holds_the_agent() {
    let actions = play(&format!(">{}", of("s", 20)));
    assert_eq!(
        actions,
        [(60, voice(0)), (60, Action::Duck), (360, Action::Hold), (360, begin(1, 0))]
    );
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

#[test]
fn an_answer_that_is_not_heard_yet_is_held_by_the_usual_start() {
    let actions = without_voice(play(&format!("p{}", of("s", 12))));
    assert_eq!(actions, [(200, Action::Hold), (200, begin(1, 0))]);
}

#[test]
fn deferred_finishes_the_sentence_and_neither_ducks_nor_holds() {
    let barge_in = BargeIn { strategy: Strategy::Deferred, ..BargeIn::default() };
    let config = TurnConfig { barge_in, ..TurnConfig::default() };
    let actions = play_with(config, Duration::ZERO, &format!(">{}w", of("s", 20)));
    assert_eq!(without_voice(actions), [(360, Action::FinishSentence), (360, begin(1, 0))]);
}

#[test]
fn ignored_speech_becomes_a_turn_when_the_agent_has_finished() {
    let barge_in = BargeIn { strategy: Strategy::Ignore, ..BargeIn::default() };
    let config = TurnConfig { barge_in, ..TurnConfig::default() };
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
        let config = TurnConfig { barge_in, ..TurnConfig::default() };
        let actions = play_with(config, Duration::ZERO, ">..[");
        assert_eq!(actions, [(40, begin(1, 40)), (40, Action::Cancel)]);
    }
}

#[test]
fn with_push_to_talk_voice_alone_does_nothing() {
    let config = TurnConfig { push_to_talk: true, ..TurnConfig::default() };
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
    assert!(wrong(|config| config.barge_in.share = f32::NAN).contains("`barge_in.share` is NaN"));
}

proptest! {
    /// Whatever happens: turns follow one another, each begins once and ends once, the agent is
    /// held only while it has something to say, and a hold is settled once.
    #[test]
    fn invariants(script in r"[s.]{0,60}([s.]{20}|[p><wnve\[\])!]){0,40}\|?") {
        let actions = play(&script);
        let mut open = None;
        let mut last = TurnId::default();
        let mut held = false;
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
                Action::Lull { turn } => prop_assert_eq!(open, Some(turn)),
                Action::End { turn, speech_end, .. } => {
                    prop_assert_eq!(open.take(), Some(turn));
                    prop_assert!(speech_end <= at(ms));
                }
                Action::Hold => held = true,
                // A key cancels what it likes.
                Action::Cancel | Action::Release => {
                    prop_assert!(held || script.contains('['));
                    held = false;
                }
                Action::Voice { .. } | Action::Duck | Action::Unduck | Action::FinishSentence => {}
            }
        }
    }
}
