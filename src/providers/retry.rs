//! When a model is asked again that failed: one rule, whoever asks.
//!
//! ```text
//! ProviderError ─▶ RetryPolicy::pause ─▶ budget ─▶ how long to wait, or nothing: it has failed
//! ```
//!
//! Only what has given nothing yet is asked again: no answer is said twice. A session's answers are
//! asked for by its stage, which tells each retry as an event; everybody else may use
//! [`Retries::stream`].

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt, stream};

use super::{Provider, ProviderError, ProviderEvent, ProviderRequest, ProviderStream, RetryAdvice};
use crate::error::Recovery;
use crate::time::SessionClock;

/// How often a request is tried again, and after how long. The defaults are for somebody who
/// listens to silence meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How often: once by default.
    pub retries: u32,
    /// The longest pause before the first retry: 250 ms by default. It doubles with each one, and
    /// chance makes it up to half as short, so that many callers do not come back at once.
    pub first: Duration,
    /// The longest pause of all: 2 s by default. A service that wants a longer one is not asked
    /// again.
    pub longest: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { retries: 1, first: Duration::from_millis(250), longest: Duration::from_secs(2) }
    }
}

impl RetryPolicy {
    /// How long to wait before the retry of this number, from 0, of what failed so; `None` if there
    /// is to be none. `chance` is from 0 to 1.
    ///
    /// What a service advises is waited for, and up to `first` longer, never shorter.
    #[must_use]
    pub fn pause(&self, number: u32, error: &ProviderError, chance: f64) -> Option<Duration> {
        let (Recovery::RetryAfter(_), true) = (error.recovery(), number < self.retries) else {
            return None;
        };
        let chance = chance.clamp(0.0, 1.0);
        match error.advice {
            RetryAdvice::After(advised) if advised > self.longest => None,
            RetryAdvice::After(advised) => Some(advised + self.first.mul_f64(chance)),
            _ => {
                let doubled =
                    self.first.saturating_mul(1u32.checked_shl(number).unwrap_or(u32::MAX));
                Some(doubled.min(self.longest).mul_f64(1.0 - chance / 2.0))
            }
        }
    }
}

/// What bounds the retries of all who share it: a service that is down must not be asked twice as
/// often as one that is well.
///
/// Ten retries may be made ahead; each answer earns a tenth of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryBudget {
    tenths: u32,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self { tenths: MOST_TENTHS }
    }
}

impl RetryBudget {
    /// There was an answer.
    pub fn earn(&mut self) {
        self.tenths = (self.tenths + 1).min(MOST_TENTHS);
    }

    /// Whether a retry may be made, which it then has cost.
    pub fn spend(&mut self) -> bool {
        let left = self.tenths.checked_sub(10);
        self.tenths = left.unwrap_or(self.tenths);
        left.is_some()
    }
}

/// A policy, and the budget of all who share it. A clone shares it.
#[derive(Clone, Debug, Default)]
pub struct Retries {
    policy: RetryPolicy,
    shared: Arc<Mutex<Shared>>,
    /// How many were made, for whoever counts.
    made: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct Shared {
    budget: RetryBudget,
    /// Of the chance in pauses.
    seed: u64,
}

impl Retries {
    /// A whole budget under this policy.
    #[must_use]
    pub fn new(policy: RetryPolicy) -> Self {
        Self { policy, ..Self::default() }
    }

    /// The same with other chance: processes that share a service should have different seeds. By
    /// default it is 0, and the pauses are the same in each run.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        self.shared().seed = seed;
        self
    }

    /// The same, with the same budget, under another policy.
    #[must_use]
    pub fn with_policy(self, policy: RetryPolicy) -> Self {
        Self { policy, ..self }
    }

    /// The same, with the same budget, counted there.
    pub(super) fn counted_by(self, made: Arc<AtomicU64>) -> Self {
        Self { made, ..self }
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> RetryPolicy {
        self.policy
    }

    /// How long to wait before the retry of this number, from 0; `None` if there is to be none, by
    /// the policy or because the budget is used up. The retry has then been paid for.
    #[must_use]
    pub fn pause(&self, number: u32, error: &ProviderError) -> Option<Duration> {
        let mut shared = self.shared();
        let pause = self.policy.pause(number, error, chance(&mut shared.seed))?;
        let paid = shared.budget.spend();
        self.made.fetch_add(paid.into(), Ordering::Relaxed);
        paid.then_some(pause)
    }

    /// There was an answer.
    pub fn answered(&self) {
        self.shared().budget.earn();
    }

    /// Asks, and asks again while the provider fails before it has given anything.
    /// Must be called within a Tokio runtime.
    #[must_use]
    pub fn stream(&self, provider: Arc<dyn Provider>, request: ProviderRequest) -> ProviderStream {
        let answer = provider.stream(request.clone());
        let (retries, clock) = (self.clone(), SessionClock::live());
        let trying = Trying { retries, provider, request, clock, answer, number: Some(0) };
        Box::pin(stream::unfold(trying, |mut trying| async move {
            let event = trying.next().await?;
            Some((event, trying))
        }))
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An answer that is tried for.
struct Trying {
    retries: Retries,
    provider: Arc<dyn Provider>,
    request: ProviderRequest,
    clock: SessionClock,
    answer: ProviderStream,
    /// Of the next retry; `None` once something was given.
    number: Option<u32>,
}

impl Trying {
    async fn next(&mut self) -> Option<Result<ProviderEvent, ProviderError>> {
        loop {
            let error = match self.answer.next().await? {
                Ok(event) => {
                    match &event {
                        ProviderEvent::Finished { .. } => self.retries.answered(),
                        ProviderEvent::TextDelta(text) if text.is_empty() => {}
                        _ => self.number = None,
                    }
                    return Some(Ok(event));
                }
                Err(error) => error,
            };
            let pause = self.number.and_then(|number| self.retries.pause(number, &error));
            let Some(pause) = pause else { return Some(Err(error)) };
            tracing::debug!(provider = self.provider.name(), %error, ?pause, "tries again");
            self.number = self.number.map(|number| number + 1);
            self.clock.sleep(pause).await;
            self.answer = self.provider.stream(self.request.clone());
        }
    }
}

/// The next number from 0 to 1 (SplitMix64, by Steele, Lea and Flood, 2014).
fn chance(seed: &mut u64) -> f64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*seed ^ (*seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

/// Ten retries, in tenths.
const MOST_TENTHS: u32 = 100;

#[cfg(test)]
mod tests;
