//! Where somebody speaks in a recording: a voice detector scores its frames, and the turn machine
//! makes turns of them, as in a call.
//!
//! `cargo run --example vad_demo` prints the turns of `assets/conversation.wav` beside the labels
//! of `assets/conversation.json`, which tell where speech truly begins and ends. Another detector:
//! `cargo run --example vad_demo -- energy`.

use std::error::Error;
use std::io::{Write, stdout};
use std::path::Path;

use banter::audio::WavReader;
use banter::turn::{Action, Detector, Input, TurnConfig, TurnMachine};
use banter::vad::{Framer, by_name};
use banter::{SessionTime, Vad};
use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let detector = std::env::args().nth(1).unwrap_or_else(|| "earshot".to_owned());
    compare(by_name(&detector)?, &mut stdout()).map(drop)
}

/// Where a turn begins and ends, in milliseconds.
type Span = (f64, f64);

/// The turns that a session would take from a recording.
fn turns(path: &Path, vad: Box<dyn Vad>) -> Result<Vec<Span>, Box<dyn Error>> {
    let audio = WavReader::open(path)?.read_all()?;
    if audio.rate() != vad.rate() {
        return Err("the recording must have the detector's rate: use audio::Resampler".into());
    }
    let rate = vad.rate();
    let length = rate.duration(vad.frame_len() as u64);
    let mut machine = TurnMachine::new(TurnConfig::default(), Detector::of(&*vad));
    let mut inputs = Vec::new();
    Framer::new(vad).push(audio.samples(), |frame| {
        let end = SessionTime::ZERO + rate.duration(frame.end);
        inputs.push(Input::Voice { end, length, probability: frame.probability, tone: frame.tone });
    });
    let (mut turns, mut begun) = (Vec::new(), SessionTime::ZERO);
    for input in inputs.into_iter().chain([Input::StreamEnd]) {
        machine.handle(input);
        while let Some(action) = machine.poll_action() {
            match action {
                Action::Begin { since, .. } => begun = since,
                Action::End { speech_end, .. } => {
                    turns.push((begun.as_millis(), speech_end.as_millis()));
                }
                _ => {} // what concerns an agent that speaks, and the lulls
            }
        }
    }
    Ok(turns)
}

/// Prints each turn beside its label. Gives how far apart they are: begins, ends.
fn compare(vad: Box<dyn Vad>, output: &mut impl Write) -> Result<Vec<Span>, Box<dyn Error>> {
    let labels: Value = serde_json::from_slice(&std::fs::read("assets/conversation.json")?)?;
    let labels = labels["turns"].as_array().ok_or("the labels have no turns")?;
    let found = turns(Path::new("assets/conversation.wav"), vad)?;
    writeln!(output, "{:27}{:>16}{:>16}{:>14}", "", "label ms", "turn ms", "apart ms")?;
    let mut apart = Vec::new();
    for (label, (begins, ends)) in labels.iter().zip(&found) {
        let at = |name: &str| label[name].as_f64().ok_or("a label has no time");
        let (true_begin, true_end) = (at("start_ms")?, at("end_ms")?);
        let off = (begins - true_begin, ends - true_end);
        let text = label["text"].as_str().unwrap_or_default();
        write!(output, "{text:27}{true_begin:8.0}{true_end:8.0}{begins:8.0}{ends:8.0}")?;
        writeln!(output, "{:+7.0}{:+7.0}", off.0, off.1)?;
        apart.push(off);
    }
    writeln!(output, "{} turns, of which {} have a label", found.len(), labels.len())?;
    Ok(apart)
}

#[test]
fn turns_begin_and_end_where_the_labels_say() {
    let mut output = Vec::new();
    let apart = compare(by_name("earshot").unwrap(), &mut output).unwrap();
    let output = String::from_utf8(output).unwrap();
    assert!(output.ends_with("6 turns, of which 6 have a label\n"), "{output}");
    assert!(output.contains("\ntell me a story               13621   14672"), "{output}");
    for (begin, end) in apart {
        assert!(begin.abs() < 150.0 && end.abs() < 150.0, "{output}");
    }
}
