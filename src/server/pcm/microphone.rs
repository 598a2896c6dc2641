//! A microphone at the other end of a socket. Sound is taken as it comes: see [`Arrivals`].

use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::sync::mpsc;

use super::frames::samples;
use super::signal::{Coming, Signal, Told};
use crate::audio::SampleRate;
use crate::device::{Arrivals, CapturePort, Comes, DeviceError, Microphone, Running};
use crate::time::{SessionClock, SessionTime};

/// What a client is heard by.
#[derive(Debug)]
pub(super) struct SocketMicrophone {
    queue: mpsc::Receiver<Coming>,
    told: Box<dyn Told>,
}

impl SocketMicrophone {
    /// The microphone, and where the pieces of sound go, whole samples each, and what the client
    /// says of them: it is `told` when they are taken. They wait there until then.
    pub(super) fn new(told: impl Told) -> (Self, mpsc::Sender<Coming>) {
        let (sound, queue) = mpsc::channel(PIECES);
        (Self { queue, told: Box::new(told) }, sound)
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
        let Self { queue, told } = *self;
        let (queue, next) = (Some(queue), None);
        Ok(Box::new(Hearing { queue, told, next, place: Arrivals::new(port, RATE) }))
    }
}

#[derive(Debug)]
struct Hearing {
    /// `None` when nothing will come any more.
    queue: Option<mpsc::Receiver<Coming>>,
    told: Box<dyn Told>,
    /// What is taken next; of a piece of sound, what is left of it.
    next: Option<Coming>,
    place: Arrivals,
}

impl Running for Hearing {
    fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError> {
        self.take(now);
        self.place.be_silent(now);
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
        let Some(queue) = self.queue.as_mut().filter(|_| self.next.is_none()) else {
            return Poll::Pending;
        };
        match ready!(queue.poll_recv(context)) {
            Some(next) => {
                self.next = Some(next);
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
    /// Takes what has come, as far as there is room for it now.
    fn take(&mut self, now: SessionTime) {
        loop {
            let room = self.place.room(now);
            if room == 0 {
                return;
            }
            let next = self.next.take();
            let next = next.or_else(|| self.queue.as_mut().and_then(|queue| queue.try_recv().ok()));
            match next {
                Some(Coming::Sound(piece)) => self.take_sound(piece, room),
                Some(Coming::Signal(signal)) => self.tell(signal),
                None => return,
            }
        }
    }

    fn take_sound(&mut self, mut piece: Bytes, room: usize) {
        let mut block = [0; BLOCK];
        let most = room.min(BLOCK);
        let mut count = 0;
        for (place, sample) in block[..most].iter_mut().zip(samples(&piece)) {
            *place = sample;
            count += 1;
        }
        piece.advance(2 * count);
        if !piece.is_empty() {
            self.next = Some(Coming::Sound(piece));
        }
        self.place.take(&block[..count]);
    }

    /// It is about the sound so far, to the last whole frame of a voice detector: what is behind
    /// that is looked at with the next sound, which the client may not send soon.
    fn tell(&mut self, signal: Signal) {
        self.told.tell(signal, self.place.heard() - FRAME);
    }
}

const RATE: SampleRate = SampleRate::SPEECH;

/// The longest frame of a voice detector at 16 kHz: 512 samples.
const FRAME: Duration = Duration::from_millis(32);

/// Pieces that wait, of at most 40 ms: 1.3 s.
const PIECES: usize = 32;

const BLOCK: usize = 640;

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::super::frames::bytes;
    use super::*;
    use crate::device::{Capture, capture_port};

    impl Told for Arc<Mutex<Vec<(Signal, SessionTime)>>> {
        fn tell(&self, signal: Signal, at: SessionTime) {
            self.lock().unwrap().push((signal, at));
        }
    }

    /// A microphone that is looked at every 5 ms.
    struct Bench {
        sound: mpsc::Sender<Coming>,
        told: Arc<Mutex<Vec<(Signal, SessionTime)>>>,
        running: Box<dyn Running>,
        capture: Capture,
        now: u64,
        heard: Vec<i16>,
    }

    impl Bench {
        fn new() -> Self {
            let told = Arc::<Mutex<Vec<_>>>::default();
            let (microphone, sound) = SocketMicrophone::new(Arc::clone(&told));
            let (port, capture) = capture_port(RATE);
            let (clock, _stepper) = SessionClock::stepped();
            let running = Box::new(microphone).start(port, &clock).unwrap();
            Self { sound, told, running, capture, now: 0, heard: Vec::new() }
        }

        /// This many samples arrive, each of this value.
        fn arrive(&self, count: usize, value: i16) -> bool {
            self.sound.try_send(Coming::Sound(bytes(&vec![value; count]))).is_ok()
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
    fn a_signal_is_told_when_the_sound_before_it_was_taken_and_says_where_in_it() {
        let mut bench = Bench::new();
        let signal = |signal| bench.sound.try_send(Coming::Signal(signal)).unwrap();
        bench.arrive(1600, 1);
        signal(Signal::SpeechStarted);
        (0..10).for_each(|_| assert!(bench.arrive(640, 2)));
        signal(Signal::SpeechEnded);
        bench.until(5);
        let started = (Signal::SpeechStarted, SessionTime::from_millis(100 - 32));
        assert_eq!(*bench.told.lock().unwrap(), [started], "205 ms were taken");
        bench.until(300);
        let ended = (Signal::SpeechEnded, SessionTime::from_millis(500 - 32));
        assert_eq!(*bench.told.lock().unwrap(), [started], "500 ms were taken, and no more");
        bench.until(305);
        assert_eq!(*bench.told.lock().unwrap(), [started, ended]);
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
