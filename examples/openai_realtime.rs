//! A call with OpenAI Realtime whose sound the program moves itself, with a tool.
//!
//! `cargo run --example openai_realtime` talks to a mock in memory, in real time. With
//! `OPENAI_API_KEY`, `-- --model NAME` talks to a model of OpenAI's. `out/openai_realtime.wav` is what
//! the agent said.

#[path = "support/call.rs"]
mod call;

use std::io::{Write, stdout};
use std::path::Path;
use std::sync::Arc;

use banter::audio::WavWriter;
use banter::session::DuplexEngines;
use banter::session::call::CallConfig;
use banter::tools::{FunctionTool, ToolRegistry};
use banter::types::{Message, ToolDescriptor};
use banter::{Session, SessionConfig, vad};
use serde_json::{Value, json};

use crate::call::{Failed, Line, answer, say};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failed> {
    std::fs::create_dir_all("out")?;
    let line = Line::chosen("openai", script())?;
    talk(&line, "out/openai_realtime.wav", &mut stdout()).await.map(drop)
}

async fn talk(line: &Line, output: &str, to: &mut impl Write) -> Result<Vec<Message>, Failed> {
    let clock = ToolDescriptor::new("clock", "Tells the time.", json!({ "type": "object" }));
    let mut tools = ToolRegistry::new();
    tools.register(FunctionTool::sync(clock, |_| Ok(json!("12:00"))).without_side_effects())?;
    let engines = DuplexEngines {
        vad: vad::by_name("earshot")?,
        provider: Arc::clone(&line.provider),
        tools: Arc::new(tools),
    };
    let system = "You answer in one short sentence.".to_owned();
    let session = Session::duplex(engines, SessionConfig { system, ..SessionConfig::default() });

    let config = CallConfig::default();
    let mut call = session.start(config)?;
    let mut voice = Vec::new();
    for sentence in ["assets/sentences/02.wav", "assets/sentences/04.wav"] {
        say(&call, sentence).await?;
        voice.extend(answer(&mut call, to).await?);
    }
    call.close().await;
    let summary = call.finish().await?;
    let mut file = WavWriter::create(Path::new(output), config.speaks, 1)?;
    file.write(&voice)?;
    file.finish()?;
    Ok(summary.messages.clone())
}

/// What the mock hears, and what it answers.
fn script() -> Value {
    json!({
        "heard": ["hello there", "what time is it"],
        "answers": [
            "Hello. What can I do for you?",
            { "say": "Let me see.", "calls": [{ "tool": "clock" }] },
            "It is noon.",
        ],
    })
}

#[tokio::test(start_paused = true)]
async fn it_is_asked_for_the_time_and_looks_at_the_clock() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("agent.wav");
    let line = Line::mock("openai", script()).unwrap();
    let mut told = Vec::new();
    let messages = talk(&line, output.to_str().unwrap(), &mut told).await.unwrap();
    let told = String::from_utf8(told).unwrap();
    assert!(told.contains("user:  hello there") && told.contains("(clock)"), "{told}");
    assert_eq!(messages.last().unwrap().text, "Let me see. It is noon.");
    let sound = banter::audio::WavReader::open(&output).unwrap().read_all().unwrap();
    assert!(sound.duration().as_secs_f64() > 2.0, "{sound:?}");
    let log = line.services.unwrap().log(call::CALLER);
    assert_eq!(log.calls[0].errors, [""; 0]);
}
