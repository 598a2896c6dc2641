//! The spread of a latency.

use serde::{Deserialize, Serialize};

/// The spread of some times, in whole milliseconds. One may be negative: a start is found before
/// the first sound where the noise before it passes for speech.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// Half of them are at most this.
    pub p50: i64,
    /// 95 % of them are at most this.
    pub p95: i64,
}

impl Latency {
    /// Of `values`; `None` without any. Between two values the line between them counts, and
    /// halves go to the even side, as numpy does both.
    pub(super) fn of(mut values: Vec<i64>) -> Option<Self> {
        values.sort_unstable();
        let at = |share: f64| {
            let place = share * (values.len() - 1) as f64;
            let low = *values.get(place.floor() as usize)? as f64;
            let high = *values.get(place.ceil() as usize)? as f64;
            let (step, way) = (high - low, place.fract());
            let at = if way < 0.5 { low + step * way } else { high - step * (1.0 - way) };
            Some(at.round_ties_even() as i64)
        };
        if values.is_empty() {
            return None;
        }
        Some(Self { p50: at(0.5)?, p95: at(0.95)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_two_values_the_line_counts() {
        assert_eq!(Latency::of(vec![]), None);
        assert_eq!(Latency::of(vec![7]), Some(Latency { p50: 7, p95: 7 }));
        assert_eq!(Latency::of(vec![20, 10]), Some(Latency { p50: 15, p95: 20 }));
        assert_eq!(Latency::of(vec![0, 100, 200, -50]), Some(Latency { p50: 50, p95: 185 }));
    }

    #[test]
    fn halves_go_to_the_even_side() {
        assert_eq!(Latency::of(vec![1, 2]).map(|latency| latency.p50), Some(2));
        assert_eq!(Latency::of(vec![2, 3]).map(|latency| latency.p50), Some(2));
    }
}
