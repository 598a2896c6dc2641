//! Between sample types, and from many channels to one.
//!
//! Samples go as `i16` inside Banter; devices and filters speak `f32` with full scale at 1.0. Both
//! directions use the factor 32768, so every `i16` comes back as it was. Nothing here dithers.

use std::num::NonZeroU16;

/// One sample as a float: -1.0 up to just below 1.0.
#[must_use]
pub const fn sample_to_f32(sample: i16) -> f32 {
    sample as f32 / FULL_SCALE
}

/// One sample as an integer, rounded. What lies beyond full scale is clamped; NaN is silence.
#[must_use]
pub const fn sample_to_i16(sample: f32) -> i16 {
    // `as` does the clamping.
    (sample * FULL_SCALE).round() as i16
}

/// Appends `samples` to `out` as floats.
pub fn i16_to_f32(samples: &[i16], out: &mut Vec<f32>) {
    out.extend(samples.iter().map(|&sample| sample_to_f32(sample)));
}

/// Appends `samples` to `out` as integers.
pub fn f32_to_i16(samples: &[f32], out: &mut Vec<i16>) {
    out.extend(samples.iter().map(|&sample| sample_to_i16(sample)));
}

/// Appends to `out` the average of the channels of each frame of `interleaved`.
///
/// A frame that is cut short at the end is left out.
pub fn down_mix(interleaved: &[i16], channels: NonZeroU16, out: &mut Vec<i16>) {
    let channels = channels.get();
    if channels == 1 {
        return out.extend_from_slice(interleaved);
    }
    out.extend(interleaved.chunks_exact(channels.into()).map(|frame| {
        let sum: i32 = frame.iter().map(|&sample| i32::from(sample)).sum();
        (sum / i32::from(channels)) as i16
    }));
}

const FULL_SCALE: f32 = 32_768.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_i16_survives_the_way_to_f32_and_back() {
        let all: Vec<i16> = (i16::MIN..=i16::MAX).collect();
        let (mut floats, mut back) = (Vec::new(), Vec::new());
        i16_to_f32(&all, &mut floats);
        f32_to_i16(&floats, &mut back);
        assert_eq!(back, all);
    }

    #[test]
    fn beyond_full_scale_is_clamped() {
        let loud = [1.0, 7.0, f32::INFINITY, -1.0, -7.0, f32::NEG_INFINITY, f32::NAN];
        let mut out = Vec::new();
        f32_to_i16(&loud, &mut out);
        assert_eq!(out, [32_767, 32_767, 32_767, -32_768, -32_768, -32_768, 0]);
    }

    #[test]
    fn both_signs_are_rounded_alike() {
        for value in [0.3, 0.5, 0.7, 1.5, 99.9] {
            let float = value / FULL_SCALE;
            assert_eq!(sample_to_i16(float), -sample_to_i16(-float));
        }
    }

    #[test]
    fn channels_are_averaged() {
        let mut out = vec![9];
        let stereo = [100, 200, -5, 5, i16::MAX, i16::MAX, i16::MIN, i16::MIN, 1];
        down_mix(&stereo, NonZeroU16::new(2).unwrap(), &mut out);
        assert_eq!(out, [9, 150, 0, i16::MAX, i16::MIN]);
    }

    #[test]
    fn the_loudest_sound_on_the_most_channels_fits() {
        let mut out = Vec::new();
        down_mix(&vec![i16::MIN; 65_535], NonZeroU16::MAX, &mut out);
        assert_eq!(out, [i16::MIN]);
    }

    #[test]
    fn one_channel_is_left_as_it_is() {
        let mut out = Vec::new();
        down_mix(&[1, 2, 3], NonZeroU16::MIN, &mut out);
        assert_eq!(out, [1, 2, 3]);
    }
}
