//! Moves a stepped clock, and knows when nothing is left to do.
//!
//! Whatever could still happen at the present instant holds a [`Token`]: a task that was woken
//! ([`Scheduled`]), an engine at work. A waker takes the token before it hands on, and a task
//! gives it back after it has handed on, so the count never touches zero in between.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use tokio::sync::Notify;

use super::SessionTime;

/// Moves a stepped [`SessionClock`](super::SessionClock).
#[derive(Debug)]
pub struct Stepper(Arc<Shared>);

impl Stepper {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// Waits until every tracked task waits and no engine works.
    pub async fn quiet(&self) {
        loop {
            let notified = self.0.idle.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            if self.0.busy.load(Ordering::Acquire) == 0 {
                return;
            }
            notified.await;
        }
    }

    /// Moves the clock to `at`, stopping at every timer on the way until all is quiet again.
    pub async fn advance_to(&mut self, at: SessionTime) {
        self.quiet().await;
        while let Some(due) = self.0.fire_next(at) {
            self.0.set(due);
            self.quiet().await;
        }
        self.0.set(at);
    }
}

/// What the clock's handles and its stepper share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    now: AtomicU64,
    busy: AtomicUsize,
    idle: Notify,
    next_timer: AtomicU64,
    timers: Mutex<BTreeMap<(SessionTime, u64), Waker>>,
}

impl Shared {
    pub(super) fn now(&self) -> SessionTime {
        SessionTime::from_nanos(self.now.load(Ordering::Acquire))
    }

    fn set(&self, at: SessionTime) {
        self.now.fetch_max(at.as_nanos(), Ordering::AcqRel);
    }

    pub(super) fn begin(self: &Arc<Self>) -> Token {
        self.busy.fetch_add(1, Ordering::AcqRel);
        Token(Arc::clone(self))
    }

    /// Waits for `at`. The timer is taken off when the wait is given up.
    pub(super) async fn timer(&self, at: SessionTime) {
        let id = self.next_timer.fetch_add(1, Ordering::Relaxed);
        let _registered = Registered { shared: self, key: (at, id) };
        poll_fn(|cx| {
            if self.now() >= at {
                return Poll::Ready(());
            }
            self.timers().insert((at, id), cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Wakes the earliest timer that is due by `limit`, and says when it was due.
    fn fire_next(&self, limit: SessionTime) -> Option<SessionTime> {
        let (due, waker) = {
            let mut timers = self.timers();
            let (&(due, _), _) = timers.first_key_value()?;
            if due > limit {
                return None;
            }
            let (_, waker) = timers.pop_first()?;
            (due, waker)
        };
        self.set(due);
        waker.wake();
        Some(due)
    }

    fn timers(&self) -> MutexGuard<'_, BTreeMap<(SessionTime, u64), Waker>> {
        self.timers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something left to do at the present instant.
#[derive(Debug)]
pub(super) struct Token(Arc<Shared>);

impl Drop for Token {
    fn drop(&mut self) {
        if self.0.busy.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.idle.notify_waiters();
        }
    }
}

struct Registered<'a> {
    shared: &'a Shared,
    key: (SessionTime, u64),
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.shared.timers().remove(&self.key);
    }
}

/// Whether a task could run, kept by standing in for its waker.
pub(super) struct Scheduled {
    shared: Arc<Shared>,
    state: Mutex<State>,
}

struct State {
    /// Of the task's runtime; `None` before the first poll.
    waker: Option<Waker>,
    /// The task is over: a late wake means nothing.
    over: bool,
    /// Held from the wake to the end of the poll that answers it.
    token: Option<Token>,
}

impl Scheduled {
    /// A task that is about to be polled for the first time.
    pub(super) fn new(shared: &Arc<Shared>) -> Arc<Self> {
        let state = State { waker: None, over: false, token: Some(shared.begin()) };
        Arc::new(Self { shared: Arc::clone(shared), state: Mutex::new(state) })
    }

    pub(super) fn poll<F: Future>(
        self: &Arc<Self>,
        cx: &mut Context<'_>,
        future: Pin<&mut F>,
    ) -> Poll<F::Output> {
        let answered = {
            let mut state = self.state();
            state.waker = Some(cx.waker().clone());
            state.token.take()
        };
        let polled = future.poll(&mut Context::from_waker(&Waker::from(Arc::clone(self))));
        drop(answered);
        polled
    }

    /// The task will not be polled again.
    pub(super) fn end(&self) {
        let mut state = self.state();
        state.over = true;
        let (_token, _waker) = (state.token.take(), state.waker.take());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Scheduled {
    fn wake(self: Arc<Self>) {
        let waker = {
            let mut state = self.state();
            if state.token.is_none() && !state.over {
                state.token = Some(self.shared.begin());
            }
            state.waker.clone()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
