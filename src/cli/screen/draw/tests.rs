//! Screens of several sizes.

use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::style::{Color, Modifier};

use super::*;
use crate::cli::screen::asked::tests::refund;
use crate::cli::screen::latency::tests::latency;
use crate::cli::screen::notices::Topic;
use crate::cli::screen::{Device, DeviceChoices, Levels, Missing};
use crate::events::{Event, EventKind};
use crate::ids::{ResponseId, SessionId, TurnId};
use crate::time::SessionTime;

/// The screen, and its rows without the blanks at their ends.
fn drawn(state: &State, width: u16, height: u16, coloured: bool) -> (Buffer, Vec<String>) {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| _ = draw(frame, state, Palette::new(coloured))).unwrap();
    let buffer = terminal.backend().buffer().clone();
    let rows = (0..height).map(|y| {
        let mut row = String::new();
        let mut skip = 0;
        for x in 0..width {
            let symbol = buffer[(x, y)].symbol();
            if skip == 0 {
                row.push_str(symbol);
                skip = columns(symbol).max(1);
            }
            skip -= 1;
        }
        row.trim_end().to_owned()
    });
    let rows = rows.collect();
    (buffer, rows)
}

fn told(state: &mut State, kinds: impl IntoIterator<Item = EventKind>) {
    for kind in kinds {
        let (turn, response) = (Some(TurnId::new(1)), Some(ResponseId::FIRST));
        state.on_event(&Event { at: SessionTime::ZERO, turn, response, kind });
    }
}

fn keys(state: &mut State, keys: impl IntoIterator<Item = KeyCode>) {
    for (key, second) in keys.into_iter().zip(1..) {
        state.on_key(key.into(), SessionTime::from_millis(second * 1000));
    }
}

/// In the middle of an answer, after a turn that took 900 ms.
fn conversation() -> State {
    let [vad, stt, llm, tts] = ["earshot", "pocketsphinx", "scripted", "flite"].map(str::to_owned);
    let session = SessionId::new("x");
    let mut state = State::new(&[]);
    told(
        &mut state,
        [
            EventKind::SessionStarted { version: 1, session, vad, stt, llm, tts },
            EventKind::TurnStarted { start_ms: 0.0 },
            EventKind::Transcript { text: "tell me a story please".to_owned(), is_final: true },
            EventKind::ResponseStarted,
            EventKind::ResponseText {
                text: "Once there was a 灯台, naïve and far from the next.".to_owned(),
            },
            EventKind::AgentSpeechStarted { start_ms: 0.0 },
            EventKind::Latency(latency(900.0)),
            EventKind::Latency(latency(1200.0)),
        ],
    );
    told(
        &mut state,
        [EventKind::TurnEnded {
            speech_end_ms: 0.0,
            silence_ms: 0.0,
            reason: crate::turn::EndReason::Silence,
        }],
    );
    let levels = Levels { input_db: -45.0, output_db: -12.0, ..Levels::default() };
    state.on_levels(levels, Duration::from_millis(50));
    state
}

#[test]
fn a_device_that_is_missing_is_shown_as_long_as_it_is() {
    let mut state = conversation();
    let missing = |output| Levels { missing: Missing { input: true, output }, ..Levels::default() };
    assert!(state.on_levels(missing(false), Duration::ZERO));
    let (_, rows) = drawn(&state, 80, 24, true);
    assert!(rows[0].starts_with("◆ the agent speaks [no microphone]"), "{rows:#?}");
    state.on_levels(missing(true), Duration::ZERO);
    let (_, rows) = drawn(&state, 80, 24, true);
    assert!(rows[0].contains("[no microphone] [no speaker]"), "{rows:#?}");
    assert!(!state.on_levels(missing(true), Duration::ZERO), "nothing new");
    assert!(state.on_levels(Levels::default(), Duration::ZERO));
    let (_, rows) = drawn(&state, 80, 24, true);
    assert!(!rows[0].contains("[no"), "{rows:#?}");
}

#[test]
fn a_call_that_waits_is_shown_whatever_the_size() {
    let mut state = conversation();
    state.asked.set(vec![refund("c1", 250)]);
    let (_, rows) = drawn(&state, 80, 24, true);
    assert_eq!(rows[22], r#"? refund {"amount":250} waits for approval: more than 100 EUR"#);
    assert!(rows[23].starts_with("a allow · r refuse · space talk"), "{rows:#?}");
    let (_, rows) = drawn(&state, 40, 6, true);
    assert_eq!(rows[3], r#"? refund {"amount":250} waits for"#, "{rows:#?}");
    assert_eq!(rows[4], "approval: more than 100 EUR");
    assert!(rows[5].starts_with("a allow r refuse"), "{rows:#?}");
    keys(&mut state, [KeyCode::Char('?')]);
    let (_, rows) = drawn(&state, 80, 24, true);
    assert!(rows.iter().any(|row| row.contains("allow or refuse a call")), "{rows:#?}");
}

#[test]
fn on_80_by_24_there_is_all_of_it() {
    let mut state = conversation();
    state.notices.add(Topic::Trouble, "the recording cannot be written: the disk is full");
    let (_, rows) = drawn(&state, 80, 24, true);
    assert!(rows[0].starts_with("◆ the agent speaks"), "{rows:#?}");
    assert!(rows[0].ends_with("earshot · pocketsphinx · scripted · flite  banter"), "{rows:#?}");
    assert!(rows[1].starts_with("you   ███████····") && rows[1].contains("-45 dB"), "{rows:#?}");
    assert!(rows[1].ends_with("-12 dB"), "{rows:#?}");
    let side = |row: &str| row.split('│').nth(1).unwrap_or_default().trim().to_owned();
    let panel: Vec<_> = rows[2..].iter().map(|row| side(row)).collect();
    assert_eq!(panel[0], "1050 ms, median of last 2");
    assert!(panel[1].starts_with("900 wwwwwwwww") && panel[1].contains("mmvo"), "{rows:#?}");
    assert_eq!(panel[3], "wait words model voice out");
    assert_eq!(panel[5], "! the recording cannot be");
    assert!(rows[20].starts_with("you    tell me a story please"), "{rows:#?}");
    assert!(
        rows[21].starts_with("agent  Once there was a 灯台, naïve and far from  │"),
        "{rows:#?}"
    );
    assert!(rows[22].starts_with("       the next."), "{rows:#?}");
    assert!(rows[23].starts_with("space talk · t type"), "{rows:#?}");
}

#[test]
fn on_40_by_10_the_rest_is_in_short() {
    let mut state = conversation();
    state.notices.add(Topic::Trouble, "the recording cannot be written: the disk is full");
    let (_, rows) = drawn(&state, 40, 10, true);
    assert_eq!(rows[0], "◆ the agent speaks  earshot · pocketsph…");
    assert!(rows[1].contains("-45 dB") && rows[1].ends_with("-12 dB"), "{rows:#?}");
    assert_eq!(rows[5], "agent  Once there was a 灯台, naïve and");
    assert_eq!(rows[6], "       far from the next.");
    assert!(rows[7].starts_with("1200 ms, median 1050 wwwww"), "{rows:#?}");
    assert_eq!(rows[8], "! the recording cannot be written: the …");
    assert_eq!(rows[9], "space t m d ? q (? for help)");
}

#[test]
fn no_size_is_too_small_for_any_view() {
    let device = Device {
        id: "x".into(), name: "日本の長い名前のマイク".repeat(4), in_use: true
    };
    let found = DeviceChoices { inputs: vec![device; 30], outputs: Vec::new() };
    for view in ["", "ttyping 日本語 in a line that is long", "d", "?"] {
        let mut state = conversation();
        keys(&mut state, view.chars().map(KeyCode::Char));
        state.on_devices(found.clone());
        keys(&mut state, [KeyCode::Down; 20]);
        for width in [0, 1, 2, 3, 5, 7, 8, 13, 14, 23, 24, 31, 71, 72, 200] {
            for height in (0..9).chain([14, 60]) {
                let _no_panic = drawn(&state, width, height, true);
            }
        }
    }
}

#[test]
fn one_row_is_for_the_words() {
    let (_, rows) = drawn(&conversation(), 30, 1, true);
    assert_eq!(rows, ["       next."]);
}

#[test]
fn what_is_typed_stands_in_the_last_row_with_the_cursor() {
    let mut state = conversation();
    keys(&mut state, "t日本 ok".chars().map(KeyCode::Char).chain([KeyCode::Left]));
    let mut terminal = Terminal::new(TestBackend::new(60, 12)).unwrap();
    terminal.draw(|frame| _ = draw(frame, &state, Palette::new(true))).unwrap();
    // The prompt, two wide characters, a blank and a letter.
    terminal.backend_mut().assert_cursor_position((8, 11));
    assert_eq!(drawn(&state, 60, 12, true).1[11], "> 日本 ok");
}

#[test]
fn an_open_turn_the_mute_and_the_end_are_told_in_words() {
    let mut state = conversation();
    keys(&mut state, [KeyCode::Char(' '), KeyCode::Char('m')]);
    let (_, rows) = drawn(&state, 100, 24, true);
    assert!(rows[0].starts_with("◆ the agent speaks [muted] [your turn is open]"), "{rows:#?}");
    assert!(rows[23].starts_with("space: your turn is over"), "{rows:#?}");
    state.on_event(&Event {
        at: SessionTime::ZERO,
        turn: None,
        response: None,
        kind: EventKind::Asleep,
    });
    assert!(drawn(&state, 100, 24, true).1[0].contains("[muted] [asleep] [your turn"));
    keys(&mut state, [KeyCode::Char('q')]);
    let (_, rows) = drawn(&state, 100, 24, true);
    assert!(rows[0].contains("[ending…]") && rows[23].contains("q again"), "{rows:#?}");
}

#[test]
fn devices_are_listed_around_the_chosen_one() {
    let device = |n: u32| Device { id: n.to_string(), name: format!("mic {n}"), in_use: n == 3 };
    let mut state = State::default();
    keys(&mut state, [KeyCode::Char('d')]);
    assert!(drawn(&state, 60, 10, true).1.iter().any(|row| row.contains("looking for devices…")));
    state.on_devices(DeviceChoices { inputs: (0..30).map(device).collect(), outputs: vec![] });
    let (buffer, rows) = drawn(&state, 60, 10, true);
    assert!(rows.iter().any(|row| row.contains("* microphone  mic 3")), "{rows:#?}");
    keys(&mut state, [KeyCode::End]);
    let (_, rows) = drawn(&state, 60, 10, true);
    assert!(rows.iter().any(|row| row.contains("mic 29")), "{rows:#?}");
    let reversed = buffer.content.iter().any(|c| c.modifier.contains(Modifier::REVERSED));
    assert!(reversed, "the cursor can be seen");
}

#[test]
fn help_names_the_keys() {
    let mut state = conversation();
    keys(&mut state, [KeyCode::Char('?')]);
    let (_, rows) = drawn(&state, 80, 24, true);
    for word in ["space", "t, Enter", "mute", "PageUp", "Ctrl-C", "choose microphone"] {
        assert!(rows.iter().any(|row| row.contains(word)), "{word}: {rows:#?}");
    }
}

/// On any background, and for those who want none.
#[test]
fn colours_are_the_terminals_own_and_can_be_turned_off() {
    let mut state = conversation();
    state.notices.add(Topic::Trouble, "no");
    let named = [Color::Reset, Color::Red, Color::Green, Color::Blue, Color::Magenta, Color::Cyan];
    let (buffer, rows) = drawn(&state, 80, 24, true);
    assert!(buffer.content.iter().all(|cell| named.contains(&cell.fg) && cell.bg == Color::Reset));
    assert!(buffer.content.iter().any(|cell| cell.fg == Color::Magenta));
    let (plain, same) = drawn(&state, 80, 24, false);
    assert!(plain.content.iter().all(|cell| cell.fg == Color::Reset));
    assert_eq!(rows, same);
}
