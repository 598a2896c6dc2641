//! What can be done to a session's devices while it runs.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::device::{Meters, Microphone, Mute, Speaker};

/// Exchanges a device in the middle of a call.
#[derive(Debug)]
#[non_exhaustive]
pub enum DriveCommand {
    /// The user is heard by this microphone from now on. If it does not start, the one before
    /// goes on.
    Microphone(Box<dyn Microphone>),
    /// The agent is heard from this speaker from now on; what is queued goes to it. If it does
    /// not start, the one before goes on.
    Speaker(Box<dyn Speaker>),
}

/// A handle to the devices of a session.
#[derive(Clone, Debug)]
pub struct Devices {
    commands: mpsc::Sender<DriveCommand>,
    meters: Arc<Meters>,
    mute: Mute,
}

impl Devices {
    /// The handle, and the session's end of it.
    pub(in crate::session) fn new() -> (Self, mpsc::Receiver<DriveCommand>) {
        let (commands, obeyed) = mpsc::channel(COMMANDS);
        (Self { commands, meters: Arc::default(), mute: Mute::default() }, obeyed)
    }

    /// Exchanges a device, as soon as it has started: the sound goes on meanwhile. A
    /// `device_changed` event tells when that has happened, a `warning` that it has failed. Returns
    /// whether the session takes the command: not when it is over, or has four to do.
    #[must_use]
    pub fn exchange(&self, command: DriveCommand) -> bool {
        self.commands.try_send(command).is_ok()
    }

    /// Levels and counters.
    #[must_use]
    pub fn meters(&self) -> &Arc<Meters> {
        &self.meters
    }

    /// The switch that mutes the microphone.
    #[must_use]
    pub fn mute(&self) -> &Mute {
        &self.mute
    }
}

/// More exchanges than anybody asks for at once.
const COMMANDS: usize = 4;
