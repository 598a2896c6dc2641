//! What the front end lets through, and what not.

use std::f32::consts::TAU;

use super::chime::Chime;
use super::gate::Gate;
use super::*;
use crate::audio::WavReader;
use crate::vad::{Detected, by_name};

/// Two sentences of synthesized voices, at 16 kHz.
fn speech(name: &str) -> Vec<i16> {
    let path = format!("assets/sentences/{name}.wav");
    WavReader::open(std::path::Path::new(&path)).unwrap().read_all().unwrap().samples().to_vec()
}

/// `seconds` of the sentences, one after the other.
fn long(names: &[&str], seconds: usize) -> Vec<i16> {
    let all: Vec<i16> = names.iter().flat_map(|name| speech(name)).collect();
    all.iter().copied().cycle().take(seconds * 16_000).collect()
}

fn louder(samples: &[i16], decibels: f32) -> Vec<i16> {
    let factor = 10_f32.powf(decibels / 20.0);
    samples.iter().map(|&sample| (f32::from(sample) * factor) as i16).collect()
}

/// The same a little later, with a reverberation.
fn echo(samples: &[i16], decibels: f32) -> Vec<i16> {
    let mut out = vec![0.0; samples.len()];
    for (delay, factor) in [(960, 1.0), (1_100, 0.4), (1_500, -0.3), (2_100, 0.15)] {
        for (to, &from) in out[delay..].iter_mut().zip(samples) {
            *to += factor * f32::from(from);
        }
    }
    let samples: Vec<i16> = out.iter().map(|&sample: &f32| sample as i16).collect();
    louder(&samples, decibels)
}

fn mixed(a: &[i16], b: &[i16], from: usize) -> Vec<i16> {
    let mut out = a.to_vec();
    for (to, &more) in out[from..].iter_mut().zip(b) {
        *to = to.saturating_add(more);
    }
    out
}

/// Hears `heard` beside `rendered`; the frames that are voice.
fn voiced(config: &FrontConfig, rendered: &[i16], heard: &[i16]) -> Vec<Detected> {
    let mut front = FrontEnd::new(by_name("earshot").unwrap(), config);
    let threshold = front.vad().threshold();
    let (mut frames, mut out) = (Vec::new(), Vec::new());
    for (rendered, heard) in rendered.chunks(160).zip(heard.chunks(160)) {
        front.render(rendered);
        front.hear(heard, &mut out, |frame| frames.push(frame));
    }
    assert!(out.len() + 320 > heard.len(), "{} of {} samples", out.len(), heard.len());
    frames.retain(|frame| frame.probability >= threshold);
    frames
}

const AGENT: &[&str] = &["01", "03", "05", "07"];

#[test]
fn the_agents_own_echo_is_no_voice() {
    let rendered = long(AGENT, 8);
    let heard = echo(&rendered, -15.0);
    let raw = voiced(&FrontConfig::off(), &rendered, &heard).len();
    let left = voiced(&FrontConfig::default(), &rendered, &heard).len();
    assert!(raw > 150, "the echo sounds like speech: {raw} frames");
    assert!(left < raw / 20, "{left} of {raw} frames are left");
}

#[test]
fn who_speaks_over_the_agents_echo_is_heard() {
    let rendered = louder(&long(AGENT, 8), -6.0);
    let user = speech("02");
    let heard = mixed(&echo(&rendered, -20.0), &user, 5 * 16_000);
    let alone = voiced(&FrontConfig::off(), &[0; 160].repeat(user.len() / 160), &user).len();
    let over = voiced(&FrontConfig::default(), &rendered, &heard);
    let while_they_spoke = over.iter().filter(|frame| frame.end > 5 * 16_000).count();
    assert!(2 * while_they_spoke > alone, "{while_they_spoke} frames, {alone} without an agent");
}

#[test]
fn on_a_headset_nothing_of_the_user_is_lost() {
    let rendered = long(AGENT, 8);
    let user = speech("02");
    // By then the agent has spoken for a second.
    let heard = mixed(&vec![0; rendered.len()], &user, 32_000);
    let alone = voiced(&FrontConfig::off(), &[0; 160].repeat(user.len() / 160), &user).len();
    let over = voiced(&FrontConfig::default(), &rendered, &heard).len();
    assert!(10 * over > 9 * alone, "{over} of {alone} frames");
}

#[test]
fn a_headset_that_is_unplugged_is_an_echo_soon() {
    let rendered = long(AGENT, 12);
    let mut heard = echo(&rendered, -20.0);
    heard[..4 * 16_000].fill(0);
    let raw = voiced(&FrontConfig::off(), &rendered, &heard).len();
    let left = voiced(&FrontConfig::default(), &rendered, &heard);
    let later = left.iter().filter(|frame| frame.end > 11 * 8_000).count();
    assert!(raw > 150 && left.len() < raw / 4, "{} of {raw} frames are left", left.len());
    assert!(later < 5, "{later} after a second and a half");
}

#[test]
fn an_echo_is_measured() {
    let rendered = long(AGENT, 6);
    let report = measure(&rendered, &echo(&rendered, -20.0), || by_name("earshot").unwrap());
    let delay = report.delay.unwrap().as_millis();
    assert!((58..=62).contains(&delay), "{delay} ms, of 60");
    assert!((-22.0..-17.0).contains(&report.gain), "{report:?}");
    assert!(report.left < report.gain - 15.0, "{report:?}");
    assert!(report.voice.0 > 0.3 && report.voice.1 < 0.05, "{report:?}");
}

#[test]
fn where_nothing_is_heard_there_is_no_delay() {
    let rendered = long(AGENT, 4);
    let report = measure(&rendered, &vec![0; rendered.len()], || by_name("earshot").unwrap());
    assert_eq!(report.delay, None);
    assert!(report.gain < -60.0, "{report:?}");
}

#[test]
fn without_anything_to_do_the_sound_passes_as_it_comes() {
    let mut front = FrontEnd::new(by_name("earshot").unwrap(), &FrontConfig::off());
    let (user, mut out) = (speech("02"), Vec::new());
    for piece in user.chunks(77) {
        front.hear(piece, &mut out, |_| {});
    }
    assert_eq!(out, user);
    assert!(!front.changes_sound());
    assert_eq!(front.sound_delay(), std::time::Duration::ZERO);
}

#[test]
fn the_size_of_the_pieces_changes_nothing() {
    let rendered = long(AGENT, 2);
    let heard = echo(&rendered, -20.0);
    let clean = |size: usize| {
        let mut front = FrontEnd::new(by_name("earshot").unwrap(), &FrontConfig::default());
        let mut out = Vec::new();
        for (rendered, heard) in rendered.chunks(size).zip(heard.chunks(size)) {
            front.render(rendered);
            front.hear(heard, &mut out, |_| {});
        }
        out
    };
    let whole = clean(160);
    for size in [80, 320, 500] {
        assert_eq!(clean(size)[..31_000], whole[..31_000], "pieces of {size}");
    }
}

#[test]
fn what_is_rendered_ahead_of_the_microphone_is_bounded() {
    let mut front = FrontEnd::new(by_name("earshot").unwrap(), &FrontConfig::default());
    for _ in 0..10 {
        front.render(&[1_000; 16_000]);
    }
    let mut out = Vec::new();
    front.hear(&[0; 16_000], &mut out, |_| {});
    assert!(front.echo_path().is_some());
}

fn tones(frequencies: &[f32], seconds: f32) -> Vec<f32> {
    let at = |index: usize| {
        let sum: f32 =
            frequencies.iter().map(|hz| (TAU * hz * index as f32 / 16_000.0).sin()).sum();
        3_000.0 * sum
    };
    (0..(seconds * 16_000.0) as usize).map(at).collect()
}

#[test]
fn a_bell_is_a_chime_and_a_vowel_is_not() {
    let hears = |sound: &[f32]| {
        let mut chime = Chime::new();
        chime.hear(sound);
        chime.sounds()
    };
    assert!(hears(&tones(&[690.0, 1_030.0, 1_750.0], 0.3)));
    let vowel: Vec<f32> = (1..20).map(|harmonic| 120.0 * harmonic as f32).collect();
    assert!(!hears(&tones(&vowel, 0.3)));
    assert!(!hears(&tones(&[220.0], 0.3)), "a low hum is no chime: somebody may hum it");
    assert!(!hears(&[0.0; 4_800]));
}

/// One block of these levels, in parts of the greatest.
fn note(gate: &mut Gate, rendered: f32, heard: f32, left: f32) {
    let block = |level: f32| [level * 32_768.0; BLOCK];
    gate.note(&block(rendered), &block(heard), &block(left), &block(left));
}

#[test]
fn the_gate_learns_how_loud_the_echo_is() {
    let mut gate = Gate::new();
    for _ in 0..500 {
        note(&mut gate, 0.1, 0.001, 0.000_1); // -40 dB, for 2 s
    }
    assert!((-41.0..-36.0).contains(&gate.path().gain), "{:?}", gate.path());
    assert!(!gate.is_open());
    for _ in 0..20 {
        note(&mut gate, 0.1, 0.05, 0.05);
    }
    assert!(gate.is_open(), "somebody is far louder than the echo");
}

#[test]
fn what_the_canceller_takes_away_is_an_echo() {
    let mut gate = Gate::new();
    for _ in 0..20 {
        note(&mut gate, 0.1, 0.2, 0.02);
    }
    assert!(!gate.is_open());
}

#[test]
fn while_nothing_is_rendered_all_passes() {
    let mut gate = Gate::new();
    for _ in 0..200 {
        note(&mut gate, 0.001, 0.000_1, 0.000_01);
    }
    assert!(gate.is_open());
    assert_eq!(gate.path().learnt, 0.0, "and teaches nothing");
}

#[test]
fn an_echo_that_nobody_hears_is_none_until_the_canceller_takes_something_out() {
    let mut gate = Gate::new();
    let mut after = |seconds: f32, heard: f32, left: f32| {
        for _ in 0..(seconds * 250.0) as u32 {
            note(&mut gate, 0.1, heard, left);
        }
        gate.hears_no_echo()
    };
    assert!(!after(0.8, 0.000_1, 0.000_1), "that was too little to know");
    assert!(after(0.8, 0.000_1, 0.000_1), "-60 dB");
    assert!(after(1.0, 0.05, 0.05), "somebody speaks");
    assert!(!after(0.7, 0.01, 0.001), "an echo");
}

/// What the front end allocates in ten seconds of talk over an echo, after two in which its buffers
/// grow.
fn allocated(config: &FrontConfig) -> allocation_counter::AllocationInfo {
    let rendered = long(AGENT, 12);
    let heard = mixed(&echo(&rendered, -15.0), &long(&["02", "06"], 12), 0);
    let mut front = FrontEnd::new(by_name("earshot").unwrap(), config);
    let mut out = Vec::with_capacity(rendered.len());
    let mut hear = |from: usize, to: usize| {
        for (rendered, heard) in rendered[from..to].chunks(160).zip(heard[from..to].chunks(160)) {
            front.render(rendered);
            front.hear(heard, &mut out, |_| {});
        }
    };
    hear(0, 32_000);
    allocation_counter::measure(|| hear(32_000, 192_000))
}

#[test]
fn chime_and_suppressor_allocate_nothing() {
    let noise = FrontConfig { noise: Suppression::High, ..FrontConfig::off() };
    for config in [FrontConfig::off(), noise] {
        assert_eq!(allocated(&config).count_total, 0, "{config:?}");
    }
}

/// Deep within the crates. In each block of 4 ms `EchoRemover::process_capture` makes eleven
/// vectors, in each frame of 10 ms `GainController2::process` eleven, of a channel each.
#[test]
fn canceller_and_gain_control_allocate_what_they_free_again() {
    let echo = FrontConfig { echo: true, ..FrontConfig::off() };
    let gain = FrontConfig { gain: true, ..FrontConfig::off() };
    let (blocks, frames) = (160_000 / BLOCK as u64, 1_000);
    for (config, most) in
        [(echo, 11 * blocks), (gain, 11 * frames), (FrontConfig::default(), 11 * (blocks + frames))]
    {
        let made = allocated(&config);
        assert!(made.count_total <= most, "{config:?}: {made:?}, of {most}");
        assert!(made.count_current <= 0 && made.bytes_max <= 6_144, "{config:?}: {made:?}");
    }
}
