//! Scenario files, right and wrong, and the sound that they name.

use std::time::Duration;

use super::*;
use crate::audio::{AUDIBLE, SampleRate, WavWriter};
use crate::time::SessionTime;

fn read(text: &str) -> Result<Scenario, ScenarioError> {
    file::read("mine", "mine.toml", text, None)
}

fn wrong(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn all_that_is_built_in_can_be_read_and_is_documented() {
    let docs = include_str!("../../../docs/scenarios.md");
    for scenario in Scenario::built_in().unwrap() {
        let Scenario { name, about, turns, .. } = &scenario;
        assert!(!about.is_empty() && !turns.is_empty(), "{name}");
        assert!(docs.contains(&format!("`{name}`")), "docs/scenarios.md does not know {name}");
        assert_eq!(Scenario::named(name).as_ref(), Ok(&scenario));
    }
}

#[test]
fn every_key_is_documented() {
    let docs = include_str!("../../../docs/scenarios.md");
    let tables = ["", "[agent]", "[services]", "[[turn]]", "[[turn]]\n[turn.expect]"];
    let keys = tables.map(|table| wrong(&format!("{table}\nxyzzy = 1"))).join(", ");
    // As in "choose one of wav, label".
    let lists = keys.split("one of ").skip(1).map(|list| list.split(", mine").next().unwrap());
    let keys: Vec<_> = lists.flat_map(|list| list.split(", ")).collect();
    assert!(keys.len() > 30, "{keys:?}");
    for key in keys {
        assert!(docs.contains(&format!("`{key}`")), "docs/scenarios.md does not know `{key}`");
    }
}

#[test]
fn a_file_says_what_is_said_when_and_what_is_expected() {
    let scenario = read(
        r#"
        about = "all there is"
        [agent]
        silence_ms = 500
        barge_in = "deferred"
        greeting = "Hello."
        system = "Be brief."
        [engines]
        vad = "energy"
        [[turn]]
        wav = "sentences/01.wav"
        pause_ms = 900
        expect = { reply_within_ms = 900, heard = "hello" }
        [[turn]]
        say = ["I think", 520, "so"]
        into_reply_ms = 1200
        expect = { hold_within_ms = 700, interrupted = true }
        [[turn]]
        noise_ms = 100
        at_word = 8
        expect = { no_turn = true }
        [[turn]]
        wav = "conversation.wav"
        end_ms = 3006
        start_ms = 1000
        text = "how much"
        at_ms = 20000
        "#,
    )
    .unwrap();
    assert_eq!((&*scenario.name, scenario.is_greeted()), ("mine", true));
    assert_eq!(scenario.vad.as_deref(), Some("energy"));
    let config = scenario.agent.apply(SessionConfig::default());
    assert_eq!((config.turn.silence, &*config.system), (ms(500), "Be brief."));
    assert_eq!(config.turn.barge_in.strategy, Strategy::Deferred);
    let when: Vec<_> = scenario.turns.iter().map(|turn| turn.when).collect();
    assert_eq!(
        when,
        [
            When::AfterReply(ms(900)),
            When::IntoReply(ms(1_200)),
            When::AtWord(8),
            When::At(SessionTime::from_millis(20_000)),
        ]
    );
    assert_eq!(scenario.services.script.heard, ["hello", "I think so", "how much"]);
    assert_eq!(scenario.turns[0].expect.heard.as_deref(), Some("hello"));
    assert_eq!(scenario.turns[1].expect.hold_within_ms, Some(700));
}

#[test]
fn an_unknown_key_is_told_with_its_line_and_what_was_likely_meant() {
    for (text, told) in [
        (
            "[[turn]]\nwav = \"x\"\n\npaus_ms = 3",
            "mine.toml:4: there is no key `paus_ms` here; did you mean `pause_ms`?",
        ),
        ("[agnet]\n", "mine.toml:1: there is no key `agnet` here; did you mean `agent`?"),
        (
            "[agent]\nbarge_in = \"imediate\"",
            "mine.toml:2: there is no value `imediate` here; did you mean `immediate`?",
        ),
        (
            "[[turn]]\nexpect = { reply_within = 3 }",
            "mine.toml:2: there is no key `reply_within` here; did you mean `reply_within_ms`?",
        ),
    ] {
        assert_eq!(wrong(text), told);
    }
    assert!(wrong("[[turn]]\nzzz = 1").contains("choose one of wav, label"), "no nearest name");
}

#[test]
fn what_makes_no_sense_is_told_with_its_line() {
    for (text, told) in [
        ("about = 'nothing'", "mine.toml: nobody says anything"),
        ("\n[[turn]]\npause_ms = 1", "mine.toml:2: a turn has one of `wav`, `say` and `noise_ms`"),
        ("[[turn]]\nsay = 'a'\nnoise_ms = 3", "mine.toml:1: a turn has one of"),
        (
            "[[turn]]\nsay = 'a'\n[[turn]]\nsay = 'b'\nat_ms = 1\nat_word = 1",
            "mine.toml:3: a turn has at most one of",
        ),
        (
            "[[turn]]\nsay = 'a'\nat_word = 0",
            "mine.toml:1: the first word of a reply is at_word = 1",
        ),
        ("[[turn]]\nsay = [500]", "mine.toml:1: `say` has no words"),
        ("[[turn]]\nsay = [true]", "mine.toml:2: a text, or texts with pauses"),
        ("[[turn]]\nsay = 'a'\nend_ms = 3", "mine.toml:1: `label`, `start_ms` and `end_ms`"),
        ("[[turn]]\nwav = 'sentences/99.wav'", "mine.toml:1: there is no file sentences/99.wav"),
        (
            "[[turn]]\nwav = 'conversation.wav'",
            "mine.toml:1: conversation.wav has 6 labelled turns: choose one",
        ),
        (
            "[[turn]]\nwav = 'conversation.wav'\nlabel = 7",
            "mine.toml:1: conversation.wav has labels 1 to 6 only",
        ),
        (
            "[[turn]]\nwav = 'conversation.wav'\nend_ms = 99000",
            "mine.toml:1: conversation.wav: speech from 0 to 99000 ms does not lie",
        ),
        (
            "[[turn]]\nwav = 'conversation.wav'\nend_ms = 3006",
            "mine.toml:1: say what is said in the `wav`",
        ),
        ("[[turn]\n", "mine.toml:1: "),
    ] {
        let error = wrong(text).replace("expected ", "");
        assert!(error.starts_with(told), "{error}");
    }
    let error = Scenario::named("questoin").unwrap_err().to_string();
    assert!(error.contains("one of question, hesitation"), "{error}");
    let error = Scenario::load("/nowhere/x.toml").unwrap_err().to_string();
    assert!(error.starts_with("/nowhere/x.toml: cannot be read"), "{error}");
}

#[tokio::test]
async fn labels_bound_what_is_taken_of_a_file() {
    let utterances = Scenario::named("conversation").unwrap().utterances().await.unwrap();
    let lengths = utterances.iter().map(|it| (it.speech.end - it.speech.start).as_millis());
    assert_eq!(lengths.collect::<Vec<_>>(), [2006, 1970, 1051, 818, 1027, 736]);
    for utterance in &utterances {
        // The noise below the speech stays inaudible.
        let at = |time| SampleRate::SPEECH.samples(time) as usize;
        let (start, end) = (at(utterance.speech.start), at(utterance.speech.end));
        let audible: Vec<_> = (0..utterance.samples.len())
            .filter(|&at| utterance.samples[at].unsigned_abs() >= AUDIBLE)
            .collect();
        let (first, last) = (audible[0], audible[audible.len() - 1]);
        // Labels are whole milliseconds, and were taken before there was noise.
        assert!(
            first.abs_diff(start) <= 20 * 16 && last.abs_diff(end) <= 20 * 16,
            "{first} {start} {last} {end}"
        );
        assert!(utterance.labelled);
    }
}

#[tokio::test]
async fn a_scenario_beside_its_sound() {
    let folder = tempfile::tempdir().unwrap();
    let mut samples = vec![0; 8_000];
    samples.extend((0..16_000).map(|n| if n % 32 < 16 { 6_000 } else { -6_000 }));
    samples.resize(40_000, 0);
    let mut writer =
        WavWriter::create(folder.path().join("own.wav"), SampleRate::SPEECH, 1).unwrap();
    writer.write(&samples).unwrap();
    writer.finish().unwrap();
    let path = folder.path().join("own.toml");
    std::fs::write(&path, "[[turn]]\nwav = 'own.wav'\nstart_ms = 500\nend_ms = 1500\ntext = 'hum'")
        .unwrap();
    let said = Scenario::load(&path).unwrap().utterances().await.unwrap();
    assert_eq!((said[0].speech.clone(), said[0].labelled), (ms(200)..ms(1_200), true));

    let labels = r#"{"turns": [{"start_ms": 500, "end_ms": 1500, "text": "hum"}]}"#;
    std::fs::write(folder.path().join("own.json"), labels).unwrap();
    std::fs::write(&path, "[[turn]]\nwav = 'own.wav'").unwrap();
    let scenario = Scenario::load(&path).unwrap();
    assert_eq!(
        (scenario.services.script.heard.clone(), said),
        (vec!["hum".to_owned()], scenario.utterances().await.unwrap())
    );
    let whole =
        Scenario::of_wav(folder.path().join("own.wav"), Box::new(crate::vad::Energy::new()))
            .unwrap();
    assert_eq!(whole.services.script.heard, ["hum"]);

    // Without labels the detector's estimate does, and says so.
    std::fs::remove_file(folder.path().join("own.json")).unwrap();
    let whole =
        Scenario::of_wav(folder.path().join("own.wav"), Box::new(crate::vad::Energy::new()))
            .unwrap();
    let said = whole.utterances().await.unwrap();
    assert_eq!((said.len(), said[0].labelled, &*said[0].text), (1, false, "turn 1"));
    let length = (said[0].speech.end - said[0].speech.start).as_millis();
    assert!((950..1_100).contains(&length), "{length}");
}

#[test]
fn a_noise_is_loud_short_and_the_same_each_time() {
    let noise = sound::noise(120);
    assert_eq!(noise, sound::noise(120));
    assert_eq!((noise.samples.len(), noise.speech), (1_920, ms(0)..ms(120)));
    assert!(noise.samples.iter().any(|sample| sample.unsigned_abs() > 5_000));
    assert!(noise.samples[1_900..].iter().all(|sample| sample.unsigned_abs() < 200));
}

#[tokio::test]
async fn texts_are_spoken_with_their_pauses() {
    if std::process::Command::new("flite").arg("--version").output().is_err() {
        crate::lacking::lacking("flite", "no program `flite`");
        return;
    }
    let scenario = read("[[turn]]\nsay = ['my name', 520, 'is john']").unwrap();
    let said = scenario.utterances().await.unwrap().remove(0);
    assert_eq!((&*said.text, said.labelled), ("my name is john", true));
    let start = SampleRate::SPEECH.samples(said.speech.start) as usize;
    assert!(said.samples[start].unsigned_abs() >= AUDIBLE, "it begins with its first sound");
    let audible = |at: &usize| said.samples[*at].unsigned_abs() >= AUDIBLE;
    let audible: Vec<_> = (0..said.samples.len()).filter(audible).collect();
    let longest = audible.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
    assert_eq!(longest, 8_321, "520 ms of silence");
}
