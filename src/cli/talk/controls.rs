//! What the screen may ask of a session with live devices.

use crate::cli::screen::{self, Controls, Deciding, DeviceChoices};
use crate::device::cpal::{self, CpalMicrophone, CpalSpeaker, DeviceInfo};
use crate::device::{DeviceError, Kind};
use crate::session::{DriveCommand, PendingCalls, SessionHandle};
use crate::types::PendingCall;

/// A session's handle, its calls that wait, and the devices that it began with.
pub(super) struct SessionControls {
    handle: SessionHandle,
    calls: PendingCalls,
    begun_with: InUse,
}

/// By name.
pub(super) struct InUse {
    pub(super) input: String,
    pub(super) output: String,
}

impl SessionControls {
    pub(super) fn new(handle: SessionHandle, calls: PendingCalls, begun_with: InUse) -> Self {
        Self { handle, calls, begun_with }
    }

    fn exchange(&self, command: DriveCommand) -> Result<(), String> {
        let taken = self.handle.devices().exchange(command);
        taken.then_some(()).ok_or_else(|| "the devices are being changed; try again".to_owned())
    }
}

impl Controls for SessionControls {
    fn type_text(&self, text: String) -> Result<(), String> {
        self.handle.hear(text).map_err(|error| error.to_string())
    }

    fn mute(&self, on: bool) {
        self.handle.devices().mute().set(on);
    }

    fn press(&self) -> Result<(), String> {
        self.handle.press().map_err(|error| error.to_string())
    }

    fn release(&self) -> Result<(), String> {
        self.handle.release().map_err(|error| error.to_string())
    }

    fn waiting(&self) -> Vec<PendingCall> {
        self.calls.list()
    }

    fn approve(&self, call: String) -> Deciding {
        let calls = self.calls.clone();
        Box::pin(async move {
            // The agent tells what came of it.
            let done = calls.approve(&call, None).await.map(drop);
            done.map_err(|error| error.to_string())
        })
    }

    fn reject(&self, call: String) -> Deciding {
        let calls = self.calls.clone();
        Box::pin(async move {
            let done = calls.reject(&call, "").await;
            done.map_err(|error| error.to_string())
        })
    }

    fn levels(&self) -> screen::Levels {
        let meters = self.handle.devices().meters();
        let levels = meters.levels();
        screen::Levels {
            input_db: levels.microphone,
            output_db: levels.speaker,
            under_runs: meters.under_runs(),
            lost_ms: meters.lost().as_secs_f64() * 1e3,
            missing: screen::Missing {
                input: meters.is_missing(Kind::Microphone),
                output: meters.is_missing(Kind::Speaker),
            },
        }
    }

    fn devices(&self) -> DeviceChoices {
        DeviceChoices {
            inputs: choices(cpal::inputs(), &self.begun_with.input),
            outputs: choices(cpal::outputs(), &self.begun_with.output),
        }
    }

    fn use_input(&self, id: &str) -> Result<(), String> {
        let microphone = CpalMicrophone::open(Some(id)).map_err(|error| error.to_string())?;
        self.exchange(DriveCommand::Microphone(Box::new(microphone)))
    }

    fn use_output(&self, id: &str) -> Result<(), String> {
        let speaker = CpalSpeaker::open(Some(id)).map_err(|error| error.to_string())?;
        self.exchange(DriveCommand::Speaker(Box::new(speaker)))
    }

    fn stop(&self) {
        self.handle.stop();
    }
}

fn choices(there: Result<Vec<DeviceInfo>, DeviceError>, in_use: &str) -> Vec<screen::Device> {
    // What cannot be listed cannot be chosen; the list is empty then, and says so.
    let there = there.unwrap_or_default().into_iter();
    there
        .map(|DeviceInfo { id, name, .. }| screen::Device { in_use: name == in_use, id, name })
        .collect()
}
