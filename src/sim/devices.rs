//! A person's devices with their faults: unplugged, plugged in again, with a clock that is off.
//!
//! They stand between the session and the person's own devices, and move these. A device that is
//! well passes everything on as it is.

mod ear;
mod microphone;
mod speaker;

pub(super) use self::ear::{Audible, Ears};
pub(super) use self::microphone::SimMicrophone;
pub(super) use self::speaker::SimSpeaker;
use super::journal::{Happening, Journal, Who};
use super::weather::Health;
use crate::device::{DeviceError, Kind};
use crate::time::SessionTime;

/// What happens to a device, and when.
#[derive(Clone, Debug)]
struct Fate {
    kind: Kind,
    health: Health,
    journal: Journal,
}

impl Fate {
    /// By the device's own clock, how long after its start the session's `now` is.
    fn own_time(&self, since_start: std::time::Duration) -> std::time::Duration {
        since_start.mul_f64(1.0 + self.health.drift_ppm / 1e6)
    }

    /// The other way.
    fn session_time(&self, own: std::time::Duration) -> std::time::Duration {
        own.div_f64(1.0 + self.health.drift_ppm / 1e6)
    }

    fn drifts(&self) -> bool {
        self.health.drift_ppm != 0.0
    }

    /// Fails when the device is unplugged.
    fn check(&mut self, now: SessionTime) -> Result<(), DeviceError> {
        if self.health.gone.take_if(|gone| gone.at <= now).is_none() {
            return Ok(());
        }
        let device = match self.kind {
            Kind::Microphone => "microphone",
            Kind::Speaker => "speaker",
        };
        self.journal.note(now, Who::Device, Happening::Gone { device });
        let (name, problem) = ("a person".to_owned(), "was unplugged".to_owned());
        Err(DeviceError::Failed { kind: self.kind, name, problem })
    }
}
