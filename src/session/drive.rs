//! Moves the sound of devices that have no clock of their own, and with it a stepped clock;
//! exchanges devices while the call goes on.

mod controls;
mod ears;
mod exchange;
mod recording;
mod reference;
mod seek;
mod succession;

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

pub use self::controls::{Devices, DriveCommand};
use self::ears::Ears;
pub(super) use self::ears::Frame;
use self::exchange::{Device, Exchange, Next, Step, Why};
use self::recording::Recording;
use self::reference::Reference;
use self::seek::Seek;
use crate::audio::SampleRate;
use crate::device::{
    Capture, CapturePort, Comes, DeviceError, Gate, Handover, Kind, Master, Meters, Microphone,
    RenderPort, Rendering, Running, Speaker, Tap, capture_port_from, nobody, render_port, silence,
};
use crate::events::{EventBus, RecordError, Recorder};
use crate::pipeline::{Outlet, PipelineError};
use crate::stt::SttError;
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
    /// The recogniser cannot hear the phrase that wakes the agent.
    #[error(transparent)]
    Wake(#[from] SttError),
    /// A phrase is to wake a model that hears everything itself.
    #[error(
        "a model that hears for itself cannot be woken by a phrase; leave `wake` out, or use VAD \
         mode"
    )]
    NoWake,
    /// The model that hears and speaks for itself has left for good. What was said is kept.
    #[error("the model has left the call: {0}")]
    Left(String),
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
    ///
    /// Who is far behind leaps, as after a suspension of the program: devices would be judged by
    /// ticks in which they had no time to do anything.
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
        let (now, behind) = (self.clock.now(), self.clock.now().since(at));
        if behind < TICK {
            return now.min(at);
        }
        if behind >= FAR {
            tokio::task::yield_now().await;
        }
        at + behind.min(LEAP)
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
    /// Whether what leaves the speaker is told to those who hear.
    pub(super) cancels_echo: bool,
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
        let rate = render.rate();
        let master = Master::new(rate);
        let seeks = (Seek::of(self.microphone.finder()), Seek::of(self.speaker.finder()));
        let microphone = self.microphone.start(port, &clock)?;
        let speaker = self.speaker.start(render, &clock).map_err(|refused| refused.error)?;
        Ok(Drive {
            commands,
            microphone,
            hears: true,
            speaker: Some(speaker),
            voice: Voice::Plays,
            hearing: Exchange::Idle,
            speaking: Exchange::Idle,
            waiting: None,
            seeks,
            handover: None,
            rate,
            gate: self.gate,
            master,
            ears: Ears::new(
                capture,
                self.input,
                self.frame,
                (Arc::clone(&meters), devices.mute().clone()),
            ),
            reference: self.cancels_echo.then(|| Reference::new(rate)),
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
    /// Whether that is a microphone, or silence in place of one.
    hears: bool,
    /// Always there, but while it hands over to the next.
    speaker: Option<Box<dyn Rendering>>,
    voice: Voice,
    /// Exchanges of the microphone and of the speaker.
    hearing: Exchange,
    speaking: Exchange,
    /// An exchange that waits until the one before is done.
    waiting: Option<DriveCommand>,
    /// Whether a microphone is looked for, and a speaker.
    seeks: (Seek<dyn Microphone>, Seek<dyn Speaker>),
    /// The last one, for as long as its speaker plays.
    handover: Option<Handover>,
    /// The rate of all that is played.
    rate: SampleRate,
    gate: Arc<Gate>,
    master: Master,
    ears: Ears,
    /// What left the speaker, if an echo of it is to be cancelled.
    reference: Option<Reference>,
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

/// Whether the agent can be heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Voice {
    Plays,
    /// The speaker has failed, and is to hand over to nobody.
    Failed,
    /// It has.
    Nobody,
    /// The way to every speaker is lost.
    Lost,
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
            self.recording.agent(&mut self.master, &self.meters, self.reference.as_mut());
            now = self.rest(now, ahead).await;
            if now >= self.hears_at {
                self.capture(now)?;
                let reference = self.reference.as_mut();
                self.ears.hear(&self.master, reference, &mut self.recording).await;
                self.hears_at = now + self.pause();
            }
            self.measure();
        }
        for exchange in [std::mem::take(&mut self.hearing), std::mem::take(&mut self.speaking)] {
            if let Some(step) = exchange.end(&self.pacer.clock).await {
                self.go_on(step, now);
            }
        }
        let ended = exchange::end(self.microphone, self.speaker, &self.pacer.clock).await;
        if ended.is_none() {
            self.recording.warn("a device does not end: it is left behind".to_owned());
        }
        let recording_is_whole = self.recording.finish();
        let (lost, devices) = (self.meters.lost(), self.closed.and(ended.unwrap_or(Ok(()))));
        Ok(Closed { recording_is_whole, lost, devices })
    }

    /// Until when the speaker is moved: a live one that is silent is not kept ahead of its time.
    fn ahead(&mut self, now: SessionTime) -> SessionTime {
        if self.gate.sounds() {
            self.silent_at = now + FADED;
        }
        let moves = now < self.silent_at || self.pacer.stepper.is_some();
        if moves { self.hears_at.min(now + STEP) } else { now }
    }

    /// Waits until there is something to move, when the speaker was moved until `ahead`. Between
    /// two answers nobody waits for silence: it is played when the microphone is listened to, or
    /// when the next answer begins.
    async fn rest(&mut self, now: SessionTime, ahead: SessionTime) -> SessionTime {
        let Self { pacer, microphone, gate, .. } = self;
        let mut heard = false;
        let news = async {
            poll_fn(|context| microphone.poll_news(context)).await;
            heard = true;
        };
        let now = if ahead > now {
            pacer.until(ahead, news).await
        } else {
            let sound = gate.sound();
            let either = async {
                tokio::select! {
                    biased;
                    () = news => {}
                    () = sound => {}
                }
            };
            pacer.until(self.hears_at, either).await
        };
        if heard {
            self.hears_at = now;
        }
        now
    }

    /// How long the microphone has nothing new, unless it tells.
    fn pause(&self) -> Duration {
        match self.microphone.comes() {
            Comes::AtAnyTime => TICK,
            Comes::OnTime => self.ears.until_frame().max(TICK),
            Comes::Told => TOLD,
        }
    }

    fn play(&mut self, until: SessionTime) -> Result<(), SessionError> {
        let Some(speaker) = self.speaker.as_mut().filter(|_| self.voice != Voice::Failed) else {
            return Ok(());
        };
        if let Err(error) = speaker.advance(until) {
            if is_file(&error) {
                return Err(error.into());
            }
            self.lose_speaker(&error, until);
        }
        Ok(())
    }

    fn capture(&mut self, until: SessionTime) -> Result<(), SessionError> {
        if let Err(error) = self.microphone.advance(until) {
            if is_file(&error) {
                return Err(error.into());
            }
            self.lose_microphone(&error, until);
            let (port, capture) = capture_port_from(self.ears.rate(), until);
            let silence = silence(port, self.ears.rate());
            let failed = std::mem::replace(&mut self.microphone, silence);
            self.xruns += failed.xruns();
            exchange::leave(failed, &self.pacer.clock);
            self.ears.listen_to(capture);
            self.hears = false;
        }
        Ok(())
    }

    /// Goes on with exchanges of devices, or begins the next.
    fn obey(&mut self, now: SessionTime) {
        let clock = self.pacer.clock.clone();
        let (heard, said) = (self.hearing.poll(now, &clock), self.speaking.poll(now, &clock));
        for step in heard.into_iter().chain(said) {
            self.go_on(step, now);
        }
        if self.voice == Voice::Failed && self.speaking.is_idle() {
            self.stand_in();
        }
        self.take_command(&clock);
        self.seek(now);
    }

    /// Begins what the user has chosen.
    fn take_command(&mut self, clock: &SessionClock) {
        match self.waiting.take().or_else(|| self.commands.try_recv().ok()) {
            Some(DriveCommand::Microphone(microphone)) if self.hearing.gives_way() => {
                self.hearing.give_way(clock);
                self.hearing = Exchange::microphone(microphone, clock);
            }
            Some(DriveCommand::Speaker(speaker)) if self.voice == Voice::Lost => {
                self.recording
                    .warn(format!("the speaker `{}` is of no use; {LOST}", speaker.name()));
            }
            Some(DriveCommand::Speaker(speaker)) if self.speaking.gives_way() => {
                self.speaking.give_way(clock);
                self.speaking = Exchange::speaker(speaker, self.rate, clock);
            }
            later => self.waiting = later,
        }
    }

    fn go_on(&mut self, step: Step, now: SessionTime) {
        match step {
            Step::Runs(device) if self.must_wait(&device) => self.put_off(device, now),
            Step::Runs(Device::Microphone { name, running, capture, why }) => {
                let before = std::mem::replace(&mut self.microphone, running);
                self.xruns += before.xruns();
                capture.listen_from(now);
                self.ears.listen_to(capture);
                self.hears_at = now;
                self.hears = true;
                self.meters.set_missing(Kind::Microphone, false);
                settle(&mut self.seeks.0, why, now);
                self.recording.tell_changed(Kind::Microphone, name);
                self.hearing = Exchange::stopping(before, &self.pacer.clock);
            }
            Step::Runs(Device::Speaker { name, rendering, handover, why }) => {
                self.hand_over(Next { speaker: rendering, chosen: Some((name, why)) }, handover);
            }
            Step::Refused(Kind::Microphone, error) => {
                let deaf = if self.seeks.0.is_lost() { SEEKS_EARS } else { DEAF };
                self.warn(&error, if self.hears { "the microphone before goes on" } else { deaf });
            }
            Step::Refused(Kind::Speaker, error) => {
                let plays = self.voice == Voice::Plays;
                let unheard = if self.seeks.1.is_lost() { SEEKS_VOICE } else { UNHEARD };
                self.warn(&error, if plays { "the speaker before goes on" } else { unheard });
            }
            Step::Missed(Kind::Microphone, why) => self.seeks.0.missed(now, why),
            Step::Missed(Kind::Speaker, why) => self.seeks.1.missed(now, why),
            Step::Stopped(Some(ended)) => self.keep(ended),
            Step::Stopped(None) => {
                let message = "the microphone before does not end: it is left behind";
                self.recording.warn(message.to_owned());
            }
            Step::Handed { next, handover, port, ended } => {
                self.take_over(next, handover, port, ended, now);
            }
        }
    }

    /// Has the present speaker give its port to the next.
    fn hand_over(&mut self, next: Next, handover: Handover) {
        let Some(before) = self.speaker.take() else { return };
        self.xruns += before.xruns();
        self.speaking = Exchange::handing(before, next, handover, &self.pacer.clock);
    }

    /// The next speaker plays on, with whatever is queued.
    fn take_over(
        &mut self,
        next: Next,
        handover: Handover,
        port: Option<Box<RenderPort>>,
        ended: Result<(), DeviceError>,
        now: SessionTime,
    ) {
        // The speaker before may never have taken what it was given.
        let given = self.handover.take().and_then(|before| before.take_back());
        self.recording.agent(&mut self.master, &self.meters, self.reference.as_mut());
        self.master.exchanged();
        let Some(port) = port.map(|port| *port).or(given) else {
            exchange::leave(next, &self.pacer.clock);
            return self.lose(ended, now);
        };
        handover.give(port, now);
        self.handover = Some(handover);
        self.speaker = Some(next.speaker);
        self.voice = Voice::Nobody;
        if let Some((name, why)) = next.chosen {
            self.voice = Voice::Plays;
            self.gate.set_unheard(None);
            self.meters.set_missing(Kind::Speaker, false);
            settle(&mut self.seeks.1, why, now);
            self.keep(ended); // without a next one, its failure was told
            self.recording.tell_changed(Kind::Speaker, name);
        }
    }

    /// The speaker before has kept its port, and with it the way to whatever is said. Nobody
    /// stands in for it, so that the recording goes on.
    fn lose(&mut self, ended: Result<(), DeviceError>, now: SessionTime) {
        match ended {
            Err(error) => self.warn(&error, LOST),
            Ok(()) => self.recording.warn(format!("the speaker does not end; {LOST}")),
        }
        let (mut port, _playback, tap) = render_port(self.rate);
        port.reopen(now);
        self.recording.listen_to(tap);
        self.speaker = Some(nobody(port));
        self.voice = Voice::Lost;
        self.gate.set_unheard(None);
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

/// A device runs, for this reason.
fn settle<D: ?Sized>(seek: &mut Seek<D>, why: Why<D>, now: SessionTime) {
    match why {
        Why::Chosen(finder) => *seek = Seek::of(finder),
        Why::Found(which) => seek.found(now, which),
    }
}

/// What follows when the user cannot be heard, or the agent, for now and for good.
const SEEKS_EARS: &str = "nobody hears you until there is one again, which is looked for";
const SEEKS_VOICE: &str = "what is said waits until there is one again, which is looked for";
const DEAF: &str = "nobody hears you until you choose another microphone";
const UNHEARD: &str = "nothing is heard until you choose another speaker";
const LOST: &str = "nothing is heard in this call any more: end it, and start another";

/// A file has no substitute: a call that it stands for is over.
const fn is_file(error: &DeviceError) -> bool {
    matches!(error, DeviceError::Wav(_))
}

/// How often the devices are looked at while an answer is made and played, and those that may
/// have something at any time: a sample waits half of it on average.
const TICK: Duration = Duration::from_millis(5);

/// How far a speaker without a clock of its own is moved ahead while an answer is played: what it
/// has, a hold cannot take back.
const STEP: Duration = Duration::from_millis(8);

/// How often a microphone is looked at that tells when there is something: silence in place of what
/// does not come is not urgent.
const TOLD: Duration = Duration::from_millis(20);

/// How long an answer that is over may still fade.
const FADED: Duration = Duration::from_millis(10);

/// Nobody is so far behind but who was suspended, or starved.
const FAR: Duration = Duration::from_millis(250);

/// No more than a microphone's ring holds.
const LEAP: Duration = Duration::from_secs(1);
