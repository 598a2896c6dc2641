//! What becomes of a device that is lost, and of those that are looked for in its place.
//!
//! A device that knows how to find another (`Microphone::finder`, `Speaker::finder`) is looked for
//! at once. Until there is one, silence stands in for a microphone, and what is said waits for a
//! speaker. Without, nobody takes its place until the user chooses another.

use super::exchange::{Device, Next};
use super::seek::{Missed, Which};
use super::{DEAF, Drive, Exchange, SEEKS_EARS, SEEKS_VOICE, UNHEARD, Voice, exchange};
use crate::device::{DeviceError, Kind, nobody, patience, waiting_port};
use crate::time::SessionTime;

impl Drive {
    pub(super) fn lose_microphone(&mut self, error: &DeviceError, now: SessionTime) {
        let sought = self.seeks.0.lost(now, error);
        self.warn(error, if sought { SEEKS_EARS } else { DEAF });
        self.meters.set_missing(Kind::Microphone, true);
    }

    pub(super) fn lose_speaker(&mut self, error: &DeviceError, now: SessionTime) {
        let sought = self.seeks.1.lost(now, error);
        self.warn(error, if sought { SEEKS_VOICE } else { UNHEARD });
        self.meters.set_missing(Kind::Speaker, true);
        self.gate.set_unheard(sought.then_some(now));
        self.voice = Voice::Failed;
    }

    /// Has somebody stand in for the speaker that has failed.
    pub(super) fn stand_in(&mut self) {
        let (port, handover) = waiting_port(self.rate);
        let speaker = if self.seeks.1.is_lost() { patience(port) } else { nobody(port) };
        self.hand_over(Next { speaker, chosen: None }, handover);
    }

    /// Looks for devices that are lost, or that another stands in for.
    pub(super) fn seek(&mut self, now: SessionTime) {
        let (busy, clock) = (self.gate.is_busy(), &self.pacer.clock);
        if self.hearing.is_idle()
            && let Some(look) = self.seeks.0.due(now, busy)
        {
            self.hearing = Exchange::seek_microphone(look, clock);
        }
        let silent = matches!(self.voice, Voice::Plays | Voice::Nobody);
        if silent
            && self.speaking.is_idle()
            && let Some(look) = self.seeks.1.due(now, busy)
        {
            self.speaking = Exchange::seek_speaker(look, self.rate, clock);
        }
    }

    /// Whether a device is back while somebody speaks, and another works.
    pub(super) fn must_wait(&self, device: &Device) -> bool {
        let works = match device.kind() {
            Kind::Microphone => !self.seeks.0.is_lost(),
            Kind::Speaker => !self.seeks.1.is_lost(),
        };
        works && device.which() == Some(Which::Chosen) && self.gate.is_busy()
    }

    /// It is looked for again when nobody speaks.
    pub(super) fn put_off(&mut self, device: Device, now: SessionTime) {
        match device.kind() {
            Kind::Microphone => self.seeks.0.missed(now, Missed::Busy),
            Kind::Speaker => self.seeks.1.missed(now, Missed::Busy),
        }
        exchange::leave(device, &self.pacer.clock);
    }
}
