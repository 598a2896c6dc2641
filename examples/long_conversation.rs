//! A conversation that outgrows its budget, is kept in files, survives a crash, and is forked.
//!
//! `cargo run --example long_conversation` keeps it in a temporary folder and asks a mock model.
//! It prints what the model was sent. `-- FOLDER` keeps it there, and goes on with it the next
//! time. With `OPENAI_API_KEY` or `OPENAI_BASE_URL` in the environment it asks a real model.

use std::error::Error;
use std::io::{Write, stdout};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use banter::context::{Budget, Strategy, Summarise};
use banter::providers::mock::{MockAnswer, MockProvider};
use banter::session::{Conversation, Opening};
use banter::stages::ContextConfig;
use banter::state::FileStore;
use banter::{EventKind, SessionClock};
use futures_util::FutureExt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let temporary = tempfile::tempdir()?;
    let folder = std::env::args_os().nth(1).map_or(temporary.path().to_owned(), PathBuf::from);
    let mock = Arc::new(model());
    let opening = || kept_in(folder.clone()).default_provider(Arc::clone(&mock) as _);
    travel(opening, &mock, &mut stdout()).await
}

/// At most 120 tokens are sent. Before they do not suffice, what is old is told in a summary.
fn kept_in(folder: PathBuf) -> Opening {
    let how = Summarise { keep_recent: 2, longest: 60, ..Summarise::default() };
    let budget = Budget::new(120).with(Strategy::Summarise(how));
    Conversation::open("examples/packs/travel.json", "planner")
        .context(ContextConfig::new(budget))
        .store(Arc::new(FileStore::new(folder)))
}

async fn travel(
    opening: impl Fn() -> Opening,
    mock: &MockProvider,
    output: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let conversation = opening().resume_or_start("lisbon".parse()?).await?;
    for words in [
        "My daughter and I have twelve days to see Lisbon.",
        "It is to be in May, and we have nine hundred euros.",
        "She is afraid of flying, and would rather take the train.",
        "I am afraid of mice. The hotel should have a cat.",
    ] {
        ask(&conversation, words, output).await?;
    }
    // The summary is made beside the conversation, a second after the answer has begun.
    SessionClock::live().sleep(Duration::from_millis(1500)).await;

    // A crash: nobody closes it. What was answered is kept.
    drop(conversation);
    let conversation = opening().resume("lisbon".parse()?).await?;
    writeln!(output, "\nIt is taken up again with {} messages.", conversation.messages().len())?;
    ask(&conversation, "How long shall we be away?", output).await?;
    if let Some(request) = mock.requests().last() {
        writeln!(output, "The model was told:\n{}", request.system)?;
    }

    // A copy, which goes its own way.
    let other = conversation.fork().await?;
    ask(&other, "Let us go to Porto instead.", output).await?;
    let lengths = [&conversation, &other].map(|one| one.messages().len());
    writeln!(output, "\nIt has {} messages, its fork {}.", lengths[0], lengths[1])?;
    other.close().await?;
    Ok(conversation.close().await?)
}

/// Says something, and prints how much of the conversation went to the model with it.
async fn ask(
    conversation: &Conversation,
    words: &str,
    output: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let mut events = conversation.subscribe();
    let response = conversation.send(words).await?;
    let all = conversation.messages().len() - 1;
    let mut sent = format!("all messages, {all}");
    while let Some(Some(Ok(event))) = events.next().now_or_never() {
        if let EventKind::ContextCut { left_out, summarised, tokens } = event.kind {
            let newest = all - left_out;
            sent = format!("the newest {newest}, {summarised} in a summary, {tokens} tokens");
        }
    }
    Ok(writeln!(output, "you:   {words}\n       (sent: {sent})\nagent: {response}")?)
}

/// A model that knows what it is sent, and nothing else. It also makes the summary.
fn model() -> MockProvider {
    MockProvider::answering(|request| {
        let texts = || request.messages.iter().map(|message| message.text.as_str());
        let asked = texts().next_back().unwrap_or_default();
        let sent = texts().chain([request.system.as_str()]).collect::<String>();
        MockAnswer::text(if request.system == Summarise::default().instructions {
            asked.lines().filter_map(|line| line.strip_prefix("User: ")).collect::<String>()
        } else if !asked.ends_with('?') {
            "I have written that down for you.".to_owned()
        } else if sent.contains("twelve days") {
            "For twelve days.".to_owned()
        } else {
            "You have not told me.".to_owned()
        })
    })
}

/// The paused clock leaps over the wait for the summary.
#[tokio::test(start_paused = true)]
async fn what_is_no_longer_sent_is_remembered_over_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let mock = Arc::new(model());
    let opening = || kept_in(folder.path().to_owned()).provider(Arc::clone(&mock) as _);
    let mut output = Vec::new();
    let ended = travel(opening, &mock, &mut output).await;
    let output = String::from_utf8(output).unwrap();
    assert!(ended.is_ok(), "{ended:?}\n{output}");
    assert!(output.contains("It is taken up again with 8 messages.\n"), "{output}");
    assert!(output.contains("agent: For twelve days.\n"), "{output}");
    assert!(output.contains("<record>\nMy daughter and I have twelve days"), "{output}");
    assert!(output.ends_with("\nIt has 10 messages, its fork 12.\n"), "{output}");
}
