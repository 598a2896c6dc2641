//! A microphone in the hands of a program: what it sends is heard.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::CallError;
use crate::audio::{AudioChunk, Resampler, SampleRate};
use crate::device::{Arrivals, CapturePort, Comes, DeviceError, Microphone, Running};
use crate::time::{SessionClock, SessionTime};

/// Sound on its way.
#[derive(Debug)]
enum Coming {
    Sound(Piece),
    /// No more comes.
    End,
}

/// A piece of sound, and the room that it takes until it is heard.
#[derive(Debug)]
struct Piece {
    samples: Vec<i16>,
    taken: usize,
    _room: OwnedSemaphorePermit,
}

/// The program's end.
#[derive(Clone, Debug)]
pub(super) struct Voice {
    queue: mpsc::Sender<Coming>,
    /// In milliseconds.
    room: Arc<Semaphore>,
    rate: SampleRate,
    resampling: Arc<Mutex<Option<(SampleRate, Resampler)>>>,
}

/// The session's end.
#[derive(Debug)]
pub(super) struct CallMicrophone {
    queue: mpsc::Receiver<Coming>,
    room: Arc<Semaphore>,
    rate: SampleRate,
}

/// The two ends, for a microphone of this rate.
pub(super) fn microphone(rate: SampleRate) -> (Voice, CallMicrophone) {
    let (sender, queue) = mpsc::channel(PIECES);
    let room = Arc::new(Semaphore::new(ROOM));
    let resampling = Arc::default();
    let microphone = CallMicrophone { queue, room: Arc::clone(&room), rate };
    (Voice { queue: sender, room, rate, resampling }, microphone)
}

impl Voice {
    /// Sends sound, and waits while a second of it waits.
    pub(super) async fn send(&self, sound: &AudioChunk) -> Result<(), CallError> {
        for samples in self.pieces(sound)? {
            let room = Arc::clone(&self.room).acquire_many_owned(self.room_of(&samples));
            let room = room.await.map_err(|_closed| CallError::Over)?;
            let piece = Coming::Sound(Piece { samples, taken: 0, _room: room });
            self.queue.send(piece).await.map_err(|_gone| CallError::Over)?;
        }
        Ok(())
    }

    /// Sends sound if there is room for all of it.
    pub(super) fn try_send(&self, sound: &AudioChunk) -> Result<(), CallError> {
        if self.queue.is_closed() {
            return Err(CallError::Over);
        }
        let ms = self.rate.samples(sound.duration()) * 1_000 / u64::from(self.rate.hz());
        // What the resampler holds comes with it, and each piece may be rounded.
        let most = usize::try_from(ms).unwrap_or(usize::MAX).saturating_add(MARGIN);
        let pieces = most / PIECE_MS + 2;
        if self.room.available_permits() < most || self.queue.capacity() < pieces {
            return Err(CallError::Full);
        }
        for samples in self.pieces(sound)? {
            let room = Arc::clone(&self.room).try_acquire_many_owned(self.room_of(&samples));
            let room = room.map_err(|_full| CallError::Full)?;
            let piece = Coming::Sound(Piece { samples, taken: 0, _room: room });
            self.queue.try_send(piece).map_err(|_full| CallError::Full)?;
        }
        Ok(())
    }

    /// No more comes.
    pub(super) async fn end(&self) {
        // Who is gone hears nothing more anyway.
        let _gone = self.queue.send(Coming::End).await;
    }

    /// The sound at the call's rate, in pieces.
    fn pieces(&self, sound: &AudioChunk) -> Result<Vec<Vec<i16>>, CallError> {
        let mut resampling = self.resampling.lock().unwrap_or_else(PoisonError::into_inner);
        let mut samples = Vec::new();
        let resampler = match &mut *resampling {
            Some((from, resampler)) if *from == sound.rate() => resampler,
            other => {
                let new = Resampler::new(sound.rate(), self.rate)?;
                if let Some((_, mut before)) = other.take() {
                    before.flush(&mut samples);
                }
                &mut other.insert((sound.rate(), new)).1
            }
        };
        resampler.process(sound.samples(), &mut samples);
        let length = (self.rate.hz() as usize * PIECE_MS / 1_000).max(1);
        Ok(samples.chunks(length).map(<[i16]>::to_vec).collect())
    }

    /// In whole milliseconds, at least one.
    fn room_of(&self, samples: &[i16]) -> u32 {
        let ms = samples.len() * 1_000 / self.rate.hz() as usize;
        u32::try_from(ms.clamp(1, ROOM)).unwrap_or(1)
    }
}

impl Microphone for CallMicrophone {
    fn name(&self) -> String {
        "the program".to_owned()
    }

    fn rate(&self) -> SampleRate {
        self.rate
    }

    fn start(
        self: Box<Self>,
        port: CapturePort,
        _clock: &SessionClock,
    ) -> Result<Box<dyn Running>, DeviceError> {
        let Self { queue, room, rate } = *self;
        let place = Some(Arrivals::new(port, rate));
        Ok(Box::new(Hearing { queue, room: Closing(room), next: None, place }))
    }
}

/// Nobody waits for room where nothing is heard any more.
#[derive(Debug)]
struct Closing(Arc<Semaphore>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[derive(Debug)]
struct Hearing {
    queue: mpsc::Receiver<Coming>,
    room: Closing,
    /// What is taken next, or what is left of it.
    next: Option<Coming>,
    /// `None` when the program has ended its sound.
    place: Option<Arrivals>,
}

impl Running for Hearing {
    fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError> {
        while let Some(place) = &mut self.place {
            let room = place.room(now);
            if room == 0 {
                break;
            }
            match self.next.take().or_else(|| self.queue.try_recv().ok()) {
                Some(Coming::Sound(mut piece)) => {
                    let rest = &piece.samples[piece.taken..];
                    let count = rest.len().min(room);
                    place.take(&rest[..count]);
                    piece.taken += count;
                    if piece.taken < piece.samples.len() {
                        self.next = Some(Coming::Sound(piece));
                    }
                }
                Some(Coming::End) => self.end(),
                None => break,
            }
        }
        if let Some(place) = &mut self.place {
            place.be_silent(now);
        }
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
        if self.next.is_some() || self.place.is_none() {
            return Poll::Pending;
        }
        match ready!(self.queue.poll_recv(context)) {
            Some(next) => {
                self.next = Some(next);
                Poll::Ready(())
            }
            // Nobody is left who could send: silence, until the call is ended.
            None => Poll::Pending,
        }
    }
}

impl Hearing {
    /// The microphone ends with what was sent.
    fn end(&mut self) {
        self.place = None;
        self.queue.close();
        self.room.0.close();
    }
}

/// How much sound may wait, in milliseconds: a second.
const ROOM: usize = 1_000;

/// The longest piece, in milliseconds.
const PIECE_MS: usize = 100;

/// What a resampler holds back, and what rounding makes of pieces, in milliseconds.
const MARGIN: usize = 20;

/// Pieces that wait. They may be shorter than a millisecond.
const PIECES: usize = 1_024;

#[cfg(test)]
mod tests;
