use std::f64::consts::TAU;

use proptest::prelude::*;

use super::*;

const PAIRS: [(u32, u32); 14] = [
    (48_000, 16_000),
    (44_100, 16_000),
    (32_000, 16_000),
    (24_000, 16_000),
    (22_050, 16_000),
    (11_025, 16_000),
    (8_000, 16_000),
    (8_000, 48_000),
    (16_000, 24_000),
    (16_000, 48_000),
    (22_050, 48_000),
    (24_000, 48_000),
    (44_100, 48_000),
    (48_000, 8_000),
];

#[test]
fn no_common_pair_costs_more_than_1_5_ms() {
    for (from, to) in PAIRS {
        let at = from as usize / 10;
        let mut impulse = vec![0; at * 2];
        impulse[at] = 30_000;
        let (mut resampler, mut out, mut given) = (resampler(from, to), Vec::new(), Vec::new());
        for sample in impulse {
            resampler.process(&[sample], &mut out);
            given.push(out.len());
        }
        let peak = (0..out.len()).max_by_key(|&n| out[n].unsigned_abs()).unwrap();
        let came = given.iter().position(|&given| given > peak).unwrap();
        let delay = millis(came + 1 - at, from);
        let declared = resampler.delay().as_secs_f64() * 1e3;
        eprintln!("{from} to {to}: {delay:.3} ms, declared {declared:.3} ms");
        assert!(delay <= declared && declared < 1.5, "{from} to {to}: {delay}, {declared}");
        let worst = (at..2 * at).map(|n| millis(n + 1, from) - millis(given[n], to));
        assert!(worst.fold(0.0, f64::max) <= declared, "{from} to {to}");
        let off = millis(peak, to) - millis(at, from);
        assert!(off.abs() <= millis(1, to), "{from} to {to}: {off} ms off its place");
    }
}

#[test]
fn tones_of_speech_pass() {
    for (from, to) in PAIRS {
        for hz in [100.0, 1_000.0, 2_000.0] {
            let gain = gain(from, to, hz);
            assert!(gain.abs() < 0.5, "{from} to {to}: {hz} Hz {gain} dB");
        }
    }
    // The top of the telephone band, and of wide-band speech.
    for (from, to, hz) in [(8_000, 16_000, 3_400.0), (48_000, 16_000, 7_000.0)] {
        let gain = gain(from, to, hz);
        assert!(gain > -4.0, "{from} to {to}: {hz} Hz {gain} dB");
    }
}

#[test]
fn tones_above_the_new_band_are_60_db_down() {
    for (from, to) in [(48_000, 16_000), (44_100, 16_000), (24_000, 16_000), (48_000, 8_000)] {
        let gain = gain(from, to, 10_000.0);
        eprintln!("{from} to {to}: 10 kHz {gain:.1} dB");
        assert!(gain < -60.0, "{from} to {to}: {gain} dB");
    }
}

#[test]
fn five_milliseconds_in_give_five_milliseconds_out() {
    for (from, to) in PAIRS {
        let (mut resampler, mut out) = (resampler(from, to), Vec::new());
        let push = vec![0; from as usize / 200];
        for pushed in 1..=20 {
            resampler.process(&push, &mut out);
            let behind = millis(pushed * push.len(), from) - millis(out.len(), to);
            assert!(behind < 1.5, "{from} to {to}: {behind} ms behind after {pushed} pushes");
        }
    }
}

#[test]
fn a_minute_lasts_a_minute() {
    for (from, to) in [(44_100, 16_000), (48_000, 16_000), (22_050, 48_000)] {
        let mut sound = vec![0; from as usize * 60];
        sound[from as usize * 59] = 30_000;
        let out = through(from, to, &sound);
        assert_eq!(out.len(), to as usize * 60);
        let peak = (0..out.len()).max_by_key(|&n| out[n].unsigned_abs()).unwrap();
        assert!(peak.abs_diff(to as usize * 59) <= 1, "{from} to {to}: at {peak}");
    }
}

#[test]
fn equal_rates_are_passed_through() {
    let (mut resampler, mut out) = (resampler(16_000, 16_000), vec![7]);
    resampler.process(&[1, -2, 3], &mut out);
    assert_eq!(out, [7, 1, -2, 3]);
    resampler.flush(&mut out);
    assert_eq!(out.len(), 4);
    assert_eq!(resampler.delay(), Duration::ZERO);
}

#[test]
fn after_a_flush_it_is_as_new() {
    let (mut resampler, sound) = (resampler(44_100, 16_000), tone(440.0, 44_100, 1_000));
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for out in [&mut first, &mut second] {
        resampler.process(&sound, out);
        resampler.flush(out);
    }
    assert_eq!(first, second);
    resampler.flush(&mut second);
    assert_eq!(first, second, "nothing was held");
}

#[test]
fn absurd_rates_are_refused() {
    for (from, to) in [(1, 16_000), (16_000, u32::MAX), (3_999, 48_000)] {
        let error = Resampler::new(rate(from), rate(to)).unwrap_err();
        assert!(error.to_string().contains(&format!("{from} Hz to {to} Hz")), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn how_the_input_is_cut_does_not_matter(
        pair in prop::sample::select(PAIRS.to_vec()),
        sound in prop::collection::vec(any::<i16>(), 0..2_000),
        cuts in prop::collection::vec(0_usize..700, 0..20),
    ) {
        let (mut resampler, mut out, mut rest) = (resampler(pair.0, pair.1), Vec::new(), &sound[..]);
        for cut in cuts {
            let (now, later) = rest.split_at(cut.min(rest.len()));
            resampler.process(now, &mut out);
            rest = later;
        }
        resampler.process(rest, &mut out);
        resampler.flush(&mut out);
        prop_assert_eq!(&out, &through(pair.0, pair.1, &sound));
        let exact = sound.len() as f64 * f64::from(pair.1) / f64::from(pair.0);
        prop_assert!((out.len() as f64 - exact).abs() <= 1.0);
    }

    #[test]
    fn any_two_rates_work(from in 4_000_u32..=384_000, to in 4_000_u32..=384_000) {
        let out = through(from, to, &vec![i16::MAX; from as usize / 50]);
        prop_assert!(out.len().abs_diff(to as usize / 50) <= (to / from + 1) as usize);
    }
}

fn rate(hz: u32) -> SampleRate {
    SampleRate::new(hz).unwrap()
}

fn resampler(from: u32, to: u32) -> Resampler {
    Resampler::new(rate(from), rate(to)).unwrap()
}

fn through(from: u32, to: u32, samples: &[i16]) -> Vec<i16> {
    let (mut resampler, mut out) = (resampler(from, to), Vec::new());
    resampler.process(samples, &mut out);
    resampler.flush(&mut out);
    out
}

fn millis(samples: usize, rate: u32) -> f64 {
    samples as f64 * 1e3 / f64::from(rate)
}

fn tone(hz: f64, rate: u32, samples: usize) -> Vec<i16> {
    let step = TAU * hz / f64::from(rate);
    (0..samples).map(|n| (16_000.0 * (step * n as f64).sin()).round() as i16).collect()
}

/// What a tone loses, in dB, away from the ends of the sound.
fn gain(from: u32, to: u32, hz: f64) -> f64 {
    let out = through(from, to, &tone(hz, from, from as usize / 2));
    let middle = &out[out.len() / 4..out.len() * 3 / 4];
    let squares: f64 = middle.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    10.0 * (squares / middle.len() as f64 / (16_000.0 * 16_000.0 / 2.0)).log10()
}

#[test]
fn a_steered_resampler_gives_more_or_fewer_samples_and_the_same_sound() {
    for (from, to) in [(48_000, 48_000), (44_100, 48_000), (48_000, 16_000)] {
        for ppm in [-500.0, 0.0, 200.0, 500.0] {
            let mut resampler = Resampler::steered(rate(from), rate(to)).unwrap();
            resampler.steer(1.0 + ppm * 1e-6);
            let mut out = Vec::new();
            let count = from as usize * 20;
            let tone = |n: usize| (n as f64 * TAU * 440.0 / f64::from(from)).sin() * 8_000.0;
            let step = from as usize / 100;
            for start in (0..count).step_by(step) {
                let piece: Vec<_> = (start..start + step).map(|n| tone(n) as i16).collect();
                resampler.process(&piece, &mut out);
            }
            let exact = 20.0 * f64::from(to) * (1.0 + ppm * 1e-6);
            let off = out.len() as f64 - exact;
            assert!(off.abs() < f64::from(to) * 0.002, "{from} to {to}, {ppm} ppm: {off}");
            // The filter overshoots where the tone begins, with or without steering.
            let steps = out[to as usize / 100..]
                .windows(2)
                .map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs());
            let steepest = 8_000.0 * TAU * 440.0 / f64::from(to);
            let most = f64::from(steps.max().unwrap());
            assert!(most < steepest * 1.05 + 2.0, "no click: {most}, {steepest}");
        }
    }
}
