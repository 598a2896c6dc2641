use std::f64::consts::TAU;

use Law::{A, Mu};

use super::*;

/// What an independent implementation says, at each code: the head of the file says which.
fn vectors(law: Law) -> impl Iterator<Item = (u8, i16, Vec<i16>)> {
    let name = if law == Mu { "mu," } else { "a," };
    include_str!("vectors.csv").lines().filter_map(move |line| {
        let mut columns = line.strip_prefix(name)?.split(',').filter(|it| !it.is_empty());
        let mut next = || columns.next().map(|it| it.parse::<i16>().unwrap());
        let (code, value) = (next().unwrap() as u8, next().unwrap());
        Some((code, value, next().into_iter().chain(next()).collect()))
    })
}

fn all() -> impl Iterator<Item = i16> {
    i16::MIN..=i16::MAX
}

#[test]
fn every_code_stands_for_what_others_say() {
    for law in [Mu, A] {
        assert_eq!(vectors(law).count(), 256);
        for (code, value, _) in vectors(law) {
            assert_eq!(law.decode_sample(code), value, "{law:?} {code:#04x}");
        }
    }
}

#[test]
fn every_sample_gets_the_code_that_others_give_it() {
    for law in [Mu, A] {
        let mut seen = 0;
        for (code, _, range) in vectors(law).filter(|(_, _, range)| !range.is_empty()) {
            for sample in (range[0]..=range[1]).step_by(4) {
                assert_eq!(law.encode_sample(sample), code, "{law:?} {sample}");
                seen += 1;
            }
        }
        assert_eq!(seen, 65_536 / 4);
    }
}

/// Where the steps grow twice as high: the ends of segments in tables 1a and 2a of the recommendation,
/// for A-law in 13 bits, for µ-law in 14.
#[test]
fn segments_end_where_the_recommendation_says() {
    let a = [64, 128, 256, 512, 1_024, 2_048].map(|it| it * 8);
    let mu = [31, 95, 223, 479, 991, 2_015, 4_063].map(|it| it * 4);
    for (law, ends) in [(A, &a[..]), (Mu, &mu[..])] {
        for &end in ends {
            let step = |at: i16| {
                let value = |sample| law.decode_sample(law.encode_sample(sample));
                let here = value(at);
                (at..).map(value).find(|&it| it != here).unwrap() - here
            };
            // Values lie in the middle of their steps: between two segments, half of each.
            let (between, above) = (step(end - 1), step(end));
            assert_eq!(between * 4, above * 3, "{law:?} {end}");
        }
    }
}

#[test]
fn the_error_stays_in_proportion() {
    for sample in all() {
        let size = i32::from(sample.unsigned_abs());
        let error = |law: Law| {
            (i32::from(law.decode_sample(law.encode_sample(sample))) - i32::from(sample)).abs()
        };
        // Half a step: a thirty-second of the power of two below; and what is clipped.
        assert!(error(Mu) <= ((size + 132) / 32).max(4).max(size - 32_124), "{sample}");
        assert!(error(A) <= (size / 32).max(8), "{sample}");
    }
}

#[test]
fn who_decodes_and_encodes_again_loses_nothing_more() {
    for law in [Mu, A] {
        for code in 0..=255 {
            let value = law.decode_sample(code);
            let again = law.encode_sample(value);
            assert_eq!(law.decode_sample(again), value, "{law:?} {code:#04x}");
            // µ-law has two codes of zero.
            assert!(again == code || (law, code, again) == (Mu, 0x7f, 0xff), "{law:?} {code}");
        }
    }
}

#[test]
fn louder_is_never_softer() {
    for law in [Mu, A] {
        let values: Vec<_> = all().map(|it| law.decode_sample(law.encode_sample(it))).collect();
        assert!(values.is_sorted(), "{law:?}");
    }
}

#[test]
fn silence_is_as_the_recommendation_sends_it() {
    assert_eq!((Mu.silence(), A.silence()), (0xff, 0xd5));
    assert_eq!((Mu.decode_sample(0xff), A.decode_sample(0xd5)), (0, 8));
}

/// The milliwatt of the recommendation (tables 5 and 6): eight codes whose repetition is a sine of 1 kHz
/// at 0 dBm0, which is 3.14 dB below the loudest sine for A-law and 3.17 for µ-law.
#[test]
#[expect(clippy::approx_constant, reason = "decibels, and no circle")]
fn the_milliwatt_is_a_sine_at_its_level() {
    let mu = [0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e];
    let a = [0x34, 0x21, 0x21, 0x34, 0xb4, 0xa1, 0xa1, 0xb4];
    for (law, codes, most, below) in [(Mu, mu, 8_159.0 * 4.0, 3.17), (A, a, 32_768.0, 3.14)] {
        let mut pcm = Vec::new();
        law.decode(&codes, &mut pcm);
        let square = pcm.iter().map(|&it| f64::from(it).powi(2)).sum::<f64>() / 8.0;
        let level = 10.0 * (square / (most * most / 2.0)).log10();
        assert!((level + below).abs() < 0.02, "{law:?}: {level}");
        for (n, sample) in pcm.iter().enumerate() {
            let sine = -(TAU * (n as f64 + 0.5) / 8.0).sin() * (square * 2.0).sqrt();
            assert!((f64::from(*sample) / sine - 1.0).abs() < 0.03, "{law:?} {n}: {sample}");
        }
    }
}

#[test]
fn noise_lies_38_db_below_a_tone_whatever_its_level() {
    for law in [Mu, A] {
        for peak in [1_000.0, 3_000.0, 10_000.0, 30_000.0] {
            let tone: Vec<i16> =
                (0..8_000).map(|n| (peak * (n as f64 * 0.731).sin()) as i16).collect();
            let (mut packet, mut back) = (Vec::new(), Vec::new());
            law.encode(&tone, &mut packet);
            law.decode(&packet, &mut back);
            let power = |it: &mut dyn Iterator<Item = f64>| it.map(|it| it * it).sum::<f64>();
            let noise = power(&mut tone.iter().zip(&back).map(|(a, b)| f64::from(a - b)));
            let snr = 10.0 * (power(&mut tone.iter().map(|&it| f64::from(it))) / noise).log10();
            assert!((35.0..40.0).contains(&snr), "{law:?} {peak}: {snr}");
        }
    }
}

#[test]
fn packets_are_appended() {
    let (mut packet, mut pcm) = (vec![7], vec![9]);
    A.encode(&[8, -8], &mut packet);
    assert_eq!(packet, [7, 0xd5, 0x55]);
    A.decode(&packet[1..], &mut pcm);
    assert_eq!(pcm, [9, 8, -8]);
}
