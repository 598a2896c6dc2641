//! Devices that are pulled out in the middle of a call, and come back.

use std::ops::Range;
use std::sync::{Arc, Mutex};

use super::world::{World, silence, voice};
use crate::audio::SampleRate;
use crate::device::{
    CapturePort, DeviceError, Finder, Kind, Microphone, NullMicrophone, NullSpeaker, Refused,
    RenderPort, Rendering, Running, Speaker, nobody, silence as silent,
};
use crate::events::EventKind;
use crate::session::{Pace, Session};
use crate::time::{SessionClock, SessionTime};

/// Devices by name, and when they are not there, in ms of the session.
#[derive(Debug, Default)]
struct Desk {
    out: Vec<(&'static str, Range<u64>)>,
    /// In whose place another may stand.
    substitute: Option<&'static str>,
    /// How often each was tried.
    tries: Mutex<Vec<(&'static str, f64)>>,
}

/// One of them.
#[derive(Clone, Debug)]
struct Plug {
    desk: Arc<Desk>,
    name: &'static str,
    clock: SessionClock,
}

impl Desk {
    fn plug(self: &Arc<Self>, name: &'static str) -> Plug {
        Plug { desk: Arc::clone(self), name, clock: SessionClock::live() }
    }

    fn tries(&self, name: &str) -> Vec<f64> {
        let tries = self.tries.lock().unwrap();
        tries.iter().filter(|(tried, _)| *tried == name).map(|(_, ms)| *ms).collect()
    }
}

impl Plug {
    fn look(&self, kind: Kind, now: SessionTime) -> Result<(), DeviceError> {
        let ms = now.as_millis() as u64;
        if self.desk.out.iter().any(|(name, out)| *name == self.name && out.contains(&ms)) {
            let (name, problem) = (self.name.to_owned(), "is gone".to_owned());
            return Err(DeviceError::Failed { kind, name, problem });
        }
        Ok(())
    }

    fn begin(&mut self, kind: Kind, clock: &SessionClock) -> Result<(), DeviceError> {
        self.clock = clock.clone();
        let now = clock.now();
        self.desk.tries.lock().unwrap().push((self.name, now.as_millis()));
        self.look(kind, now)
    }

    fn other(&self) -> Option<Self> {
        let name = self.desk.substitute?;
        Some(Self { name, ..self.clone() })
    }
}

impl Finder<dyn Microphone> for Plug {
    fn chosen(&self) -> Result<Box<dyn Microphone>, DeviceError> {
        Ok(Box::new(self.clone()))
    }

    fn substitute(&self) -> Option<Result<Box<dyn Microphone>, DeviceError>> {
        self.other().map(|other| Ok(Box::new(other) as _))
    }
}

impl Finder<dyn Speaker> for Plug {
    fn chosen(&self) -> Result<Box<dyn Speaker>, DeviceError> {
        Ok(Box::new(self.clone()))
    }

    fn substitute(&self) -> Option<Result<Box<dyn Speaker>, DeviceError>> {
        self.other().map(|other| Ok(Box::new(other) as _))
    }
}

impl Microphone for Plug {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn rate(&self) -> SampleRate {
        SampleRate::SPEECH
    }

    fn finder(&self) -> Option<Arc<dyn Finder<dyn Microphone>>> {
        Some(Arc::new(self.clone()))
    }

    fn start(
        mut self: Box<Self>,
        port: CapturePort,
        clock: &SessionClock,
    ) -> Result<Box<dyn Running>, DeviceError> {
        self.begin(Kind::Microphone, clock)?;
        Ok(Box::new(Plugged(*self, silent(port, SampleRate::SPEECH))))
    }
}

impl Speaker for Plug {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn rate(&self) -> SampleRate {
        SampleRate::SPEECH
    }

    fn finder(&self) -> Option<Arc<dyn Finder<dyn Speaker>>> {
        Some(Arc::new(self.clone()))
    }

    fn start(
        mut self: Box<Self>,
        port: RenderPort,
        clock: &SessionClock,
    ) -> Result<Box<dyn Rendering>, Box<Refused>> {
        match self.begin(Kind::Speaker, clock) {
            Ok(()) => Ok(Box::new(Plugged(*self, nobody(port)))),
            Err(error) => Err(Box::new(Refused { port, error })),
        }
    }
}

/// A device that moves as long as it is there.
#[derive(Debug)]
struct Plugged<D>(Plug, D);

impl Running for Plugged<Box<dyn Running>> {
    fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError> {
        self.0.look(Kind::Microphone, now)?;
        self.1.advance(now)
    }

    fn finish(self: Box<Self>) -> Result<(), DeviceError> {
        self.1.finish()
    }
}

impl Rendering for Plugged<Box<dyn Rendering>> {
    fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError> {
        self.0.look(Kind::Speaker, now)?;
        self.1.advance(now)
    }

    fn finish(self: Box<Self>) -> (RenderPort, Result<(), DeviceError>) {
        self.1.finish()
    }
}

/// What a call tells of its devices and of the agent's voice, with the time in ms.
type Told = Vec<(f64, String)>;

/// A call of a question and its answer, until `last` of it has been told; it is recorded.
async fn call(
    microphone: Box<dyn Microphone>,
    speaker: Box<dyn Speaker>,
    last: impl Fn(&Told) -> bool,
) -> Told {
    let script = voice(500) + &silence(1500);
    let mut world = World::new(&script, &["hello"], &["Yes, I am. What can I do for you?"]);
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("call.wav");
    world.config.record = Some(record.clone());
    let session = Session::new(world.engines(), world.config.clone());
    let (handle, mut events) = (session.handle(), session.subscribe());
    let (mut told, mut ended) = (Vec::new(), 0.0);
    let watch = async {
        while let Some(Ok(event)) = events.next().await {
            let at = event.at.as_millis();
            if let EventKind::SessionEnded { .. } = event.kind {
                ended = at;
            }
            let Some(text) = tell(event.kind) else { continue };
            told.push((at, text));
            if last(&told) {
                handle.stop();
            }
        }
    };
    let run = session.run(microphone, speaker, Pace::Max);
    let (summary, ()) = tokio::join!(run, watch);
    assert!(summary.expect("the call goes on").recording_is_whole);
    let recorded = f64::from(hound::WavReader::open(&record).unwrap().duration()) / 16.0;
    assert!((recorded - ended).abs() < 20.0, "{recorded} ms recorded, ended at {ended} ms");
    told
}

fn tell(kind: EventKind) -> Option<String> {
    match kind {
        EventKind::AgentSpeechStarted { .. } => Some("speaks".to_owned()),
        EventKind::AgentSpeechEnded { heard_ms, complete, .. } => {
            Some(format!("heard to the end: {complete}, {heard_ms}"))
        }
        EventKind::Warning { message } => Some(message),
        EventKind::DeviceChanged { device, name } => Some(format!("{device} {name}")),
        EventKind::TurnFailed { error, .. } => Some(error),
        _ => None,
    }
}

fn texts(told: &Told) -> Vec<&str> {
    told.iter().map(|(_, text)| text.as_str()).collect()
}

fn no_microphone() -> Box<dyn Microphone> {
    Box::new(NullMicrophone(SampleRate::SPEECH))
}

fn no_speaker() -> Box<dyn Speaker> {
    Box::new(NullSpeaker(SampleRate::SPEECH))
}

const HEARD: &str = "heard to the end: true, 1860";

#[tokio::test]
async fn what_is_said_waits_for_the_speaker_and_all_of_it_is_heard() {
    let desk = Arc::new(Desk { out: vec![("headset", 1_800..3_500)], ..Desk::default() });
    let ends = |told: &Told| told.iter().any(|(_, text)| text == HEARD);
    let told = call(no_microphone(), Box::new(desk.plug("headset")), ends).await;
    let lost = "the speaker `headset` is gone; what is said waits until there is one again, which \
                is looked for";
    assert_eq!(texts(&told), ["speaks", lost, "speaker headset", HEARD]);
    let [speaks, lost, back, ended] = told[..].iter().map(|(ms, _)| *ms).collect::<Vec<_>>()[..]
    else {
        panic!("{told:?}")
    };
    assert!((1_785.0..1_820.0).contains(&lost), "{lost}");
    assert!((3_500.0..3_780.0).contains(&back), "{back}");
    let waited = ended - speaks - 1_860.0;
    assert!((waited - (back - lost)).abs() < 30.0, "{waited} ms in place of {}", back - lost);
    let tries = desk.tries("headset");
    assert!((7..=9).contains(&tries.len()), "four times a second: {tries:?}");
}

#[tokio::test]
async fn a_microphone_is_found_again_and_the_call_has_missed_nothing_but_its_sound() {
    let desk = Arc::new(Desk { out: vec![("headset", 300..1_000)], ..Desk::default() });
    let ends = |told: &Told| told.len() == 4;
    let told = call(Box::new(desk.plug("headset")), no_speaker(), ends).await;
    let lost = "the microphone `headset` is gone; nobody hears you until there is one again, which \
                is looked for";
    assert_eq!(texts(&told), [lost, "microphone headset", "speaks", HEARD]);
    assert!((1_000.0..1_280.0).contains(&told[1].0), "{told:?}");
}

#[tokio::test]
async fn another_device_stands_in_until_the_chosen_one_is_back_and_nobody_speaks() {
    let out = vec![("headset", 1_500..2_500)];
    let desk = Arc::new(Desk { out, substitute: Some("built in"), ..Desk::default() });
    let ends = |told: &Told| told.len() == 5;
    let told = call(no_microphone(), Box::new(desk.plug("headset")), ends).await;
    let [(speaks, _), (_, lost), (other, stands_in), (ended, heard), (back, headset)] = &told[..]
    else {
        panic!("{told:?}")
    };
    assert!(lost.contains("is gone") && stands_in == "speaker built in", "{told:?}");
    assert!((1_500.0..1_600.0).contains(other), "at once: {told:?}");
    assert!(heard == HEARD && ended - speaks < 1_960.0, "it speaks on: {told:?}");
    assert_eq!(headset, "speaker headset");
    assert!((*ended..*ended + 2_100.0).contains(back), "{told:?}");
}

#[tokio::test]
async fn an_answer_does_not_wait_for_a_speaker_for_ever() {
    let desk = Arc::new(Desk { out: vec![("headset", 1_600..400_000)], ..Desk::default() });
    let ends = |told: &Told| told.iter().any(|(_, text)| text.starts_with("there was no progress"));
    let told = call(no_microphone(), Box::new(desk.plug("headset")), ends).await;
    let (at, _) = told.last().unwrap();
    assert!((150_000.0..153_000.0).contains(at), "{told:?}");
    let warned = told.iter().filter(|(_, text)| text.contains("is gone")).count();
    assert_eq!(warned, 1, "it is told once: {told:?}");
}

#[tokio::test]
async fn a_call_without_devices_ends_when_it_is_to_end() {
    let out = vec![("headset", 100..400_000)];
    let desk = Arc::new(Desk { out, ..Desk::default() });
    let ends = |told: &Told| told.len() == 2;
    let (microphone, speaker) = (Box::new(desk.plug("headset")), Box::new(desk.plug("headset")));
    let told = call(microphone, speaker, ends).await;
    assert!(told[0].1.contains("is gone") && told[1].1.contains("is gone"), "{told:?}");
}
