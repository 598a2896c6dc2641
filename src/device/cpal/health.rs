//! How a stream fares, told by its own thread without a lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use crossbeam_queue::ArrayQueue;

use crate::device::{DeviceError, Kind};
use crate::time::SessionTime;

/// What the audio thread tells.
#[derive(Debug)]
pub(super) struct Health {
    callbacks: AtomicU64,
    xruns: AtomicU64,
    /// When the first callback ran, plus one, and the last.
    first: AtomicU64,
    last: AtomicU64,
    /// The error that ended it.
    fatal: ArrayQueue<cpal::Error>,
    /// The first of the errors that may pass.
    passing: ArrayQueue<cpal::Error>,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            callbacks: AtomicU64::new(0),
            xruns: AtomicU64::new(0),
            first: AtomicU64::new(0),
            last: AtomicU64::new(0),
            fatal: ArrayQueue::new(1),
            passing: ArrayQueue::new(1),
        }
    }
}

impl Health {
    /// A callback runs. Told by the audio thread alone.
    pub(super) fn called(&self, now: SessionTime) {
        if self.first.load(Ordering::Relaxed) == 0 {
            self.first.store(now.as_nanos() + 1, Ordering::Relaxed);
        }
        self.last.store(now.as_nanos() + 1, Ordering::Release);
        self.callbacks.fetch_add(1, Ordering::Relaxed);
    }

    /// The stream's error callback. An error that may pass is borne while callbacks go on.
    pub(super) fn tell(&self, error: cpal::Error) {
        use cpal::ErrorKind;
        match error.kind() {
            ErrorKind::Xrun => {
                self.xruns.fetch_add(1, Ordering::Relaxed);
            }
            ErrorKind::RealtimeDenied | ErrorKind::DeviceChanged => {}
            ErrorKind::DeviceNotAvailable
            | ErrorKind::HostUnavailable
            | ErrorKind::StreamInvalidated => {
                let _told_already = self.fatal.push(error);
            }
            _ => {
                let _told_already = self.passing.push(error);
            }
        }
    }

    pub(super) fn xruns(&self) -> u64 {
        self.xruns.load(Ordering::Relaxed)
    }
}

/// Watches a stream from the session.
#[derive(Debug)]
pub(super) struct Watch {
    health: Arc<Health>,
    kind: Kind,
    name: String,
    callbacks: u64,
    /// When the last callback was seen.
    alive: Option<SessionTime>,
    /// When it was looked last.
    looked: Option<SessionTime>,
}

impl Watch {
    pub(super) fn new(health: Arc<Health>, kind: Kind, name: String) -> Self {
        Self { health, kind, name, callbacks: 0, alive: None, looked: None }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether callbacks come. The first ones fill a buffer at once, even that of a suspended
    /// device.
    pub(super) fn has_begun(&self) -> bool {
        let last = self.health.last.load(Ordering::Acquire);
        let first = self.health.first.load(Ordering::Relaxed);
        Duration::from_nanos(last.saturating_sub(first)) >= FILLED
    }

    /// Whether the stream still runs.
    ///
    /// # Errors
    ///
    /// When its device is lost, or asks for nothing any more.
    pub(super) fn look(&mut self, now: SessionTime) -> Result<(), DeviceError> {
        if let Some(error) = self.health.fatal.pop() {
            return Err(super::failed(self.kind, &self.name, &error));
        }
        let callbacks = self.health.callbacks.load(Ordering::Relaxed);
        let before = std::mem::replace(&mut self.callbacks, callbacks);
        // Time that nobody looked at, as when the program was suspended, says nothing of the device.
        let unseen = now.since(self.looked.replace(now).unwrap_or(now));
        let unseen = if unseen > UNSEEN { unseen } else { Duration::ZERO };
        let alive = *self.alive.insert(self.alive.unwrap_or(now) + unseen);
        if callbacks != before {
            self.alive = Some(now);
            self.health.passing.pop();
        } else if now.since(alive) > BORNE
            && let Some(error) = self.health.passing.pop()
        {
            return Err(super::broken(self.kind, &self.name, &error));
        } else if now.since(alive) > if callbacks > 0 { STALLED } else { NEVER_BEGUN } {
            return Err(DeviceError::StandsStill { kind: self.kind, name: self.name.clone() });
        }
        Ok(())
    }

    pub(super) fn xruns(&self) -> u64 {
        self.health.xruns()
    }
}

/// A stream that can always be dropped: a lost device may never let go of its thread, which is
/// then left behind.
pub(super) struct Closing(Option<cpal::Stream>);

impl Closing {
    pub(super) const fn new(stream: cpal::Stream) -> Self {
        Self(Some(stream))
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        let Some(stream) = self.0.take() else { return };
        let (done, closed) = mpsc::sync_channel(1);
        let closing = std::thread::Builder::new().name("closes a stream".to_owned());
        let _left_behind = closing.spawn(move || {
            drop(stream);
            let _late = done.try_send(());
        });
        if closed.recv_timeout(RETURN).is_err() {
            tracing::warn!("a sound device does not close");
        }
    }
}

/// A port in the hands of an audio thread. It comes home when the thread's closure is dropped.
#[derive(Debug)]
pub(super) struct Lent<P> {
    port: Option<P>,
    home: mpsc::SyncSender<P>,
}

/// Where a port comes home to.
#[derive(Debug)]
pub(super) struct Home<P>(mpsc::Receiver<P>);

/// Lends a port.
pub(super) fn lend<P>(port: P) -> (Lent<P>, Home<P>) {
    let (home, came) = mpsc::sync_channel(1);
    (Lent { port: Some(port), home }, Home(came))
}

impl<P> Lent<P> {
    pub(super) const fn port(&mut self) -> Option<&mut P> {
        self.port.as_mut()
    }
}

impl<P> Drop for Lent<P> {
    fn drop(&mut self) {
        if let Some(port) = self.port.take() {
            let _gone = self.home.try_send(port);
        }
    }
}

impl<P> Home<P> {
    /// The port, once its stream was dropped; `None` if its thread was left behind with it.
    pub(super) fn take(&self) -> Option<P> {
        self.0.recv_timeout(RETURN).ok()
    }
}

/// A buffer is filled within less time than this, and then callbacks come as it is played.
const FILLED: Duration = Duration::from_millis(30);

/// For so long a stream may have nothing but errors.
const BORNE: Duration = Duration::from_millis(500);

/// A server's first callback may take two seconds.
const NEVER_BEGUN: Duration = Duration::from_secs(5);

/// A stream that ran and then rests for longer is suspended, or dead. Callbacks come every 10 ms;
/// on a starved machine they may come late by half a second.
const STALLED: Duration = Duration::from_millis(1_500);

/// A session looks every 5 ms; one that was held up is looked after at once.
const UNSEEN: Duration = Duration::from_millis(200);

/// A stream ends within some milliseconds.
const RETURN: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn watch() -> (Arc<Health>, Watch) {
        let health = Arc::<Health>::default();
        (Arc::clone(&health), Watch::new(health, Kind::Speaker, "headset".to_owned()))
    }

    fn at(ms: u64) -> SessionTime {
        SessionTime::from_millis(ms)
    }

    /// The first look that fails, of one every 5 ms.
    fn fails(watch: &mut Watch, ms: std::ops::Range<u64>) -> Option<u64> {
        ms.step_by(5).find(|&ms| watch.look(at(ms)).is_err())
    }

    #[test]
    fn a_stream_that_stands_still_is_told_after_a_second_and_a_half() {
        let (health, mut watch) = watch();
        health.called(at(0));
        assert_eq!(fails(&mut watch, 0..10_000), Some(1_505));
    }

    #[test]
    fn a_stream_may_take_5_s_to_begin() {
        let (_health, mut watch) = watch();
        assert!(!watch.has_begun());
        assert_eq!(fails(&mut watch, 0..10_000), Some(5_005));
    }

    #[test]
    fn a_stream_whose_buffer_was_filled_has_not_begun_before_it_moves() {
        let (health, watch) = watch();
        for ms in [100, 101] {
            health.called(at(ms));
        }
        assert!(!watch.has_begun());
        health.called(at(131));
        assert!(watch.has_begun());
    }

    #[test]
    fn time_in_which_the_program_was_suspended_does_not_count_against_its_devices() {
        let (health, mut watch) = watch();
        health.called(at(0));
        assert_eq!(fails(&mut watch, 0..1_000), None);
        assert!(watch.look(at(60_000)).is_ok(), "a minute that nobody saw");
        assert_eq!(fails(&mut watch, 60_005..60_500), None);
        health.called(at(60_500));
        assert_eq!(fails(&mut watch, 60_500..80_000), Some(62_005));
    }

    #[test]
    fn a_dead_stream_is_found_by_a_machine_that_is_often_late_as_well() {
        let (health, mut watch) = watch();
        health.called(at(0));
        let looks = (0..20_000).step_by(5).filter(|ms| ms % 1000 >= 300);
        let fails = looks.into_iter().find(|&ms| watch.look(at(ms)).is_err());
        assert!(fails.is_some_and(|ms| (2_000..3_000).contains(&ms)), "{fails:?}");
    }
}
