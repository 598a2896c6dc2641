//! A call with Gemini Live whose turns are found by the model, and which the user interrupts by a typed
//! line.
//!
//! `cargo run --example gemini_live` talks to a mock in memory, in real time. With `GEMINI_API_KEY`,
//! `-- --model NAME` talks to a model of Google's.

#[path = "support/call.rs"]
mod call;

use std::io::{Write, stdout};
use std::sync::Arc;
use std::time::Duration;

use banter::duplex::{Detecting, ServerTurns};
use banter::session::call::{CallChunk, CallConfig};
use banter::session::{DuplexConfig, DuplexEngines};
use banter::types::Message;
use banter::{Session, SessionConfig, vad};
use serde_json::{Value, json};

use crate::call::{Failed, Line, answer, say};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failed> {
    talk(&Line::chosen("gemini", script())?, &mut stdout()).await.map(drop)
}

async fn talk(line: &Line, to: &mut impl Write) -> Result<Vec<Message>, Failed> {
    let engines = DuplexEngines {
        vad: vad::by_name("earshot")?,
        provider: Arc::clone(&line.provider),
        tools: Arc::default(),
    };
    let detecting = Detecting::There(ServerTurns::default());
    let config = SessionConfig {
        system: "You tell long stories, and answer questions shortly.".to_owned(),
        duplex: DuplexConfig { detecting, ..DuplexConfig::default() },
        ..SessionConfig::default()
    };
    let mut call = Session::duplex(engines, config).start(CallConfig::default())?;

    say(&call, "assets/sentences/02.wav").await?;
    // A second and a half of it is heard, and then it is not wanted any more.
    let mut heard = Duration::ZERO;
    while heard < Duration::from_millis(1_500)
        && let Some(chunk) = call.response().await
    {
        if let CallChunk::Sound(sound) = chunk {
            heard += sound.duration();
        }
    }
    let line = "Never mind. What time is it?";
    call.send_text(line)?;
    writeln!(to, "typed: {line}")?;
    answer(&mut call, to).await?; // what was interrupted
    answer(&mut call, to).await?;
    call.close().await;
    Ok(call.finish().await?.messages.clone())
}

/// What the mock hears, and what it answers.
fn script() -> Value {
    json!({
        "heard": ["hello there"],
        "answers": [
            "This is a long story. It has many sentences. Each of them is as long as the last. \
             Nobody has ever heard its end.",
            "It is noon.",
        ],
    })
}

#[tokio::test(start_paused = true)]
async fn a_typed_line_interrupts_it_and_the_history_ends_where_it_was() {
    let line = Line::mock("gemini", script()).unwrap();
    let messages = talk(&line, &mut std::io::sink()).await.unwrap();
    let said: Vec<_> = messages.iter().map(|message| &*message.text).collect();
    assert_eq!(said[0], "hello there");
    assert!(messages[1].interrupted && (5..60).contains(&said[1].len()), "{said:?}");
    assert_eq!(said[2..], ["Never mind. What time is it?", "It is noon."]);
    assert_eq!(line.services.unwrap().log(call::CALLER).calls[0].errors, [""; 0]);
}
