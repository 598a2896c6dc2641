//! Events and keys in; what is shown, and wishes, out.

use super::*;
use crate::cli::screen::asked::tests::refund;
use crate::cli::screen::latency::tests::latency;
use crate::events::StageName;
use crate::ids::{ResponseId, TurnId};
use crate::types::{Direction, ValidationAction};

fn event(kind: EventKind) -> Event {
    let (turn, response) = (Some(TurnId::new(1)), Some(ResponseId::FIRST));
    Event { at: SessionTime::ZERO, turn, response, kind }
}

fn told(kinds: impl IntoIterator<Item = EventKind>) -> State {
    let mut state = State::default();
    kinds.into_iter().for_each(|kind| state.on_event(&event(kind)));
    state
}

fn shown(state: &State) -> Vec<String> {
    let rows = state.captions.rows(Size::new(80, 20));
    rows.into_iter().map(|row| row.label + &row.text).collect()
}

fn notices(state: &State) -> Vec<&str> {
    state.notices.newest_first().map(|notice| notice.text.as_str()).collect()
}

fn words(text: &str, is_final: bool) -> EventKind {
    EventKind::Transcript { text: text.to_owned(), is_final }
}

fn text(text: &str) -> EventKind {
    EventKind::ResponseText { text: text.to_owned() }
}

/// Presses keys, a second apart; the wishes that come of it.
fn press(state: &mut State, keys: impl IntoIterator<Item = KeyCode>) -> Vec<Wish> {
    let times = (1..).map(|second| SessionTime::from_millis(1000 * second));
    keys.into_iter().zip(times).filter_map(|(key, at)| state.on_key(key.into(), at)).collect()
}

fn keys(text: &str) -> impl Iterator<Item = KeyCode> {
    text.chars().map(KeyCode::Char)
}

const CTRL_C: KeyEvent = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);

#[test]
fn a_turn_and_its_answer_are_captions() {
    let turn = EventKind::TurnStarted { start_ms: 0.0 };
    assert_eq!(shown(&told([turn.clone()])), ["you    …"]);
    assert_eq!(shown(&told([turn.clone(), words("what", false)])), ["you    what"]);
    let state = told([
        turn,
        words("what", false),
        words("what time is it", true),
        text("It is "),
        text("ten."),
    ]);
    assert_eq!(shown(&state), ["you    what time is it", "agent  It is ten."]);
}

#[test]
fn noise_leaves_no_caption() {
    let ended =
        EventKind::TurnEnded { speech_end_ms: 0.0, silence_ms: 0.0, reason: EndReason::TooShort };
    assert!(shown(&told([EventKind::TurnStarted { start_ms: 0.0 }, ended])).is_empty());
    let state = told([EventKind::TurnStarted { start_ms: 0.0 }, words("", true)]);
    assert!(shown(&state).is_empty());
}

#[test]
fn answers_that_were_not_heard_to_their_end_are_marked() {
    let interrupted = EventKind::Interrupted { heard_ms: 1.0, heard_text: "Once upon".to_owned() };
    let outcome = |outcome| EventKind::ResponseEnded { outcome };
    let state = told([text("Once upon a time"), interrupted, outcome("interrupted")]);
    assert_eq!(shown(&state), ["agent  Once upon— (cut)"]);
    let state = told([text("Once upon a time"), outcome("failed")]);
    assert_eq!(shown(&state), ["agent  Once upon a time— (broke off)"]);
    assert!(shown(&told([text("Once upon a time"), outcome("discarded")])).is_empty());
    assert_eq!(shown(&told([text("Once."), outcome("completed")])), ["agent  Once."]);
}

#[test]
fn failures_and_warnings_are_told_in_plain_words() {
    let failed = EventKind::TurnFailed { stage: StageName::Provider, error: "no words".to_owned() };
    let warning = EventKind::Warning { message: "the disk is full".to_owned() };
    let retried = EventKind::Retried { stage: StageName::Tts, error: "it ended".to_owned() };
    assert_eq!(notices(&told([retried])), ["The voice failed and tries again: it ended"]);
    let mut state = told([failed, warning]);
    let expected = ["the disk is full", "There is no answer: no words. Say it again, or go on."];
    assert_eq!(notices(&state), expected);
    state.on_lost_events(7);
    assert!(notices(&state)[0].starts_with("7 events"));
}

#[test]
fn a_rule_that_was_broken_is_told() {
    let broken = EventKind::ValidationFailed {
        validator: "banned_words".to_owned(),
        kind: "content_excludes".to_owned(),
        direction: Direction::Output,
        action: ValidationAction::Replaced,
        message: "it says phrase 1".to_owned(),
    };
    let told_of = "The answer broke the rule banned_words and was replaced: it says phrase 1";
    assert_eq!(notices(&told([broken])), [told_of]);
}

#[test]
fn sound_that_was_lost_is_told_when_it_grows() {
    let mut state = State::default();
    let levels = |under_runs, lost_ms| Levels { under_runs, lost_ms, ..Levels::default() };
    state.on_levels(levels(0, 0.0), Duration::ZERO);
    assert!(notices(&state).is_empty());
    assert!(state.on_levels(levels(2, 0.0), Duration::ZERO));
    assert!(notices(&state)[0].contains("2 times"));
    state.on_levels(levels(2, 40.0), Duration::ZERO);
    assert!(notices(&state)[0].starts_with("40 ms of your voice"));
    assert_eq!(notices(&state).len(), 2);
    assert!(!state.on_levels(levels(2, 40.0), Duration::ZERO), "nothing new");
}

#[test]
fn engines_and_latencies_are_kept() {
    let [vad, stt, llm, tts] = ["earshot", "sphinx", "scripted", "flite"].map(str::to_owned);
    let session = crate::ids::SessionId::new("x");
    let started = EventKind::SessionStarted { version: 1, session, vad, stt, llm, tts };
    let state = told([started, EventKind::Latency(latency(900.0))]);
    assert_eq!(state.engines.join(" "), "earshot sphinx scripted flite");
    assert_eq!(state.latencies.median_ms(), Some(900.0));
}

#[test]
fn a_call_that_waits_is_decided_by_a_key_but_not_while_something_is_typed() {
    let mut state = State::default();
    assert!(press(&mut state, keys("ar")).is_empty(), "nothing waits");
    state.asked.set(vec![refund("c1", 250), refund("c2", 300)]);
    assert!(press(&mut state, keys("tar")).is_empty());
    assert!(press(&mut state, [KeyCode::Esc]).is_empty());
    let approve = state.on_key(KeyCode::Char('a').into(), SessionTime::from_millis(9000));
    assert_eq!(approve, Some(Wish::Approve("c1".to_owned())));
    let reject = state.on_key(KeyCode::Char('r').into(), SessionTime::from_millis(10_000));
    assert_eq!(reject, Some(Wish::Reject("c2".to_owned())));
}

#[test]
fn what_tools_do_beside_the_answer_is_a_caption() {
    let (call, name) = ("c1".to_owned(), "report".to_owned());
    let waits_for = WaitsFor::Tool;
    let pending = EventKind::ToolPending { call: call.clone(), name: name.clone(), waits_for };
    let resolved = |ok| EventKind::ToolResolved { call: call.clone(), name: name.clone(), ok };
    let state = told([pending, resolved(true), resolved(false)]);
    let expected =
        ["tool   report goes on", "tool   report: done", "tool   report: refused or failed"];
    assert_eq!(shown(&state), expected);
}

#[test]
fn a_space_begins_the_turn_and_the_next_ends_it() {
    let mut state = State::default();
    assert_eq!(press(&mut state, keys("   ")), [Wish::Press, Wish::Release, Wish::Press]);
    assert!(state.pressed);
}

#[test]
fn a_space_bar_that_is_held_down_does_not_end_the_turn() {
    let at = |ms: u64| SessionTime::from_millis(ms);
    let space = KeyEvent::from(KeyCode::Char(' '));
    for first_repeat in [1250, 1500, 1660] {
        let mut state = State::default();
        assert_eq!(state.on_key(space, at(1000)), Some(Wish::Press));
        for ms in (first_repeat..4000).step_by(33) {
            assert_eq!(state.on_key(space, at(ms)), None, "{ms} ms");
        }
        assert!(state.pressed, "the turn goes on");
        assert_eq!(state.on_key(space, at(4500)), Some(Wish::Release));
        assert_eq!(state.on_key(space, at(4700)), Some(Wish::Press), "a turn may follow at once");
    }
}

#[test]
fn a_key_that_was_refused_changes_nothing() {
    let mut state = State::default();
    assert_eq!(press(&mut state, keys(" ")), [Wish::Press]);
    state.on_refused_key();
    assert!(!state.pressed);
}

#[test]
fn mute_is_switched() {
    let mut state = State::default();
    assert_eq!(press(&mut state, keys("mm")), [Wish::Mute(true), Wish::Mute(false)]);
}

#[test]
fn what_is_typed_is_sent_with_enter_and_left_with_escape() {
    let mut state = State::default();
    let typed = keys("tquit? m").chain([KeyCode::Enter]);
    assert_eq!(press(&mut state, typed), [Wish::Type("quit? m".to_owned())]);
    state.on_event(&event(EventKind::Typed { text: "quit? m".to_owned() }));
    assert_eq!(shown(&state), ["you    quit? m"], "once, when the session has it");
    let nothing = [KeyCode::Enter, KeyCode::Char(' '), KeyCode::Enter];
    assert_eq!(press(&mut state, nothing), []);
    assert_eq!(press(&mut state, keys("tab").chain([KeyCode::Esc])), []);
    assert!(matches!(state.view, View::Talk));
}

#[test]
fn a_device_is_chosen_from_those_there_are() {
    let device = |id: &str, in_use| Device { id: id.to_owned(), name: format!("The {id}"), in_use };
    let found = DeviceChoices {
        inputs: vec![device("mic", true), device("usb", false)],
        outputs: vec![device("hdmi", false)],
    };
    let mut state = State::default();
    assert_eq!(press(&mut state, keys("d")), [Wish::ListDevices]);
    assert_eq!(press(&mut state, [KeyCode::Enter]), [], "they are looked for");
    state.on_devices(found);
    let down = [KeyCode::Down, KeyCode::Down, KeyCode::Down, KeyCode::Enter];
    assert_eq!(press(&mut state, down), [Wish::Use(Side::Output, device("hdmi", false))]);
    state.on_used(Side::Output, "The hdmi", Err("it is busy".to_owned()));
    assert_eq!(notices(&state), ["The speaker The hdmi cannot be used: it is busy"]);
    state.on_devices(DeviceChoices::default()); // late: nobody asks any more
}

#[test]
fn a_device_is_in_use_when_it_is_and_not_when_it_was_asked_for() {
    let device = |id: &str, in_use| Device { id: id.to_owned(), name: format!("The {id}"), in_use };
    let found = || DeviceChoices {
        inputs: vec![device("mic", true)],
        outputs: vec![device("desk", true), device("hdmi", false)],
    };
    let in_use = |state: &State| {
        let View::Devices(picker) = &state.view else { panic!("they are not shown") };
        let chosen = picker.choices().iter().filter(|(_, device)| device.in_use);
        chosen.map(|(_, device)| device.id.clone()).collect::<Vec<_>>()
    };
    let mut state = State::default();
    state.on_used(Side::Output, "The hdmi", Ok(()));
    assert_eq!(notices(&state), ["Changing to the speaker The hdmi…"]);
    press(&mut state, keys("d"));
    state.on_devices(found());
    assert_eq!(in_use(&state), ["mic", "desk"]);
    let name = "The hdmi".to_owned();
    state.on_event(&event(EventKind::DeviceChanged { device: "speaker", name }));
    assert_eq!(notices(&state)[0], "The speaker is now The hdmi.");
    state.on_devices(found());
    assert_eq!(in_use(&state), ["mic", "hdmi"]);
}

#[test]
fn the_first_wish_to_end_is_polite_and_the_second_is_not() {
    let mut state = State::default();
    assert_eq!(press(&mut state, keys("qq")), [Wish::Stop, Wish::Quit]);
    for view in ["t", "d", "?"] {
        let mut state = State::default();
        press(&mut state, keys(view));
        let wishes = [(); 2].map(|()| state.on_key(CTRL_C, SessionTime::ZERO));
        assert_eq!(wishes, [Some(Wish::Stop), Some(Wish::Quit)], "in {view}");
        assert!(state.ending);
    }
}

#[test]
fn help_is_shown_until_a_key_is_pressed() {
    let mut state = State::default();
    press(&mut state, keys("?"));
    assert!(matches!(state.view, View::Help));
    assert_eq!(press(&mut state, keys("m")), []);
    assert!(matches!(state.view, View::Talk));
}
