//! How loud sound is.
//!
//! Levels are in dBFS: decibels below full scale, 0 for a square wave that reaches 32768 either
//! way. A sine at full scale has a peak of 0 and an RMS of -3. They say nothing about loudness as
//! an ear hears it.

/// The level of silence, and of no samples at all: no level is below it. The smallest peak above
/// silence, one step of 16 bits, is at -90.3 dBFS.
pub const SILENCE_DBFS: f32 = -96.0;

/// The magnitude from which sound counts as audible: -50 dBFS, above the noise of a quiet
/// microphone and below the softest speech.
pub const AUDIBLE: u16 = 104;

/// The root of the mean square of `samples`, in dBFS; at least [`SILENCE_DBFS`].
#[must_use]
pub fn rms_dbfs(samples: &[i16]) -> f32 {
    let squares: f64 = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    dbfs((squares / samples.len().max(1) as f64).sqrt())
}

/// The greatest magnitude in `samples`, in dBFS; at least [`SILENCE_DBFS`].
#[must_use]
pub fn peak_dbfs(samples: &[i16]) -> f32 {
    let peak = samples.iter().map(|sample| sample.unsigned_abs()).max();
    dbfs(f64::from(peak.unwrap_or(0)))
}

/// The index of the first sample whose magnitude reaches `threshold` (usually [`AUDIBLE`]).
#[must_use]
pub fn first_audible(samples: &[i16], threshold: u16) -> Option<usize> {
    samples.iter().position(|sample| sample.unsigned_abs() >= threshold)
}

fn dbfs(magnitude: f64) -> f32 {
    (20.0 * (magnitude / 32_768.0).log10()).max(f64::from(SILENCE_DBFS)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_scale_is_zero() {
        assert_eq!(rms_dbfs(&[i16::MIN; 10]), 0.0);
        assert_eq!(peak_dbfs(&[0, i16::MIN, 5]), 0.0);
    }

    #[test]
    fn a_sine_is_3_db_below_its_peak() {
        let sine: Vec<i16> =
            (0..1_000).map(|n| (f32::sin(n as f32 * 0.0628) * 16_384.0) as i16).collect();
        assert!((peak_dbfs(&sine) + 6.02).abs() < 0.01);
        assert!((rms_dbfs(&sine) + 9.03).abs() < 0.05);
    }

    #[test]
    fn silence_has_a_floor() {
        for silence in [&[0; 10][..], &[]] {
            assert_eq!(rms_dbfs(silence), SILENCE_DBFS);
            assert_eq!(peak_dbfs(silence), SILENCE_DBFS);
        }
        assert!(peak_dbfs(&[1]) > SILENCE_DBFS);
    }

    #[test]
    fn the_threshold_is_at_50_db_below_full_scale() {
        assert!((peak_dbfs(&[AUDIBLE as i16]) + 50.0).abs() < 0.05);
    }

    #[test]
    fn the_first_audible_sample_is_found_on_either_side_of_zero() {
        assert_eq!(first_audible(&[0, 3, -103, -104, 500], AUDIBLE), Some(3));
        assert_eq!(first_audible(&[0, 103, i16::MIN], AUDIBLE), Some(2));
        assert_eq!(first_audible(&[0, 103, -103], AUDIBLE), None);
        assert_eq!(first_audible(&[], AUDIBLE), None);
    }
}
