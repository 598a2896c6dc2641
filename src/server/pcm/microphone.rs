//! A microphone at the other end of a socket.
//!
//! Sound is taken as it comes. Its time is its own: the sample after the last one, whenever it
//! arrives. Only two things tie it to the clock:
//!
//! ```text
//!   clock - 60 ms ........ clock ................ clock + 200 ms
//!        │   sound is taken at once, whenever it comes   │
//!   silence: what has not                          waits: who sends faster than
//!   come by now is missing                         real time is held back
//! ```
//!
//! So the jitter of a network costs nothing, up to the width of this window; a client that stops
//! sending falls silent; and a whole file that comes at once is heard at the pace of speech.

use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::sync::mpsc;

use super::frames::samples;
use crate::audio::SampleRate;
use crate::device::{CapturePort, Comes, DeviceError, Microphone, Running};
use crate::time::{SessionClock, SessionTime};

/// What a client is heard by.
#[derive(Debug)]
pub(super) struct SocketMicrophone(mpsc::Receiver<Bytes>);

impl SocketMicrophone {
    /// The microphone, and where the pieces of sound go, whole samples each. They wait there
    /// until they are taken.
    pub(super) fn new() -> (Self, mpsc::Sender<Bytes>) {
        let (sound, queue) = mpsc::channel(PIECES);
        (Self(queue), sound)
    }
}

impl Microphone for SocketMicrophone {
    fn name(&self) -> String {
        "the client".to_owned()
    }

    fn rate(&self) -> SampleRate {
        RATE
    }

    fn start(
        self: Box<Self>,
        port: CapturePort,
        _clock: &SessionClock,
    ) -> Result<Box<dyn Running>, DeviceError> {
        let (queue, piece) = (Some(self.0), Bytes::new());
        Ok(Box::new(Hearing { queue, piece, port, moved: 0 }))
    }
}

#[derive(Debug)]
struct Hearing {
    /// `None` when nothing will come any more.
    queue: Option<mpsc::Receiver<Bytes>>,
    /// What is left of the piece that is being taken.
    piece: Bytes,
    port: CapturePort,
    moved: u64,
}

impl Running for Hearing {
    fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError> {
        let due = RATE.samples(now.since(self.port.origin()));
        self.take(due + RATE.samples(AHEAD));
        self.be_silent(due.saturating_sub(RATE.samples(LATE)));
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), DeviceError> {
        Ok(())
    }

    fn comes(&self) -> Comes {
        Comes::Told
    }

    fn poll_news(&mut self, context: &mut Context<'_>) -> Poll<()> {
        // A piece that is held back is no news.
        let Some(queue) = self.queue.as_mut().filter(|_| self.piece.is_empty()) else {
            return Poll::Pending;
        };
        match ready!(queue.poll_recv(context)) {
            Some(piece) => {
                self.piece = piece;
                Poll::Ready(())
            }
            None => {
                self.queue = None;
                Poll::Pending
            }
        }
    }
}

impl Hearing {
    /// Takes what has come, up to this sample.
    fn take(&mut self, until: u64) {
        let mut block = [0; BLOCK];
        while self.moved < until {
            if self.piece.is_empty() {
                let next = self.queue.as_mut().and_then(|queue| queue.try_recv().ok());
                let Some(next) = next else { return };
                self.piece = next;
            }
            let most = usize::try_from(until - self.moved).unwrap_or(BLOCK).min(BLOCK);
            let mut count = 0;
            for (place, sample) in block[..most].iter_mut().zip(samples(&self.piece)) {
                *place = sample;
                count += 1;
            }
            self.piece.advance(2 * count);
            self.push(&block[..count]);
        }
    }

    /// What has not come until this sample is silence.
    fn be_silent(&mut self, until: u64) {
        while self.moved < until {
            let count = usize::try_from(until - self.moved).unwrap_or(BLOCK).min(BLOCK);
            self.push(&[0; BLOCK][..count]);
        }
    }

    fn push(&mut self, samples: &[i16]) {
        self.port.push(samples);
        self.moved += samples.len() as u64;
    }
}

const RATE: SampleRate = SampleRate::SPEECH;

/// What is later than this is missing.
const LATE: Duration = Duration::from_millis(60);

/// How far sound may be ahead of the clock. What was held up on its way comes all at once; with
/// room for it, the call is not later for the rest of its time.
const AHEAD: Duration = Duration::from_millis(200);

/// Pieces that wait, of at most 40 ms: 1.3 s.
const PIECES: usize = 32;

const BLOCK: usize = 640;

#[cfg(test)]
mod tests {
    use super::super::frames::bytes;
    use super::*;
    use crate::device::{Capture, capture_port};

    /// A microphone that is looked at every 5 ms.
    struct Bench {
        sound: mpsc::Sender<Bytes>,
        running: Box<dyn Running>,
        capture: Capture,
        now: u64,
        heard: Vec<i16>,
    }

    impl Bench {
        fn new() -> Self {
            let (microphone, sound) = SocketMicrophone::new();
            let (port, capture) = capture_port(RATE);
            let (clock, _stepper) = SessionClock::stepped();
            let running = Box::new(microphone).start(port, &clock).unwrap();
            Self { sound, running, capture, now: 0, heard: Vec::new() }
        }

        /// This many samples arrive, each of this value.
        fn arrive(&self, count: usize, value: i16) -> bool {
            self.sound.try_send(bytes(&vec![value; count])).is_ok()
        }

        fn until(&mut self, ms: u64) {
            while self.now < ms {
                self.now += 5;
                self.running.advance(SessionTime::from_millis(self.now)).unwrap();
                while let Some(sample) = self.capture.take(1) {
                    self.heard.extend(sample);
                }
            }
        }

        fn heard(&self, value: i16) -> usize {
            self.heard.iter().filter(|&&sample| sample == value).count()
        }
    }

    #[test]
    fn sound_is_taken_when_it_comes() {
        let mut bench = Bench::new();
        for frame in 0..10 {
            bench.arrive(320, frame + 1);
            bench.until(20 * frame as u64 + 5);
            assert_eq!(bench.heard.len(), 320 * (frame as usize + 1), "none of it waits");
            bench.until(20 * (frame as u64 + 1));
        }
        assert_eq!(bench.heard(0), 0);
    }

    #[test]
    fn what_is_missing_for_60_ms_is_silence() {
        let mut bench = Bench::new();
        bench.arrive(320, 1);
        bench.until(80);
        assert_eq!(bench.heard.len(), 320, "it may still come");
        bench.until(85);
        assert_eq!(bench.heard.len(), 320 + 80, "no longer");
        bench.until(1080);
        assert_eq!(bench.heard.len(), 1020 * 16, "as much as time has passed, but for 60 ms");
        bench.arrive(320, 2);
        bench.until(1085);
        assert_eq!(bench.heard[1020 * 16..], [2; 320], "and then the client is heard again");
    }

    #[test]
    fn what_was_held_up_on_its_way_makes_nothing_late() {
        let mut bench = Bench::new();
        bench.arrive(320, 1);
        bench.until(200);
        for _ in 0..9 {
            bench.arrive(320, 1);
        }
        bench.until(205);
        assert_eq!(bench.heard(1), 3200, "all at once");
    }

    #[test]
    fn a_client_faster_than_real_time_is_held_back_and_loses_nothing() {
        let mut bench = Bench::new();
        let mut sent = 0;
        for tick in 1..=400 {
            while sent < 150 && bench.arrive(640, sent + 1) {
                sent += 1;
            }
            bench.until(5 * tick);
            let ahead = bench.heard.len() as i64 - 80 * tick as i64;
            assert!((0..=3200).contains(&ahead), "{ahead} at {tick}");
        }
        assert!(sent < 90, "held back: {sent}");
        for tick in 401..=1200 {
            while sent < 150 && bench.arrive(640, sent + 1) {
                sent += 1;
            }
            bench.until(5 * tick);
        }
        let all: Vec<i16> = (1..=150).flat_map(|value| [value; 640]).collect();
        assert_eq!(bench.heard[..all.len()], all);
    }
}
