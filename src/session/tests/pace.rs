//! How often a live session moves devices that have no clock of their own.

use std::sync::{Arc, Mutex};

use super::world::{World, silence, voice};
use crate::audio::SampleRate;
use crate::device::{DeviceError, NullMicrophone, Refused, RenderPort, Rendering, Speaker, nobody};
use crate::events::{EventKind, Latency};
use crate::session::{Pace, Session, SessionConfig};
use crate::time::{SessionClock, SessionTime};

/// A speaker that remembers when it was moved.
#[derive(Debug)]
struct Moved(Arc<Mutex<Vec<f64>>>);

impl Speaker for Moved {
    fn name(&self) -> String {
        "moved".to_owned()
    }

    fn rate(&self) -> SampleRate {
        SampleRate::SPEECH
    }

    fn start(
        self: Box<Self>,
        port: RenderPort,
        clock: &SessionClock,
    ) -> Result<Box<dyn Rendering>, Box<Refused>> {
        Ok(Box::new(Moving { moved: self.0, clock: clock.clone(), inner: nobody(port) }))
    }
}

#[derive(Debug)]
struct Moving {
    moved: Arc<Mutex<Vec<f64>>>,
    clock: SessionClock,
    inner: Box<dyn Rendering>,
}

impl Rendering for Moving {
    fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError> {
        self.moved.lock().unwrap().push(self.clock.now().as_millis());
        self.inner.advance(now)
    }

    fn finish(self: Box<Self>) -> (RenderPort, Result<(), DeviceError>) {
        self.inner.finish()
    }
}

/// One turn with one answer: the times of the moves, when the answer began and ended, and the
/// turn's latency.
async fn one_turn() -> (Vec<f64>, std::ops::Range<f64>, Latency) {
    let world = World::new(&(voice(500) + &silence(5_000)), &["hello"], &["Yes, I am, you know."]);
    let session = Session::new(world.engines(), SessionConfig::default());
    let (mut events, stop) = (session.subscribe(), session.handle());
    let watch = async {
        let (mut began, mut latency) = (0.0, None);
        while let Some(Ok(event)) = events.next().await {
            match event.kind {
                EventKind::Latency(told) => (began, latency) = (event.at.as_millis(), Some(told)),
                EventKind::ResponseEnded { .. } => {
                    stop.stop();
                    return (began..event.at.as_millis(), latency.unwrap());
                }
                _ => {}
            }
        }
        panic!("the answer has an end");
    };
    let moved = Arc::new(Mutex::new(Vec::new()));
    let microphone = Box::new(NullMicrophone(SampleRate::SPEECH));
    let speaker = Box::new(Moved(Arc::clone(&moved)));
    let (summary, (answer, latency)) =
        tokio::join!(session.run(microphone, speaker, Pace::Live), watch);
    summary.unwrap();
    let moved = std::mem::take(&mut *moved.lock().unwrap());
    (moved, answer, latency)
}

#[tokio::test(start_paused = true)]
async fn devices_move_with_each_frame_and_every_8_ms_while_there_is_sound() {
    let (moved, answer, _) = one_turn().await;
    let per_second = |from: f64, to: f64| {
        let count = moved.iter().filter(|at| (from..to).contains(*at)).count();
        count as f64 / (to - from) * 1e3
    };
    let before = per_second(0.0, 500.0);
    assert!((45.0..=55.0).contains(&before), "a frame has 20 ms: {before}");
    let during = per_second(answer.start, answer.end);
    assert!((125.0..=170.0).contains(&during), "three times a frame: {during}");
}

#[tokio::test(start_paused = true)]
async fn the_first_sound_is_in_the_air_when_it_comes_and_not_before() {
    let (_, _, latency) = one_turn().await;
    let Latency { playout_ms, lead_ms, .. } = latency;
    assert!((0.0..0.2).contains(&(playout_ms + lead_ms)), "{latency:?}");
}
