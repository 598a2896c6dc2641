//! Clocks that drift and callbacks that jitter, for an hour.

use super::*;

const RATE: u32 = 48_000;

/// Uniform jitter from -20 to 20 ms, by a small generator of its own.
struct Jitter(u64);

impl Jitter {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        ((self.0 >> 33) as f64 / (1_u64 << 31) as f64 - 0.5) * 0.04
    }
}

/// What came of it.
struct Ran {
    /// How far the microphone's timeline was off the speaker's at worst, after its first minute,
    /// in ms.
    worst_off: f64,
    /// How far a time was off the truth at worst, after the first minute, in ms.
    worst_time: f64,
    ratio: f64,
}

fn rate() -> SampleRate {
    SampleRate::new(RATE).unwrap()
}

fn at(seconds: f64) -> SessionTime {
    SessionTime::from_nanos((seconds * 1e9) as u64)
}

/// A microphone and a speaker whose crystals are off by so many ppm, with callbacks of 10 ms.
fn run(microphone: f64, speaker: f64, seconds: u64) -> Ran {
    let (mut here, mut there) = (Jitter(1), Jitter(2));
    let block = u64::from(RATE / 100);
    let length = |ppm: f64| 0.01 / (1.0 + ppm * 1e-6);
    let start = 0.3;
    let mut master = Master::new(rate());
    let mut steering: Option<Steering> = None;
    let (mut given, mut fraction) = (0_u64, 0.0);
    let mut ran = Ran { worst_off: 0.0, worst_time: 0.0, ratio: 1.0 };
    let mut before = SessionTime::ZERO;
    let mut played = 0_u64;
    for n in 1..=seconds * 100 {
        let captured = start + n as f64 * length(microphone);
        while start + played as f64 * length(speaker) < captured {
            let true_time = start + played as f64 * length(speaker);
            master.note(played * block, at(true_time + there.next()));
            played += 1;
        }
        let noted = at(captured + here.next());
        let steering = match &mut steering {
            Some(steering) => {
                let leap = steering.note(n * block, noted, &master);
                assert!(leap == 0 || n < 1_000, "{leap} samples at {n}");
                given = given.saturating_add_signed(leap);
                steering
            }
            None => {
                let first = (rate(), n * block, noted);
                let (new, silence) = Steering::new(first, (rate(), given), &master);
                given += silence;
                steering.insert(new)
            }
        };
        let first = given;
        ran.ratio = steering.take(block, &master);
        fraction += block as f64 * ran.ratio;
        given += fraction as u64;
        fraction -= fraction.floor();
        let time = steering.time_of(first);
        assert!(time > before || n == 1, "time goes on");
        before = time;
        if n > 6_000 {
            let truth = captured - length(microphone);
            ran.worst_time = ran.worst_time.max((seconds_of(time) - truth).abs() * 1e3);
            // The speaker's timeline, as it truly is.
            let silence = master.silence as f64;
            let master_at = (captured - start) / length(speaker) * block as f64 + silence;
            let off = (given as f64 + fraction - master_at) / f64::from(RATE) * 1e3;
            ran.worst_off = ran.worst_off.max(off.abs());
        }
    }
    ran
}

fn seconds_of(time: SessionTime) -> f64 {
    time.as_nanos() as f64 / 1e9
}

#[test]
fn a_microphone_200_ppm_off_stays_beside_the_speaker_for_an_hour() {
    for (microphone, speaker) in [(200.0, 0.0), (-200.0, 0.0), (0.0, 200.0), (0.0, -200.0)] {
        let ran = run(microphone, speaker, 3600);
        let settled = (ran.ratio - 1.0) * 1e6 - (speaker - microphone);
        eprintln!(
            "{microphone} and {speaker} ppm: {:.2} ms apart, times {:.2} ms off, ratio {settled:.1} ppm off",
            ran.worst_off, ran.worst_time
        );
        assert!(ran.worst_off < 5.0, "{}", ran.worst_off);
        assert!(ran.worst_time < 2.0, "{}", ran.worst_time);
        assert!(settled.abs() < 20.0, "{settled}");
    }
}

#[test]
fn a_microphone_that_stood_still_is_silent_for_as_long() {
    let mut master = Master::new(rate());
    assert_eq!(master.note(0, SessionTime::ZERO), 0);
    let first = (rate(), 480, at(0.01));
    let (mut steering, silence) = Steering::new(first, (rate(), 0), &master);
    let mut silences = vec![silence as i64];
    for n in 2..=200_u64 {
        let stood = if n > 100 { 0.5 } else { 0.0 };
        silences.push(steering.note(n * 480, at(n as f64 * 0.01 + stood), &master));
        steering.take(480, &master);
    }
    silences.retain(|&silence| silence > 0);
    assert_eq!(silences, [24_000], "once, when it is believed");
}

/// A speaker whose buffer runs dry for 20 ms each 15 s.
#[test]
fn short_pauses_are_steps_and_no_slowness() {
    let mut jitter = Jitter(3);
    let mut master = Master::new(rate());
    let (mut stood, mut silence, mut worst) = (0.0, 0, 0.0_f64);
    for n in 0..60_000_u64 {
        if n % 1_500 == 1_499 {
            stood += 0.02;
        }
        let truth = 0.3 + n as f64 * 0.01 + stood;
        silence += master.note(n * 480, at(truth + jitter.next() / 4.0));
        let place = (n * 480 + silence) as f64 / f64::from(RATE);
        if n > 1_500 && n % 1_500 == 1_498 {
            worst = worst.max((master.seconds_at(truth) - place).abs());
        }
    }
    let (speed, silent) = ((master.speed() - 1.0) * 1e6, silence as f64 / 48_000.0 - 0.3);
    eprintln!(
        "{silent:.2} of {stood:.2} s are silence, {:.2} ms off at most, {speed:.0} ppm",
        worst * 1e3
    );
    assert!(silent > 0.9 * stood && silent < 1.01 * stood, "{silent} s of {stood} s");
    assert!(worst < 0.002, "{worst}");
    assert!(speed.abs() < 100.0, "{speed}");
}

/// Its sound comes 40 ms late from the third second to the sixth, and none of it is lost.
#[test]
fn what_came_late_is_silence_at_first_and_is_cut_when_it_is_on_time_again() {
    let mut master = Master::new(rate());
    let first = (rate(), 480, at(0.01));
    let (mut steering, _) = Steering::new(first, (rate(), 0), &master);
    let mut leaps = Vec::new();
    for n in 2..=1_000_u64 {
        master.note((n - 1) * 480, at((n - 1) as f64 * 0.01));
        let late = if (300..600).contains(&n) { 0.04 } else { 0.0 };
        let leap = steering.note(n * 480, at(n as f64 * 0.01 + late), &master);
        steering.take(480, &master);
        leaps.extend((leap != 0).then_some(leap as f64 / 48.0));
    }
    let sum: f64 = leaps.iter().sum();
    eprintln!("{leaps:.1?} ms");
    assert!(leaps.len() >= 2 && leaps[0] > 5.0, "{leaps:?}");
    assert!(sum.abs() < 12.0, "as much is cut: {leaps:?}");
}

#[test]
fn callbacks_that_come_late_for_once_change_nothing() {
    let mut line = Line::new(rate(), 0, SessionTime::ZERO);
    for n in 1..=500_u64 {
        let late = if n % 50 < 3 { 0.3 } else { 0.0 };
        assert_eq!(line.note(n * 480, at(n as f64 * 0.01 + late)), Noted::OnLine);
    }
    assert!((line.seconds_of(240_000.0) - 5.0).abs() < 1e-6);
}

#[test]
fn a_speaker_that_begins_late_or_is_exchanged_leaves_silence() {
    let mut master = Master::new(rate());
    assert_eq!(master.note(0, at(0.25)), 12_000);
    assert_eq!(master.note(480, at(0.26)), 0);
    master.exchanged();
    assert_eq!(master.note(960, at(0.5)), 11_040, "0.5 s are 24000 samples");
}
