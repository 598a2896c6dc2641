//! Where a value lies on a line.

/// A range of values, with a round number at either end.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    from: f64,
    to: f64,
    step: f64,
}

impl Axis {
    /// About as many steps as that.
    const STEPS: f64 = 4.0;

    /// From at most the least of `values` to at least the greatest.
    pub(super) fn over(values: impl Iterator<Item = f64> + Clone) -> Self {
        let (least, most) = (
            values.clone().fold(f64::INFINITY, f64::min),
            values.fold(f64::NEG_INFINITY, f64::max),
        );
        if !(least.is_finite() && most.is_finite()) {
            return Self { from: 0.0, to: 1.0, step: 1.0 };
        }
        let step = round_step((most - least).max(1.0) / Self::STEPS);
        let from = (least / step).floor() * step;
        let to = ((most / step).ceil() * step).max(from + step);
        Self { from, to, step }
    }

    /// From 0.
    pub(super) fn up_to(values: impl Iterator<Item = f64> + Clone) -> Self {
        Self::over(values.map(|value| value.max(0.0)).chain([0.0]))
    }

    /// In per cent of the way.
    pub(super) fn at(&self, value: f64) -> f64 {
        ((value - self.from) / (self.to - self.from) * 100.0).clamp(0.0, 100.0)
    }

    /// The round values, from end to end.
    pub(super) fn ticks(&self) -> impl Iterator<Item = f64> {
        let steps = ((self.to - self.from) / self.step).round() as usize;
        let (from, step) = (self.from, self.step);
        (0..=steps).map(move |number| from + step * number as f64)
    }
}

/// 1, 2 or 5 times a power of ten, at least `step`.
fn round_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    [1.0, 2.0, 5.0]
        .map(|times| times * power)
        .into_iter()
        .find(|round| *round >= step)
        .unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_begins_and_ends_with_round_numbers() {
        let axis = Axis::over([832.0, 1111.0].into_iter());
        assert_eq!(axis.ticks().collect::<Vec<_>>(), [800.0, 900.0, 1000.0, 1100.0, 1200.0]);
        assert_eq!((axis.at(800.0), axis.at(1000.0), axis.at(1200.0)), (0.0, 50.0, 100.0));
        let axis = Axis::up_to([3.0, -2.0, 7.9].into_iter());
        assert_eq!(axis.ticks().collect::<Vec<_>>(), [0.0, 2.0, 4.0, 6.0, 8.0]);
    }

    #[test]
    fn one_value_and_none_have_an_axis() {
        let one = Axis::over([5.0].into_iter());
        assert!(one.ticks().count() >= 2 && one.at(5.0).is_finite());
        assert_eq!(Axis::over([].into_iter()).ticks().collect::<Vec<_>>(), [0.0, 1.0]);
    }
}
