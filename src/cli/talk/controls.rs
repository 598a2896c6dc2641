//! What the screen may ask of a session with live devices.

use std::sync::{Mutex, PoisonError};

use crate::cli::screen::{self, Controls, DeviceChoices};
use crate::device::cpal::{self, CpalMicrophone, CpalSpeaker, DeviceInfo};
use crate::device::{DeviceError, Microphone, Speaker};
use crate::session::{DriveCommand, SessionHandle};

/// A session's handle, and the devices in use.
pub(super) struct SessionControls {
    handle: SessionHandle,
    in_use: Mutex<InUse>,
}

/// By name.
pub(super) struct InUse {
    pub(super) input: String,
    pub(super) output: String,
}

impl SessionControls {
    pub(super) fn new(handle: SessionHandle, in_use: InUse) -> Self {
        Self { handle, in_use: Mutex::new(in_use) }
    }

    fn in_use(&self) -> std::sync::MutexGuard<'_, InUse> {
        self.in_use.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn levels(&self) -> screen::Levels {
        let meters = self.handle.devices().meters();
        let levels = meters.levels();
        screen::Levels {
            input_db: levels.microphone,
            output_db: levels.speaker,
            under_runs: meters.under_runs(),
            lost_ms: meters.lost().as_secs_f64() * 1e3,
        }
    }

    fn devices(&self) -> DeviceChoices {
        let in_use = self.in_use();
        DeviceChoices {
            inputs: choices(cpal::inputs(), &in_use.input),
            outputs: choices(cpal::outputs(), &in_use.output),
        }
    }

    fn use_input(&self, id: &str) -> Result<(), String> {
        let microphone = CpalMicrophone::open(Some(id)).map_err(|error| error.to_string())?;
        let name = microphone.name();
        self.exchange(DriveCommand::Microphone(Box::new(microphone)))?;
        self.in_use().input = name;
        Ok(())
    }

    fn use_output(&self, id: &str) -> Result<(), String> {
        let speaker = CpalSpeaker::open(Some(id)).map_err(|error| error.to_string())?;
        let name = speaker.name();
        self.exchange(DriveCommand::Speaker(Box::new(speaker)))?;
        self.in_use().output = name;
        Ok(())
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
