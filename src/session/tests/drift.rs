//! A call of ten minutes between devices whose crystals differ, in virtual time.

use crate::audio::SampleRate;
use crate::device::{
    CapturePort, DeviceError, Instants, Microphone, Refused, RenderPort, Rendering, Running,
    Speaker,
};
use crate::events::EventKind;
use crate::session::{Pace, Session};
use crate::time::{SessionClock, SessionTime};

use super::world::{World, silence, voice};

/// A device that counts by a crystal of its own, which is off by so many ppm, and is called for
/// each 10 ms of its own time, up to 6 ms late.
#[derive(Clone, Copy, Debug)]
struct Crystal {
    ppm: f64,
    jitter: u64,
    /// How far it is, and when the next call comes.
    moved: u64,
    next: SessionTime,
}

impl Crystal {
    fn new(ppm: f64) -> Self {
        Self { ppm, jitter: ppm.to_bits(), moved: 0, next: SessionTime::ZERO }
    }

    /// When sample `index` is captured, or in the air, in seconds.
    fn second_of(&self, index: u64) -> f64 {
        index as f64 / HZ / (1.0 + self.ppm * 1e-6)
    }

    /// The next call, for the block that begins or ends with sample `index`.
    fn wind(&mut self, index: u64) {
        self.jitter = self.jitter.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let late = (self.jitter >> 33) as f64 / (1_u64 << 31) as f64 * 0.006;
        self.next = at(self.second_of(index) + late).max(self.next);
    }
}

/// Hears a click at each full second.
#[derive(Debug)]
struct Ticking(Crystal);

#[derive(Debug)]
struct Hearing {
    crystal: Crystal,
    clicks: u64,
    port: CapturePort,
}

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
        let mut crystal = self.0;
        crystal.wind(BLOCK as u64);
        Ok(Box::new(Hearing { crystal, clicks: 0, port }))
    }
}

impl Running for Hearing {
    fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError> {
        while self.crystal.next <= now {
            let mut block = [0_i16; BLOCK];
            let from = self.crystal.moved;
            self.crystal.moved += BLOCK as u64;
            let click = (self.clicks + 1) as f64;
            if self.crystal.second_of(self.crystal.moved) > click {
                self.clicks += 1;
                let index = (click * HZ * (1.0 + self.crystal.ppm * 1e-6)).round() as u64;
                block[((index.max(from) - from) as usize).min(BLOCK - 1)] = 20_000;
            }
            self.port.push_at(&block, self.crystal.next);
            self.crystal.wind(self.crystal.moved + BLOCK as u64);
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), DeviceError> {
        Ok(())
    }
}

/// Plays to nobody.
#[derive(Debug)]
struct Playing(Crystal);

#[derive(Debug)]
struct Speaking {
    crystal: Crystal,
    port: RenderPort,
}

impl Speaker for Playing {
    fn name(&self) -> String {
        "playing".to_owned()
    }

    fn rate(&self) -> SampleRate {
        SampleRate::SPEECH
    }

    fn start(
        self: Box<Self>,
        port: RenderPort,
        _clock: &SessionClock,
    ) -> Result<Box<dyn Rendering>, Box<Refused>> {
        Ok(Box::new(Speaking { crystal: self.0, port }))
    }
}

impl Rendering for Speaking {
    fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError> {
        while self.crystal.next <= now {
            let ran = self.crystal.next;
            self.port.fill(&mut [0; BLOCK], Instants { ran, in_air: ran });
            self.crystal.moved += BLOCK as u64;
            self.crystal.wind(self.crystal.moved);
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> (RenderPort, Result<(), DeviceError>) {
        (self.port, Ok(()))
    }
}

/// What came of ten minutes with devices that are off by so many ppm.
struct Told {
    /// How late the first and the last turn began, by the true time of their sound, in ms.
    late: Vec<f64>,
    /// By how much the clicks in the recording are off the speaker's timeline, in ms.
    off: Vec<f64>,
    lost_ms: f64,
}

async fn ten_minutes(microphone: f64, speaker: f64) -> Told {
    let turn = || voice(600) + &silence(2_400);
    let script = silence(1_000) + &turn() + &silence(TEN_MINUTES - 7_000) + &turn();
    let begins = [1_000, TEN_MINUTES - 3_000].map(|ms| ms as f64 / (1.0 + speaker * 1e-6));
    let mut world = World::new(&script, &["hello", "goodbye"], &["Yes.", "No."]);
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("call.wav");
    world.config.record = Some(record.clone());
    let session = Session::new(world.engines(), world.config.clone());
    let (handle, mut events) = (session.handle(), session.subscribe());
    let meters = std::sync::Arc::clone(handle.devices().meters());
    let mut late = Vec::new();
    let watch = async {
        while let Some(Ok(event)) = events.next().await {
            match event.kind {
                EventKind::TurnStarted { .. } => {
                    late.push(event.at.as_millis() - begins[late.len()]);
                }
                EventKind::AgentSpeechEnded { .. } if late.len() == 2 => handle.stop(),
                EventKind::Warning { message } => panic!("{message}"),
                _ => {}
            }
        }
    };
    let devices = (Ticking(Crystal::new(microphone)), Playing(Crystal::new(speaker)));
    let run = session.run(Box::new(devices.0), Box::new(devices.1), Pace::Max);
    let (summary, ()) = tokio::join!(run, watch);
    assert_eq!(summary.unwrap().turns, 2);
    let off = clicks(&record).into_iter().zip(1_u32..).map(|(index, second)| {
        let there = index as f64 / HZ;
        (there - f64::from(second) * (1.0 + speaker * 1e-6)) * 1e3
    });
    Told { late, off: off.collect(), lost_ms: meters.lost().as_secs_f64() * 1e3 }
}

/// Where the clicks are in what was recorded of the user.
fn clicks(record: &std::path::Path) -> Vec<usize> {
    let mut reader = hound::WavReader::open(record).unwrap();
    let user: Vec<_> = reader.samples::<i16>().step_by(2).map(Result::unwrap).collect();
    let mut found = Vec::new();
    for (index, sample) in user.iter().enumerate() {
        let after = found.last().is_none_or(|last| index - last > 8_000);
        if after && *sample > 5_000 {
            let near = &user[index..(index + 32).min(user.len())];
            let peak = near.iter().enumerate().max_by_key(|(_, sample)| **sample).unwrap().0;
            found.push(index + peak);
        }
    }
    found
}

fn at(seconds: f64) -> SessionTime {
    SessionTime::from_nanos((seconds * 1e9) as u64)
}

#[tokio::test]
async fn a_fast_microphone_and_a_slow_speaker_stay_together_for_ten_minutes() {
    stay_together(200.0, -200.0).await;
}

#[tokio::test]
async fn a_slow_microphone_and_a_fast_speaker_stay_together_for_ten_minutes() {
    stay_together(-200.0, 200.0).await;
}

async fn stay_together(microphone: f64, speaker: f64) {
    let told = ten_minutes(microphone, speaker).await;
    let most = |off: &[f64]| off.iter().fold(0.0, |most: f64, off| most.max(off.abs()));
    let (last, first_minute, later) =
        (told.off.last().unwrap(), most(&told.off[..60]), most(&told.off[60..]));
    eprintln!(
        "{microphone} and {speaker} ppm: {last:.2} ms apart at the end, {later:.2} ms at most after \
         a minute, {first_minute:.2} ms in it; turns begin {:.0?} ms late",
        told.late
    );
    assert!(told.off.len() >= TEN_MINUTES / 1_000 - 2, "{} clicks", told.off.len());
    assert!(last.abs() < 2.0, "{last} ms");
    assert!(later < 5.0, "{later} ms");
    assert!((told.late[1] - told.late[0]).abs() < 30.0, "{:?} ms", told.late);
    assert_eq!(told.lost_ms, 0.0);
}

const TEN_MINUTES: usize = 600_000;

const HZ: f64 = 16_000.0;

/// 10 ms.
const BLOCK: usize = 160;
