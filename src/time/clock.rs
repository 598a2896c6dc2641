//! The clock of a session, and what keeps it from leaping on.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use super::SessionTime;
use super::stepper::{Scheduled, Shared, Stepper};

/// Reads [`SessionTime`] and waits for it.
///
/// Cloning gives another handle to the same clock.
#[derive(Clone, Debug)]
pub struct SessionClock(Source);

#[derive(Clone, Debug)]
enum Source {
    Live(Instant),
    Stepped(Arc<Shared>),
}

impl SessionClock {
    /// A clock in real time, zero now.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    #[must_use]
    pub fn live() -> Self {
        Self(Source::Live(Instant::now()))
    }

    /// A clock that stands at zero until its [`Stepper`] moves it.
    #[must_use]
    pub fn stepped() -> (Self, Stepper) {
        let shared = Arc::new(Shared::default());
        (Self(Source::Stepped(Arc::clone(&shared))), Stepper::new(shared))
    }

    /// The time now.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    #[must_use]
    pub fn now(&self) -> SessionTime {
        match &self.0 {
            Source::Live(epoch) => SessionTime::ZERO + (Instant::now() - *epoch),
            Source::Stepped(shared) => shared.now(),
        }
    }

    /// Waits until `at`; returns at once if it has passed.
    pub async fn sleep_until(&self, at: SessionTime) {
        match &self.0 {
            Source::Live(epoch) => {
                tokio::time::sleep_until(*epoch + at.since(SessionTime::ZERO)).await;
            }
            Source::Stepped(shared) => shared.timer(at).await,
        }
    }

    /// Waits for `duration`.
    pub async fn sleep(&self, duration: Duration) {
        self.sleep_until(self.now() + duration).await;
    }

    /// Runs `future`, but not longer than `limit`: `None` when the time is up.
    pub async fn timeout<F: Future>(&self, limit: Duration, future: F) -> Option<F::Output> {
        tokio::select! {
            biased;
            output = future => Some(output),
            () = self.sleep(limit) => None,
        }
    }

    /// Keeps a stepped clock from leaping until the returned value is dropped: an engine works,
    /// and what it takes counts.
    ///
    /// Costs nothing on a live clock.
    pub fn work(&self) -> Work {
        Work(match &self.0 {
            Source::Live(_) => None,
            Source::Stepped(shared) => Some(shared.begin()),
        })
    }

    /// Awaits `future` as the [`work`](Self::work) of an engine.
    pub async fn during<F: Future>(&self, future: F) -> F::Output {
        let _work = self.work();
        future.await
    }

    /// Makes `future` hold a stepped clock whenever it could run. Every task of a session is
    /// tracked, so that the clock moves only when all of them wait.
    pub fn track<F: Future>(&self, future: F) -> Tracked<F> {
        let scheduled = match &self.0 {
            Source::Live(_) => None,
            Source::Stepped(shared) => Some(Scheduled::new(shared)),
        };
        Tracked { future: Box::pin(future), scheduled }
    }
}

/// The work of an engine, for as long as it lives. See [`SessionClock::work`].
#[derive(Debug, Default)]
#[must_use = "dropping it ends the work"]
pub struct Work(#[expect(dead_code, reason = "held for its drop")] Option<super::stepper::Token>);

/// A future that holds a stepped clock whenever it could run. See [`SessionClock::track`].
pub struct Tracked<F> {
    future: Pin<Box<F>>,
    scheduled: Option<Arc<Scheduled>>,
}

impl<F> std::fmt::Debug for Tracked<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tracked").finish_non_exhaustive()
    }
}

impl<F> Drop for Tracked<F> {
    fn drop(&mut self) {
        if let Some(scheduled) = &self.scheduled {
            scheduled.end();
        }
    }
}

impl<F: Future> Future for Tracked<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        match &this.scheduled {
            None => this.future.as_mut().poll(cx),
            Some(scheduled) => scheduled.poll(cx, this.future.as_mut()),
        }
    }
}
