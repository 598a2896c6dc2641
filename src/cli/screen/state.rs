//! What is shown: events, levels and keys in, wishes out. It knows neither terminal nor clock.

use std::time::Duration;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::layout::Size;

use super::asked::Asked;
use super::captions::Captions;
use super::devices::{Picker, Side};
use super::floor::{Floor, Sides};
use super::input::InputLine;
use super::latency::Latencies;
use super::meter::Meter;
use super::notices::{Notices, Topic};
use super::{Device, DeviceChoices, Levels, Missing};
use crate::events::{Event, EventKind};
use crate::time::SessionTime;
use crate::turn::EndReason;
use crate::types::WaitsFor;

/// What the user wants of the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Type(String),
    Mute(bool),
    Press,
    Release,
    /// Has a call done that waits for that.
    Approve(String),
    Reject(String),
    ListDevices,
    Use(Side, Device),
    /// Ends the session in good order.
    Stop,
    /// Leaves at once.
    Quit,
}

/// All that is shown.
#[expect(clippy::struct_excessive_bools, reason = "each is shown by itself")]
#[derive(Debug, Default)]
pub(super) struct State {
    /// Voice detector, recogniser, model, synthesizer.
    pub(super) engines: Vec<String>,
    sides: Sides,
    pub(super) captions: Captions,
    pub(super) input: Meter,
    pub(super) output: Meter,
    pub(super) latencies: Latencies,
    pub(super) notices: Notices,
    pub(super) asked: Asked,
    pub(super) view: View,
    pub(super) muted: bool,
    /// The agent waits for the phrase that wakes it.
    pub(super) asleep: bool,
    /// The user holds the floor by key.
    pub(super) pressed: bool,
    pub(super) ending: bool,
    /// When the space bar was last down, and when it last began a turn.
    space_at: Option<SessionTime>,
    pressed_at: Option<SessionTime>,
    /// Devices that came into use in this call, by side.
    picked: Vec<(&'static str, String)>,
    under_runs: u64,
    lost_ms: f64,
    pub(super) missing: Missing,
}

/// What the keys are for.
#[derive(Debug, Default)]
pub(super) enum View {
    #[default]
    Talk,
    Typing(InputLine),
    Devices(Picker),
    Help,
}

impl State {
    pub(super) fn new(notices: &[String]) -> Self {
        let mut state = Self::default();
        notices.iter().for_each(|notice| state.notices.add(Topic::Information, notice));
        state
    }

    pub(super) fn floor(&self) -> Floor {
        self.sides.floor()
    }

    pub(super) fn on_event(&mut self, event: &Event) {
        self.sides.on(&event.kind);
        let turn = event.turn.unwrap_or_default();
        match &event.kind {
            EventKind::SessionStarted { vad, stt, llm, tts, .. } => {
                self.engines = [vad, stt, llm, tts].map(ToOwned::to_owned).into();
            }
            EventKind::TurnStarted { .. } => self.captions.words(turn, ""),
            EventKind::TurnEnded { reason: EndReason::TooShort, .. } => self.captions.forget(turn),
            EventKind::Transcript { text, is_final: false } => self.captions.words(turn, text),
            EventKind::Transcript { text, is_final: true } => self.captions.said(turn, text),
            EventKind::Typed { text } => self.captions.typed(text),
            EventKind::ToolCalled { name, .. } => self.captions.tool(name),
            EventKind::ToolPending { name, waits_for: WaitsFor::Tool, .. } => {
                self.captions.tool(&format!("{name} goes on"));
            }
            EventKind::ToolResolved { name, ok, .. } => {
                let what = if *ok { "done" } else { "refused or failed" };
                self.captions.tool(&format!("{name}: {what}"));
            }
            EventKind::Latency(latency) => self.latencies.add(latency),
            EventKind::Retried { stage, error } => self.notices.retried(*stage, error),
            EventKind::TurnFailed { stage, error } => {
                self.captions.forget(turn);
                self.notices.failed(*stage, error);
            }
            EventKind::ValidationFailed { validator, direction, action, message, .. } => {
                self.notices.broken(validator, *direction, *action, message);
            }
            EventKind::Warning { message } => self.notices.add(Topic::Trouble, message),
            EventKind::ConnectionLost { error, .. } => {
                self.notices.add(Topic::Trouble, &format!("{error}; connecting again"));
            }
            EventKind::ConnectionReady { .. } => {
                self.notices.add(Topic::Information, "The model listens.");
            }
            EventKind::SoundForgotten { sound_ms } => {
                let text = format!("{sound_ms:.0} ms of what was said are lost.");
                self.notices.add(Topic::Trouble, &text);
            }
            EventKind::ModeChanged { reason, stt, llm, tts, .. } => {
                self.engines.truncate(1);
                self.engines.extend([stt, llm, tts].map(ToOwned::to_owned));
                let text = format!("{reason}; {llm} goes on, with {stt} and {tts}");
                self.notices.add(Topic::Trouble, &text);
            }
            EventKind::DeviceChanged { device, name } => {
                self.picked.retain(|(other, _)| other != device);
                self.picked.push((device, name.clone()));
                self.notices.add(Topic::Information, &format!("The {device} is now {name}."));
            }
            EventKind::Asleep => self.asleep = true,
            EventKind::Woken { .. } => self.asleep = false,
            EventKind::SessionEnded { .. } => self.ending = true,
            _ => self.on_answer(event),
        }
    }

    fn on_answer(&mut self, event: &Event) {
        let Some(response) = event.response else { return };
        match &event.kind {
            EventKind::ResponseText { text } => self.captions.spoken(response, text),
            EventKind::Interrupted { heard_text, .. } => self.captions.cut(response, heard_text),
            EventKind::ResponseEnded { outcome: "discarded" } => self.captions.cut(response, ""),
            EventKind::ResponseEnded { outcome: "failed" } => self.captions.broke_off(response),
            _ => {}
        }
    }

    /// Events came faster than they were taken.
    pub(super) fn on_lost_events(&mut self, lost: u64) {
        let text = format!("{lost} events came too fast to be shown; captions may lack words");
        self.notices.add(Topic::LostEvents, &text);
    }

    /// Levels that were reached `passed` after those before. Says whether anything changed.
    pub(super) fn on_levels(&mut self, levels: Levels, passed: Duration) -> bool {
        let before = (self.input, self.output, self.under_runs, self.lost_ms, self.missing);
        self.missing = levels.missing;
        self.input.set(if self.muted { f32::NEG_INFINITY } else { levels.input_db }, passed);
        self.output.set(levels.output_db, passed);
        if levels.under_runs > self.under_runs {
            self.under_runs = levels.under_runs;
            let times = self.under_runs;
            let text = format!(
                "the speaker ran out of sound, {times} times so far: the machine or the network is slow"
            );
            self.notices.add(Topic::UnderRuns, &text);
        }
        if levels.lost_ms >= self.lost_ms + 1.0 {
            self.lost_ms = levels.lost_ms;
            let lost = self.lost_ms;
            let text =
                format!("{lost:.0} ms of your voice were lost so far: the machine is too slow");
            self.notices.add(Topic::LostSound, &text);
        }
        before != (self.input, self.output, self.under_runs, self.lost_ms, self.missing)
    }

    pub(super) fn on_devices(&mut self, mut found: DeviceChoices) {
        let sides = [(Side::Input, &mut found.inputs), (Side::Output, &mut found.outputs)];
        for (side, devices) in sides {
            if let Some((_, name)) = self.picked.iter().find(|(of, _)| *of == side.name()) {
                devices.iter_mut().for_each(|device| device.in_use = device.name == *name);
            }
        }
        if let View::Devices(picker) = &mut self.view {
            picker.fill(found);
        }
    }

    /// Another device was asked for: it may take its time to start.
    pub(super) fn on_used(&mut self, side: Side, name: &str, done: Result<(), String>) {
        let side = side.name();
        match done {
            Ok(()) => {
                self.notices.add(Topic::Information, &format!("Changing to the {side} {name}…"));
            }
            Err(why) => {
                let text = format!("The {side} {name} cannot be used: {why}");
                self.notices.add(Topic::Trouble, &text);
            }
        }
    }

    /// Says where the captions are shown.
    pub(super) fn on_drawn(&mut self, captions: Size) {
        self.captions.resize(captions);
    }

    pub(super) fn on_key(&mut self, key: KeyEvent, at: SessionTime) -> Option<Wish> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if control => return self.quit(),
            KeyCode::PageUp => self.captions.page_up(),
            KeyCode::PageDown => self.captions.page_down(),
            _ => return self.on_key_in_view(key, control, at),
        }
        None
    }

    /// The first time in good order, the second at once.
    pub(super) fn quit(&mut self) -> Option<Wish> {
        let again = std::mem::replace(&mut self.ending, true);
        Some(if again { Wish::Quit } else { Wish::Stop })
    }

    fn on_key_in_view(&mut self, key: KeyEvent, control: bool, at: SessionTime) -> Option<Wish> {
        match &mut self.view {
            View::Talk if control => None,
            View::Talk => self.on_key_in_talk(key.code, at),
            View::Typing(_) | View::Devices(_) | View::Help if key.code == KeyCode::Esc => {
                self.view = View::Talk;
                None
            }
            View::Typing(line) if key.code == KeyCode::Enter => {
                let text = line.text().trim().to_owned();
                self.view = View::Talk;
                if text.is_empty() {
                    return None;
                }
                self.captions.follow();
                Some(Wish::Type(text))
            }
            View::Typing(line) => {
                line.on_key(key);
                None
            }
            View::Devices(_) | View::Help if key.code == KeyCode::Char('q') => self.quit(),
            View::Devices(picker) => {
                let (side, device) = picker.on_key(key.code)?;
                self.view = View::Talk;
                Some(Wish::Use(side, device))
            }
            View::Help => {
                self.view = View::Talk;
                None
            }
        }
    }

    fn on_key_in_talk(&mut self, key: KeyCode, at: SessionTime) -> Option<Wish> {
        match key {
            KeyCode::Char('q') => return self.quit(),
            KeyCode::Char('m') => {
                self.muted = !self.muted;
                return Some(Wish::Mute(self.muted));
            }
            KeyCode::Char(' ') => return self.on_space(at),
            KeyCode::Char('t') | KeyCode::Enter => self.view = View::Typing(InputLine::default()),
            KeyCode::Char('d') => {
                self.view = View::Devices(Picker::default());
                return Some(Wish::ListDevices);
            }
            KeyCode::Char('a') => return self.asked.decide(key, at).map(Wish::Approve),
            KeyCode::Char('r') => return self.asked.decide(key, at).map(Wish::Reject),
            KeyCode::Char('?') => self.view = View::Help,
            _ => {}
        }
        None
    }

    /// Terminals do not tell when a key is let go: one press begins the turn, the next ends it.
    fn on_space(&mut self, at: SessionTime) -> Option<Wish> {
        let within = |time: Option<SessionTime>, limit| time.is_some_and(|t| at.since(t) < limit);
        let repeats = within(self.space_at.replace(at), REPEAT);
        if repeats || (self.pressed && within(self.pressed_at, FIRST_REPEAT)) {
            return None; // the bar is held down
        }
        self.pressed = !self.pressed;
        if !self.pressed {
            return Some(Wish::Release);
        }
        self.pressed_at = Some(at);
        Some(Wish::Press)
    }

    /// The session did not take the key: it is as it was before.
    pub(super) fn on_refused_key(&mut self) {
        self.pressed = !self.pressed;
    }
}

/// A key that is held down comes again sooner than this; nobody presses so fast.
pub(super) const REPEAT: Duration = Duration::from_millis(100);

/// A key that is held down comes again for the first time before this: terminals wait for 250 to
/// 660 ms.
pub(super) const FIRST_REPEAT: Duration = Duration::from_millis(700);

#[cfg(test)]
mod tests;
