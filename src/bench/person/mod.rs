//! The user of a scenario: a microphone and a speaker that one mind stands behind.
//!
//! The person says its utterances one after the other, and knows by ear alone when: it speaks
//! after a reply, or into it. Its devices are moved by the session's clock, so that they are the
//! same in real time and in a simulation.
//!
//! ```text
//! Utterance, Utterance, … ─▶ Person::devices ─▶ PersonMicrophone ─▶ session
//!                                               PersonSpeaker    ◀─┘
//!                                               PersonLog: what was said and heard, and when
//! ```
//!
//! The person does not understand words: the text of a reply, by which it finds its eighth word,
//! is told to it ([`PersonLog::tell_text`]).

mod devices;
mod ear;
mod log;
mod mind;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub use self::devices::{PersonMicrophone, PersonSpeaker};
pub use self::ear::Sound;
pub use self::log::{PersonLog, Spoken};
use self::mind::Mind;
use crate::audio::SampleRate;
use crate::time::SessionTime;

/// Something that a person will say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Utterance {
    /// Its sound, at 16,000 Hz.
    pub samples: Arc<[i16]>,
    /// Where in the samples the speech truly begins and ends.
    pub speech: Range<Duration>,
    /// Whether that is from a label: else it is a detector's estimate.
    pub labelled: bool,
    /// When it is said.
    pub when: When,
    /// The words. Without any it is a noise, to which no reply is expected.
    pub text: String,
}

/// When something is said. What counts is the first sample of speech.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// So long after the agent fell silent, but not before that is certain: 1.2 s after. Before
    /// any reply: so long after the call began.
    AfterReply(Duration),
    /// So long after the reply began. If it is over by then: after it.
    IntoReply(Duration),
    /// When the reply's word of this number begins, the first being 1, at 60 ms a character. If
    /// it has fewer words: after it.
    AtWord(usize),
    /// At this time of the call, whatever the agent does.
    At(SessionTime),
}

/// Reads a clock that counts nanoseconds, such as that of the log of a service.
pub type Nanos = Arc<dyn Fn() -> u64 + Send + Sync>;

/// A person, before the call.
#[derive(Clone)]
pub struct Person {
    utterances: Vec<Utterance>,
    options: Options,
    nanos: Nanos,
}

/// How a person is.
#[derive(Clone, Copy, Debug)]
struct Options {
    patience: Duration,
    noise: Option<u64>,
    greeted: bool,
}

impl Person {
    /// A person who will say `utterances`, in their order.
    #[must_use]
    pub fn new(utterances: Vec<Utterance>) -> Self {
        let options = Options { patience: PATIENCE, noise: Some(SEED), greeted: false };
        Self { utterances, options, nanos: Arc::new(monotonic) }
    }

    /// The same waiting so long for a reply before it goes on without: 15 s by default.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.options.patience = patience;
        self
    }

    /// The same in a room with this noise at -70 dBFS, or in one without any. By default there is
    /// some.
    #[must_use]
    pub fn with_noise(mut self, seed: Option<u64>) -> Self {
        self.options.noise = seed;
        self
    }

    /// The same waiting for the agent to speak first, or not. By default it does not.
    #[must_use]
    pub fn greeted(mut self, greeted: bool) -> Self {
        self.options.greeted = greeted;
        self
    }

    /// The same noting the call's start by this clock, so that its times can be compared with
    /// those of a service's log. By default it is the machine's `CLOCK_MONOTONIC`.
    #[must_use]
    pub fn clocked_by(mut self, nanos: Nanos) -> Self {
        self.nanos = nanos;
        self
    }

    /// The person's devices, for one call, and what will be known of it.
    #[must_use]
    pub fn devices(self) -> (PersonMicrophone, PersonSpeaker, PersonLog) {
        let Self { utterances, options, nanos } = self;
        let state = Arc::new(Mutex::new(Mind::new(utterances, options)));
        let microphone = PersonMicrophone::new(Arc::clone(&state), nanos);
        let speaker = PersonSpeaker::new(Arc::clone(&state));
        (microphone, speaker, PersonLog::new(state))
    }
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { utterances, options, .. } = self;
        f.debug_struct("Person").field("says", &utterances.len()).field("is", options).finish()
    }
}

/// The machine's own count of nanoseconds, which all of its processes share.
#[must_use]
pub fn monotonic() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let (seconds, nanos) = (time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs());
    seconds * 1_000_000_000 + nanos
}

/// The rate of the person's microphone.
pub const MICROPHONE: SampleRate = SampleRate::SPEECH;

/// The rate of the person's speaker: that of most services, so that nothing is resampled.
pub const SPEAKER: SampleRate = SampleRate::new(24_000).unwrap();

/// How long a person waits for a reply.
const PATIENCE: Duration = Duration::from_secs(15);

const SEED: u64 = 0x5eed;
