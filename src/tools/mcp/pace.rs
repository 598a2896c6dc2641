//! How fast a server is listened to: one that floods holds up itself alone.

use std::time::Duration;

use crate::time::{SessionClock, SessionTime};

/// A budget of messages: 1,000 at once, and 1,000 more each second.
#[derive(Debug)]
pub(super) struct Pace {
    clock: SessionClock,
    /// When all that was taken is paid for.
    paid: SessionTime,
}

impl Pace {
    pub(super) fn new(clock: SessionClock) -> Self {
        let paid = clock.now();
        Self { clock, paid }
    }

    /// Notes that `messages` came.
    pub(super) fn took(&mut self, messages: u32) {
        self.paid = self.paid.max(self.clock.now()) + EACH * messages;
    }

    /// Waits until more may come. Dropping it changes nothing.
    pub(super) async fn ready(&self) {
        let behind = self.paid.since(self.clock.now());
        if behind > BURST {
            self.clock.sleep(behind - BURST).await;
        }
    }
}

const EACH: Duration = Duration::from_millis(1);
const BURST: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_taken_at_once_and_a_flood_at_its_pace() {
        let clock = SessionClock::live();
        let began = clock.now();
        let mut pace = Pace::new(clock.clone());
        for _ in 0..1000 {
            pace.ready().await;
            pace.took(1);
        }
        assert_eq!(clock.now().since(began), Duration::ZERO);
        for _ in 0..3000 {
            pace.ready().await;
            pace.took(1);
        }
        let took = clock.now().since(began);
        assert!((2990..3010).contains(&took.as_millis()), "{took:?}");
    }
}
