//! The recording of a call, as long as it can be written.

use super::Reference;
use crate::device::{Kind, Left, Master, Meters, Tap};
use crate::events::{Event, EventBus, EventKind, RecordError, Recorder};
use crate::time::SessionClock;

/// What is recorded, and what left the speaker.
pub(super) struct Recording {
    recorder: Option<Recorder>,
    tap: Tap,
    block: Vec<i16>,
    /// Samples that have left the speaker, the lost ones too.
    left: u64,
    /// As many of them as came from another tap.
    before: u64,
    clock: SessionClock,
    bus: EventBus,
    failed: bool,
}

impl Recording {
    pub(super) fn new(
        recorder: Option<Recorder>,
        tap: Tap,
        clock: SessionClock,
        bus: EventBus,
    ) -> Self {
        Self { recorder, tap, block: Vec::new(), left: 0, before: 0, clock, bus, failed: false }
    }

    /// Tells what broke and what to do about it.
    pub(super) fn warn(&self, message: String) {
        let kind = EventKind::Warning { message };
        self.bus.publish(Event { at: self.clock.now(), turn: None, response: None, kind });
    }

    /// Another device is in use now.
    pub(super) fn tell_changed(&self, device: Kind, name: String) {
        let device = match device {
            Kind::Microphone => "microphone",
            Kind::Speaker => "speaker",
        };
        let kind = EventKind::DeviceChanged { device, name };
        self.bus.publish(Event { at: self.clock.now(), turn: None, response: None, kind });
    }

    /// What left the speaker comes from here from now on.
    pub(super) fn listen_to(&mut self, tap: Tap) {
        (self.tap, self.before) = (tap, self.left);
    }

    /// The next samples of the user.
    pub(super) fn user(&mut self, samples: &[i16]) {
        self.write(|recorder| recorder.user(samples));
    }

    /// Nothing was heard of the user for so many samples.
    pub(super) fn user_was_silent(&mut self, samples: u64) {
        if self.recorder.is_none() {
            return;
        }
        for _ in 0..samples / BLOCK as u64 {
            self.user(&[0; BLOCK]);
        }
        self.user(&[0; BLOCK][..samples as usize % BLOCK]);
    }

    /// Takes what has left the speaker, also for whoever listens along.
    pub(super) fn agent(
        &mut self,
        master: &mut Master,
        meters: &Meters,
        mut reference: Option<&mut Reference>,
    ) {
        let mut block = std::mem::take(&mut self.block);
        block.clear();
        while let Some(Left { from, count, peak, at }) = self.tap.next_block(&mut block) {
            let from = from + self.before;
            let lost = from - self.left;
            self.left = from + count as u64;
            meters.said(peak);
            let silence = lost + master.note(from, at);
            self.agent_was_silent(silence);
            if let Some(reference) = &mut reference {
                reference.be_silent(silence);
                reference.push(&block);
            }
            self.write(|recorder| recorder.agent(&block));
            block.clear();
        }
        self.block = block;
    }

    fn agent_was_silent(&mut self, samples: u64) {
        if self.recorder.is_none() {
            return;
        }
        for from in (0..samples).step_by(BLOCK) {
            let count = (samples - from).min(BLOCK as u64) as usize;
            self.write(|recorder| recorder.agent(&[0; BLOCK][..count]));
        }
    }

    fn write(&mut self, write: impl FnOnce(&mut Recorder) -> Result<(), RecordError>) {
        if let Some(Err(error)) = self.recorder.as_mut().map(write) {
            self.fail(&error);
        }
    }

    /// Closes the file. Returns whether it is whole.
    pub(super) fn finish(mut self) -> bool {
        if let Some(Err(error)) = self.recorder.take().map(Recorder::finish) {
            self.fail(&error);
        }
        !self.failed
    }

    /// Goes on without: the conversation matters more. Closing the file leaves it readable up
    /// to here.
    fn fail(&mut self, error: &RecordError) {
        self.failed = true;
        let _second_error = self.recorder.take().map(Recorder::finish);
        self.warn(format!("the recording broke off: {error}"));
    }
}

impl std::fmt::Debug for Recording {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recording").field("failed", &self.failed).finish_non_exhaustive()
    }
}

/// Samples of silence that are recorded at once.
const BLOCK: usize = 512;
