//! A person with devices in memory, and an agent that answers after a known time.

use std::sync::{Arc, Mutex};

use super::*;
use crate::device::{CapturePort, RenderPort, Rendering, Running};
use crate::time::SessionTime;

/// Speaks from 0.5 s to 1 s, and ends after 3 s.
#[derive(Debug)]
struct Voice;

#[derive(Debug)]
struct Speaking {
    port: Option<CapturePort>,
    moved: u64,
}

impl Microphone for Voice {
    fn name(&self) -> String {
        "voice".to_owned()
    }

    fn rate(&self) -> SampleRate {
        SampleRate::SPEECH
    }

    fn start(
        self: Box<Self>,
        port: CapturePort,
        _clock: &SessionClock,
    ) -> Result<Box<dyn Running>, DeviceError> {
        Ok(Box::new(Speaking { port: Some(port), moved: 0 }))
    }
}

impl Running for Speaking {
    fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError> {
        let until = SampleRate::SPEECH.samples(now.since(SessionTime::ZERO));
        let loud = |at: u64| if (8000..16_000).contains(&at) { 5000 } else { 0 };
        let samples: Vec<i16> = (self.moved..until).map(loud).collect();
        self.moved = until;
        if let Some(port) = &mut self.port {
            port.push(&samples);
        }
        if until >= 48_000 {
            self.port = None;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), DeviceError> {
        Ok(())
    }
}

/// Remembers when it was audible.
#[derive(Debug)]
struct Ears(Arc<Mutex<Vec<f64>>>);

#[derive(Debug)]
struct Listening {
    port: RenderPort,
    moved: u64,
    audible: Arc<Mutex<Vec<f64>>>,
}

impl Speaker for Ears {
    fn name(&self) -> String {
        "ears".to_owned()
    }

    fn rate(&self) -> SampleRate {
        SampleRate::SPEECH
    }

    fn start(
        self: Box<Self>,
        port: RenderPort,
        _clock: &SessionClock,
    ) -> Result<Box<dyn Rendering>, Box<Refused>> {
        Ok(Box::new(Listening { port, moved: 0, audible: self.0 }))
    }
}

impl Rendering for Listening {
    fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError> {
        let rate = self.port.rate();
        let until = rate.samples(now.since(SessionTime::ZERO));
        let mut block = vec![0; (until - self.moved) as usize];
        self.port.fill(&mut block, now);
        let mut audible = self.audible.lock().unwrap();
        let at = |index: usize| (self.moved + index as u64) as f64 * 1e3 / f64::from(rate.hz());
        audible
            .extend(block.iter().enumerate().filter(|(_, s)| **s != 0).map(|(index, _)| at(index)));
        self.moved = until;
        Ok(())
    }

    fn finish(self: Box<Self>) -> (RenderPort, Result<(), DeviceError>) {
        (self.port, Ok(()))
    }
}

/// Says half a second of its own, so long after the last loud sample that it heard.
#[derive(Debug)]
struct Parrot {
    clock: SessionClock,
    last_loud: Option<SessionTime>,
    answers: Vec<Heard>,
}

impl Line for Parrot {
    fn said_rate(&self) -> SampleRate {
        SampleRate::SPEECH
    }

    fn heard_rate(&self) -> SampleRate {
        SampleRate::new(24_000).unwrap()
    }

    fn say<'a>(&'a mut self, samples: &'a [i16]) -> Saying<'a> {
        if samples.iter().any(|sample| *sample != 0) {
            self.last_loud = Some(self.clock.now());
        }
        Box::pin(std::future::ready(Ok(())))
    }

    fn hear(&mut self) -> Hearing<'_> {
        Box::pin(async {
            match self.last_loud {
                Some(at) if !self.answers.is_empty() => {
                    self.clock.sleep_until(at + Duration::from_millis(300)).await;
                    Ok(Some(self.answers.remove(0)))
                }
                _ => std::future::pending().await,
            }
        })
    }
}

async fn heard(answers: Vec<Heard>) -> (Vec<f64>, Result<Talked, TargetError>) {
    let clock = SessionClock::live();
    let audible = Arc::new(Mutex::new(Vec::new()));
    let mut line = Parrot { clock: clock.clone(), last_loud: None, answers };
    let ears = Box::new(Ears(Arc::clone(&audible)));
    let talked = talk(Box::new(Voice), ears, &mut line, &clock).await;
    let audible = std::mem::take(&mut *audible.lock().unwrap());
    (audible, talked)
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_heard_when_it_comes() {
    let (audible, talked) = heard(vec![Heard::Sound(vec![3000; 12_000])]).await;
    let talked = talked.unwrap();
    assert!(!talked.hung_up);
    let first = audible[0];
    // What was said until 1 s is told within a frame, and played within a tick.
    assert!((1300.0..=1330.0).contains(&first), "{first}");
    let last = audible[audible.len() - 1] - first;
    assert!((495.0..=510.0).contains(&last), "{last}");
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_back_is_not_heard() {
    let (audible, talked) = heard(vec![Heard::Sound(vec![3000; 12_000]), Heard::Clear]).await;
    talked.unwrap();
    assert_eq!(audible, [0.0; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_never_stops_is_an_error() {
    let two_minutes = vec![Heard::Sound(vec![1; 24_000 * 121])];
    let (_, talked) = heard(two_minutes).await;
    assert!(matches!(talked, Err(TargetError::TooMuch(_))), "{talked:?}");
}

/// Says something and is gone.
#[derive(Debug)]
struct Goodbye(Option<Heard>);

impl Line for Goodbye {
    fn said_rate(&self) -> SampleRate {
        SampleRate::SPEECH
    }

    fn heard_rate(&self) -> SampleRate {
        SampleRate::new(24_000).unwrap()
    }

    fn say<'a>(&'a mut self, _samples: &'a [i16]) -> Saying<'a> {
        let (host, reason) = ("host".to_owned(), "it has ended".to_owned());
        Box::pin(std::future::ready(Err(NetError::BrokeOff { host, reason }.into())))
    }

    fn hear(&mut self) -> Hearing<'_> {
        Box::pin(async { Ok(self.0.take()) })
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_agent_says_before_it_hangs_up_is_heard() {
    let clock = SessionClock::live();
    let audible = Arc::new(Mutex::new(Vec::new()));
    let ears = Box::new(Ears(Arc::clone(&audible)));
    let mut line = Goodbye(Some(Heard::Sound(vec![3000; 12_000])));
    let talked = talk(Box::new(Voice), ears, &mut line, &clock).await.unwrap();
    assert!(talked.hung_up);
    let length = audible.lock().unwrap().len();
    // Half a second, and how its end fades.
    assert!((12_000..12_200).contains(&length), "{length}");
}

#[tokio::test(start_paused = true)]
async fn a_voice_that_runs_out_and_goes_on_at_once_has_a_gap() {
    let clock = SessionClock::live();
    // A tenth of a second of sound at 0 ms, and as much at this time.
    for (more, gaps) in [(60, 0), (150, 1), (500, 0)] {
        let (render, playback, _tap) = render_port(SampleRate::SPEECH);
        let speaker = Box::new(Ears(Arc::default()));
        let mut speaker = speaker.start(render, &clock).unwrap();
        let mut ear =
            Ear { playback, waiting: VecDeque::new(), speaking: false, ran_out: None, gaps: 0 };
        for ms in (0..1_000).step_by(5) {
            let now = SessionTime::from_millis(ms);
            speaker.advance(now).unwrap();
            ear.play();
            ear.note(now);
            if ms == 0 || ms == more {
                ear.hear(Heard::Sound(vec![3_000; 1_600]), now).unwrap();
            }
        }
        assert_eq!(ear.gaps, gaps, "more after {more} ms");
    }
}
