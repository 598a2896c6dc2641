//! Devices that fail or are exchanged in the middle of a call.

use std::sync::Arc;

use super::world::{World, silence, voice};
use crate::audio::SampleRate;
use crate::device::{
    CapturePort, DeviceError, Kind, Levels, Microphone, NullMicrophone, NullSpeaker, Refused,
    RenderPort, Rendering, Running, Speaker,
};
use crate::events::EventKind;
use crate::session::{DriveCommand, Pace, Session, SessionConfig};
use crate::time::{SessionClock, SessionTime};

#[tokio::test]
async fn a_microphone_that_fails_is_a_warning_and_the_call_goes_on() {
    let told = warned(Box::new(Failing), Box::new(NullSpeaker(SampleRate::SPEECH))).await;
    let expected = "the microphone `failing` is gone; nobody hears you until you choose another \
                    microphone";
    assert_eq!(told, [expected]);
}

#[tokio::test]
async fn a_speaker_that_fails_is_a_warning_and_the_call_goes_on() {
    let told = warned(Box::new(NullMicrophone(SampleRate::SPEECH)), Box::new(Failing)).await;
    let expected = "the speaker `failing` is gone; nothing is heard until you choose another \
                    speaker";
    assert_eq!(told, [expected]);
}

/// The warnings of a call that is stopped a second after the first.
async fn warned(microphone: Box<dyn Microphone>, speaker: Box<dyn Speaker>) -> Vec<String> {
    let session = Session::new(World::new("", &[], &[]).engines(), SessionConfig::default());
    let (mut events, stop) = (session.subscribe(), session.handle());
    let mut warnings = Vec::new();
    let watch = async {
        while let Some(Ok(event)) = events.next().await {
            if let EventKind::Warning { message } = event.kind {
                warnings.push(message);
                stop.stop();
            }
        }
    };
    let (summary, ()) = tokio::join!(session.run(microphone, speaker, Pace::Max), watch);
    summary.expect("the call goes on");
    warnings
}

#[tokio::test]
async fn a_muted_microphone_is_silence_and_time_goes_on() {
    let world = World::new(&(voice(500) + &silence(500)), &["hello"], &["Yes."]);
    let session = Session::new(world.engines(), SessionConfig::default());
    let (devices, mut events) = (session.handle().devices().clone(), session.subscribe());
    let (meters, mute) = (Arc::clone(devices.meters()), devices.mute().clone());
    mute.set(true);
    let stop = session.handle();
    let watch = async {
        while let Some(Ok(event)) = events.next().await {
            if matches!(event.kind, EventKind::ResponseEnded { .. }) {
                stop.stop();
            }
        }
    };
    let microphone = Box::new(NullMicrophone(SampleRate::SPEECH));
    let speaker = Box::new(NullSpeaker(SampleRate::SPEECH));
    let (summary, ()) = tokio::join!(session.run(microphone, speaker, Pace::Max), watch);
    assert_eq!(summary.unwrap().turns, 1, "the detector follows its script all the same");
    let levels = meters.levels();
    assert_eq!(levels.microphone, Levels::SILENCE);
    assert!(levels.speaker > -25.0, "the agent was heard: {levels:?}");
}

#[tokio::test]
async fn devices_exchanged_in_a_call_go_on_where_the_others_were() {
    let mut world = World::new(&(voice(500) + &silence(1500)), &["hello"], &["Yes, I am."]);
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("call.wav");
    world.config.record = Some(record.clone());
    let config = world.config.clone();
    let session = Session::new(world.engines(), config);
    let (devices, mut events, stop) =
        (session.handle().devices().clone(), session.subscribe(), session.handle());
    let mut ended = None;
    let watch = async {
        while let Some(Ok(event)) = events.next().await {
            match event.kind {
                EventKind::TurnEnded { .. } => {
                    let rate = SampleRate::new(48_000).unwrap();
                    let speaker = DriveCommand::Speaker(Box::new(NullSpeaker(rate)));
                    assert!(devices.exchange(speaker));
                    let microphone = DriveCommand::Microphone(Box::new(NullMicrophone(rate)));
                    assert!(devices.exchange(microphone));
                }
                EventKind::ResponseEnded { .. } => {
                    ended = Some(event.at);
                    stop.stop();
                }
                EventKind::Warning { message } => panic!("{message}"),
                _ => {}
            }
        }
    };
    let microphone = Box::new(NullMicrophone(SampleRate::SPEECH));
    let speaker = Box::new(NullSpeaker(SampleRate::SPEECH));
    let (summary, ()) = tokio::join!(session.run(microphone, speaker, Pace::Max), watch);
    summary.unwrap();
    let length = hound::WavReader::open(&record).unwrap().duration();
    let ended = ended.unwrap().as_millis();
    let recorded = f64::from(length) / 16.0;
    assert!((recorded - ended).abs() < 20.0, "{recorded} ms recorded, ended at {ended} ms");
}

/// A device that fails after a second.
#[derive(Debug)]
struct Failing;

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
