//! Moves a stepped clock, and knows when nothing is left to do.
//!
//! A task that could run at the present instant holds a token ([`Scheduled`]), and so does an
//! engine at work ([`Work`](super::Work)). A waker takes the token before it hands on, and a
//! task gives it back after it has handed on, so the count never touches zero in between.
//!
//! ```text
//! a task could run    the clock stands still
//! an engine works     the clock passes as on the wall
//! neither             the clock leaps to the next instant that somebody waits for
//! ```

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::SessionTime;

/// Moves a stepped [`SessionClock`](super::SessionClock).
#[derive(Debug)]
pub struct Stepper {
    shared: Arc<Shared>,
    /// When the engines that are at work began, on the wall and on the clock.
    began: Option<(Instant, SessionTime)>,
}

impl Stepper {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, began: None }
    }

    /// Waits until every tracked task waits.
    pub async fn settle(&self) {
        self.shared.until(|| self.shared.tasks.load(Ordering::Acquire) == 0).await;
    }

    /// Moves the clock to `at`, stopping at every timer on the way until all tasks wait again.
    /// While an engine works, that takes as long as on the wall.
    pub async fn advance_to(&mut self, at: SessionTime) {
        loop {
            self.settle().await;
            let now = self.shared.now();
            let next = self.shared.next_timer().map_or(at, |timer| timer.min(at)).max(now);
            self.pass(next).await;
            let fired = self.shared.fire(self.shared.now());
            if !fired && self.shared.now() >= at {
                self.settle().await;
                return;
            }
        }
    }

    /// Moves the clock towards `next`: at once if no engine works, else with the wall, until it
    /// is reached or the engines have finished.
    async fn pass(&mut self, next: SessionTime) {
        let idle = || self.shared.engines.load(Ordering::Acquire) == 0;
        if idle() {
            self.began = None;
            self.shared.set(next);
            return;
        }
        let (wall, clock) = *self.began.get_or_insert_with(|| (wall(), self.shared.now()));
        self.shared.follow(wall, clock, next);
        tokio::select! {
            biased;
            () = self.shared.until(idle) => {}
            () = tokio::time::sleep_until(wall + next.since(clock)) => {}
        }
        let now = self.shared.now();
        self.shared.set(now);
    }
}

#[expect(clippy::disallowed_methods, reason = "how long an engine works is a matter of the wall")]
fn wall() -> Instant {
    Instant::now()
}

/// What the clock's handles and its stepper share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    tasks: AtomicUsize,
    engines: AtomicUsize,
    /// One of the counts has become zero.
    quiet: Notify,
    now: Mutex<Now>,
    next_timer: AtomicU64,
    timers: Mutex<BTreeMap<(SessionTime, u64), Waker>>,
}

#[derive(Clone, Copy, Debug)]
enum Now {
    At(SessionTime),
    /// With the wall, from an instant that both have, up to a limit.
    Following {
        wall: Instant,
        clock: SessionTime,
        limit: SessionTime,
    },
}

impl Default for Now {
    fn default() -> Self {
        Self::At(SessionTime::ZERO)
    }
}

impl Shared {
    pub(super) fn now(&self) -> SessionTime {
        match *lock(&self.now) {
            Now::At(at) => at,
            Now::Following { wall: from, clock, limit } => limit.min(clock + (wall() - from)),
        }
    }

    fn set(&self, at: SessionTime) {
        *lock(&self.now) = Now::At(at);
    }

    fn follow(&self, wall: Instant, clock: SessionTime, limit: SessionTime) {
        *lock(&self.now) = Now::Following { wall, clock, limit };
    }

    /// An engine begins to work.
    pub(super) fn begin(self: &Arc<Self>) -> Token {
        self.engines.fetch_add(1, Ordering::AcqRel);
        Token { shared: Arc::clone(self), holder: Holder::Engine }
    }

    fn schedule(self: &Arc<Self>) -> Token {
        self.tasks.fetch_add(1, Ordering::AcqRel);
        Token { shared: Arc::clone(self), holder: Holder::Task }
    }

    async fn until(&self, reached: impl Fn() -> bool) {
        loop {
            let notified = self.quiet.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            if reached() {
                return;
            }
            notified.await;
        }
    }

    /// Waits for `at`. The timer is taken off when the wait is given up.
    pub(super) async fn timer(&self, at: SessionTime) {
        let id = self.next_timer.fetch_add(1, Ordering::Relaxed);
        let _registered = Registered { shared: self, key: (at, id) };
        poll_fn(|cx| {
            if self.now() >= at {
                return Poll::Ready(());
            }
            lock(&self.timers).insert((at, id), cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn next_timer(&self) -> Option<SessionTime> {
        lock(&self.timers).first_key_value().map(|(&(at, _), _)| at)
    }

    /// Wakes the timers that are due, and says whether there was one.
    fn fire(&self, now: SessionTime) -> bool {
        let due: Vec<Waker> = {
            let mut timers = lock(&self.timers);
            let later = timers.split_off(&(now, u64::MAX));
            std::mem::replace(&mut *timers, later).into_values().collect()
        };
        let fired = !due.is_empty();
        due.into_iter().for_each(Waker::wake);
        fired
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Something left to do at the present instant.
#[derive(Debug)]
pub(super) struct Token {
    shared: Arc<Shared>,
    holder: Holder,
}

#[derive(Clone, Copy, Debug)]
enum Holder {
    Task,
    Engine,
}

impl Drop for Token {
    fn drop(&mut self) {
        let count = match self.holder {
            Holder::Task => &self.shared.tasks,
            Holder::Engine => &self.shared.engines,
        };
        if count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.shared.quiet.notify_waiters();
        }
    }
}

struct Registered<'a> {
    shared: &'a Shared,
    key: (SessionTime, u64),
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        lock(&self.shared.timers).remove(&self.key);
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
        let state = State { waker: None, over: false, token: Some(shared.schedule()) };
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
        lock(&self.state)
    }
}

impl Wake for Scheduled {
    fn wake(self: Arc<Self>) {
        let waker = {
            let mut state = self.state();
            if state.token.is_none() && !state.over {
                state.token = Some(self.shared.schedule());
            }
            state.waker.clone()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
