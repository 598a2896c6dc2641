//! The clients of transcription and speech against a server that others wrote.
//!
//! It hears nothing: it takes the form apart, and answers by the model that it finds there. What
//! it notes of a request are the headers and the model, of a text to speak also the text.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

#[path = "support/aimock.rs"]
mod aimock;
#[path = "support/lacking.rs"]
mod lacking;
#[path = "support/sound.rs"]
#[expect(dead_code, reason = "other tests need the rest")]
mod sound;

use std::sync::Arc;
use std::time::Duration;

use banter::audio::{AudioChunk, SampleRate};
use banter::error::Recovery;
use banter::net::{Endpoint, HttpClient, NetError};
use banter::stt::{OpenAiTranscriber, SttError, SttEvent, SttInput, Transcriber, Utterance};
use banter::time::Work;
use banter::tts::{OpenAiSynthesizer, SpeakRequest, SpeechEvent, Synthesizer, TtsError};
use banter::types::Secret;
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::aimock::{Aimock, KEY};

#[tokio::test]
async fn a_server_takes_sound_whose_length_it_is_not_told() {
    let Some(server) = Aimock::start("speech.json") else { return };

    let heard = transcribe(&transcriber(&server, "whisper-1")).await;

    assert_eq!(heard.unwrap(), [ended("How much is ten plus five?")]);
    let [request] = &server.requests("audio/transcriptions")[..] else { panic!("not one") };
    let headers = &request["headers"];
    let kind = headers["content-type"].as_str().unwrap();
    assert!(kind.starts_with("multipart/form-data; boundary="), "{kind}");
    assert_eq!(headers["transfer-encoding"], "chunked");
    assert!(headers["content-length"].is_null(), "{headers}");
    // From the form.
    assert_eq!(request["body"]["model"], "whisper-1");
}

#[tokio::test]
async fn an_answer_with_times_is_read_for_its_words() {
    let Some(server) = Aimock::start("speech.json") else { return };

    let heard = transcribe(&transcriber(&server, "with-times")).await;

    assert_eq!(heard.unwrap(), [ended("How much is ten plus five?")]);
}

#[tokio::test]
async fn words_that_come_one_after_the_other_are_partials() {
    let Some(server) = Aimock::start("speech.json") else { return };
    let engine = transcriber(&server, "streams-1");

    let heard = transcribe(&engine.clone().streaming(true)).await.unwrap();

    let partial = |text: &str| SttEvent::Partial(text.to_owned());
    let partials = [partial("How much"), partial("How much is ten pl")];
    assert_eq!(heard[..2], partials);
    assert_eq!(heard.last(), Some(&ended("How much is ten plus five?")));

    // The same server, not asked to.
    assert_eq!(transcribe(&engine).await.unwrap(), [ended("How much is ten plus five?")]);
}

#[tokio::test]
async fn words_of_an_answer_that_breaks_off_each_time_are_no_final() {
    let Some(server) = Aimock::start("speech.json") else { return };

    let failed = transcribe(&transcriber(&server, "breaks-off").streaming(true)).await;

    let error = failed.unwrap_err();
    assert!(matches!(net(&error), Some(NetError::BrokeOff { .. })), "{error:?}");
    assert_eq!(server.requests("audio/transcriptions").len(), 2);
}

#[tokio::test]
async fn a_server_without_time_is_asked_once_more_with_all_of_the_sound() {
    let Some(server) = Aimock::start("speech.json") else { return };

    let heard = transcribe(&transcriber(&server, "busy-at-first")).await;

    assert_eq!(heard.unwrap(), [ended("Once more.")]);
    assert_eq!(lengths(&server), [None, Some(true)]);
}

#[tokio::test]
async fn a_server_that_wants_the_length_is_told_it_from_then_on() {
    let Some(server) = Aimock::start("speech.json") else { return };
    let engine = transcriber(&server, "wants-length");

    assert_eq!(transcribe(&engine).await.unwrap(), [ended("Now I know.")]);
    assert_eq!(transcribe(&engine).await.unwrap(), [ended("I knew.")]);

    assert_eq!(lengths(&server), [None, Some(true), Some(true)]);
}

#[tokio::test]
async fn failures_of_a_recogniser_say_what_to_do() {
    let Some(server) = Aimock::start("speech.json") else { return };

    // Nobody waits a minute for an answer: it is not asked again.
    let busy = transcribe(&transcriber(&server, "too-busy")).await.unwrap_err();
    assert_eq!(busy.recovery(), Recovery::RetryAfter(Duration::from_secs(60)), "{busy:?}");
    assert_eq!(server.requests("audio/transcriptions").len(), 1);

    let gone = transcribe(&transcriber(&server, "hangs-up")).await.unwrap_err();
    assert!(matches!(net(&gone), Some(NetError::BrokeOff { .. })), "{gone:?}");

    let nonsense = transcribe(&transcriber(&server, "nonsense")).await.unwrap_err();
    assert!(matches!(nonsense, SttError::Failed { .. }), "{nonsense:?}");

    let missing = transcribe(&transcriber(&server, "no-such")).await.unwrap_err();
    assert_eq!(missing.recovery(), Recovery::AskUser, "{missing:?}");

    let endpoint = Endpoint::new(&server.url(), Some(Secret::new("sk-wrong"))).unwrap();
    let wrong = OpenAiTranscriber::new(http(), endpoint, "whisper-1");
    let refused = transcribe(&wrong).await.unwrap_err();
    assert_eq!(refused.recovery(), Recovery::AskUser, "{refused:?}");
    assert!(!refused.to_string().contains("sk-wrong"), "{refused}");
}

#[tokio::test]
async fn speech_is_what_the_server_sent() {
    let Some(server) = Aimock::start("speech.json") else { return };

    let sound = speak(&synthesizer(&server), "Good morning.").await.unwrap();

    assert!(sound.len() > 1, "not in pieces");
    assert!(sound.iter().all(|chunk| chunk.rate().hz() == 24_000));
    let samples: Vec<i16> = sound.iter().flat_map(|chunk| chunk.samples().to_vec()).collect();
    let sent = aimock::at_24_khz("assets/sentences/03.wav");
    assert!(samples == sent, "{} samples, not the {} that were sent", samples.len(), sent.len());
    let [request] = &server.requests("audio/speech")[..] else { panic!("not one") };
    assert_eq!(request["body"]["model"], "tts-1");
    assert_eq!(request["body"]["messages"], json!([{"role": "user", "content": "Good morning."}]));
}

#[tokio::test]
async fn a_file_instead_of_raw_sound_is_understood() {
    let Some(server) = Aimock::start("speech.json") else { return };

    let sound = speak(&synthesizer(&server), "A file, please.").await.unwrap();

    assert!(sound.iter().all(|chunk| chunk.rate() == SampleRate::SPEECH));
    let samples: Vec<i16> = sound.iter().flat_map(|chunk| chunk.samples().to_vec()).collect();
    assert!(samples == sound::samples(sound::sentence(3)), "{} other samples", samples.len());
}

#[tokio::test]
async fn what_is_no_sound_is_never_played() {
    let Some(server) = Aimock::start("speech.json") else { return };

    for text in ["Compressed, please.", "Nonsense."] {
        let error = speak(&synthesizer(&server), text).await.unwrap_err();
        assert!(matches!(error, TtsError::Failed { .. }), "{text} {error:?}");
    }
}

#[tokio::test]
async fn failures_of_a_synthesizer_say_what_to_do() {
    let Some(server) = Aimock::start("speech.json") else { return };
    let engine = synthesizer(&server);
    let refused = async |text| speak(&engine, text).await.unwrap_err();

    let busy = refused("Too busy?").await;
    assert_eq!(busy.recovery(), Recovery::RetryAfter(Duration::from_secs(2)), "{busy:?}");

    let broken = refused("Broken?").await;
    assert!(broken.to_string().contains("Out of order"), "{broken}");
    assert!(matches!(broken.recovery(), Recovery::RetryAfter(_)), "{broken:?}");

    let gone = refused("Hang up.").await;
    let TtsError::Service { error: NetError::BrokeOff { .. }, .. } = gone else {
        panic!("{gone:?}")
    };

    let missing = refused("What nobody has foreseen.").await;
    assert_eq!(missing.recovery(), Recovery::AskUser, "{missing:?}");

    let endpoint = Endpoint::new(&server.url(), Some(Secret::new("sk-wrong"))).unwrap();
    let wrong = OpenAiSynthesizer::new(http(), endpoint, "tts-1", "alloy");
    let error = speak(&wrong, "Good morning.").await.unwrap_err();
    assert_eq!(error.recovery(), Recovery::AskUser, "{error:?}");
    assert!(!error.to_string().contains("sk-wrong"), "{error}");
}

/// Has an engine hear "how much is ten plus five", up to the failure if there is one.
async fn transcribe(engine: &OpenAiTranscriber) -> Result<Vec<SttEvent>, SttError> {
    let utterance = engine.open()?;
    tokio::time::timeout(LIMIT, hear(utterance)).await.unwrap()
}

async fn hear(mut utterance: Utterance) -> Result<Vec<SttEvent>, SttError> {
    for piece in sound::samples(sound::sentence(6)).chunks(320) {
        let chunk = AudioChunk::new(piece, SampleRate::SPEECH);
        utterance.send(SttInput::Audio(chunk), Work::default()).await;
    }
    utterance.send(SttInput::End, Work::default()).await;
    let mut heard = Vec::new();
    while let Some(event) = utterance.next().await {
        heard.push(event?);
    }
    Ok(heard)
}

async fn speak(engine: &OpenAiSynthesizer, text: &str) -> Result<Vec<AudioChunk>, TtsError> {
    let speech = engine.speak(SpeakRequest::new(text)).map(|event| match event {
        Ok(SpeechEvent::Audio(chunk)) => Ok(chunk),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error),
    });
    let all = async { speech.collect::<Vec<_>>().await.into_iter().collect() };
    tokio::time::timeout(LIMIT, all).await.unwrap()
}

/// For each request: nothing if it had no length, else whether all of the sound fits in.
fn lengths(server: &Aimock) -> Vec<Option<bool>> {
    let sound = 2 * sound::samples(sound::sentence(6)).len();
    let told = |request: &Value| {
        let length = request["headers"]["content-length"].as_str()?;
        Some(length.parse::<usize>().unwrap() > sound)
    };
    server.requests("audio/transcriptions").iter().map(told).collect()
}

fn net(error: &SttError) -> Option<&NetError> {
    match error {
        SttError::Service { error, .. } => Some(error),
        _ => None,
    }
}

fn transcriber(server: &Aimock, model: &str) -> OpenAiTranscriber {
    OpenAiTranscriber::new(http(), endpoint(server), model).with_language(Some("en".to_owned()))
}

fn synthesizer(server: &Aimock) -> OpenAiSynthesizer {
    OpenAiSynthesizer::new(http(), endpoint(server), "tts-1", "alloy")
}

fn endpoint(server: &Aimock) -> Endpoint {
    Endpoint::new(&server.url(), Some(Secret::new(KEY))).unwrap()
}

fn http() -> Arc<HttpClient> {
    Arc::new(HttpClient::new().unwrap())
}

fn ended(text: &str) -> SttEvent {
    SttEvent::Final(text.to_owned())
}

/// Far more than any answer needs.
const LIMIT: Duration = Duration::from_secs(20);
