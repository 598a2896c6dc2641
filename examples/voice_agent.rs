//! A voice agent with a tool of its own, on the library.
//!
//! `cargo run --example voice_agent` lets it talk to a recorded user, as fast as the engines
//! work, and prints who says what. It needs the program flite and PocketSphinx's model.
#![expect(clippy::print_stdout, reason = "it shows the conversation")]

use std::error::Error;
use std::sync::Arc;

use banter::device::{WavMicrophone, WavSpeaker};
use banter::providers::scripted::Scripted;
use banter::tools::{FunctionTool, ToolRegistry};
use banter::types::{Message, ToolDescriptor};
use banter::{Engines, EventKind, Microphone, Pace, Session, SessionConfig, stt, tts, vad};
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all("out")?;
    talk("out/voice_agent.wav").await.map(drop)
}

async fn talk(output: &str) -> Result<Vec<Message>, Box<dyn Error>> {
    let parameters = json!({ "type": "object", "properties": { "of": { "type": "string" } } });
    let descriptor = ToolDescriptor::new("find_story", "Finds a story.", parameters);
    let find_story = FunctionTool::sync(descriptor, |_arguments| Ok(json!({ "story": STORY })));
    let mut tools = ToolRegistry::new();
    tools.register(find_story.without_side_effects())?;

    let engines = Engines {
        vad: vad::by_name("earshot")?,
        transcriber: stt::by_name("pocketsphinx")?,
        provider: Arc::new(Scripted::parse(RULES, "the example's rules")?),
        synthesizer: tts::by_name("flite")?,
        tools: Arc::new(tools),
    };
    let microphone = Box::new(WavMicrophone::open("assets/conversation.wav")?);
    let speaker = Box::new(WavSpeaker::create(output, microphone.rate())?);

    let session = Session::new(engines, SessionConfig::default());
    let mut events = session.subscribe();
    let captions = async {
        while let Some(event) = events.next().await {
            match event.map(|event| event.kind) {
                Ok(EventKind::Transcript { text, is_final: true }) => println!("user:  {text}"),
                Ok(EventKind::ToolCalled { name, arguments, .. }) => {
                    println!("{name}: {arguments}")
                }
                Ok(EventKind::ResponseText { text }) => println!("agent: {text}"),
                Ok(EventKind::Interrupted { .. }) => println!("       (interrupted)"),
                _ => {}
            }
        }
    };
    let (summary, ()) = tokio::join!(session.run(microphone, speaker, Pace::Max), captions);
    Ok(summary?.messages)
}

/// What the model says: the first rule that matches answers. `assets/scripted.toml` explains.
const RULES: &str = r#"
[[rule]]
hear = ["{a:number} plus {b:number}"]
say = ["By my own arithmetic, {a + b}."]

[[rule]]
hear = ["story"]
tool = "find_story"
arguments = { of = "parrots" }
then = ["Well. {story}"]

[[rule]]
hear = ["*"]
say = ["I heard: {heard}."]
"#;

const STORY: &str = "There was a parrot who was asked for a story every day. One day it asked back, \
    and nobody knew one. So it told them of a parrot who was asked for a story every day.";

#[cfg(test)]
#[path = "../tests/support/lacking.rs"]
mod lacking;

#[tokio::test]
async fn the_agent_calls_its_tool_and_is_interrupted() {
    if let Err(missing) = stt::by_name("pocketsphinx") {
        return lacking::lacking("pocketsphinx", &missing.to_string());
    }
    if std::process::Command::new("flite").arg("--version").output().is_err() {
        return lacking::lacking("flite", "the program is not installed");
    }
    let folder = tempfile::tempdir().unwrap();
    let messages = talk(folder.path().join("agent.wav").to_str().unwrap()).await.unwrap();
    assert!(messages.iter().any(|message| message.text.contains("parrot")), "{messages:?}");
    assert!(messages.iter().any(|message| message.interrupted), "{messages:?}");
}
