//! A user who talks or listens, and engines with the delays of real services: the model gives its first
//! word after 200 ms and thirty in all, 30 ms apart; the synthesizer 100 ms of sound every 50 ms,
//! the first after 80 ms.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use banter::audio::{AudioChunk, SampleRate, WavReader};
use banter::device::{CapturePort, Comes, DeviceError, Microphone, Running};
use banter::providers::mock::{MockAnswer, MockProvider};
use banter::session::Engines;
use banter::stt::mock::MockTranscriber;
use banter::time::{SessionClock, SessionTime};
use banter::tools::ToolRegistry;
use banter::tts::{SpeakRequest, SpeechEvent, SpeechStream, Synthesizer};
use banter::vad::Vad;
use futures_util::stream;
use serde_json::Value;

/// A sentence begins so often.
pub(crate) const PERIOD: Duration = Duration::from_secs(8);

/// What the services take until the first sound of an answer: nine words make a clause.
pub(crate) const SERVICES_MS: f64 = 200.0 + 8.0 * 30.0 + 80.0;

const RATE: SampleRate = SampleRate::SPEECH;

/// Thirty words in three pieces, each of which lasts until the next is spoken.
const ANSWER: &str = "As far as I can tell you from here, it is what we all would like it to \
                      be. It is not much, but it may do as it is now.";

/// What the users do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Users {
    /// They say a sentence in each period.
    Talk,
    /// They say nothing, in a quiet room.
    Listen,
}

/// What all calls share.
#[derive(Debug)]
pub(crate) struct World {
    users: Users,
    room: Arc<[i16]>,
    sentences: Arc<[Sentence]>,
    transcriber: Arc<MockTranscriber>,
    provider: Arc<MockProvider>,
    synthesizer: Arc<Tone>,
    tools: Arc<ToolRegistry>,
}

#[derive(Debug)]
struct Sentence {
    samples: Vec<i16>,
    /// Where the voice ends.
    end: Duration,
}

impl World {
    pub(crate) fn new(users: Users) -> Self {
        let ms = Duration::from_millis;
        let provider = MockProvider::answering(|_| MockAnswer::text(ANSWER)).paced(
            SessionClock::live(),
            ms(200),
            ms(30),
        );
        Self {
            users,
            room: room().into(),
            sentences: sentences().into(),
            transcriber: Arc::new(MockTranscriber::new(vec!["hello there"; 50_000])),
            provider: Arc::new(provider),
            synthesizer: Arc::new(Tone::new()),
            tools: Arc::new(ToolRegistry::new()),
        }
    }

    pub(crate) fn engines(&self, vad: Box<dyn Vad>) -> Engines {
        let transcriber = Arc::<MockTranscriber>::clone(&self.transcriber);
        Engines {
            vad,
            transcriber,
            provider: Arc::<MockProvider>::clone(&self.provider),
            synthesizer: Arc::<Tone>::clone(&self.synthesizer),
            tools: Arc::clone(&self.tools),
        }
    }

    /// When the user of this call ceases to speak, for so long.
    pub(crate) fn speech_ends(&self, call: usize, length: Duration) -> Vec<SessionTime> {
        if self.users == Users::Listen {
            return Vec::new();
        }
        let periods = u32::try_from(length.as_secs() / PERIOD.as_secs()).unwrap();
        let end = |at: u32| self.sentences[(call + at as usize) % self.sentences.len()].end;
        (0..periods).map(|at| SessionTime::ZERO + PERIOD * at + end(at)).collect()
    }
}

/// White noise at -70 dBFS.
fn room() -> Vec<i16> {
    let mut seed = 1_u32;
    let mut next = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 16) as i16 % 19
    };
    std::iter::repeat_with(&mut next).take(RATE.hz() as usize).collect()
}

fn sentences() -> Vec<Sentence> {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
    let labels = std::fs::read(assets.join("sentences.json")).unwrap();
    let labels: Value = serde_json::from_slice(&labels).unwrap();
    let sentence = |label: &Value| {
        let mut reader = WavReader::open(assets.join(label["file"].as_str().unwrap())).unwrap();
        let mut samples = vec![0; 100_000];
        let length = reader.read(&mut samples).unwrap();
        samples.truncate(length);
        Sentence { samples, end: Duration::from_millis(label["end_ms"].as_u64().unwrap()) }
    };
    labels["sentences"].as_array().unwrap().iter().map(sentence).collect()
}

/// A microphone with a user in front of it.
#[derive(Debug)]
pub(crate) struct Talker {
    users: Users,
    room: Arc<[i16]>,
    sentences: Arc<[Sentence]>,
    call: usize,
    /// All of the user's samples.
    samples: u64,
}

impl Talker {
    pub(crate) fn new(world: &World, call: usize, length: Option<Duration>) -> Self {
        let samples = length.map_or(u64::MAX, |length| RATE.samples(length));
        let (room, sentences) = (Arc::clone(&world.room), Arc::clone(&world.sentences));
        Self { users: world.users, room, sentences, call, samples }
    }
}

impl Microphone for Talker {
    fn name(&self) -> String {
        "talker".to_owned()
    }

    fn rate(&self) -> SampleRate {
        RATE
    }

    fn start(
        self: Box<Self>,
        port: CapturePort,
        _clock: &SessionClock,
    ) -> Result<Box<dyn Running>, DeviceError> {
        Ok(Box::new(Talking { talker: *self, moved: 0, port: Some(port) }))
    }
}

#[derive(Debug)]
struct Talking {
    talker: Talker,
    moved: u64,
    /// `None` once the user is done.
    port: Option<CapturePort>,
}

impl Running for Talking {
    fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError> {
        let Talker { users, room, sentences, call, samples } = &self.talker;
        let due = RATE.samples(now.since(SessionTime::ZERO)).min(*samples);
        let period = RATE.samples(PERIOD);
        while let Some(port) = &mut self.port
            && self.moved < due
        {
            let (at, into) = ((self.moved / period) as usize, self.moved % period);
            let rest = (due - self.moved).min(period - into);
            let sentence = &sentences[(call + at) % sentences.len()].samples;
            let said = sentence.get(into as usize..).filter(|said| !said.is_empty());
            let quiet = &room[(into % room.len() as u64) as usize..];
            let said = said.filter(|_| *users == Users::Talk).unwrap_or(quiet);
            let count = said.len().min(rest as usize);
            port.push(&said[..count]);
            self.moved += count as u64;
        }
        if self.moved == *samples {
            self.port = None;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), DeviceError> {
        Ok(())
    }

    fn comes(&self) -> Comes {
        Comes::OnTime
    }
}

/// A synthesizer of 30 ms of a tone for each character.
#[derive(Debug)]
struct Tone {
    chunk: AudioChunk,
    clock: SessionClock,
}

impl Tone {
    fn new() -> Self {
        let samples: Vec<i16> =
            (0..2_400).map(|at| ((at as f32 * 0.1).sin() * 3_000.0) as i16).collect();
        let chunk = AudioChunk::new(samples, SampleRate::new(24_000).unwrap());
        Self { chunk, clock: SessionClock::live() }
    }
}

impl Synthesizer for Tone {
    fn name(&self) -> &'static str {
        "tone"
    }

    fn rate(&self) -> SampleRate {
        self.chunk.rate()
    }

    fn speak(&self, request: SpeakRequest) -> SpeechStream {
        let chunks = (request.text.trim().len() * 30).div_ceil(100);
        let state = (self.chunk.clone(), self.clock.clone(), 80, chunks);
        Box::pin(stream::unfold(state, |(chunk, clock, wait, left)| async move {
            let left = left.checked_sub(1)?;
            clock.sleep(Duration::from_millis(wait)).await;
            Some((Ok(SpeechEvent::Audio(chunk.clone())), (chunk, clock, 50, left)))
        }))
    }
}
