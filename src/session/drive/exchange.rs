//! Exchanges devices beside the sound, which goes on meanwhile.
//!
//! Devices start and stop on a thread of their own, since both may take long, and may never return:
//!
//! ```text
//!  microphone   Starting ─▶ it is heard ─▶ Stopping the one before
//!  speaker      Starting, silent ─▶ Stopping the one before ─▶ its port goes to the new one
//! ```
//!
//! What does not start leaves the one before as it is. This tells how far an exchange is, and does
//! nothing with the sound.

use std::sync::mpsc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::audio::SampleRate;
use crate::device::{
    Capture, DeviceError, Handover, Kind, Microphone, Refused, RenderPort, Rendering, Running,
    Speaker, capture_port_later, waiting_port,
};
use crate::time::{SessionClock, SessionTime};

/// An exchange of a device: one at a time.
#[derive(Debug, Default)]
pub(super) enum Exchange {
    /// There is none.
    #[default]
    Idle,
    Microphone {
        name: String,
        capture: Capture,
        started: Job<Result<Box<dyn Running>, DeviceError>>,
    },
    Speaker {
        name: String,
        handover: Handover,
        started: Job<Result<Box<dyn Rendering>, Box<Refused>>>,
    },
    /// The microphone before ends.
    Stopping(Job<Result<(), DeviceError>>),
    /// The speaker before ends, and gives its port back.
    Handing { next: Next, handover: Handover, stopped: Job<(RenderPort, Result<(), DeviceError>)> },
}

/// The speaker that is to play what the one before leaves.
#[derive(Debug)]
pub(super) struct Next {
    pub(super) speaker: Box<dyn Rendering>,
    /// None for nobody.
    pub(super) name: Option<String>,
}

/// What has happened.
#[derive(Debug)]
pub(super) enum Step {
    MicrophoneRuns {
        name: String,
        running: Box<dyn Running>,
        capture: Capture,
    },
    SpeakerRuns {
        next: Next,
        handover: Handover,
    },
    /// It did not start: the one before goes on.
    Refused(Kind, DeviceError),
    /// The microphone before has ended; without a result it was left behind.
    Stopped(Option<Result<(), DeviceError>>),
    /// The speaker before has ended. Its port may have been lost with it.
    Handed {
        next: Next,
        handover: Handover,
        port: Option<Box<RenderPort>>,
        ended: Result<(), DeviceError>,
    },
}

impl Exchange {
    pub(super) fn microphone(microphone: Box<dyn Microphone>, clock: &SessionClock) -> Self {
        let (port, capture) = capture_port_later(microphone.rate());
        let (name, theirs) = (microphone.name(), clock.clone());
        let started = Job::new(clock, START, move || microphone.start(port, &theirs));
        Self::Microphone { name, capture, started }
    }

    /// `rate` is that of the port to come.
    pub(super) fn speaker(
        speaker: Box<dyn Speaker>,
        rate: SampleRate,
        clock: &SessionClock,
    ) -> Self {
        let (port, handover) = waiting_port(rate);
        let (name, theirs) = (speaker.name(), clock.clone());
        let started = Job::new(clock, START, move || speaker.start(port, &theirs));
        Self::Speaker { name, handover, started }
    }

    pub(super) fn stopping(before: Box<dyn Running>, clock: &SessionClock) -> Self {
        Self::Stopping(Job::new(clock, STOP, move || before.finish()))
    }

    pub(super) fn handing(
        before: Box<dyn Rendering>,
        next: Next,
        handover: Handover,
        clock: &SessionClock,
    ) -> Self {
        Self::Handing { next, handover, stopped: Job::new(clock, STOP, move || before.finish()) }
    }

    pub(super) const fn is_idle(&self) -> bool {
        matches!(self, Self::Idle)
    }

    /// What has happened by `now`, if anything. Never waits.
    pub(super) fn poll(&mut self, now: SessionTime) -> Option<Step> {
        let due = match self {
            Self::Idle => false,
            Self::Microphone { started, .. } => started.is_due(now),
            Self::Speaker { started, .. } => started.is_due(now),
            Self::Stopping(stopped) => stopped.is_due(now),
            Self::Handing { stopped, .. } => stopped.is_due(now),
        };
        due.then(|| std::mem::take(self).step()).flatten()
    }

    /// Waits until what has begun to end has ended: a file may have to be completed. What only
    /// starts is left behind.
    pub(super) async fn end(mut self) -> Option<Step> {
        let wait = async {
            match &mut self {
                Self::Stopping(stopped) => stopped.wait().await,
                Self::Handing { stopped, .. } => stopped.wait().await,
                Self::Idle | Self::Microphone { .. } | Self::Speaker { .. } => {}
            }
        };
        let _late = tokio::time::timeout(STOP, wait).await;
        match self {
            Self::Stopping(_) | Self::Handing { .. } => self.step(),
            _ => None,
        }
    }

    fn step(self) -> Option<Step> {
        Some(match self {
            Self::Idle => return None,
            Self::Microphone { name, capture, started } => match started.result {
                Some(Ok(running)) => Step::MicrophoneRuns { name, running, capture },
                Some(Err(error)) => Step::Refused(Kind::Microphone, error),
                None => Step::Refused(Kind::Microphone, late(Kind::Microphone, name)),
            },
            Self::Speaker { name, handover, started } => match started.result {
                Some(Ok(speaker)) => {
                    Step::SpeakerRuns { next: Next { speaker, name: Some(name) }, handover }
                }
                Some(Err(refused)) => Step::Refused(Kind::Speaker, refused.error),
                None => Step::Refused(Kind::Speaker, late(Kind::Speaker, name)),
            },
            Self::Stopping(stopped) => Step::Stopped(stopped.result),
            Self::Handing { next, handover, stopped } => {
                let (port, ended) = stopped.result.map_or((None, Ok(())), |(port, ended)| {
                    (Some(Box::new(port)).filter(|port| !port.is_waiting()), ended)
                });
                Step::Handed { next, handover, port, ended }
            }
        })
    }
}

/// Ends the devices of a session; without a result one was left behind.
pub(super) async fn end(
    microphone: Box<dyn Running>,
    speaker: Option<Box<dyn Rendering>>,
    clock: &SessionClock,
) -> Option<Result<(), DeviceError>> {
    let both = move || {
        let spoken = speaker.map_or(Ok(()), |speaker| speaker.finish().1);
        microphone.finish().and(spoken)
    };
    let mut ended = Job::new(clock, STOP, both);
    let _late = tokio::time::timeout(STOP, ended.wait()).await;
    ended.result
}

/// Drops a device that is of no use any more.
pub(super) fn leave<T: Send + 'static>(device: T, clock: &SessionClock) {
    let _nobody_waits = Job::new(clock, STOP, move || drop(device));
}

fn late(kind: Kind, name: String) -> DeviceError {
    let problem = "does not start: connect it again, or choose another".to_owned();
    DeviceError::Failed { kind, name, problem }
}

/// Something that takes its time, on a thread of its own.
#[derive(Debug)]
pub(super) struct Job<T> {
    coming: oneshot::Receiver<T>,
    until: SessionTime,
    result: Option<T>,
}

impl<T: Send + 'static> Job<T> {
    fn new(
        clock: &SessionClock,
        limit: Duration,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Self {
        let ((tell, told), (done, coming)) = (mpsc::sync_channel(1), oneshot::channel());
        let (work, runtime) = (clock.work(), Handle::current());
        let thread = std::thread::Builder::new().name("exchanges a device".to_owned());
        // Without a thread there is no result, which is told. When nobody waits any more, the
        // result is dropped here, and the device with it.
        let _no_thread = thread.spawn(move || {
            let _same_clock = runtime.enter();
            let _late = tell.send(job());
        });
        // The runtime's own thread is only lent: what never returns must not hold up its end. It
        // keeps virtual time from leaping meanwhile.
        tokio::task::spawn_blocking(move || {
            if let Ok(result) = told.recv_timeout(limit) {
                let _late = done.send(result);
            }
            drop(work);
        });
        Self { coming, until: clock.now() + limit, result: None }
    }

    /// Whether it is done, or has lasted too long, which leaves no result.
    fn is_due(&mut self, now: SessionTime) -> bool {
        match self.coming.try_recv() {
            Ok(result) => {
                self.result = Some(result);
                true
            }
            Err(oneshot::error::TryRecvError::Empty) => now >= self.until,
            Err(oneshot::error::TryRecvError::Closed) => true,
        }
    }

    async fn wait(&mut self) {
        self.result = (&mut self.coming).await.ok();
    }
}

/// A server's device may take some seconds.
const START: Duration = Duration::from_secs(10);

/// A live device ends within two seconds, or is left behind.
const STOP: Duration = Duration::from_secs(5);
