//! A voice agent with a pack and a tool of its own.
//!
//! `cargo run --example voice_agent` lets it talk to a recorded user, as fast as the engines
//! work, and prints who says what; `out/voice_agent.wav` is what it said. It needs the program
//! flite and PocketSphinx's model. With `OPENAI_API_KEY` or `OPENAI_BASE_URL` in the environment
//! a real model answers in place of the rules below.
#![expect(clippy::print_stdout, reason = "it shows the conversation")]

use std::error::Error;
use std::sync::Arc;

use banter::device::{WavMicrophone, WavSpeaker};
use banter::providers::scripted::Scripted;
use banter::session::{Conversation, Opening, Voice};
use banter::tools::{FunctionTool, ToolRegistry};
use banter::types::{Message, ToolDescriptor};
use banter::{EventKind, Microphone, Pace, SessionConfig, stt, tts, vad};
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all("out")?;
    let rules = Scripted::parse(RULES, "the example's rules")?;
    talk(librarian()?.default_provider(Arc::new(rules)), "out/voice_agent.wav").await.map(drop)
}

/// The pack says what the model is told, also of the tool; the program brings what the tool does.
fn librarian() -> Result<Opening, Box<dyn Error>> {
    let descriptor = ToolDescriptor::new("find_story", "Finds a story.", json!({}));
    let find_story = FunctionTool::sync(descriptor, |_arguments| Ok(json!({ "story": STORY })));
    let mut tools = ToolRegistry::new();
    tools.register(find_story.without_side_effects())?;
    Ok(Conversation::open("examples/packs/library.json", "librarian").tools(tools))
}

async fn talk(opening: Opening, output: &str) -> Result<Vec<Message>, Box<dyn Error>> {
    let conversation = opening.start().await?;
    let voice = Voice {
        vad: vad::by_name("earshot")?,
        transcriber: stt::by_name("pocketsphinx")?,
        synthesizer: tts::by_name("flite")?,
    };
    let session = conversation.open_duplex(voice, SessionConfig::default()).await?;
    let mut events = session.subscribe();

    let microphone = Box::new(WavMicrophone::open("assets/conversation.wav")?);
    let speaker = Box::new(WavSpeaker::create(output, microphone.rate())?);
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
arguments = { about = "parrots" }
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
    let rules = Scripted::parse(RULES, "the example's rules").unwrap();
    let opening = librarian().unwrap().provider(Arc::new(rules));
    let messages = talk(opening, folder.path().join("agent.wav").to_str().unwrap()).await.unwrap();
    assert!(messages.iter().any(|message| message.text.contains("parrot")), "{messages:?}");
    assert!(messages.iter().any(|message| message.interrupted), "{messages:?}");
}
