//! Measures a recording, writes down what is said in it, and has a model listen to it.
//!
//! `cargo run --example audio_analysis` asks a mock on a local port. With `OPENAI_API_KEY` and
//! `-- --model NAME` it asks a model that hears.
#![expect(clippy::print_stdout, reason = "it shows the conversation")]

#[path = "support/model.rs"]
mod model;

use std::error::Error;

use banter::audio::level::{peak_dbfs, rms_dbfs};
use banter::audio::{AudioChunk, Resampler, WavReader};
use banter::session::attach;
use banter::stt::{self, SttEvent, SttInput};
use banter::time::Work;
use banter::types::Message;

use crate::model::Model;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let model = Model::chosen(ANSWER).await?;
    let found = analyse(&model).await?;
    println!("{RECORDING}: {:.2} s", found.seconds);
    println!("level: {:.1} dBFS, at most {:.1} dBFS", found.rms_dbfs, found.peak_dbfs);
    match found.words {
        Ok(words) => println!("words: {words}"),
        Err(missing) => println!("words: not written down: {missing}"),
    }
    println!("agent: {}\n       ({})", found.answer, model.note);
    Ok(())
}

/// What was found out about the recording.
#[derive(Debug)]
struct Analysis {
    seconds: f64,
    rms_dbfs: f32,
    peak_dbfs: f32,
    /// Or why there are none: a recogniser may not be built in.
    words: Result<String, Box<dyn Error>>,
    answer: String,
}

async fn analyse(model: &Model) -> Result<Analysis, Box<dyn Error>> {
    let mut file = WavReader::open(RECORDING)?;
    let seconds = file.duration().as_secs_f64();
    let sound = file.read_all()?;
    let words = words(&sound).await;
    let recording = attach::audio_file(RECORDING).await?;
    let message = Message::user("What is said here, and in which mood?").with(recording);
    let answer = model.ask(message).await?;
    let (rms_dbfs, peak_dbfs) = (rms_dbfs(sound.samples()), peak_dbfs(sound.samples()));
    Ok(Analysis { seconds, rms_dbfs, peak_dbfs, words, answer })
}

/// What the embedded recogniser hears.
async fn words(sound: &AudioChunk) -> Result<String, Box<dyn Error>> {
    let recogniser = stt::by_name("pocketsphinx")?;
    let mut resampler = Resampler::new(sound.rate(), recogniser.rate())?;
    let mut samples = Vec::new();
    resampler.process(sound.samples(), &mut samples);
    resampler.flush(&mut samples);

    let mut utterance = recogniser.open()?;
    let pieces = samples.chunks(1_600).map(|piece| AudioChunk::new(piece, recogniser.rate()));
    for input in pieces.map(SttInput::Audio).chain([SttInput::End]) {
        utterance.send(input, Work::default()).await;
    }
    while let Some(event) = utterance.next().await {
        if let SttEvent::Final(text) = event? {
            return Ok(text);
        }
    }
    Err("the recogniser ended without a result".into())
}

const RECORDING: &str = "assets/sentences/06.wav";
const ANSWER: &str = "A question, asked calmly.";

#[cfg(test)]
#[path = "../tests/support/lacking.rs"]
mod lacking;

#[tokio::test]
async fn a_recording_is_measured_written_down_and_sent() {
    let model = Model::mock(ANSWER).await.unwrap();
    let found = analyse(&model).await.unwrap();
    assert!((1.0..4.0).contains(&found.seconds), "{found:?}");
    assert!((-40.0..-10.0).contains(&found.rms_dbfs), "{found:?}");
    assert!(found.rms_dbfs < found.peak_dbfs && found.peak_dbfs <= 0.0, "{found:?}");
    assert_eq!(found.answer, format!("{ANSWER} (The mock was sent 1 image, sound or file.)"));
    match found.words {
        Ok(words) => assert!(words.contains("ten plus five"), "{words}"),
        Err(missing) => lacking::lacking("pocketsphinx", &missing.to_string()),
    }
}
