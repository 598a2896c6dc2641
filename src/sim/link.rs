//! What lies between the agent and its services: when does which byte arrive?

use std::time::Duration;

use super::dice::Dice;
use crate::time::SessionTime;

/// A way through a network, the same in both directions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    /// From one end to the other: none by default.
    pub latency: Duration,
    /// What a piece may take longer than that, by chance: nothing by default. Pieces stay in order.
    pub jitter: Duration,
    /// In bytes per second: unlimited by default.
    pub bandwidth: Option<u32>,
    /// Which part of the pieces is lost and comes once more, 200 ms later: none by default.
    pub loss: f64,
}

impl Link {
    /// Two programs on one machine.
    pub const LOOPBACK: Self =
        Self { latency: Duration::ZERO, jitter: Duration::ZERO, bandwidth: None, loss: 0.0 };

    /// From one end to the other and back.
    #[must_use]
    pub const fn round_trip(&self) -> Duration {
        self.latency.saturating_add(self.latency)
    }
}

impl Default for Link {
    fn default() -> Self {
        Self::LOOPBACK
    }
}

/// One direction of a connection.
#[derive(Debug)]
pub(super) struct Way {
    link: Link,
    dice: Dice,
    /// When the last piece has left its sender, and when it arrives.
    left: SessionTime,
    arrived: SessionTime,
    /// Pieces that were lost in a row.
    lost: u32,
}

/// A piece on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Passage {
    /// When its last byte has left: the next piece can be sent.
    pub(super) left: SessionTime,
    /// When its last byte is there; `None` if the connection was given up.
    pub(super) arrives: Option<SessionTime>,
}

impl Way {
    pub(super) fn new(link: Link, dice: Dice) -> Self {
        Self { link, dice, left: SessionTime::ZERO, arrived: SessionTime::ZERO, lost: 0 }
    }

    /// Sends so many bytes at `at`.
    pub(super) fn send(&mut self, at: SessionTime, bytes: usize) -> Passage {
        let lasts = self.link.bandwidth.map_or(Duration::ZERO, |bandwidth| {
            Duration::from_secs_f64(bytes as f64 / f64::from(bandwidth.max(1)))
        });
        self.left = at.max(self.left) + lasts;
        let late = self.link.jitter.mul_f64(self.dice.part()) + self.resent();
        if self.lost > LOST_IN_A_ROW {
            return Passage { left: self.left, arrives: None };
        }
        self.arrived = self.arrived.max(self.left + self.link.latency + late);
        Passage { left: self.left, arrives: Some(self.arrived) }
    }

    /// When all that was sent has left.
    pub(super) fn left(&self) -> SessionTime {
        self.left
    }

    /// Nothing passes from `now` on for so long.
    pub(super) fn stall(&mut self, now: SessionTime, length: Duration) {
        self.left = self.left.max(now + length);
    }

    /// How long it takes until a piece gets through that is lost again and again.
    fn resent(&mut self) -> Duration {
        self.lost = 0;
        while self.lost <= LOST_IN_A_ROW && self.dice.strikes(self.link.loss) {
            self.lost += 1;
        }
        // Each wait is twice as long as the one before.
        RESENT * ((1 << self.lost) - 1)
    }
}

/// How long a sender waits before it takes a piece for lost.
const RESENT: Duration = Duration::from_millis(200);
/// After so many tries a connection is given up.
const LOST_IN_A_ROW: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn way(link: Link) -> Way {
        Way::new(link, Dice::new(1, "test", 0))
    }

    /// When pieces of 1,000 bytes arrive that are sent at these times, in milliseconds.
    fn arrivals(way: &mut Way, sent: &[u64]) -> Vec<f64> {
        let arrives = |at| way.send(SessionTime::from_millis(at), 1_000).arrives;
        sent.iter().copied().filter_map(arrives).map(SessionTime::as_millis).collect()
    }

    #[test]
    fn on_one_machine_nothing_takes_time() {
        assert_eq!(arrivals(&mut way(Link::LOOPBACK), &[0, 5, 5]), [0.0, 5.0, 5.0]);
    }

    #[test]
    fn pieces_leave_one_after_the_other_at_the_speed_of_the_link() {
        let link =
            Link { latency: Duration::from_millis(20), bandwidth: Some(100_000), ..Link::LOOPBACK };
        assert_eq!(arrivals(&mut way(link), &[0, 0, 5, 100]), [30.0, 40.0, 50.0, 130.0]);
    }

    #[test]
    fn pieces_stay_in_order_however_late_one_is() {
        let link = Link { jitter: Duration::from_millis(50), loss: 0.3, ..Link::LOOPBACK };
        let sent: Vec<_> = (0..1_000).collect();
        let arrived = arrivals(&mut way(link), &sent);
        assert!(arrived.is_sorted());
        assert!(arrived.iter().zip(&sent).all(|(arrived, sent)| *arrived >= *sent as f64));
    }

    #[test]
    fn a_lost_piece_comes_200_ms_later_and_twice_as_late_the_next_time() {
        let link = Link { loss: 0.3, ..Link::LOOPBACK };
        // So far apart that none waits for the one before.
        let late: Vec<_> = (0..200)
            .flat_map(|n| arrivals(&mut way_of(link, n), &[0]))
            .map(|late| late as u64)
            .collect();
        for expected in [0, 200, 600] {
            assert!(late.contains(&expected), "{expected}: {late:?}");
        }
        assert!(late.iter().all(|late| [0, 200, 600, 1_400, 3_000, 6_200].contains(late)));
    }

    fn way_of(link: Link, number: u64) -> Way {
        Way::new(link, Dice::new(1, "test", number))
    }

    #[test]
    fn a_connection_on_which_nothing_gets_through_is_given_up() {
        let mut way = way(Link { loss: 1.0, ..Link::LOOPBACK });
        assert_eq!(way.send(SessionTime::ZERO, 1).arrives, None);
    }
}
