//! Moves the sound of devices that have no clock of their own, and with it a stepped clock;
//! exchanges devices while the call goes on.

mod controls;
mod ears;
mod recording;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

pub use self::controls::{Devices, DriveCommand};
use self::ears::Ears;
pub(super) use self::ears::Frame;
use self::recording::Recording;
use crate::device::{
    Capture, CapturePort, DeviceError, Gate, Master, Meters, Microphone, RenderPort, Rendering,
    Running, Speaker, Tap, capture_port_from, nobody, silence,
};
use crate::events::{EventBus, RecordError, Recorder};
use crate::pipeline::{Outlet, PipelineError};
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

    /// Waits for `at`, or until sound is `awaited`. Returns what time it is: `at`, unless it is
    /// earlier or too late for that.
    async fn until(&mut self, at: SessionTime, awaited: impl Future<Output = ()>) -> SessionTime {
        if let Some(stepper) = &mut self.stepper {
            stepper.advance_to(at).await;
            return at;
        }
        tokio::select! {
            biased;
            () = self.clock.sleep_until(at) => {}
            () = awaited => {}
        }
        let now = self.clock.now();
        if now.since(at) < TICK { now.min(at) } else { now }
    }
}

/// What a session's sound is moved between.
pub(super) struct Parts {
    pub(super) pacer: Pacer,
    pub(super) devices: (Devices, mpsc::Receiver<DriveCommand>),
    pub(super) microphone: Box<dyn Microphone>,
    pub(super) speaker: Box<dyn Speaker>,
    pub(super) capture: (CapturePort, Capture),
    pub(super) render: (RenderPort, Tap),
    pub(super) gate: Arc<Gate>,
    pub(super) input: Outlet,
    pub(super) recorder: Option<Recorder>,
    /// Of the voice detector.
    pub(super) frame: Frame,
}

impl Parts {
    /// Starts the devices.
    ///
    /// # Errors
    ///
    /// When one refuses.
    pub(super) fn start(self, bus: EventBus) -> Result<Drive, DeviceError> {
        let clock = self.pacer.clock.clone();
        let ((devices, commands), (port, capture), (render, tap)) =
            (self.devices, self.capture, self.render);
        let meters = Arc::clone(devices.meters());
        let master = Master::new(render.rate());
        let microphone = self.microphone.start(port, &clock)?;
        let speaker = self.speaker.start(render, &clock).map_err(|refused| refused.error)?;
        Ok(Drive {
            commands,
            microphone,
            speaker: Some(speaker),
            gate: self.gate,
            master,
            ears: Ears::new(
                capture,
                self.input,
                self.frame,
                (Arc::clone(&meters), devices.mute().clone()),
            ),
            hears_at: SessionTime::ZERO,
            silent_at: SessionTime::ZERO,
            recording: Recording::new(self.recorder, tap, clock, bus),
            meters,
            xruns: 0,
            closed: Ok(()),
            pacer: self.pacer,
        })
    }
}

/// Moves sound, tick by tick, until the session is over.
#[derive(Debug)]
pub(super) struct Drive {
    pacer: Pacer,
    commands: mpsc::Receiver<DriveCommand>,
    microphone: Box<dyn Running>,
    /// Always there, but for the moment in which it is exchanged.
    speaker: Option<Box<dyn Rendering>>,
    gate: Arc<Gate>,
    master: Master,
    ears: Ears,
    /// When the microphone is listened to again.
    hears_at: SessionTime,
    /// When the last sound has faded.
    silent_at: SessionTime,
    recording: Recording,
    meters: Arc<Meters>,
    /// Of devices that were exchanged: buffers that ran over or dry, and what went wrong.
    xruns: u64,
    closed: Result<(), DeviceError>,
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

impl Drive {
    /// Runs until `over` is told, then closes the devices and the recording.
    ///
    /// # Errors
    ///
    /// When a file that stands in for a device fails. Without a device that failed the call goes
    /// on.
    pub(super) async fn run(
        mut self,
        mut over: oneshot::Receiver<()>,
    ) -> Result<Closed, SessionError> {
        let mut now = SessionTime::ZERO;
        self.hears_at = now + self.pause();
        while over.try_recv() == Err(oneshot::error::TryRecvError::Empty) {
            self.pacer.settle().await;
            self.obey(now);
            let ahead = self.ahead(now);
            self.play(ahead)?;
            self.recording.agent(&mut self.master, &self.meters);
            now = self.rest(now, ahead).await;
            if now >= self.hears_at {
                self.capture(now)?;
                self.ears.hear(&self.master, &mut self.recording).await;
                self.hears_at = now + self.pause();
            }
            self.measure();
        }
        let recording_is_whole = self.recording.finish();
        let lost = self.meters.lost();
        let speaker = self.speaker.map_or(Ok(()), |speaker| speaker.finish().1);
        let devices = self.closed.and(self.microphone.finish()).and(speaker);
        Ok(Closed { recording_is_whole, lost, devices })
    }

    /// Until when the speaker is moved: a live one that is silent is not kept ahead of its time.
    fn ahead(&mut self, now: SessionTime) -> SessionTime {
        if self.gate.sounds() {
            self.silent_at = now + FADED;
        }
        let moves = now < self.silent_at || self.pacer.stepper.is_some();
        if moves { self.hears_at.min(now + TICK) } else { now }
    }

    /// Waits until there is something to move, when the speaker was moved until `ahead`. Between
    /// two answers nobody waits for silence: it is played when the microphone is listened to, or
    /// when the next answer begins.
    async fn rest(&mut self, now: SessionTime, ahead: SessionTime) -> SessionTime {
        if ahead > now {
            return self.pacer.until(ahead, std::future::pending()).await;
        }
        self.pacer.until(self.hears_at, self.gate.sound()).await
    }

    /// How long the microphone has nothing new.
    fn pause(&self) -> Duration {
        if self.microphone.is_on_time() { self.ears.until_frame().max(TICK) } else { TICK }
    }

    fn play(&mut self, until: SessionTime) -> Result<(), SessionError> {
        let Some(speaker) = &mut self.speaker else { return Ok(()) };
        if let Err(error) = speaker.advance(until) {
            if is_file(&error) {
                return Err(error.into());
            }
            self.warn(&error, "nothing is heard until you choose another speaker");
            self.exchange_speaker(None, until);
        }
        Ok(())
    }

    fn capture(&mut self, until: SessionTime) -> Result<(), SessionError> {
        if let Err(error) = self.microphone.advance(until) {
            if is_file(&error) {
                return Err(error.into());
            }
            self.warn(&error, "nobody hears you until you choose another microphone");
            let (port, capture) = capture_port_from(self.ears.rate(), until);
            let silence = silence(port, self.ears.rate());
            self.xruns += std::mem::replace(&mut self.microphone, silence).xruns();
            self.ears.listen_to(capture);
        }
        Ok(())
    }

    fn obey(&mut self, now: SessionTime) {
        while let Ok(command) = self.commands.try_recv() {
            match command {
                DriveCommand::Microphone(microphone) => self.exchange_microphone(microphone, now),
                DriveCommand::Speaker(speaker) => self.exchange_speaker(Some(speaker), now),
            }
        }
    }

    /// The microphone before is stopped once the new one runs.
    fn exchange_microphone(&mut self, microphone: Box<dyn Microphone>, now: SessionTime) {
        let (port, capture) = capture_port_from(microphone.rate(), now);
        match microphone.start(port, &self.pacer.clock) {
            Ok(running) => {
                let before = std::mem::replace(&mut self.microphone, running);
                self.xruns += before.xruns();
                self.keep(before.finish());
                self.ears.listen_to(capture);
                self.hears_at = now;
            }
            Err(error) => self.warn(&error, "the microphone before goes on"),
        }
    }

    /// Whatever is queued goes to the new speaker, or to nobody.
    fn exchange_speaker(&mut self, speaker: Option<Box<dyn Speaker>>, now: SessionTime) {
        let Some(before) = self.speaker.take() else { return };
        self.xruns += before.xruns();
        let (mut port, finished) = before.finish();
        // Without a new one, its failure was told.
        if speaker.is_some() {
            self.keep(finished);
        }
        self.recording.agent(&mut self.master, &self.meters);
        port.reopen(now);
        self.master.exchanged();
        let rendering = match speaker {
            None => nobody(port),
            Some(speaker) => speaker.start(port, &self.pacer.clock).unwrap_or_else(|refused| {
                self.warn(&refused.error, "nothing is heard until you choose another speaker");
                nobody(refused.port)
            }),
        };
        self.speaker = Some(rendering);
    }

    /// A file that could not be completed is told at the end.
    fn keep(&mut self, finished: Result<(), DeviceError>) {
        if self.closed.is_ok() {
            self.closed = finished;
        }
    }

    fn measure(&self) {
        let speaker = self.speaker.as_ref().map_or(0, |speaker| speaker.xruns());
        self.meters.set_xruns(self.xruns + self.microphone.xruns() + speaker);
        self.meters.set_under_runs(self.gate.under_runs());
    }

    fn warn(&self, error: &DeviceError, advice: &str) {
        self.recording.warn(format!("{error}; {advice}"));
    }
}

/// A file has no substitute: a call that it stands for is over.
const fn is_file(error: &DeviceError) -> bool {
    matches!(error, DeviceError::Wav(_))
}

/// How often the devices are looked at while an answer is made and played, and those that may
/// have something at any time: a sample waits half of it on average.
const TICK: Duration = Duration::from_millis(5);

/// How long an answer that is over may still fade.
const FADED: Duration = Duration::from_millis(10);
