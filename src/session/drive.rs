//! Moves the sound of devices that have no clock of their own, and with it a stepped clock.

use std::time::Duration;

use ringbuf::traits::Consumer;
use tokio::sync::oneshot;

use crate::audio::AudioChunk;
use crate::device::{Capture, DeviceError, Running, Tap};
use crate::events::{Event, EventBus, EventKind, RecordError, Recorder};
use crate::ids::TurnId;
use crate::pipeline::{Element, Outlet, PipelineError};
use crate::time::{SessionClock, SessionTime, Stepper};
use crate::turn::TurnConfigError;

/// How session time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As on the wall.
    Live,
    /// As fast as the engines work: time leaps over all waiting, and passes as on the wall while
    /// an engine works, so that the result is the same as live.
    Max,
}

/// Why a session could not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// A device failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The recording could not be begun.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A stage failed.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// A setting of turn taking cannot work.
    #[error(transparent)]
    Turn(#[from] TurnConfigError),
    /// The settings of the pipelines make no sense.
    #[error(transparent)]
    Graph(#[from] crate::pipeline::GraphError),
    /// The session ended by itself before its time: a bug.
    #[error("the session broke off: {0}")]
    BrokeOff(String),
}

/// The clock of a run, and who moves it.
#[derive(Debug)]
pub(super) struct Pacer {
    pub(super) clock: SessionClock,
    stepper: Option<Stepper>,
}

impl Pacer {
    pub(super) fn new(pace: Pace) -> Self {
        match pace {
            Pace::Live => Self { clock: SessionClock::live(), stepper: None },
            Pace::Max => {
                let (clock, stepper) = SessionClock::stepped();
                Self { clock, stepper: Some(stepper) }
            }
        }
    }

    /// Waits until everything that can happen now has happened.
    async fn settle(&mut self) {
        if let Some(stepper) = &self.stepper {
            stepper.settle().await;
        }
    }

    async fn until(&mut self, at: SessionTime) {
        match &mut self.stepper {
            Some(stepper) => stepper.advance_to(at).await,
            None => self.clock.sleep_until(at).await,
        }
    }
}

/// Moves sound, tick by tick, until the session is over.
#[derive(Debug)]
pub(super) struct Drive {
    pub(super) pacer: Pacer,
    pub(super) microphone: Box<dyn Running>,
    pub(super) speaker: Box<dyn Running>,
    pub(super) ears: Ears,
    pub(super) recording: Recording,
}

/// What was left to say when all was closed.
#[derive(Debug)]
pub(super) struct Closed {
    /// Whether the recording, if there is one, is whole.
    pub(super) recording_is_whole: bool,
    /// How much of the microphone's sound nobody took in time.
    pub(super) lost: Duration,
    pub(super) devices: Result<(), DeviceError>,
}

/// The way from the microphone's ring into the listening pipeline.
#[derive(Debug)]
pub(super) struct Ears {
    pub(super) capture: Capture,
    /// `None` once the microphone has ended.
    pub(super) input: Option<Outlet>,
    /// Samples of the microphone so far, the lost ones too: where it is in time.
    pub(super) taken: u64,
    /// Samples known to be lost.
    pub(super) lost: u64,
}

/// The recording of a call, as long as it can be written.
pub(super) struct Recording {
    recorder: Option<Recorder>,
    tap: Tap,
    clock: SessionClock,
    bus: EventBus,
    failed: bool,
}

impl Drive {
    /// Runs until `over` is told, then closes the devices and the recording.
    ///
    /// # Errors
    ///
    /// When a device fails.
    pub(super) async fn run(
        mut self,
        mut over: oneshot::Receiver<()>,
    ) -> Result<Closed, SessionError> {
        let mut now = SessionTime::ZERO;
        while over.try_recv() == Err(oneshot::error::TryRecvError::Empty) {
            self.pacer.settle().await;
            self.speaker.advance(now + TICK)?;
            self.recording.agent();
            now = now + TICK;
            self.pacer.until(now).await;
            self.microphone.advance(now)?;
            self.ears.hear(&mut self.recording).await;
        }
        let recording_is_whole = self.recording.finish();
        let lost = self.ears.capture.rate().duration(self.ears.lost);
        let devices = self.microphone.finish().and(self.speaker.finish());
        Ok(Closed { recording_is_whole, lost, devices })
    }
}

impl Ears {
    /// Hands what the microphone heard to the pipeline, as far as it has room: what it cannot
    /// take waits in the microphone's ring.
    async fn hear(&mut self, recording: &mut Recording) {
        let rate = self.capture.rate();
        let chunk = rate.samples(CHUNK) as usize;
        while let Some(input) = self.input.as_ref().filter(|input| input.has_room())
            && let Some(samples) = self.capture.take(chunk)
        {
            recording.user(&samples);
            let at = SessionTime::ZERO + rate.duration(self.taken);
            self.taken += samples.len() as u64;
            let audio = AudioChunk::new(samples, rate);
            let _ended = input.send(Element::heard(TurnId::default(), at, audio)).await;
        }
        if self.capture.is_over() {
            self.input = None;
        }
        self.skip_lost(recording);
    }

    /// Sound that was lost still took its time, and is silence in the recording.
    fn skip_lost(&mut self, recording: &mut Recording) {
        let lost = self.capture.lost();
        let more = lost - std::mem::replace(&mut self.lost, lost);
        self.taken += more;
        for _ in 0..more / BLOCK as u64 {
            recording.user(&[0; BLOCK]);
        }
        recording.user(&[0; BLOCK][..more as usize % BLOCK]);
    }
}

impl Recording {
    pub(super) fn new(
        recorder: Option<Recorder>,
        tap: Tap,
        clock: SessionClock,
        bus: EventBus,
    ) -> Self {
        Self { recorder, tap, clock, bus, failed: false }
    }

    fn user(&mut self, samples: &[i16]) {
        if let Some(recorder) = &mut self.recorder
            && let Err(error) = recorder.user(samples)
        {
            self.fail(&error);
        }
    }

    fn agent(&mut self) {
        let mut block = [0; BLOCK];
        loop {
            let count = self.tap.pop_slice(&mut block);
            if count == 0 {
                return;
            }
            if let Some(recorder) = &mut self.recorder
                && let Err(error) = recorder.agent(&block[..count])
            {
                self.fail(&error);
            }
        }
    }

    /// Closes the file. Returns whether it is whole.
    fn finish(mut self) -> bool {
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
        let kind = EventKind::Warning { message: format!("the recording broke off: {error}") };
        self.bus.publish(Event { at: self.clock.now(), turn: None, response: None, kind });
    }
}

impl std::fmt::Debug for Recording {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recording").field("failed", &self.failed).finish_non_exhaustive()
    }
}

/// How often devices without a clock of their own are moved: a sample waits half of it on
/// average.
const TICK: Duration = Duration::from_millis(5);

/// The microphone's sound goes on in pieces of this length.
const CHUNK: Duration = Duration::from_millis(10);

/// Samples that are recorded at once.
const BLOCK: usize = 512;
