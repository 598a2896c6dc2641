//! An agent that is heard through the machine's own devices: a program with its window, a web page,
//! a telephone. The person's voice is played to a speaker (a virtual one that the agent has as its
//! microphone), and the agent is heard by a microphone (the monitor of its speaker).
//!
//! These two devices are not the agent's, and nor is the time that sound takes through them: it is
//! measured by the instants that the devices tell ([`UnderWay`]).

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{Heard, Hearing, Line, Saying, TargetError};
use crate::audio::{AUDIBLE, SampleRate, first_audible};
use crate::device::{
    Capture, Captured, Microphone, Playback, Rendering, Running, Speaker, capture_port, render_port,
};
use crate::time::{SessionClock, SessionTime};

/// Two devices between the person and the agent.
#[derive(Debug)]
pub struct DeviceLine {
    mouth: Mouth,
    ear: Ear,
    under_way: UnderWay,
    clock: SessionClock,
    running: Box<dyn Running>,
    rendering: Box<dyn Rendering>,
}

/// How long sound is under way through the line's own devices: from the person to the agent's
/// microphone, and from the agent's speaker to the person. Cloning gives another handle.
#[derive(Clone, Debug, Default)]
pub struct UnderWay(Arc<AtomicU64>);

impl UnderWay {
    /// Both ways together, so far; nothing before sound has gone both ways.
    #[must_use]
    pub fn get(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

impl DeviceLine {
    /// Starts `to_agent`, which the agent hears, and `from_agent`, which hears the agent.
    ///
    /// # Errors
    ///
    /// When a device does not start.
    pub fn open(
        to_agent: Box<dyn Speaker>,
        from_agent: Box<dyn Microphone>,
        clock: &SessionClock,
    ) -> Result<Self, TargetError> {
        let (port, capture) = capture_port(from_agent.rate());
        let (render, playback, _tap) = render_port(SampleRate::SPEECH);
        let running = from_agent.start(port, clock)?;
        let rendering = to_agent.start(render, clock).map_err(|refused| refused.error)?;
        let (mouth, ear) = (Mouth::new(playback), Ear::new(capture));
        let (under_way, clock) = (UnderWay::default(), clock.clone());
        Ok(Self { mouth, ear, under_way, clock, running, rendering })
    }

    /// How long sound is under way.
    #[must_use]
    pub fn under_way(&self) -> UnderWay {
        self.under_way.clone()
    }

    async fn listen(&mut self) -> Result<Option<Heard>, TargetError> {
        loop {
            let now = self.clock.now();
            self.running.advance(now)?;
            self.rendering.advance(now)?;
            if let Some(samples) = self.ear.take(now) {
                return Ok(Some(Heard::Sound(samples)));
            }
            if self.ear.capture.is_over() {
                return Ok(None);
            }
            self.clock.sleep(POLL).await;
        }
    }
}

impl Line for DeviceLine {
    fn said_rate(&self) -> SampleRate {
        self.mouth.playback.rate()
    }

    fn heard_rate(&self) -> SampleRate {
        self.ear.capture.rate()
    }

    fn is_ahead(&self) -> bool {
        false
    }

    fn say<'a>(&'a mut self, samples: &'a [i16]) -> Saying<'a> {
        self.mouth.say(samples, self.clock.now());
        if let (Some(there), Some(back)) = (self.mouth.takes.mean, self.ear.takes.mean) {
            let nanos = (there + back).max(0.0) as u64;
            self.under_way.0.store(nanos, Ordering::Relaxed);
        }
        Box::pin(std::future::ready(Ok(())))
    }

    fn hear(&mut self) -> Hearing<'_> {
        Box::pin(self.listen())
    }
}

/// What the agent is told.
#[derive(Debug)]
struct Mouth {
    playback: Playback,
    waiting: VecDeque<i16>,
    /// Samples that were to be said, and those of them that were left out.
    said: u64,
    left_out: u64,
    /// When the person's first sample was spoken, as well as that is known.
    begun: Option<SessionTime>,
    takes: Mean,
}

impl Mouth {
    fn new(playback: Playback) -> Self {
        let (waiting, takes) = (VecDeque::new(), Mean::default());
        Self { playback, waiting, said: 0, left_out: 0, begun: None, takes }
    }

    fn say(&mut self, samples: &[i16], now: SessionTime) {
        let rate = self.playback.rate();
        self.said += samples.len() as u64;
        // A sample is here no sooner than it is spoken; the least that it was late by is nothing.
        let begun = now - rate.duration(self.said);
        let begun = *self.begun.insert(self.begun.map_or(begun, |before| before.min(begun)));
        while let Some(played) = self.playback.next_played() {
            let spoken = begun + rate.duration(played.from + self.left_out);
            self.takes.add(played.at.as_nanos() as f64 - spoken.as_nanos() as f64);
        }
        let queued = self.playback.pushed() - self.playback.gate().played();
        let behind = queued as usize + self.waiting.len();
        // A speaker that was late would stay behind for the rest of the call.
        if behind as u64 > rate.samples(BEHIND) && first_audible(samples, AUDIBLE).is_none() {
            self.left_out += samples.len() as u64;
        } else {
            self.waiting.extend(samples);
        }
        self.playback.push(&mut self.waiting);
        self.waiting.truncate(rate.samples(MOST) as usize);
    }
}

/// What is heard of the agent.
#[derive(Debug)]
struct Ear {
    capture: Capture,
    /// How far the microphone was last.
    captured: Option<Captured>,
    taken: u64,
    /// Samples since the agent was audible.
    quiet: u64,
    takes: Mean,
}

impl Ear {
    fn new(capture: Capture) -> Self {
        Self { capture, captured: None, taken: 0, quiet: u64::MAX, takes: Mean::default() }
    }

    /// The next piece of the agent's voice. Its silence is left out, so that sound which comes
    /// after it is not queued behind it.
    fn take(&mut self, now: SessionTime) -> Option<Vec<i16>> {
        let rate = self.capture.rate();
        while let Some(captured) = self.capture.next_captured() {
            self.captured = Some(captured);
        }
        loop {
            let samples = self.capture.take(rate.samples(PIECE) as usize)?;
            self.taken += samples.len() as u64;
            if let Some(Captured { samples, at }) = self.captured {
                let begun = at - rate.duration(samples);
                let spoken = begun + rate.duration(self.taken);
                self.takes.add(now.as_nanos() as f64 - spoken.as_nanos() as f64);
            }
            match first_audible(&samples, AUDIBLE) {
                Some(_) => self.quiet = 0,
                None => self.quiet = self.quiet.saturating_add(samples.len() as u64),
            }
            if self.quiet <= rate.samples(PAUSE) {
                return Some(samples);
            }
        }
    }
}

/// The mean of the last values, in nanoseconds.
#[derive(Debug, Default)]
struct Mean {
    mean: Option<f64>,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.mean = Some(self.mean.map_or(value, |mean| mean + (value - mean) / LAST));
    }
}

/// Sound of a device is looked for so often: its callback may not wake anybody.
const POLL: Duration = Duration::from_millis(2);

/// What is taken at once.
const PIECE: Duration = Duration::from_millis(5);

/// Of what is said, kept for a speaker that does not keep up.
const MOST: Duration = Duration::from_secs(2);

/// A speaker that is further behind has silence left out.
const BEHIND: Duration = Duration::from_millis(100);

/// A shorter silence lies within the agent's speech.
const PAUSE: Duration = Duration::from_millis(200);

/// Of so many values, about: at 10 ms a block, half a second.
const LAST: f64 = 50.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::person::{Person, Utterance, When};
    use crate::bench::target::{measured, talk};
    use crate::device::{
        CapturePort, DeviceError, Instants, Refused, RenderPort, Rendering, Running,
    };

    /// A speaker that the agent hears at once, so much after it was asked for sound.
    #[derive(Debug)]
    struct Far {
        delay: Duration,
        /// It plays nothing before.
        starts: SessionTime,
        heard: Arc<AtomicU64>,
    }

    #[derive(Debug)]
    struct Playing {
        far: Far,
        port: RenderPort,
        moved: SessionTime,
    }

    impl Speaker for Far {
        fn name(&self) -> String {
            "far".to_owned()
        }

        fn rate(&self) -> SampleRate {
            SampleRate::SPEECH
        }

        fn start(
            self: Box<Self>,
            port: RenderPort,
            _clock: &SessionClock,
        ) -> Result<Box<dyn Rendering>, Box<Refused>> {
            let moved = self.starts;
            Ok(Box::new(Playing { far: *self, port, moved }))
        }
    }

    impl Rendering for Playing {
        fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError> {
            while self.moved + BLOCK <= now {
                self.moved = self.moved + BLOCK;
                let in_air = self.moved + self.far.delay;
                let mut block = [0; 160];
                self.port.fill(&mut block, Instants { ran: self.moved, in_air });
                if let Some(last) = block.iter().rposition(|sample| sample.unsigned_abs() > 1_000) {
                    let at = in_air + SampleRate::SPEECH.duration(last as u64 + 1);
                    self.far.heard.store(at.as_nanos(), Ordering::Relaxed);
                }
            }
            Ok(())
        }

        fn finish(self: Box<Self>) -> (RenderPort, Result<(), DeviceError>) {
            (self.port, Ok(()))
        }
    }

    /// An agent that says half a second of its own 900 ms after it heard something, and the
    /// microphone by which it is heard so much later.
    #[derive(Debug)]
    struct Agent {
        delay: Duration,
        heard: Arc<AtomicU64>,
    }

    #[derive(Debug)]
    struct Speaking {
        agent: Agent,
        port: CapturePort,
        moved: SessionTime,
    }

    impl Microphone for Agent {
        fn name(&self) -> String {
            "agent".to_owned()
        }

        fn rate(&self) -> SampleRate {
            SampleRate::SPEECH
        }

        fn start(
            self: Box<Self>,
            port: CapturePort,
            _clock: &SessionClock,
        ) -> Result<Box<dyn Running>, DeviceError> {
            Ok(Box::new(Speaking { agent: *self, port, moved: SessionTime::ZERO }))
        }
    }

    impl Running for Speaking {
        fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError> {
            while self.moved + self.agent.delay + BLOCK <= now {
                let heard = SessionTime::from_nanos(self.agent.heard.load(Ordering::Relaxed));
                let answer = heard + Duration::from_millis(900);
                let speaks =
                    |at| heard > SessionTime::ZERO && at >= answer && at < answer + BLOCK * 50;
                let at = |n| self.moved + SampleRate::SPEECH.duration(n);
                let block: Vec<i16> =
                    (0..160).map(|n| if speaks(at(n)) { 3_000 } else { 0 }).collect();
                self.moved = self.moved + BLOCK;
                self.port.push_at(&block, self.moved);
            }
            Ok(())
        }

        fn finish(self: Box<Self>) -> Result<(), DeviceError> {
            Ok(())
        }
    }

    /// What is measured of that agent, and how long sound is under way.
    async fn measure(there: u64, back: u64, starts: u64) -> (f64, f64) {
        let heard = Arc::<AtomicU64>::default();
        let clock = SessionClock::live();
        let starts = SessionTime::from_millis(starts);
        let far = Far { delay: Duration::from_millis(there), starts, heard: Arc::clone(&heard) };
        let agent = Agent { delay: Duration::from_millis(back), heard };
        let mut line = DeviceLine::open(Box::new(far), Box::new(agent), &clock).unwrap();
        let under_way = line.under_way();
        let said = Utterance {
            samples: vec![5_000; 16_000].into(),
            speech: Duration::ZERO..Duration::from_secs(1),
            labelled: true,
            when: When::At(SessionTime::from_millis(2_000)),
            text: "hello".to_owned(),
        };
        let (microphone, speaker, log) = Person::new(vec![said]).devices();
        let clock = SessionClock::live();
        talk(Box::new(microphone), Box::new(speaker), &mut line, &clock).await.unwrap();
        let [turn] = &measured("", 0, &log, under_way.get())[..] else { panic!("no answer") };
        (turn.voice_to_voice_ms, under_way.get().as_secs_f64() * 1e3)
    }

    #[tokio::test(start_paused = true)]
    async fn the_way_through_the_devices_is_not_the_agents() {
        let (short, _) = measure(0, 0, 0).await;
        let (long, under_way) = measure(300, 200, 0).await;
        assert!((885.0..=915.0).contains(&short), "{short}");
        assert!((885.0..=915.0).contains(&long), "{long} with {under_way} on the way");
        assert!((500.0..=550.0).contains(&under_way), "{under_way}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_speaker_that_began_late_does_not_stay_behind() {
        let (ms, under_way) = measure(0, 0, 1_500).await;
        assert!((885.0..=915.0).contains(&ms), "{ms} with {under_way} on the way");
        assert!(under_way < 200.0, "{under_way}");
    }

    const BLOCK: Duration = Duration::from_millis(10);
}
