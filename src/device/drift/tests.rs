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
                assert_eq!(steering.note(n * block, noted, &master), 0);
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
    let mut silences = vec![silence];
    for n in 2..=200_u64 {
        let stood = if n > 100 { 0.5 } else { 0.0 };
        silences.push(steering.note(n * 480, at(n as f64 * 0.01 + stood), &master));
        steering.take(480, &master);
    }
    silences.retain(|&silence| silence > 0);
    assert_eq!(silences, [24_000], "once, when it is believed");
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
