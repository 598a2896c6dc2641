//! The screen with a session that only listens to its controls.

use std::sync::Mutex;

use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent};

use super::*;
use crate::cli::screen::asked::tests::refund;
use crate::cli::screen::{Deciding, Levels};
use crate::events::{Event, EventBus, EventKind};
use crate::types::PendingCall;

/// Writes down what it is told; ends its events when it is stopped.
struct Fake {
    told: Arc<Mutex<Vec<String>>>,
    bus: Mutex<Option<EventBus>>,
    waiting: Mutex<Vec<PendingCall>>,
    stops: bool,
}

impl Fake {
    fn tell(&self, what: String) {
        self.told.lock().unwrap().push(what);
    }
}

impl Controls for Fake {
    fn type_text(&self, text: String) -> Result<(), String> {
        self.tell(format!("type {text}"));
        Ok(())
    }

    fn mute(&self, on: bool) {
        self.tell(format!("mute {on}"));
    }

    fn press(&self) -> Result<(), String> {
        self.tell("press".to_owned());
        Ok(())
    }

    fn release(&self) -> Result<(), String> {
        self.tell("release".to_owned());
        Ok(())
    }

    fn waiting(&self) -> Vec<PendingCall> {
        self.waiting.lock().unwrap().clone()
    }

    fn approve(&self, call: String) -> Deciding {
        self.tell(format!("approve {call}"));
        self.waiting.lock().unwrap().clear();
        Box::pin(std::future::ready(Ok(())))
    }

    fn reject(&self, call: String) -> Deciding {
        self.tell(format!("reject {call}"));
        Box::pin(std::future::ready(Err("somebody was first".to_owned())))
    }

    fn levels(&self) -> Levels {
        Levels { input_db: -20.0, output_db: f32::NEG_INFINITY, ..Levels::default() }
    }

    fn devices(&self) -> DeviceChoices {
        let device = |name: &str| Device { id: name.into(), name: name.into(), in_use: false };
        DeviceChoices { inputs: vec![device("mic")], outputs: vec![device("hdmi")] }
    }

    fn use_input(&self, id: &str) -> Result<(), String> {
        self.tell(format!("input {id}"));
        Ok(())
    }

    fn use_output(&self, id: &str) -> Result<(), String> {
        self.tell(format!("output {id}"));
        Err("it is busy".to_owned())
    }

    fn stop(&self) {
        self.tell("stop".to_owned());
        if self.stops {
            self.bus.lock().unwrap().take();
        }
    }
}

/// The screen in a test: a terminal in memory, and keys by script.
struct Scene {
    bus: EventBus,
    keys: mpsc::Sender<Input>,
    told: Arc<Mutex<Vec<String>>>,
    shell: Shell<Fake>,
    inputs: mpsc::Receiver<Input>,
    events: Subscription,
}

fn scene(stops: bool) -> Scene {
    let bus = EventBus::default();
    let (keys, inputs) = mpsc::channel(64);
    let told = Arc::new(Mutex::new(Vec::new()));
    let bus_of_fake = Mutex::new(Some(bus.clone()));
    let waiting = Mutex::default();
    let fake = Fake { told: Arc::clone(&told), bus: bus_of_fake, waiting, stops };
    let shell = Shell::new(State::new(&["hello".to_owned()]), Palette::new(true), fake);
    Scene { events: bus.subscribe(), bus, keys, told, shell, inputs }
}

fn text_of(terminal: &Terminal<TestBackend>) -> String {
    terminal.backend().to_string()
}

/// Presses keys one after the other, with time between them.
async fn press(keys: &mpsc::Sender<Input>, codes: impl IntoIterator<Item = KeyCode>) {
    let clock = SessionClock::live();
    for code in codes {
        keys.send(Input::Key(KeyEvent::from(code))).await.unwrap();
        clock.sleep(Duration::from_millis(800)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn keys_reach_the_session_and_its_end_ends_the_screen() {
    let Scene { bus, keys, told, shell, inputs, events } = scene(true);
    drop(bus);
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    let script = async {
        press(&keys, "m  thi".chars().map(KeyCode::Char)).await;
        press(&keys, [KeyCode::Enter, KeyCode::Char('q')]).await;
    };
    let (ended, ()) = tokio::join!(shell.run(&mut terminal, inputs, events), script);
    ended.unwrap();
    assert_eq!(*told.lock().unwrap(), ["mute true", "press", "release", "type hi", "stop"]);
    let screen = text_of(&terminal);
    assert!(screen.contains("ending…") && screen.contains("! hello"), "{screen}");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_is_shown_and_decided_by_a_key() {
    let Scene { bus, keys, told, shell, inputs, events } = scene(true);
    drop(bus);
    let controls = Arc::clone(&shell.controls);
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    let script = async {
        // Nothing waits: nothing is decided.
        press(&keys, [KeyCode::Char('a'), KeyCode::Char('r')]).await;
        *controls.waiting.lock().unwrap() = vec![refund("c1", 250)];
        SessionClock::live().sleep(FRAME * 2).await;
        press(&keys, [KeyCode::Char('r'), KeyCode::Char('a'), KeyCode::Char('a')]).await;
        press(&keys, [KeyCode::Char('q')]).await;
    };
    let (ended, ()) = tokio::join!(shell.run(&mut terminal, inputs, events), script);
    ended.unwrap();
    // The one that could not be refused waits still.
    assert_eq!(*told.lock().unwrap(), ["reject c1", "approve c1", "stop"]);
    let screen = text_of(&terminal);
    assert!(screen.contains("That was not done:") && !screen.contains("refund"), "{screen}");
}

#[tokio::test(start_paused = true)]
async fn who_will_not_wait_for_the_end_leaves_at_once() {
    let Scene { bus: _bus, keys, told, shell, inputs, events } = scene(false);
    let mut terminal = Terminal::new(TestBackend::new(40, 10)).unwrap();
    let script = async {
        press(&keys, [KeyCode::Char('q')]).await;
        keys.send(Input::Quit).await.unwrap();
    };
    let (ended, ()) = tokio::join!(shell.run(&mut terminal, inputs, events), script);
    assert_eq!(ended.unwrap_err().to_string(), "left before everything was written");
    assert_eq!(*told.lock().unwrap(), ["stop"]);
}

#[tokio::test(start_paused = true)]
async fn a_terminal_that_has_gone_stops_the_session() {
    for closed in [true, false] {
        let Scene { bus: _bus, keys, told, mut shell, inputs, events } = scene(false);
        let mut terminal = Terminal::new(TestBackend::new(40, 10)).unwrap();
        if closed {
            keys.send(Input::Gone).await.unwrap();
        } else {
            shell = shell.while_ours(|| false);
        }
        let ended = shell.run(&mut terminal, inputs, events).await;
        assert!(ended.unwrap_err().to_string().contains("the terminal has gone"));
        assert_eq!(*told.lock().unwrap(), ["stop"]);
    }
}

#[tokio::test(start_paused = true)]
async fn events_and_levels_are_drawn_within_a_frame() {
    let Scene { bus, keys: _keys, told: _, shell, inputs, events } = scene(false);
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    let clock = SessionClock::live();
    let message = "the disk is full".to_owned();
    let kind = EventKind::Warning { message };
    bus.publish(Event { at: SessionTime::ZERO, turn: None, response: None, kind });
    let shown = clock.timeout(FRAME * 2, shell.run(&mut terminal, inputs, events)).await;
    assert!(shown.is_none(), "it goes on");
    let screen = text_of(&terminal);
    assert!(screen.contains("the disk is full") && screen.contains("-20 dB"), "{screen}");
}

/// Devices are looked for on a thread, which takes time on the wall: none is paused here.
#[tokio::test]
async fn a_device_is_chosen_and_its_refusal_shown() {
    let Scene { bus, keys, told, mut shell, inputs: _inputs, events: _events } = scene(false);
    drop((bus, keys));
    let key = |code: KeyCode| Input::Key(KeyEvent::from(code));
    shell.on_input(key(KeyCode::Char('d'))).unwrap();
    let found = shell.jobs.join_next().await.unwrap().unwrap();
    shell.on_done(found);
    shell.on_input(key(KeyCode::End)).unwrap();
    shell.on_input(key(KeyCode::Enter)).unwrap();
    shell.on_input(key(KeyCode::Char('d'))).unwrap(); // the one before is still at work
    let used = shell.jobs.join_next().await.unwrap().unwrap();
    shell.on_done(used);
    assert_eq!(*told.lock().unwrap(), ["output hdmi"]);
    let notices: Vec<_> =
        shell.state.notices.newest_first().map(|notice| notice.text.as_str()).collect();
    assert_eq!(notices[0], "The speaker hdmi cannot be used: it is busy");
    assert!(notices[1].contains("still busy"), "{notices:?}");
}
