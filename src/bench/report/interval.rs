//! A median, and how sure it is.

use std::iter;

/// Fewer values than this have no 95 % interval: even from the least to the greatest of five, the
/// true median lies outside in 6 of 100 cases.
pub(super) const ENOUGH: usize = 6;
/// How often the values are drawn anew.
const DRAWS: usize = 2_000;
/// The same values give the same interval every time.
const SEED: u64 = 0x0062_616e_7465_7200;

/// Where a median lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The median of what was measured.
    pub median: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// Of the median of `values`, with a confidence of 95 %, by the bootstrap: the middle 95 % of
    /// the medians of 2,000 samples that were drawn from the values, with replacement. Of fewer
    /// than six values, from the least to the greatest; `None` of none.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (first, last) = (*sorted.first()?, *sorted.last()?);
        let median = middle(&mut sorted);
        if values.len() < ENOUGH {
            return Some(Self { low: first, median, high: last });
        }
        let mut random = fastrand::Rng::with_seed(SEED);
        let mut sample = vec![0.0; values.len()];
        let mut draw = || {
            sample.fill_with(|| values[random.usize(..values.len())]);
            middle(&mut sample)
        };
        let mut medians: Vec<f64> = iter::repeat_with(&mut draw).take(DRAWS).collect();
        medians.sort_by(f64::total_cmp);
        let outside = DRAWS / 40;
        Some(Self { low: medians[outside], median, high: medians[DRAWS - 1 - outside] })
    }
}

/// The median, between the middle two of an even number; 0 of nothing. Changes the order.
pub(super) fn middle(values: &mut [f64]) -> f64 {
    let half = values.len() / 2;
    if half == 0 {
        return values.first().copied().unwrap_or_default();
    }
    let even = values.len().is_multiple_of(2);
    let (below, upper, _) = values.select_nth_unstable_by(half, f64::total_cmp);
    let upper = *upper;
    if even { f64::midpoint(below.iter().copied().fold(f64::MIN, f64::max), upper) } else { upper }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_two() {
        assert_eq!(middle(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(middle(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(middle(&mut [2.0, 1.0]), 1.5);
        assert_eq!((middle(&mut [7.0]), middle(&mut [])), (7.0, 0.0));
    }

    #[test]
    fn few_values_reach_from_the_least_to_the_greatest() {
        assert_eq!(Interval::of(&[]), None);
        let few = Interval { low: 1.0, median: 3.0, high: 9.0 };
        assert_eq!(Interval::of(&[3.0, 9.0, 1.0, 3.0, 2.0]), Some(few));
    }

    /// The exact interval, by the order of 101 values, is from the 41st to the 61st.
    #[test]
    fn many_values_have_the_interval_that_theory_gives_them() {
        let values: Vec<f64> = (1..=101).map(f64::from).collect();
        let found = Interval::of(&values).unwrap();
        assert_eq!(found.median, 51.0);
        assert!((found.low - 41.0).abs() <= 2.0 && (found.high - 61.0).abs() <= 2.0, "{found:?}");
        assert_eq!(Interval::of(&values), Some(found), "the same each time");
    }
}
