use std::collections::BTreeMap;
use std::sync::Mutex;

use super::*;
use crate::audio::WavReader;
use crate::audio::level::rms_dbfs;

const RATE: usize = 16_000;

/// Something like a voice: a buzz in syllables, `ms` long, with a quiet end on either side.
fn voice(ms: usize, hz: f64) -> Vec<i16> {
    let at = |sample: usize| {
        let seconds = sample as f64 / RATE as f64;
        let syllable = (seconds * 25.0).sin().abs().max(0.3);
        let buzz = (1..6)
            .map(|n| (f64::from(n) * hz * seconds * std::f64::consts::TAU).sin() / f64::from(n));
        (buzz.sum::<f64>() * syllable * 6_000.0) as i16
    };
    let quiet = || std::iter::repeat_n(0, RATE / 10);
    quiet().chain((0..RATE * ms / 1_000).map(at)).chain(quiet()).collect()
}

fn wav(folder: &Path, name: &str, samples: &[i16], rate: u32) {
    let mut wav = WavWriter::create(folder.join(name), SampleRate::new(rate).unwrap(), 1).unwrap();
    wav.write(samples).unwrap();
    wav.finish().unwrap();
}

/// A folder of speech with these sets, each so many clips of so many ms.
fn speech(sets: &[(&str, usize, usize)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut list = Vec::new();
    for (set, count, ms) in sets {
        for number in 0..*count {
            let name = format!("{set}{number}.wav");
            wav(
                folder.path(),
                &name,
                &voice(ms + 40 * number, 100.0 + 9.0 * number as f64),
                16_000,
            );
            list.push(serde_json::json!({
                "path": name, "set": set, "transcript": "words", "lang": "tlh", "more": 1,
            }));
        }
    }
    let list = serde_json::Value::from(list).to_string();
    fs::write(folder.path().join("manifest.json"), list).unwrap();
    folder
}

fn some(speech: &tempfile::TempDir, kinds: &[&str]) -> Recipe {
    let kinds = kinds.iter().map(|kind| kind.parse().unwrap()).collect();
    Recipe { kinds, each: NonZeroUsize::new(1), ..Recipe::of(speech.path()) }
}

fn made(recipe: &Recipe) -> (tempfile::TempDir, Made) {
    let out = tempfile::tempdir().unwrap();
    let made = make(recipe, out.path(), &|_, _| {}).unwrap();
    (out, made)
}

fn read(folder: &tempfile::TempDir, name: &str) -> Vec<i16> {
    let audio = WavReader::open(folder.path().join(name)).unwrap().read_all().unwrap();
    assert_eq!(audio.rate(), SampleRate::SPEECH);
    audio.samples().to_vec()
}

/// Every file's bytes by its name.
fn bytes(folder: &tempfile::TempDir) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap());
    files.map(|f| (f.file_name().into_string().unwrap(), fs::read(f.path()).unwrap())).collect()
}

#[test]
fn turns_are_where_the_manifest_says() {
    let speech = speech(&[("command", 5, 900), ("digits", 6, 300)]);
    let (out, made) = made(&some(&speech, &["simple", "hesitate600", "short", "slow"]));
    assert_eq!(made.notes, [""; 0]);
    let written = fs::read_to_string(out.path().join("manifest.json")).unwrap();
    assert_eq!(serde_json::from_str::<Manifest>(&written).unwrap(), made.manifest);

    let [simple, hesitation, short, slow] = &made.manifest.scenarios[..] else { panic!() };
    assert_eq!((simple.id.as_str(), simple.user_turns.len()), ("000-simple", 3));
    assert_eq!((hesitation.pause_ms, hesitation.user_turns[0].pauses.len()), (Some(600), 1));
    assert_eq!(short.user_turns.len(), 6);
    assert_eq!((slow.pause_ms, slow.user_turns.len()), (Some(1_100), 15));
    assert!(slow.user_turns.iter().all(|turn| turn.pauses.len() == 1));
    for scenario in &made.manifest.scenarios {
        let mic = read(&out, &scenario.mic);
        assert_eq!(mic.len() as u64, scenario.duration_ms * 16, "{}", scenario.id);
        let level = |from_ms: u64, to_ms: u64| {
            rms_dbfs(&mic[from_ms as usize * 16..(to_ms as usize * 16).min(mic.len())])
        };
        for turn in &scenario.user_turns {
            let (before, spoken, after) = (
                level(turn.start_ms - 200, turn.start_ms - 10),
                level(turn.start_ms, turn.end_ms),
                level(turn.end_ms + 10, turn.end_ms + 500),
            );
            assert!(before < -55.0 && after < -55.0, "{}: {before} {after}", scenario.id);
            assert!((-34.0..-18.0).contains(&spoken), "{}: {spoken}", scenario.id);
            for pause in &turn.pauses {
                assert!(level(pause.0 + 10, pause.1 - 10) < -55.0, "{}", scenario.id);
            }
        }
    }
}

#[test]
fn an_agent_is_heard_by_the_speaker_and_by_echo_in_the_microphone() {
    let speech = speech(&[("command", 5, 900)]);
    let (out, made) = made(&some(&speech, &["echo-20", "barge", "barge-10"]));
    let [echo, barge, over_echo] = &made.manifest.scenarios[..] else { panic!() };
    assert_eq!((echo.echo_db, barge.echo_db, over_echo.echo_db), (Some(-20.0), None, Some(-10.0)));
    for scenario in &made.manifest.scenarios {
        let agent = read(&out, scenario.agent.as_deref().unwrap());
        let mic = read(&out, &scenario.mic);
        assert_eq!(agent.len(), mic.len());
        let Some(playing) = scenario.agent_playing.first() else { panic!() };
        // Before anybody interrupts.
        let span = playing.0 as usize * 16 + 2_000..playing.0 as usize * 16 + 30_000;
        let (said, heard) = (rms_dbfs(&agent[span.clone()]), rms_dbfs(&mic[span]));
        assert!((-26.0..-16.0).contains(&said), "{}: {said}", scenario.id);
        match scenario.echo_db {
            Some(db) => assert!((heard - said - db as f32).abs() < 4.0, "{said} {heard}"),
            None => assert!(heard < -55.0, "{heard}"),
        }
        for interrupt in &scenario.interrupts {
            assert!(interrupt.start_ms > playing.0 && interrupt.start_ms + 1_000 == playing.1);
        }
    }
    assert_eq!((echo.interrupts.len(), barge.interrupts.len()), (0, 1));
    assert_eq!(echo.probes[0].kind, "echo-20");
}

#[test]
fn the_same_seed_gives_the_same_bytes_whatever_the_jobs() {
    let speech = speech(&[("command", 6, 900)]);
    let recipe = some(&speech, &["simple", "hesitate300", "idle-probe", "barge-20"]);
    let (one, _) = made(&recipe);
    let (again, _) = made(&Recipe { jobs: NonZeroUsize::new(3).unwrap(), ..recipe.clone() });
    assert_eq!(bytes(&one), bytes(&again));
    let (other, _) = made(&Recipe { seed: 2, ..recipe });
    let (one, other) = (bytes(&one), bytes(&other));
    assert!(one.keys().eq(other.keys()));
    let different = one.iter().filter(|(name, bytes)| other[*name] != **bytes);
    assert!(different.count() >= 4);
}

#[test]
fn noise_lies_as_far_below_speech_as_was_asked() {
    let speech = speech(&[("command", 5, 900)]);
    let hiss: Vec<i16> =
        (0..24_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 18) as i16).collect();
    wav(speech.path(), "hiss.wav", &hiss, 24_000);
    let noise = Noise { file: speech.path().join("hiss.wav"), snr_db: 15.0 };
    let (out, made) = made(&Recipe { noise: Some(noise), ..some(&speech, &["simple"]) });
    assert_eq!((made.manifest.noise.as_deref(), made.manifest.snr), (Some("hiss"), Some(15.0)));
    let level = rms_dbfs(&read(&out, "000-simple.wav")[..12_000]);
    assert!((level + 41.0).abs() < 1.0, "{level}");
}

#[test]
fn what_a_folder_has_no_clips_for_is_left_out_and_told() {
    let speech = speech(&[("other", 5, 1_200)]);
    let (_, made) = made(&some(&speech, &["simple", "short", "backchannel"]));
    assert_eq!(made.manifest.scenarios.len(), 1);
    assert!(made.notes.iter().any(|note| note.starts_with("0 of 1 short")), "{:?}", made.notes);
    assert_eq!(made.notes.len(), 2);
}

#[test]
fn listeners_are_taken_where_nobody_else_speaks() {
    let speech = speech(&[("command", 5, 900)]);
    wav(speech.path(), "meeting.wav", &voice(9_000, 120.0), 16_000);
    let list = fs::read_to_string(speech.path().join("manifest.json")).unwrap();
    let mut list: Vec<serde_json::Value> = serde_json::from_str(&list).unwrap();
    let segment = |start: f64, end: f64| serde_json::json!({ "start": start, "end": end });
    let segments = [
        segment(0.5, 1.0),
        segment(2.0, 2.5),
        segment(2.4, 4.0),
        segment(5.0, 5.6),
        segment(7.0, 7.9),
    ];
    list.push(serde_json::json!({
        "path": "meeting.wav", "set": "meetings", "transcript": null,
        "labels": { "speaker_segments": segments },
    }));
    fs::write(speech.path().join("manifest.json"), serde_json::json!(list).to_string()).unwrap();
    let (_, made) = made(&some(&speech, &["backchannel"]));
    let probes = &made.manifest.scenarios[0].probes;
    let mut places: Vec<_> = probes.iter().map(|probe| probe.clip.as_deref().unwrap()).collect();
    places.sort_unstable();
    assert_eq!(places, ["meeting.wav@0.50", "meeting.wav@5.00", "meeting.wav@7.00"]);
}

#[test]
fn what_cannot_be_used_says_what_to_do() {
    let out = tempfile::tempdir().unwrap();
    let told =
        |folder: &Path| make(&Recipe::of(folder), out.path(), &|_, _| {}).unwrap_err().to_string();
    let empty = tempfile::tempdir().unwrap();
    assert!(told(empty.path()).contains("--speech"));
    fs::write(empty.path().join("manifest.json"), r#"{"clips": []}"#).unwrap();
    assert!(told(empty.path()).contains("no list of clips"));
    fs::write(empty.path().join("manifest.json"), r#"[{"path": "gone.wav", "transcript": "a"}]"#)
        .unwrap();
    assert!(told(empty.path()).contains("gone.wav"));
    fs::write(empty.path().join("manifest.json"), "[]").unwrap();
    assert!(told(empty.path()).contains("0 clips to speak for a user"));
}

#[test]
fn progress_is_told_for_each() {
    let speech = speech(&[("command", 5, 900)]);
    let seen = Mutex::new(Vec::new());
    let out = tempfile::tempdir().unwrap();
    let recipe = some(&speech, &["simple", "idle-probe"]);
    make(&recipe, out.path(), &|done, all| seen.lock().unwrap().push((done, all))).unwrap();
    assert_eq!(seen.into_inner().unwrap(), [(1, 2), (2, 2)]);
}
