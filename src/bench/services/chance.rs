//! Chance that is the same each time.

use std::time::Duration;

use super::Service;

/// What happens by chance to one request. It hangs on the seed, the caller and the number of the
/// caller's request alone, not on what other callers do meanwhile.
#[derive(Debug)]
pub(super) struct Chance(fastrand::Rng);

impl Chance {
    pub(super) fn new(seed: u64, caller: &str, service: Service, request: u64) -> Self {
        Self::of(seed, caller, service as u8, request)
    }

    /// What happens by chance in one call over a socket.
    pub(super) fn of_call(seed: u64, caller: &str, call: u64) -> Self {
        Self::of(seed, caller, u8::MAX, call)
    }

    fn of(seed: u64, caller: &str, service: u8, number: u64) -> Self {
        let bytes = seed.to_le_bytes().into_iter().chain(number.to_le_bytes());
        let bytes = bytes.chain([service]).chain(caller.bytes());
        // FNV-1a: every byte counts, and the same bytes give the same seed on every machine.
        let mixed = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
        Self(fastrand::Rng::with_seed(mixed))
    }

    /// Whether what has this probability happens.
    pub(super) fn strikes(&mut self, probability: f64) -> bool {
        self.0.f64() < probability
    }

    /// `delay`, longer or shorter by at most the part `jitter` of it.
    pub(super) fn vary(&mut self, delay: Duration, jitter: f64) -> Duration {
        if jitter <= 0.0 {
            return delay;
        }
        delay.mul_f64((1.0 + jitter.min(1.0) * (2.0 * self.0.f64() - 1.0)).max(0.0))
    }

    /// A name that no other request has.
    pub(super) fn id(&mut self) -> String {
        format!("{:016x}", self.0.u64(..))
    }
}
