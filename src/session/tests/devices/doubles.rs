//! Devices that do what devices should not.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use crate::audio::SampleRate;
use crate::device::{
    CapturePort, DeviceError, Kind, Microphone, NullSpeaker, Refused, RenderPort, Rendering,
    Running, Speaker, waiting_port,
};
use crate::session::SessionHandle;
use crate::time::{SessionClock, SessionTime};

/// A speaker that nobody hears.
pub(super) fn null() -> Box<dyn Speaker> {
    Box::new(NullSpeaker(SampleRate::SPEECH))
}

/// A microphone that counts how often it is moved, and ends the session after a minute.
#[derive(Debug)]
pub(super) struct Ticking(pub(super) Arc<AtomicU32>, pub(super) SessionHandle);

impl Microphone for Ticking {
    fn name(&self) -> String {
        "ticking".to_owned()
    }

    fn rate(&self) -> SampleRate {
        SampleRate::SPEECH
    }

    fn start(
        self: Box<Self>,
        port: CapturePort,
        _clock: &SessionClock,
    ) -> Result<Box<dyn Running>, DeviceError> {
        Ok(Box::new(Ticks(*self, port)))
    }
}

#[derive(Debug)]
struct Ticks(Ticking, #[expect(dead_code, reason = "held, so that the sound goes on")] CapturePort);

impl Running for Ticks {
    fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError> {
        let Ticks(Ticking(count, handle), _) = self;
        count.fetch_add(1, Ordering::Relaxed);
        if now >= SessionTime::from_millis(60_000) {
            handle.stop();
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), DeviceError> {
        Ok(())
    }
}

/// A speaker that does not start.
#[derive(Debug)]
pub(super) struct Refusing;

impl Speaker for Refusing {
    fn name(&self) -> String {
        "refusing".to_owned()
    }

    fn rate(&self) -> SampleRate {
        SampleRate::SPEECH
    }

    fn start(
        self: Box<Self>,
        port: RenderPort,
        _clock: &SessionClock,
    ) -> Result<Box<dyn Rendering>, Box<Refused>> {
        let (kind, name) = (Kind::Speaker, self.name());
        let error = DeviceError::Failed { kind, name, problem: "is in use".to_owned() };
        Err(Box::new(Refused { port, error }))
    }
}

/// A speaker that starts when it may.
#[derive(Debug)]
pub(super) struct Slow(pub(super) mpsc::Receiver<()>);

impl Speaker for Slow {
    fn name(&self) -> String {
        "slow".to_owned()
    }

    fn rate(&self) -> SampleRate {
        SampleRate::SPEECH
    }

    fn start(
        self: Box<Self>,
        port: RenderPort,
        clock: &SessionClock,
    ) -> Result<Box<dyn Rendering>, Box<Refused>> {
        match self.0.recv_timeout(Duration::from_secs(8)) {
            Ok(()) => null().start(port, clock),
            Err(_never) => Box::new(Refusing).start(port, clock),
        }
    }
}

/// A speaker that does not give its port back.
#[derive(Debug)]
pub(super) struct Keeping;

impl Speaker for Keeping {
    fn name(&self) -> String {
        "keeping".to_owned()
    }

    fn rate(&self) -> SampleRate {
        SampleRate::SPEECH
    }

    fn start(
        self: Box<Self>,
        port: RenderPort,
        clock: &SessionClock,
    ) -> Result<Box<dyn Rendering>, Box<Refused>> {
        Ok(Box::new(Keeps { name: "keeping", inside: null().start(port, clock)? }))
    }
}

#[derive(Debug)]
struct Keeps {
    name: &'static str,
    inside: Box<dyn Rendering>,
}

impl Rendering for Keeps {
    fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError> {
        self.inside.advance(now)
    }

    fn finish(self: Box<Self>) -> (RenderPort, Result<(), DeviceError>) {
        let (kind, name) = (Kind::Speaker, self.name.to_owned());
        let error = DeviceError::Failed { kind, name, problem: "does not let go".to_owned() };
        (waiting_port(SampleRate::SPEECH).0, Err(error))
    }
}

/// A speaker whose driver crashes when it is to end.
#[derive(Debug)]
pub(super) struct Dying;

impl Speaker for Dying {
    fn name(&self) -> String {
        "dying".to_owned()
    }

    fn rate(&self) -> SampleRate {
        SampleRate::SPEECH
    }

    fn start(
        self: Box<Self>,
        port: RenderPort,
        clock: &SessionClock,
    ) -> Result<Box<dyn Rendering>, Box<Refused>> {
        Ok(Box::new(Dies(null().start(port, clock)?)))
    }
}

#[derive(Debug)]
struct Dies(Box<dyn Rendering>);

impl Rendering for Dies {
    fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError> {
        self.0.advance(now)
    }

    fn finish(self: Box<Self>) -> (RenderPort, Result<(), DeviceError>) {
        panic!("the driver has crashed")
    }
}

/// A speaker that fails after a second, and does not give its port back.
#[derive(Debug)]
pub(super) struct Losing;

impl Speaker for Losing {
    fn name(&self) -> String {
        "losing".to_owned()
    }

    fn rate(&self) -> SampleRate {
        SampleRate::SPEECH
    }

    fn start(
        self: Box<Self>,
        port: RenderPort,
        _clock: &SessionClock,
    ) -> Result<Box<dyn Rendering>, Box<Refused>> {
        Ok(Box::new(Keeps { name: "losing", inside: Box::new(Failed(port, Kind::Speaker)) }))
    }
}

/// A device that fails after a second.
#[derive(Debug)]
pub(super) struct Failing;

impl Microphone for Failing {
    fn name(&self) -> String {
        "failing".to_owned()
    }

    fn rate(&self) -> SampleRate {
        SampleRate::SPEECH
    }

    fn start(
        self: Box<Self>,
        port: CapturePort,
        _clock: &SessionClock,
    ) -> Result<Box<dyn Running>, DeviceError> {
        Ok(Box::new(Failed(port, Kind::Microphone)))
    }
}

impl Speaker for Failing {
    fn name(&self) -> String {
        "failing".to_owned()
    }

    fn rate(&self) -> SampleRate {
        SampleRate::SPEECH
    }

    fn start(
        self: Box<Self>,
        port: RenderPort,
        _clock: &SessionClock,
    ) -> Result<Box<dyn Rendering>, Box<Refused>> {
        Ok(Box::new(Failed(port, Kind::Speaker)))
    }
}

#[derive(Debug)]
struct Failed<P>(P, Kind);

impl<P> Failed<P> {
    fn look(&self, now: SessionTime) -> Result<(), DeviceError> {
        let problem = "is gone".to_owned();
        let error = DeviceError::Failed { kind: self.1, name: "failing".to_owned(), problem };
        if now < SessionTime::from_millis(1_000) { Ok(()) } else { Err(error) }
    }
}

impl Running for Failed<CapturePort> {
    fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError> {
        self.look(now)
    }

    fn finish(self: Box<Self>) -> Result<(), DeviceError> {
        Ok(())
    }
}

impl Rendering for Failed<RenderPort> {
    fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError> {
        self.look(now)
    }

    fn finish(self: Box<Self>) -> (RenderPort, Result<(), DeviceError>) {
        (self.0, Ok(()))
    }
}
