//! How much silence ends a turn, by what is known of it.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::audio::Tone;
use crate::time::SessionTime;
use crate::turn::{Action, Detector, EndReason, Input, TurnConfig, TurnMachine};

const FRAME: Duration = Duration::from_millis(20);
const BLIND: Duration = Duration::from_millis(800);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn contour(pitch: f32, level: f32, breath: u64) -> Contour {
    Contour { pitch, level, breath: ms(breath), fall: None }
}

fn turn(contour: Contour) -> SoFar {
    SoFar { spoken: ms(2_000), contour: Some(contour), ..SoFar::default() }
}

fn fallen() -> SoFar {
    turn(contour(-4.0, -5.0, 150))
}

fn broken_off() -> SoFar {
    turn(contour(0.0, 0.0, 20))
}

#[test]
fn a_voice_that_falls_and_fades_has_finished_and_one_that_breaks_off_has_not() {
    for (name, over, goes_on) in
        [("eager", 450, 700), ("balanced", 630, 1_000), ("patient", 1_000, 1_500)]
    {
        let endpointer = Endpoint::by_name(name).unwrap().endpointer(BLIND);
        assert!(endpointer.silence(&fallen()) <= ms(over), "{name}");
        assert_eq!(endpointer.silence(&broken_off()), ms(goes_on), "{name}");
    }
}

#[test]
fn where_only_silence_is_known_the_fixed_one_counts() {
    for (name, endpoint) in Endpoint::NAMES {
        let endpointer = endpoint.endpointer(BLIND);
        let so_far = SoFar { spoken: ms(2_000), ..SoFar::default() };
        assert_eq!(endpointer.silence(&so_far), BLIND, "{name}");
        assert_eq!(endpoint.name(), name);
    }
    assert_eq!(Endpoint::by_name("hasty"), None);
}

#[test]
fn fixed_knows_nothing_else_and_learns_nothing() {
    let mut fixed = Endpoint::Fixed.endpointer(ms(500));
    for _ in 0..10 {
        fixed.learn(Lesson::CutOff(ms(1_400)));
    }
    let open = SoFar { words: Completeness::Open, doubt: ms(300), ..broken_off() };
    assert_eq!(fixed.silence(&open), ms(500));
}

#[test]
fn words_that_want_more_ask_for_more_time_and_a_single_word_for_none() {
    let balanced = Endpoint::Balanced.endpointer(BLIND);
    let open = SoFar { words: Completeness::Open, ..fallen() };
    assert!(balanced.silence(&open) >= ms(900));
    let open = SoFar { words: Completeness::Open, ..broken_off() };
    assert!(balanced.silence(&open) > ms(1_200));
    let word = SoFar { spoken: ms(400), ..broken_off() };
    assert_eq!(balanced.silence(&word), ms(630), "its melody says nothing");
}

#[test]
fn what_may_be_a_voice_gets_a_fifth_of_a_second_at_most() {
    let balanced = Endpoint::Balanced.endpointer(BLIND);
    for (doubt, more) in [(50, 50), (200, 200), (5_000, 200)] {
        let doubtful = SoFar { doubt: ms(doubt), ..fallen() };
        assert_eq!(balanced.silence(&doubtful), ms(630 + more));
    }
}

#[test]
fn who_was_cut_off_gets_the_time_that_was_needed_and_loses_it_slowly() {
    let mut balanced = Endpoint::Balanced.endpointer(BLIND);
    balanced.learn(Lesson::CutOff(ms(1_100)));
    assert_eq!(balanced.silence(&fallen()), ms(1_250));
    for _ in 0..5 {
        balanced.learn(Lesson::Ended);
    }
    let later = balanced.silence(&fallen());
    assert!(later > ms(1_000) && later < ms(1_200), "{later:?}");
    for _ in 0..100 {
        balanced.learn(Lesson::Ended);
    }
    assert_eq!(balanced.silence(&fallen()), ms(630));
}

#[test]
fn pauses_within_turns_are_learned_from_as_well() {
    let mut balanced = Endpoint::Balanced.endpointer(BLIND);
    for _ in 0..6 {
        balanced.learn(Lesson::WentOn(ms(900)));
    }
    let learned = balanced.silence(&fallen());
    assert!(learned > ms(1_000) && learned <= ms(1_050), "{learned:?}");
    balanced.learn(Lesson::WentOn(ms(300)));
    assert_eq!(balanced.silence(&fallen()), learned, "a short one is no lesson");
}

proptest! {
    /// Whatever is known and was learned, the silence stays between the limits, and more evidence
    /// for an end never asks for more of it.
    #[test]
    fn silence_is_bounded_and_falls_with_the_pitch(
        pitch in -20.0_f32..20.0, lower in 0.0_f32..5.0, level in -40.0_f32..20.0,
        breath in 0_u64..1_000, fall in prop::option::of(-100.0_f32..20.0),
        spoken in 0_u64..9_000, doubt in 0_u64..2_000, preset in 0_usize..3,
        words in prop::sample::select(vec![Completeness::Unknown, Completeness::Open, Completeness::Whole]),
        lessons in prop::collection::vec((0_u8..3, 0_u64..1_600), 0..20),
    ) {
        let mut endpointer = Endpoint::NAMES[preset].1.endpointer(BLIND);
        for (kind, pause) in lessons {
            endpointer.learn(match kind {
                0 => Lesson::WentOn(ms(pause)),
                1 => Lesson::CutOff(ms(pause)),
                _ => Lesson::Ended,
            });
        }
        let so_far = |pitch| SoFar {
            spoken: ms(spoken),
            contour: Some(Contour { pitch, level, breath: ms(breath), fall }),
            words,
            doubt: ms(doubt),
            finished: false,
            heard_end: None,
        };
        let (high, low) = (endpointer.silence(&so_far(pitch)), endpointer.silence(&so_far(pitch - lower)));
        prop_assert!(low <= high + Duration::from_micros(10));
        prop_assert!(low >= MIN_SILENCE && high <= MAX_SILENCE);
    }
}

#[test]
fn a_model_that_is_sure_ends_a_turn_soon_and_one_that_doubts_late() {
    let balanced = Endpoint::Balanced.endpointer(BLIND);
    let heard = |likely| balanced.silence(&SoFar { heard_end: Some(likely), ..broken_off() });
    assert!(heard(0.95) <= ms(450));
    assert_eq!(heard(0.5), ms(1_000));
    assert!(heard(0.02) > ms(1_050) && heard(0.02) < ms(1_100), "hardly longer than without it");
    let fallen_too = SoFar { heard_end: Some(0.6), ..fallen() };
    assert!(balanced.silence(&fallen_too) <= ms(450), "the voice tells it as well");
    let word = SoFar { spoken: ms(400), heard_end: Some(0.05), ..broken_off() };
    assert_eq!(balanced.silence(&word), ms(630), "a word is often the answer");
    let open = SoFar { heard_end: Some(0.95), words: Completeness::Open, ..fallen() };
    assert!(balanced.silence(&open) >= ms(600), "what was said is not a whole");
}

/// Tells a machine voice and silence, frame by frame.
struct Ear {
    machine: TurnMachine,
    now: u64,
    ends: Vec<(u64, Duration, EndReason)>,
    asked: Vec<u64>,
}

impl Ear {
    fn new() -> Self {
        let config = TurnConfig { settle: Duration::ZERO, ..TurnConfig::default() };
        let detector = Detector { threshold: 0.5, delay: Duration::ZERO };
        Self {
            machine: TurnMachine::new(config, detector),
            now: 0,
            ends: Vec::new(),
            asked: Vec::new(),
        }
    }

    fn frame(&mut self, probability: f32, tone: Tone) {
        self.now += 20;
        let end = SessionTime::from_millis(self.now);
        self.machine.handle(Input::Voice { end, length: FRAME, probability, tone });
        while let Some(action) = self.machine.poll_action() {
            match action {
                Action::End { reason, silence, .. } => self.ends.push((self.now, silence, reason)),
                Action::Ask { at, .. } => {
                    assert_eq!(at, end);
                    self.asked.push(self.now);
                }
                _ => {}
            }
        }
    }

    /// A sentence of 1.5 s. It ends low, soft and with breath, or breaks off.
    fn says(&mut self, finishes: bool) {
        for at in 0..75 {
            let fallen = if finishes { ((at as f32 - 40.0) / 20.0).clamp(0.0, 1.0) } else { 0.0 };
            let pitch_hz = (!finishes || at < 68).then_some(150.0 - 40.0 * fallen);
            self.frame(0.9, Tone { level_db: -20.0 - 10.0 * fallen, pitch_hz });
        }
    }

    fn pauses(&mut self, ms: u64) {
        for _ in 0..ms / 20 {
            self.frame(0.1, Tone { level_db: -60.0, pitch_hz: None });
        }
    }
}

#[test]
fn the_machine_waits_for_who_breaks_off_and_not_for_who_has_finished() {
    let mut ear = Ear::new();
    ear.says(true);
    ear.pauses(1_500);
    ear.says(false);
    ear.pauses(960);
    assert_eq!(ear.ends.len(), 1, "it was waited for: {:?}", ear.ends);
    ear.says(true);
    ear.pauses(1_500);
    let silences: Vec<_> = ear.ends.iter().map(|(_, silence, _)| *silence).collect();
    assert_eq!(silences, [ms(630); 2], "one pause is no habit yet");
}

#[test]
fn a_slow_speaker_is_cut_off_half_as_often_within_five_turns() {
    let cut_offs = |ear: &mut Ear| {
        let before = ear.ends.len();
        let turns = 5;
        for _ in 0..turns {
            ear.says(false);
            ear.pauses(1_100);
            ear.says(true);
            ear.pauses(4_000);
        }
        ear.ends.len() - before - turns
    };
    let mut ear = Ear::new();
    let first = cut_offs(&mut ear);
    let then = cut_offs(&mut ear);
    assert!((1..=2).contains(&first), "{first} of 5");
    assert_eq!(then, 0);
}

#[test]
fn noise_after_a_turn_is_no_rest_of_it() {
    let mut ear = Ear::new();
    for _ in 0..5 {
        ear.says(true);
        ear.pauses(1_000);
        for _ in 0..8 {
            ear.frame(0.9, Tone { level_db: -20.0, pitch_hz: None });
        }
        ear.pauses(3_000);
    }
    assert!(ear.ends.iter().all(|(_, silence, _)| *silence <= ms(630)), "{:?}", ear.ends);
}

#[test]
fn a_contour_is_measured_once_in_frames_of_any_length() {
    for length in [10, 16, 20, 32] {
        let mut prosody = Prosody::new();
        let mut at = 0;
        while at < 2_000 {
            at += length;
            let late = ((at as f32 - 1_300.0) / 400.0).clamp(0.0, 1.0);
            let pitch_hz = (at <= 1_900).then_some(160.0 - 40.0 * late);
            let tone = Tone { level_db: -20.0 - 10.0 * late, pitch_hz };
            prosody.push(SessionTime::from_millis(at), true, tone);
        }
        for _ in 0..40 {
            at += length;
            prosody.push(
                SessionTime::from_millis(at),
                false,
                Tone { level_db: -60.0, pitch_hz: None },
            );
        }
        let contour = prosody.contour(ms(20)).unwrap();
        assert!((-5.1..-3.0).contains(&contour.pitch), "{length}: {contour:?}");
        assert!((-9.0..-4.0).contains(&contour.level), "{length}: {contour:?}");
        assert!(contour.breath.abs_diff(ms(80)) <= ms(2 * length), "{length}: {contour:?}");
        assert_eq!(prosody.contour(ms(20)), Some(contour));
        prosody.clear();
        assert_eq!(prosody.contour(ms(20)), None);
    }
}

#[test]
fn without_a_pitch_there_is_no_contour() {
    let mut prosody = Prosody::new();
    for at in 1..100 {
        prosody.push(
            SessionTime::from_millis(20 * at),
            true,
            Tone { level_db: -20.0, pitch_hz: None },
        );
    }
    assert_eq!(prosody.contour(Duration::ZERO), None);
}

fn asking() -> Ear {
    let mut ear = Ear::new();
    ear.machine = ear.machine.asking_a_model();
    ear
}

fn answer(ear: &mut Ear, asked: u64, likely: f32) {
    ear.machine.handle(Input::Judged { at: SessionTime::from_millis(asked), likely });
}

#[test]
fn a_model_is_asked_early_in_each_pause_and_again() {
    let mut ear = asking();
    ear.says(false);
    ear.pauses(540);
    ear.says(false);
    ear.pauses(200);
    let second = 1_500 + 540 + 1_500;
    assert_eq!(ear.asked, [1_600, 1_800, 2_000, second + 100]);
    let mut nobody = Ear::new();
    nobody.says(true);
    nobody.pauses(2_000);
    assert!(nobody.asked.is_empty(), "there is no model");
    let mut fixed = asking();
    fixed.machine = fixed.machine.with_endpointer(Endpoint::Fixed.endpointer(BLIND));
    fixed.says(true);
    fixed.pauses(2_000);
    assert_eq!((fixed.asked.len(), fixed.ends.len()), (0, 1), "it would not listen");
}

#[test]
fn the_lowest_answer_of_a_pause_counts_and_none_of_a_pause_before() {
    let mut ear = asking();
    ear.says(false);
    ear.pauses(120);
    answer(&mut ear, 1_600, 0.2);
    ear.pauses(200);
    answer(&mut ear, 1_800, 0.99);
    ear.pauses(600);
    assert!(ear.ends.is_empty(), "it was sure only when it was silent for long");
    ear.says(true);
    ear.pauses(120);
    answer(&mut ear, 1_800, 0.0);
    let asked = *ear.asked.last().unwrap();
    answer(&mut ear, asked, 0.95);
    ear.pauses(600);
    let silences: Vec<_> = ear.ends.iter().map(|(_, silence, _)| *silence).collect();
    assert!(silences.len() == 1 && silences[0] < ms(700), "{silences:?}");
}
