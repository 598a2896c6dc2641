//! An interview in which the agent speaks first: a pack says what it is to ask, and an instruction has it
//! begin. The candidate answers by voice.
//!
//! `cargo run --example voice_interview` talks to a mock in memory, in real time. With
//! `OPENAI_API_KEY`, `-- --model NAME` talks to a model of OpenAI's.

#[path = "support/call.rs"]
mod call;

use std::io::{Write, stdout};
use std::sync::Arc;

use banter::session::call::CallConfig;
use banter::types::Message;
use banter::{Conversation, SessionConfig, providers, vad};
use serde_json::{Value, json};

use crate::call::{Failed, Line, answer, say};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failed> {
    interview(&Line::chosen("openai", script())?, &mut stdout()).await.map(drop)
}

async fn interview(line: &Line, to: &mut impl Write) -> Result<Vec<Message>, Failed> {
    let conversation = Conversation::open("examples/packs/interview.json", "interviewer")
        .var("candidate", "Ann")
        .var("position", "night porter")
        // Who would go on with it in writing.
        .default_provider(providers::by_name("mock")?)
        .start()
        .await?;
    let (vad, provider) = (vad::by_name("earshot")?, Arc::clone(&line.provider));
    let session = conversation.open_asm(vad, provider, SessionConfig::default()).await?;

    let mut call = session.start(CallConfig::default())?;
    call.trigger_start("Greet the candidate by name and ask the first question.")?;
    answer(&mut call, to).await?;
    for sentence in ["assets/sentences/02.wav", "assets/sentences/04.wav"] {
        say(&call, sentence).await?;
        answer(&mut call, to).await?;
    }
    call.close().await;
    call.finish().await?;
    Ok(conversation.messages())
}

/// What the mock hears, and what it answers.
fn script() -> Value {
    json!({
        "heard": ["hello there", "what time is it"],
        "answers": [
            "Good evening, Ann. What do you like about nights?",
            "Hello again. Are you ever late?",
            "It is noon. Thank you, we will write to you.",
        ],
    })
}

#[tokio::test(start_paused = true)]
async fn the_agent_speaks_first_and_what_had_it_begin_is_an_instruction() {
    let line = Line::mock("openai", script()).unwrap();
    let mut told = Vec::new();
    let messages = interview(&line, &mut told).await.unwrap();
    let told = String::from_utf8(told).unwrap();
    assert!(told.starts_with("agent: Good evening, Ann."), "{told}");
    let roles: Vec<_> = messages.iter().map(|message| format!("{:?}", message.role)).collect();
    assert_eq!(roles, ["System", "Assistant", "User", "Assistant", "User", "Assistant"]);
    assert!(messages[5].text.ends_with("we will write to you."));
    assert_eq!(line.services.unwrap().log(call::CALLER).calls[0].errors, [""; 0]);
}
