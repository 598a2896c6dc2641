//! An answer as it is written: its pieces one by one, what it took, and what stays when nobody
//! reads on.
//!
//! `cargo run --example streaming` asks the built-in script, which writes without a pause. With
//! `OPENAI_API_KEY` or `OPENAI_BASE_URL` in the environment it asks a real model.

use std::error::Error;
use std::io::{Write, stdout};

use banter::providers;
use banter::session::{Chunk, Conversation, Opening};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let opening = Conversation::open("examples/packs/hello.json", "narrator")
        .default_provider(providers::by_name("scripted")?);
    tell(opening, &mut stdout()).await
}

async fn tell(opening: Opening, output: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let conversation = opening.start().await?;

    // Each piece as it comes. The last one is the whole answer.
    let mut stream = conversation.stream("How far is the moon?").await?;
    while let Some(chunk) = stream.next().await {
        match chunk? {
            Chunk::Text(text) => {
                write!(output, "{text}|")?;
                output.flush()?;
            }
            Chunk::ToolCalled(call) => write!(output, "[calls {}]", call.name)?,
            Chunk::Done(response) => {
                let tokens = response.usage.map_or(0, |usage| usage.output_tokens);
                writeln!(output, "\n{tokens} tokens in {:.1?}", response.duration)?;
            }
            _ => {} // what tools have answered, and pieces of versions to come
        }
    }

    // The same with a closure that looks at each piece.
    let mut pieces = 0;
    let stream = conversation.stream("How much is two plus three?").await?;
    let response = stream.process(|_chunk| pieces += 1).await?;
    writeln!(output, "{pieces} pieces: {response}")?;

    // Who reads no further ends the answer. What was read of it is what was said.
    let mut stream = conversation.stream("Tell me a story.").await?;
    for _ in 0..5 {
        stream.next().await.transpose()?;
    }
    drop(stream);
    if let Some(last) = conversation.messages().last() {
        let cut = if last.interrupted { " (cut)" } else { "" };
        writeln!(output, "{}{cut}", last.text.trim())?;
    }
    Ok(conversation.close().await?)
}

#[tokio::test]
async fn an_answer_comes_in_pieces_and_may_be_cut_short() {
    let opening = Conversation::open("examples/packs/hello.json", "narrator")
        .provider(providers::by_name("scripted").unwrap());
    let mut output = Vec::new();
    tell(opening, &mut output).await.unwrap();
    let output = String::from_utf8(output).unwrap();
    let lines: Vec<_> = output.lines().collect();
    assert!(lines[0].starts_with("It |is |far. |Light |needs |"), "{output}");
    assert!(lines[1].starts_with("14 tokens in "), "{output}");
    assert_eq!(lines[2..], ["3 pieces: It is five.", "Sure. Here is a story. (cut)"], "{output}");
}
