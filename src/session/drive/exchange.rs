//! Exchanges devices beside the sound, which goes on meanwhile.
//!
//! Devices start and stop on a thread of their own, since both may take long, and may never return:
//!
//! ```text
//!  microphone   Starting ─▶ it moves, and is heard ─▶ Stopping the one before
//!  speaker      Starting, silent ─▶ it moves ─▶ Stopping the one before ─▶ its port goes on there
//! ```
//!
//! What does not start, or starts and stands still, leaves the one before as it is. This tells how
//! far an exchange is, and does nothing with the sound.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::seek::{Look, Missed, Which};
use crate::audio::SampleRate;
use crate::device::{
    Capture, DeviceError, Finder, Handover, Kind, Microphone, RenderPort, Rendering, Running,
    Speaker, capture_port_later, waiting_port,
};
use crate::time::{SessionClock, SessionTime};

/// An exchange of a device: one of each kind at a time.
#[derive(Debug, Default)]
pub(super) enum Exchange {
    /// There is none.
    #[default]
    Idle,
    /// A device that the user has chosen starts.
    Chosen { kind: Kind, name: String, started: Job<Result<Device, DeviceError>> },
    /// One that is looked for.
    Sought { kind: Kind, started: Job<Option<Device>> },
    /// It has started, and is to prove that it moves.
    Proving { device: Device, until: SessionTime },
    /// The microphone before ends.
    Stopping(Job<Result<(), DeviceError>>),
    /// The speaker before ends, and gives its port back.
    Handing { next: Next, handover: Handover, stopped: Job<Ended> },
}

/// A speaker's port, and how it ended.
type Ended = (Box<RenderPort>, Result<(), DeviceError>);

/// A device that has started.
#[derive(Debug)]
pub(super) enum Device {
    Microphone {
        name: String,
        running: Box<dyn Running>,
        capture: Capture,
        why: Why<dyn Microphone>,
    },
    Speaker {
        name: String,
        rendering: Box<dyn Rendering>,
        handover: Handover,
        why: Why<dyn Speaker>,
    },
}

/// Why it has started.
#[derive(Debug)]
pub(super) enum Why<D: ?Sized> {
    /// It was chosen, and is found again by this.
    Chosen(Option<Arc<dyn Finder<D>>>),
    /// It was looked for.
    Found(Which),
}

/// The speaker that is to play what the one before leaves.
#[derive(Debug)]
pub(super) struct Next {
    pub(super) speaker: Box<dyn Rendering>,
    /// Its name and why it is the next; none for whoever stands in.
    pub(super) chosen: Option<(String, Why<dyn Speaker>)>,
}

/// What has happened.
#[derive(Debug)]
pub(super) enum Step {
    /// It moves: now it is to be used.
    Runs(Device),
    /// What was chosen did not start, or stands still: the one before goes on.
    Refused(Kind, DeviceError),
    /// What was looked for is not there.
    Missed(Kind, Missed),
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
    /// The user has chosen a microphone.
    pub(super) fn microphone(microphone: Box<dyn Microphone>, clock: &SessionClock) -> Self {
        let (kind, name, theirs) = (Kind::Microphone, microphone.name(), clock.clone());
        let why = Why::Chosen(microphone.finder());
        let start = move || start_microphone(microphone, why, &theirs);
        Self::Chosen { kind, name, started: Job::new(clock, START, start) }
    }

    /// The user has chosen a speaker. `rate` is that of the port to come.
    pub(super) fn speaker(
        speaker: Box<dyn Speaker>,
        rate: SampleRate,
        clock: &SessionClock,
    ) -> Self {
        let (kind, name, theirs) = (Kind::Speaker, speaker.name(), clock.clone());
        let why = Why::Chosen(speaker.finder());
        let start = move || start_speaker(speaker, rate, why, &theirs);
        Self::Chosen { kind, name, started: Job::new(clock, START, start) }
    }

    /// A microphone is looked for.
    pub(super) fn seek_microphone(look: Look<dyn Microphone>, clock: &SessionClock) -> Self {
        let theirs = clock.clone();
        let seek = move || {
            let start = |which, found| start_microphone(found, Why::Found(which), &theirs);
            look.look(start)
        };
        Self::Sought { kind: Kind::Microphone, started: Job::new(clock, START, seek) }
    }

    /// A speaker is looked for.
    pub(super) fn seek_speaker(
        look: Look<dyn Speaker>,
        rate: SampleRate,
        clock: &SessionClock,
    ) -> Self {
        let theirs = clock.clone();
        let seek = move || {
            let start = |which, found| start_speaker(found, rate, Why::Found(which), &theirs);
            look.look(start)
        };
        Self::Sought { kind: Kind::Speaker, started: Job::new(clock, START, seek) }
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
        let finish = move || {
            let (port, ended) = before.finish();
            (Box::new(port), ended)
        };
        Self::Handing { next, handover, stopped: Job::new(clock, STOP, finish) }
    }

    pub(super) const fn is_idle(&self) -> bool {
        matches!(self, Self::Idle)
    }

    /// Whether the user may have another device: what is only looked for gives way.
    pub(super) fn gives_way(&self) -> bool {
        match self {
            Self::Idle | Self::Sought { .. } => true,
            Self::Proving { device, .. } => device.which().is_some(),
            Self::Chosen { .. } | Self::Stopping(_) | Self::Handing { .. } => false,
        }
    }

    /// Drops what has begun.
    pub(super) fn give_way(&mut self, clock: &SessionClock) {
        if let Self::Proving { device, .. } = std::mem::take(self) {
            leave(device, clock);
        }
    }

    /// What has happened by `now`, if anything. Never waits.
    pub(super) fn poll(&mut self, now: SessionTime, clock: &SessionClock) -> Option<Step> {
        let due = match self {
            Self::Idle => false,
            Self::Chosen { started, .. } => started.is_due(now),
            Self::Sought { started, .. } => started.is_due(now),
            Self::Proving { device, until } => {
                device.has_begun() || now >= *until || device.has_failed(now)
            }
            Self::Stopping(stopped) => stopped.is_due(now),
            Self::Handing { stopped, .. } => stopped.is_due(now),
        };
        if !due {
            return None;
        }
        match std::mem::take(self).step(clock)? {
            Step::Runs(device) if !device.has_begun() => {
                *self = Self::Proving { device, until: now + PROOF };
                None
            }
            step => Some(step),
        }
    }

    /// Waits until what has begun to end has ended: a file may have to be completed. What only
    /// starts is left behind.
    pub(super) async fn end(mut self, clock: &SessionClock) -> Option<Step> {
        let wait = async {
            match &mut self {
                Self::Stopping(stopped) => stopped.wait().await,
                Self::Handing { stopped, .. } => stopped.wait().await,
                _ => {}
            }
        };
        let _late = tokio::time::timeout(STOP, wait).await;
        if let Self::Stopping(_) | Self::Handing { .. } = self {
            return self.step(clock);
        }
        self.give_way(clock);
        None
    }

    fn step(self, clock: &SessionClock) -> Option<Step> {
        Some(match self {
            Self::Idle => return None,
            Self::Chosen { kind, name, started } => match started.result {
                Some(Ok(device)) => Step::Runs(device),
                Some(Err(error)) => Step::Refused(kind, error),
                None => Step::Refused(kind, late(kind, name)),
            },
            Self::Sought { kind, started } => match started.result {
                Some(Some(device)) => Step::Runs(device),
                Some(None) => Step::Missed(kind, Missed::None),
                None => Step::Missed(kind, Missed::Hung),
            },
            Self::Proving { device, .. } if device.has_begun() => Step::Runs(device),
            Self::Proving { device, .. } => {
                let (kind, name) = (device.kind(), device.name().to_owned());
                let step = match device.which() {
                    Some(which) => Step::Missed(kind, Missed::Still(which)),
                    None => Step::Refused(kind, DeviceError::StandsStill { kind, name }),
                };
                leave(device, clock);
                step
            }
            Self::Stopping(stopped) => Step::Stopped(stopped.result),
            Self::Handing { next, handover, stopped } => {
                let (port, ended) = stopped.result.map_or((None, Ok(())), |(port, ended)| {
                    (Some(port).filter(|port| !port.is_waiting()), ended)
                });
                Step::Handed { next, handover, port, ended }
            }
        })
    }
}

impl Device {
    pub(super) const fn kind(&self) -> Kind {
        match self {
            Self::Microphone { .. } => Kind::Microphone,
            Self::Speaker { .. } => Kind::Speaker,
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Microphone { name, .. } | Self::Speaker { name, .. } => name,
        }
    }

    /// Which it is, if it was looked for.
    pub(super) const fn which(&self) -> Option<Which> {
        match self {
            Self::Microphone { why: Why::Found(which), .. }
            | Self::Speaker { why: Why::Found(which), .. } => Some(*which),
            Self::Microphone { .. } | Self::Speaker { .. } => None,
        }
    }

    fn has_begun(&self) -> bool {
        match self {
            Self::Microphone { running, .. } => running.has_begun(),
            Self::Speaker { rendering, .. } => rendering.has_begun(),
        }
    }

    /// Of one that has not begun.
    fn has_failed(&mut self, now: SessionTime) -> bool {
        match self {
            Self::Microphone { running, .. } => running.advance(now).is_err(),
            Self::Speaker { rendering, .. } => rendering.advance(now).is_err(),
        }
    }
}

fn start_microphone(
    microphone: Box<dyn Microphone>,
    why: Why<dyn Microphone>,
    clock: &SessionClock,
) -> Result<Device, DeviceError> {
    let (port, capture) = capture_port_later(microphone.rate());
    let name = microphone.name();
    let running = microphone.start(port, clock)?;
    Ok(Device::Microphone { name, running, capture, why })
}

fn start_speaker(
    speaker: Box<dyn Speaker>,
    rate: SampleRate,
    why: Why<dyn Speaker>,
    clock: &SessionClock,
) -> Result<Device, DeviceError> {
    let (port, handover) = waiting_port(rate);
    let name = speaker.name();
    let rendering = speaker.start(port, clock).map_err(|refused| refused.error)?;
    Ok(Device::Speaker { name, rendering, handover, why })
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

/// How long a device that has started may stand still.
const PROOF: Duration = Duration::from_secs(3);

/// A server's device may take some seconds.
const START: Duration = Duration::from_secs(10);

/// A live device ends within two seconds, or is left behind.
const STOP: Duration = Duration::from_secs(5);
