use crate::lacking::lacking;
use std::process::Command;
use std::time::Duration;

use super::*;
use crate::audio::AudioChunk;
use crate::stt::warm;
use crate::text::wer::WordErrors;
use crate::time::{SessionClock, SessionTime};

/// Everyday sentences, a few of which it gets wrong.
const SENTENCES: [&str; 12] = [
    "what time is it",
    "what is seven times six",
    "my name is john",
    "tell me a story",
    "stop please",
    "what day is it today",
    "what is the weather like in london",
    "will it rain tomorrow",
    "thank you very much",
    "turn on the kitchen light",
    "wake me up at seven",
    "goodbye",
];

#[tokio::test]
async fn everyday_sentences_are_understood() {
    let Some(engine) = engine() else { return };
    let mut all = Vec::new();
    for sentence in SENTENCES {
        let Some(sound) = spoken(sentence) else { return };
        let heard = transcript(&engine, &sound, 320).await;
        let errors = WordErrors::between(sentence, &heard);
        eprintln!("{} of {}\t{sentence}\t{heard}", errors.errors, errors.words);
        all.push(errors);
    }
    let all: WordErrors = all.into_iter().sum();
    eprintln!("word error rate {:.1} %", all.rate() * 100.0);
    assert!(all.rate() <= 0.2, "{all:?}");
}

#[tokio::test]
async fn the_same_sound_gives_the_same_events_after_any_other_and_in_any_chunks() {
    let Some(engine) = engine() else { return };
    let mut first = Vec::new();
    for sentence in &SENTENCES[..4] {
        let Some(sound) = spoken(sentence) else { return };
        let events = events(&engine, dictated(&sound, 320)).await;
        first.push((sound, events));
    }
    for (sound, expected) in first.iter().rev() {
        assert_eq!(&events(&engine, dictated(sound, 101)).await, expected);
        assert_eq!(engine.0.idle.len(), 1, "the same decoder works every time");
    }
    let fresh = PocketSphinx::new().unwrap();
    assert_eq!(events(&fresh, dictated(&first[3].0, 4_000)).await, first[3].1);
}

#[tokio::test]
async fn speech_goes_on_after_a_pause() {
    let Some(engine) = engine() else { return };
    let (Some(one), Some(two)) = (spoken("tell me a story"), spoken("stop please")) else { return };
    let mut inputs = audio(&one, 320);
    inputs.push(SttInput::Lull);
    inputs.extend(dictated(&two, 320));
    let events = events(&engine, inputs).await;
    assert!(events.contains(&SttEvent::Provisional("tell me a story".to_owned())), "{events:?}");
    let whole = "tell me a story stop please";
    assert_eq!(events.last(), Some(&SttEvent::Final(whole.to_owned())));
    let partials: Vec<_> = events.iter().filter_map(partial).collect();
    assert!(partials.len() > 2, "words are told while they are spoken: {events:?}");
    assert!(partials.windows(2).all(|two| two[0] != two[1]), "each tells something new");
}

#[test]
fn after_a_pause_the_final_needs_no_more_decoding() {
    let (Some(engine), Some(sound)) = (engine(), spoken("tell me a story")) else { return };
    let mut worker = Worker { decoders: engine.0, phrases: None, dictation: None, listener: None };
    let mut inputs = audio(&sound, 320);
    inputs.push(SttInput::Lull);
    worker.answer(inputs);
    worker.answer(audio(&[0; 8_000], 320));
    let last = worker.answer(vec![SttInput::End]);
    assert!(matches!(&last[..], [Ok(SttEvent::Final(text))] if text == "tell me a story"));
    let open = worker.dictation.unwrap().segment.is_some();
    assert!(open, "the silence since then was not searched for words");
}

#[tokio::test]
async fn silence_has_no_words() {
    let Some(engine) = engine() else { return };
    let mut inputs = audio(&[0; 16_000], 320);
    inputs.push(SttInput::Lull);
    inputs.push(SttInput::End);
    let nothing = [SttEvent::Provisional(String::new()), SttEvent::Final(String::new())];
    assert_eq!(events(&engine, inputs).await, nothing);
    assert_eq!(events(&engine, vec![SttInput::End]).await, nothing[1..]);
}

#[tokio::test]
async fn an_abandoned_utterance_gives_its_decoder_back() {
    let (Some(engine), Some(sound)) = (engine(), spoken("tell me a story")) else { return };
    warm(&engine).await.unwrap();
    assert_eq!(engine.0.idle.len(), 1);
    let mut utterance = engine.open().unwrap();
    for input in audio(&sound, 320) {
        utterance.send(input, Work::default()).await;
    }
    assert!(matches!(utterance.next().await, Some(Ok(SttEvent::Partial(_)))));
    assert_eq!(engine.0.idle.len(), 0, "it is at work");
    drop(utterance);
    let returned = async {
        while engine.0.idle.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    let clock = SessionClock::live();
    clock.timeout(Duration::from_secs(10), returned).await.expect("the decoder comes back");
    assert_eq!(transcript(&engine, &sound, 320).await, "tell me a story");
}

#[tokio::test]
async fn work_is_held_until_its_events_are_sent() {
    let (Some(engine), Some(sound)) = (engine(), spoken("goodbye")) else { return };
    let (clock, mut stepper) = SessionClock::stepped();
    let mut utterance = engine.open().unwrap();
    for input in dictated(&sound, 320) {
        utterance.send(input, clock.work()).await;
    }
    stepper.advance_to(SessionTime::from_millis(3_600_000)).await;
    let mut last = None;
    while let Some(Some(event)) = clock.timeout(Duration::ZERO, utterance.next()).await {
        last = Some(event.unwrap());
    }
    assert_eq!(last, Some(SttEvent::Final("goodbye".to_owned())));
}

#[tokio::test]
async fn sound_at_another_rate_is_refused() {
    let Some(engine) = engine() else { return };
    let mut utterance = engine.open().unwrap();
    let sound = AudioChunk::new([0; 480], SampleRate::new(48_000).unwrap());
    utterance.send(SttInput::Audio(sound), Work::default()).await;
    let refused = utterance.next().await.unwrap().unwrap_err().to_string();
    assert!(refused.contains("16000 Hz") && refused.contains("48000 Hz"), "{refused}");
    assert!(utterance.next().await.is_none());
}

#[test]
fn without_its_model_it_says_what_to_install() {
    let missing = PocketSphinx::with_model("/nowhere").unwrap_err().to_string();
    assert!(missing.contains("/nowhere/en-us") && missing.contains("pocketsphinx-en-us"));
}

/// All that the engine says about `inputs`.
async fn events(engine: &PocketSphinx, inputs: Vec<SttInput>) -> Vec<SttEvent> {
    let mut utterance = engine.open().unwrap();
    let mut events = Vec::new();
    for input in inputs {
        // Reads as it sends: both queues are bounded.
        while let Ok(event) = utterance.events.try_recv() {
            events.push(event.unwrap());
        }
        utterance.send(input, Work::default()).await;
    }
    while let Some(event) = utterance.next().await {
        events.push(event.unwrap());
    }
    events
}

async fn transcript(engine: &PocketSphinx, sound: &[i16], chunk: usize) -> String {
    match events(engine, dictated(sound, chunk)).await.pop() {
        Some(SttEvent::Final(text)) => text,
        other => panic!("no final but {other:?}"),
    }
}

fn audio(sound: &[i16], chunk: usize) -> Vec<SttInput> {
    let chunks = sound.chunks(chunk).map(|samples| AudioChunk::new(samples, SampleRate::SPEECH));
    chunks.map(SttInput::Audio).collect()
}

/// The sound, a pause, the end.
fn dictated(sound: &[i16], chunk: usize) -> Vec<SttInput> {
    let mut inputs = audio(sound, chunk);
    inputs.extend([SttInput::Lull, SttInput::End]);
    inputs
}

fn partial(event: &SttEvent) -> Option<&str> {
    match event {
        SttEvent::Partial(text) => Some(text),
        _ => None,
    }
}

fn engine() -> Option<PocketSphinx> {
    PocketSphinx::new().map_err(|error| lacking("pocketsphinx", &error.to_string())).ok()
}

/// `text` in flite's voice rms, between half a second of silence and 0.3 s of it.
fn spoken(text: &str) -> Option<Vec<i16>> {
    let file = tempfile::NamedTempFile::new().unwrap();
    let arguments = ["-voice", "rms", "-t", text, "-o"];
    match Command::new("flite").args(arguments).arg(file.path()).status() {
        Ok(status) => assert!(status.success(), "flite: {status}"),
        Err(error) => {
            lacking("flite", &error.to_string());
            return None;
        }
    }
    let mut sound = vec![0; 8_000];
    sound.extend(hound::WavReader::open(file.path()).unwrap().samples::<i16>().map(Result::unwrap));
    sound.extend([0; 4_800]);
    Some(sound)
}
