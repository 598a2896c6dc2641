//! Real streams on virtual devices: every sample comes through, and silence comes at once.
//!
//! Each test runs itself again as a child of a sound server of its own: see `support/pulse.rs`.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

#[path = "support/lacking.rs"]
mod lacking;
#[path = "support/paplay.rs"]
mod paplay;
#[path = "support/pulse.rs"]
mod pulse;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use banter::audio::WavWriter;
use banter::device::cpal::{CpalMicrophone, CpalSpeaker, inputs, outputs};
use banter::device::{Levels, Meters, Playback, Rendering, capture_port, render_port};
use banter::providers::mock::MockProvider;
use banter::session::{Devices, DriveCommand};
use banter::stt::mock::MockTranscriber;
use banter::tts::MockSynthesizer;
use banter::{
    Engines, EventKind, Microphone, Pace, SampleRate, Session, SessionClock, SessionConfig,
    Speaker, vad,
};
use tempfile::TempDir;

#[test]
fn the_microphone_hears_every_sample() {
    if !pulse::with_devices("the_microphone_hears_every_sample") {
        return;
    }
    let microphone = Box::new(CpalMicrophone::open(None).unwrap());
    let rate = microphone.rate();
    assert_eq!(rate.hz(), 48_000);
    let clock = SessionClock::live();
    let (port, mut capture) = capture_port(rate);
    let mut running = microphone.start(port, &clock).unwrap();
    until(&clock, "the first callback", || capture.take(1).is_some());

    let (folder, said) = (tempfile::tempdir().unwrap(), noise(48_000));
    let file = wav(&folder, &said);
    let mut player = paplay::play(&file, "mic_in");
    let mut heard = Vec::new();
    let all = said.len();
    until(&clock, "the sound", || {
        heard.extend(std::iter::from_fn(|| capture.take(1)).flatten());
        running.advance(clock.now()).unwrap();
        heard.iter().position(|&sample| sample != 0).is_some_and(|at| heard.len() - at >= all)
    });
    assert!(player.wait().unwrap().success());
    assert_same(&heard, &said);

    // It told when each sample was captured: as long ago as it is long.
    let stamps: Vec<_> = std::iter::from_fn(|| capture.next_captured()).collect();
    let (first, last) = (stamps[0], stamps[stamps.len() - 1]);
    let by_count = (last.samples - first.samples) as f64 / 48.0;
    let by_time = last.at.millis_since(first.at);
    eprintln!("captured {by_count:.1} ms of sound in {by_time:.1} ms, {} xruns", running.xruns());
    assert!((by_count - by_time).abs() < 60.0, "{by_count} ms of sound in {by_time} ms");
    running.finish().unwrap();
    assert!(capture.is_over() || capture.take(1).is_some(), "the stream has ended");
}

#[test]
fn the_speaker_plays_every_sample() {
    if !pulse::with_devices("the_speaker_plays_every_sample") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let clock = SessionClock::live();
    let said = noise(48_000);
    let heard = heard_from("spk_out", &folder, || {
        let (mut speaking, mut playback) = speaking(None, 48_000, &clock);
        say(&clock, &mut playback, &said);
        speaking.advance(clock.now()).unwrap();
        wait_in_air(&clock, &mut playback, said.len() as u64);
        speaking.finish().1.unwrap();
    });
    assert_same(&heard, &said);
}

#[test]
fn a_speaker_is_exchanged_and_what_is_queued_goes_on_there() {
    if !pulse::with_devices("a_speaker_is_exchanged_and_what_is_queued_goes_on_there") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let clock = SessionClock::live();
    let said = noise(24_000);
    let second = heard_from("spk_two", &folder, || {
        let (speaking, mut playback) = speaking(None, 48_000, &clock);
        say(&clock, &mut playback, &said[..20_000]);
        until(&clock, "the first half", || playback.gate().played() >= 9_600);
        let (port, finished) = speaking.finish();
        finished.unwrap();
        let left = playback.gate().played() as usize;
        let speaker = Box::new(CpalSpeaker::open(Some("second")).unwrap());
        let speaking = speaker.start(port, &clock).unwrap();
        say(&clock, &mut playback, &said[20_000..]);
        wait_in_air(&clock, &mut playback, said.len() as u64);
        speaking.finish().1.unwrap();
        eprintln!("exchanged after {left} samples");
        assert!(left < 20_000, "something was queued");
    });
    let first = second.iter().position(|&sample| sample != 0).unwrap();
    let from = said.windows(8).position(|part| *part == second[first..first + 8]).unwrap();
    assert_same(&second, &said[from..]);
    assert!((9_600..20_000).contains(&from), "it goes on in the middle: at {from}");
}

#[test]
fn a_speaker_that_runs_at_another_rate_is_resampled() {
    if !pulse::with_devices("a_speaker_that_runs_at_another_rate_is_resampled") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let clock = SessionClock::live();
    let tone: Vec<i16> =
        (0..16_000).map(|n| ((f64::from(n) * 0.2).sin() * 8_000.0) as i16).collect();
    let heard = heard_from("spk_out", &folder, || {
        let (speaking, mut playback) = speaking(Some("narrow"), 16_000, &clock);
        say(&clock, &mut playback, &tone);
        wait_in_air(&clock, &mut playback, tone.len() as u64);
        speaking.finish().1.unwrap();
    });
    let loud = heard.iter().filter(|sample| sample.unsigned_abs() > 4_000).count();
    let length = loud as f64 * 1.5 / 48_000.0;
    assert!((0.95..1.05).contains(&length), "a second of sound, two thirds of it loud: {length} s");
}

#[test]
fn a_hold_is_silence_within_15_ms() {
    if !pulse::with_devices("a_hold_is_silence_within_15_ms") {
        return;
    }
    let clock = SessionClock::live();
    let (speaking, mut playback) = speaking(None, 48_000, &clock);
    let gate = Arc::clone(playback.gate());
    let sound: Vec<i16> = vec![5_000; 4_800];
    let mut queue = VecDeque::new();
    let mut feed = |playback: &mut Playback| {
        if queue.is_empty() {
            queue.extend(&sound);
        }
        playback.push(&mut queue);
        while playback.next_played().is_some() {}
    };
    let (mut ours, mut devices) = (Vec::new(), Vec::new());
    for _ in 0..60 {
        let before = gate.played();
        // Right after a callback has run, as far from the next as can be.
        until(&clock, "sound", || {
            feed(&mut playback);
            gate.played() > before + 4_800
        });
        gate.hold_at(clock.now());
        until(&clock, "silence", || gate.silenced().is_some());
        let silenced = gate.silenced().unwrap();
        ours.push(silenced.ran.millis_since(silenced.held));
        devices.push(silenced.in_air.millis_since(silenced.ran));
        gate.play();
    }
    speaking.finish().1.unwrap();
    let (ours_50, ours_95) = (percentile(&mut ours, 50), percentile(&mut ours, 95));
    let (devices_50, devices_95) = (percentile(&mut devices, 50), percentile(&mut devices, 95));
    eprintln!(
        "60 holds: silent in the callback after {ours_50:.1} ms (p50), {ours_95:.1} ms (p95), \
         {:.1} ms (most); the device's share {devices_50:.1} ms (p50), {devices_95:.1} ms (p95)",
        ours[ours.len() - 1]
    );
    assert!(ours_95 <= 15.0, "{ours_95} ms");
}

#[test]
fn devices_that_are_lost_say_so_and_end() {
    if !pulse::with_devices("devices_that_are_lost_say_so_and_end") {
        return;
    }
    let clock = SessionClock::live();
    let microphone = Box::new(CpalMicrophone::open(None).unwrap());
    let (port, mut capture) = capture_port(microphone.rate());
    let mut listening = microphone.start(port, &clock).unwrap();
    let (mut speaking, mut playback) = speaking(None, 48_000, &clock);
    playback.push(&mut noise(4_800).into());
    until(&clock, "both", || capture.take(1).is_some() && playback.gate().played() > 0);

    paplay::kill_server();
    let mut lost = [None, None];
    until(&clock, "the loss", || {
        let (heard, said) = (listening.advance(clock.now()), speaking.advance(clock.now()));
        lost[0] = lost[0].take().or(heard.err());
        lost[1] = lost[1].take().or(said.err());
        lost.iter().all(Option::is_some)
    });
    eprintln!("{}; {}", lost[0].as_ref().unwrap(), lost[1].as_ref().unwrap());
    assert!(!capture.is_over(), "what is lost may be replaced: the sound has not ended");
    listening.finish().unwrap();
    let (port, finished) = speaking.finish();
    finished.unwrap();
    assert_eq!(port.rate().hz(), 48_000, "what is queued is still there");
}

#[test]
fn devices_are_listed_and_found_by_a_part_of_their_name() {
    if !pulse::with_devices("devices_are_listed_and_found_by_a_part_of_their_name") {
        return;
    }
    let (microphones, speakers) = (inputs().unwrap(), outputs().unwrap());
    assert!(microphones.iter().any(|device| device.is_default && device.id == "default"));
    assert!(speakers.iter().any(|device| device.name == "Second Speaker"), "{speakers:?}");
    assert!(speakers.iter().all(|device| device.id != "null"), "{speakers:?}");
    for name in ["second", "SECOND sp", "alsa:second"] {
        assert_eq!(CpalSpeaker::open(Some(name)).unwrap().name(), "Second Speaker");
    }
    let error = CpalMicrophone::open(Some("headset")).unwrap_err().to_string();
    assert!(error.contains("no microphone is called `headset`"), "{error}");
    assert!(error.contains("(default)"), "it says what there is: {error}");

    let listed = Command::new(env!("CARGO_BIN_EXE_banter")).arg("devices").output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains("Second Speaker [second]"), "{listed}");
    assert!(listed.lines().any(|line| line.ends_with(", default")), "{listed}");
}

#[test]
fn a_machine_without_devices_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("asound.conf");
    std::fs::write(&config, "").unwrap();
    let listed = Command::new(env!("CARGO_BIN_EXE_banter"))
        .arg("devices")
        .env("ALSA_CONFIG_PATH", config)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&listed.stdout);
    assert!(listed.status.success() && told.contains("--input FILE.wav"), "{told}");
}

/// A session on live devices, in which both are exchanged.
#[test]
fn devices_are_exchanged_in_a_call() {
    if !pulse::with_devices("devices_are_exchanged_in_a_call") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let loud = wav(&folder, &noise(24_000));
    let record = folder.path().join("call.wav");
    let second = folder.path().join("second.raw");
    let recording = paplay::record("spk_two", &second);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let warnings = runtime.block_on(call(&loud, &record));
    drop(recording);
    assert_eq!(warnings, Vec::<String>::new());
    let heard = samples(&second);
    let loud = heard.iter().filter(|sample| sample.unsigned_abs() > 500).count();
    eprintln!("{loud} samples were loud at the second speaker");
    assert!(loud > 4_800, "the answer went on at the second speaker");
    let mut reader = banter::audio::WavReader::open(&record).unwrap();
    let stereo = reader.read_all().unwrap();
    let (length, rate) = (stereo.samples().len(), stereo.rate());
    eprintln!("the recording has {length} samples at {rate}");
    assert!(length > 48_000, "a second at least");
}

/// The call. Returns what it was warned of.
async fn call(loud: &Path, record: &Path) -> Vec<String> {
    let provider = MockProvider::new();
    provider.add_response("one two three four five six seven eight nine ten. ".repeat(8));
    let engines = Engines {
        vad: Box::new(vad::Scripted::new(&(".".repeat(25) + &"s".repeat(25)))),
        transcriber: Arc::new(MockTranscriber::new(["good morning"])),
        provider: Arc::new(provider),
        synthesizer: Arc::new(MockSynthesizer::default()),
        tools: Arc::default(),
    };
    let config = SessionConfig { record: Some(record.to_owned()), ..SessionConfig::default() };
    let session = Session::new(engines, config);
    let (mut events, handle) = (session.subscribe(), session.handle());
    let watch = async {
        let (mut warnings, mut changed) = (Vec::new(), Vec::new());
        while let Some(Ok(event)) = events.next().await {
            match event.kind {
                EventKind::AgentSpeechStarted { .. } => exchange(handle.devices()),
                EventKind::DeviceChanged { device, .. } => {
                    changed.push(device);
                    if changed.len() == 2 {
                        look(handle.devices(), loud).await;
                        handle.stop();
                    }
                }
                EventKind::Warning { message } => {
                    warnings.push(message);
                    handle.stop();
                }
                _ => {}
            }
        }
        changed.sort_unstable();
        assert_eq!(changed, ["microphone", "speaker"]);
        warnings
    };
    let microphone = Box::new(CpalMicrophone::open(None).unwrap());
    let speaker = Box::new(CpalSpeaker::open(None).unwrap());
    let (summary, warnings) = tokio::join!(session.run(microphone, speaker, Pace::Live), watch);
    assert_eq!(summary.unwrap().turns, 1);
    warnings
}

/// Exchanges the speaker while it speaks, and the microphone.
fn exchange(devices: &Devices) {
    let second = Box::new(CpalSpeaker::open(Some("second")).unwrap());
    assert!(devices.exchange(DriveCommand::Speaker(second)));
    let microphone = Box::new(CpalMicrophone::open(Some("pulse")).unwrap());
    assert!(devices.exchange(DriveCommand::Microphone(microphone)));
}

/// The agent speaks on; somebody is loud, muted, and loud again.
async fn look(devices: &Devices, loud: &Path) {
    let meters = Arc::clone(devices.meters());
    let _before = meters.levels();
    assert!(level(&meters, |levels| levels.speaker > -40.0).await, "the speaker goes on");
    let mut player = paplay::play(loud, "mic_in");
    assert!(level(&meters, |levels| levels.microphone > -30.0).await, "the microphone hears");
    devices.mute().set(true);
    assert!(level(&meters, |levels| levels.microphone == Levels::SILENCE).await, "muted");
    devices.mute().set(false);
    player.wait().unwrap();
}

/// Looks at the levels until they are as wished.
async fn level(meters: &Meters, wished: impl Fn(Levels) -> bool) -> bool {
    let looks = async {
        while !wished(meters.levels()) {
            tokio::task::yield_now().await;
            std::thread::park_timeout(LOOK);
        }
    };
    tokio::time::timeout(LIMIT, looks).await.is_ok()
}

fn speaking(name: Option<&str>, rate: u32, clock: &SessionClock) -> (Box<dyn Rendering>, Playback) {
    let speaker = Box::new(CpalSpeaker::open(name).unwrap());
    let (port, playback, _tap) = render_port(SampleRate::new(rate).unwrap());
    (speaker.start(port, clock).unwrap(), playback)
}

/// Queues all of it.
fn say(clock: &SessionClock, playback: &mut Playback, samples: &[i16]) {
    let mut queue: VecDeque<_> = samples.iter().copied().collect();
    until(clock, "room", || {
        playback.push(&mut queue);
        queue.is_empty()
    });
}

/// Waits until so many samples are in the air.
fn wait_in_air(clock: &SessionClock, playback: &mut Playback, samples: u64) {
    let mut end = None;
    until(clock, "the last sample", || {
        while let Some(played) = playback.next_played() {
            let length = playback.rate().duration(played.to - played.from);
            end = Some((played.to, played.at + length));
        }
        end.is_some_and(|(to, at)| to >= samples && clock.now() > at + Duration::from_millis(50))
    });
}

/// What a sink plays while `play` runs.
fn heard_from(sink: &str, folder: &TempDir, play: impl FnOnce()) -> Vec<i16> {
    let file = folder.path().join("heard.raw");
    let recording = paplay::record(sink, &file);
    play();
    drop(recording);
    samples(&file)
}

fn samples(file: &Path) -> Vec<i16> {
    let bytes = std::fs::read(file).unwrap();
    bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
}

/// `heard` has all of `said`, sample by sample, wherever it begins. A fade at its end is not
/// looked at.
#[track_caller]
fn assert_same(heard: &[i16], said: &[i16]) {
    let from = heard.windows(8).position(|part| *part == said[..8]);
    let from = from.or_else(|| heard.iter().position(|&sample| sample != 0));
    let heard = &heard[from.unwrap()..];
    assert!(heard.len() >= said.len(), "{} of {} samples", heard.len(), said.len());
    let same = heard.iter().zip(said).filter(|(heard, said)| heard == said).count();
    let product = |a: &[i16], b: &[i16]| {
        a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>()
    };
    let heard = &heard[..said.len()];
    let correlation = product(heard, said) / (product(heard, heard) * product(said, said)).sqrt();
    let share = 100.0 * same as f64 / said.len() as f64;
    eprintln!("{share:.2} % of the samples are the same, correlation {correlation:.6}");
    assert!(correlation > 0.999, "{correlation}");
}

/// Noise that is the same each time, and never zero.
fn noise(count: usize) -> Vec<i16> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 18) as i16 - 8_192) | 1
    };
    std::iter::repeat_with(next).take(count).collect()
}

fn wav(folder: &TempDir, samples: &[i16]) -> PathBuf {
    let file = folder.path().join("said.wav");
    let rate = SampleRate::new(48_000).unwrap();
    let mut writer = WavWriter::create(&file, rate, 1).unwrap();
    writer.write(samples).unwrap();
    writer.finish().unwrap();
    file
}

/// Looks again and again, until it is so.
#[track_caller]
fn until(clock: &SessionClock, what: &str, mut is_so: impl FnMut() -> bool) {
    let end = clock.now() + LIMIT;
    while !is_so() {
        assert!(clock.now() < end, "{what} does not come within {LIMIT:?}");
        std::thread::park_timeout(LOOK);
    }
}

fn percentile(values: &mut [f64], percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() * percent).div_ceil(100) - 1]
}

/// Far more than any wait needs, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(20);

/// A tenth of a device's buffer.
const LOOK: Duration = Duration::from_millis(1);
