//! How loud it is: a level, and a peak that falls slowly.

use std::time::Duration;

/// A meter from [`SILENT`] to 0 dBFS.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Meter {
    pub(super) level_db: f32,
    pub(super) peak_db: f32,
}

impl Default for Meter {
    fn default() -> Self {
        Self { level_db: SILENT, peak_db: SILENT }
    }
}

impl Meter {
    /// Takes a level that was reached `passed` after the one before.
    pub(super) fn set(&mut self, level_db: f32, passed: Duration) {
        // What is no number is no sound.
        let level = if level_db.is_nan() { SILENT } else { level_db.clamp(SILENT, 0.0) };
        self.level_db = level;
        self.peak_db = (self.peak_db - FALL * passed.as_secs_f32()).clamp(level, 0.0);
    }

    /// How many of `cells` are lit, and the one with the peak, if there is any.
    pub(super) fn cells(&self, cells: usize) -> (usize, Option<usize>) {
        let lit = |db: f32| ((1.0 - db / SILENT) * cells as f32).round() as usize;
        (lit(self.level_db), lit(self.peak_db).checked_sub(1))
    }

    pub(super) fn is_silent(&self) -> bool {
        self.level_db <= SILENT
    }
}

/// In dBFS: what is softer than this is not heard in a room.
pub(super) const SILENT: f32 = -60.0;

/// In dB a second: a peak can be read before it has gone.
const FALL: f32 = 12.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_falls_slowly_and_never_below_the_level() {
        let mut meter = Meter::default();
        meter.set(-6.0, Duration::ZERO);
        meter.set(-50.0, Duration::from_millis(500));
        assert_eq!((meter.level_db, meter.peak_db), (-50.0, -12.0));
        meter.set(-50.0, Duration::from_secs(60));
        assert_eq!(meter.peak_db, -50.0);
    }

    #[test]
    fn levels_that_cannot_be_are_bounded() {
        let mut meter = Meter::default();
        for (given, shown) in [(f32::NAN, SILENT), (f32::NEG_INFINITY, SILENT), (3.0, 0.0)] {
            meter.set(given, Duration::from_secs(9));
            assert_eq!(meter.level_db, shown);
        }
        assert_eq!(meter.cells(20), (20, Some(19)));
        assert_eq!(Meter::default().cells(20), (0, None));
        assert_eq!(meter.cells(0), (0, None));
    }
}
