//! The smallest conversation: opens a prompt of a pack, says two things, prints the answers.
//!
//! `cargo run --example hello` asks the built-in script, which knows a few dozen phrases. With
//! `OPENAI_API_KEY` or `OPENAI_BASE_URL` in the environment it asks a real model.

use std::error::Error;
use std::io::{Write, stdout};

use banter::providers;
use banter::session::{Conversation, Opening};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let opening = Conversation::open("examples/packs/hello.json", "greeter")
        .default_provider(providers::by_name("scripted")?);
    greet(opening, &mut stdout()).await
}

async fn greet(opening: Opening, output: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let conversation = opening.start().await?;
    for words in ["Hello there!", "How much is two plus three?"] {
        let response = conversation.send(words).await?;
        writeln!(output, "you:   {words}\nagent: {response}")?;
    }
    writeln!(output, "\nThe model was told: {}", conversation.instructions()?)?;
    writeln!(output, "It remembers {} messages.", conversation.messages().len())?;
    Ok(conversation.close().await?)
}

#[tokio::test]
async fn each_line_has_its_answer() {
    let opening = Conversation::open("examples/packs/hello.json", "greeter")
        .provider(providers::by_name("scripted").unwrap());
    let mut output = Vec::new();
    greet(opening, &mut output).await.unwrap();
    assert_eq!(
        String::from_utf8(output).unwrap(),
        "you:   Hello there!\n\
         agent: Hello! What can I do for you?\n\
         you:   How much is two plus three?\n\
         agent: It is five.\n\n\
         The model was told: You are a friendly assistant. Answer in one sentence.\n\
         It remembers 4 messages.\n"
    );
}
