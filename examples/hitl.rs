//! A person decides: large refunds wait for a supervisor, who allows them, perhaps with another
//! amount, or refuses them. Meanwhile the customer may go on; what nobody has decided is kept, and
//! decided another day.
//!
//! `cargo run --example hitl` asks a mock model, and prints who says what. With `OPENAI_API_KEY` or
//! `OPENAI_BASE_URL` in the environment it asks a real one.

use std::convert::Infallible;
use std::error::Error;
use std::io::{Write, stdout};
use std::sync::Arc;

use banter::providers::ProviderRequest;
use banter::providers::mock::{MockAnswer, MockProvider};
use banter::session::{Conversation, Opening, PendingCalls};
use banter::state::FileStore;
use banter::tools::{FunctionTool, ToolContext, ToolRegistry};
use banter::types::{Approval, PendingCall};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::mpsc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let opening = || Ok(shop(folder.path())?.default_provider(Arc::new(clerk())));
    serve(opening, &mut stdout()).await
}

#[derive(Deserialize, JsonSchema)]
struct Refund {
    /// How much is paid back, in EUR.
    amount: u32,
}

/// Small refunds are paid at once. The check looks at the arguments of each call; a call for which
/// it has a reason waits.
fn refund() -> FunctionTool {
    let pay = |refund: Refund, _context: ToolContext| async move {
        Ok::<_, Infallible>(format!("{} EUR are paid back", refund.amount))
    };
    FunctionTool::typed("refund", "Pays money back to the customer.", pay).approval(|arguments| {
        let amount = arguments["amount"].as_u64().unwrap_or_default();
        (amount > 100).then(|| Approval {
            reason: "more than 100 EUR".to_owned(),
            message: "My supervisor has to agree to that.".to_owned(), // said in a call by voice
        })
    })
}

fn shop(folder: &std::path::Path) -> Result<Opening, Box<dyn Error>> {
    let mut tools = ToolRegistry::new();
    tools.register(refund())?;
    let words = "You are a clerk. Refund what the customer asks for, and say what came of it.";
    Ok(Conversation::plain(words).tools(tools).store(Arc::new(FileStore::new(folder))))
}

async fn serve(
    opening: impl Fn() -> Result<Opening, Box<dyn Error>>,
    output: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let conversation = opening()?.id("ann".parse()?).start().await?;
    let (to_desk, desk) = mpsc::channel(8);
    let supervisor = tokio::spawn(supervise(conversation.pending_calls().clone(), desk));
    for words in ["Please refund 40 EUR.", "And 250 EUR.", "And 900 EUR."] {
        let mut response = conversation.send(words).await?;
        writeln!(output, "you:    {words}\nagent:  {response}")?;
        while !response.pending_tools().is_empty() {
            let mut events = conversation.subscribe();
            for pending in response.pending {
                writeln!(output, "        {} {}", pending.call.name, pending.waits_for)?;
                to_desk.send(pending).await?;
            }
            // A program need not wait: whoever is told of `tool_resolved` may go on.
            while !conversation.pending_tools().is_empty() && events.next().await.is_some() {}
            response = conversation.continue_().await?;
            writeln!(output, "agent:  {response}")?;
        }
    }
    drop(to_desk);
    supervisor.await?;

    // The supervisor has gone home. Nothing hangs: the customer asks something else.
    for words in ["And 300 EUR.", "When do you close?"] {
        let response = conversation.send(words).await?;
        writeln!(output, "you:    {words}\nagent:  {response}")?;
    }
    conversation.close().await?;

    // Another day, perhaps in another program: the call waits where the conversation is kept.
    let conversation = opening()?.resume("ann".parse()?).await?;
    for PendingCall { call, waits_for } in conversation.pending_tools() {
        writeln!(output, "\n        {} {} {waits_for}", call.name, call.arguments)?;
        conversation.approve(&call.id, None).await?;
        if let Err(late) = conversation.reject(&call.id, "no").await {
            writeln!(output, "        (the first decision counts: {late})")?;
        }
    }
    writeln!(output, "agent:  {}", conversation.continue_().await?)?;
    Ok(conversation.close().await?)
}

/// The supervisor works on a task of its own, with nothing but a handle to the calls. In a service
/// this would be a page in a browser.
async fn supervise(calls: PendingCalls, mut desk: mpsc::Receiver<PendingCall>) {
    while let Some(PendingCall { call, .. }) = desk.recv().await {
        let decided = match call.arguments["amount"].as_u64() {
            Some(..=500) => calls.approve(&call.id, Some(json!({ "amount": 100 }))).await.map(drop),
            _ => calls.reject(&call.id, "nothing here is so dear").await,
        };
        if let Err(error) = decided {
            eprintln!("{error}"); // somebody was first, or the store did not take it
        }
    }
}

/// A model that refunds the number that it hears, and says what came of it.
fn clerk() -> MockProvider {
    MockProvider::answering(|request: &ProviderRequest| {
        let Some(last) = request.messages.last() else { return MockAnswer::text("Hello.") };
        if let Some(result) = &last.tool_result {
            let what = result.content.lines().last().unwrap_or_default();
            return MockAnswer::text(format!("I was told: {what}."));
        }
        match last.text.split(' ').find_map(|word| word.parse::<u32>().ok()) {
            Some(amount) => {
                MockAnswer::text("Let me see.").calling("refund", json!({ "amount": amount }))
            }
            None => MockAnswer::text("At six."),
        }
    })
}

#[tokio::test]
async fn a_supervisor_decides_now_or_another_day() {
    let folder = tempfile::tempdir().unwrap();
    let opening = || Ok(shop(folder.path())?.provider(Arc::new(clerk())));
    let mut output = Vec::new();
    let served = serve(opening, &mut output);
    tokio::time::timeout(std::time::Duration::from_secs(30), served).await.unwrap().unwrap();
    let output = String::from_utf8(output).unwrap();
    let said: Vec<_> = output.lines().filter_map(|line| line.strip_prefix("agent:  ")).collect();
    let expected = [
        "Let me see.I was told: 40 EUR are paid back.",
        "Let me see.",
        "I was told: 100 EUR are paid back.",
        "Let me see.",
        "I was told: refused by a person: nothing here is so dear.",
        "Let me see.",
        "At six.",
        "I was told: 300 EUR are paid back.",
    ];
    assert_eq!(said, expected, "{output}");
    assert!(output.contains("refund {\"amount\":300} waits for approval: more than 100 EUR\n"));
    assert!(output.contains("(the first decision counts: no call "), "{output}");
}
