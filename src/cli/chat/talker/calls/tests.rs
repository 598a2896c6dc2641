//! Calls that wait, decided by lines.

use serde_json::json;

use super::super::tests::{Chat, talk};
use super::*;
use crate::cli::Ending;
use crate::providers::mock::MockAnswer;
use crate::session::{Conversation, Opening};
use crate::tools::{FunctionTool, ToolRegistry};
use crate::types::{Approval, ToolDescriptor};

/// A conversation with a tool that pays what it is told to, once somebody allows it.
fn cashier() -> Opening {
    let descriptor = ToolDescriptor::new("refund", "Pays.", json!({}));
    let refund = FunctionTool::sync(descriptor, |arguments| {
        let amount = &arguments["amount"];
        Ok(json!(format!("{amount} EUR are paid")))
    });
    let refund = refund.approval(|_arguments| {
        let reason = "more than\u{1b}[2J 100 EUR".to_owned();
        Some(Approval { reason, ..Approval::default() })
    });
    let mut tools = ToolRegistry::new();
    tools.register(refund).unwrap();
    Conversation::plain("").tools(tools)
}

fn refunds(amounts: &[u32]) -> MockAnswer {
    let wanted = amounts.iter().map(|amount| json!({ "amount": amount }));
    wanted.fold(MockAnswer::text("Moment."), |answer, of| answer.calling("refund", of))
}

async fn chat(show: Show, answers: Vec<MockAnswer>, lines: &[&str]) -> Chat {
    talk(cashier(), show, answers, lines, None).await
}

/// What the model was told of its calls at last.
fn results(chat: &Chat) -> Vec<String> {
    let last = chat.provider.requests().pop().unwrap();
    let results = last.messages.into_iter().filter_map(|message| message.tool_result);
    results.map(|result| result.content).collect()
}

#[tokio::test]
async fn a_call_is_shown_and_the_answer_goes_on_when_it_is_allowed() {
    let answers = vec![refunds(&[250]), MockAnswer::text("Done.")];
    let chat = chat(Show::Live, answers, &["refund please", "/approve"]).await;
    let expected = "> Moment.[refund]\n\n  1  refund {\"amount\":250}\n     \
                    waits for approval: more than[2J 100 EUR\n     \
                    /approve, /reject or /result decides; /help explains\n\
                    > [refund: 250 EUR are paid]\nDone.\n> \n";
    assert_eq!(chat.output.text(), expected);
    assert_eq!((chat.complaints.text().as_str(), chat.ending.unwrap()), ("", Ending::Done));
}

#[tokio::test]
async fn each_call_is_decided_by_itself_and_the_answer_waits_for_the_last() {
    let answers = vec![refunds(&[250, 300, 400]), MockAnswer::text("Done.")];
    let lines = ["refund please", "/reject 2 twice is enough", "/approve {\"amount\": 20}"];
    let lines = [&lines[..], &["/result paid in cash"]].concat();
    let chat = chat(Show::Lines, answers, &lines).await;
    assert_eq!(chat.output.text(), "Moment.\nDone.\n");
    let expected = [
        "(it was allowed with other arguments: {\"amount\":20})\n20 EUR are paid",
        "refused by a person: twice is enough",
        "paid in cash",
    ];
    assert_eq!(results(&chat), expected);
    assert_eq!(chat.ending.unwrap(), Ending::Done);
    let told = chat.complaints.text();
    assert!(told.contains("  3  refund {\"amount\":400}\n"), "{told}");
}

#[tokio::test]
async fn something_else_may_be_asked_first() {
    let answers = vec![refunds(&[250]), MockAnswer::text("Ten."), MockAnswer::text("It is paid.")];
    let chat = chat(Show::Lines, answers, &["refund", "what time is it", "/approve"]).await;
    assert_eq!(chat.output.text(), "Moment.\nTen.\nIt is paid.\n");
    assert_eq!(chat.ending.unwrap(), Ending::Done);
}

#[tokio::test]
async fn from_a_pipe_a_call_that_still_waits_is_an_error_at_the_end() {
    let ends = |show| async move { chat(show, vec![refunds(&[250])], &["refund"]).await.ending };
    let told = ends(Show::Lines).await.unwrap_err().to_string();
    let expected =
        "a call still waits:\n  refund {\"amount\":250} waits for approval: more than[2J 100 EUR";
    assert_eq!(told, expected);
    assert!(ends(Show::Json).await.is_err());
    assert_eq!(ends(Show::Live).await.unwrap(), Ending::Done);
}

#[tokio::test]
async fn programs_read_what_waits_with_the_answer() {
    let answers = vec![refunds(&[250]), MockAnswer::text("It is not paid.")];
    let chat = chat(Show::Json, answers, &["refund", "/reject"]).await;
    let told: Vec<Value> =
        chat.output.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let waits_for = json!({ "kind": "approval", "reason": "more than\u{1b}[2J 100 EUR" });
    let call = json!({
        "call": "mock-1", "name": "refund", "arguments": { "amount": 250 }, "waits_for": waits_for,
    });
    let waits = json!({ "user": "refund", "agent": "Moment.", "pending": [call] });
    assert_eq!(told, [waits, json!({ "agent": "It is not paid." })]);
}

#[tokio::test]
async fn what_cannot_be_decided_is_told_and_leaves_all_as_it_was() {
    let answers = vec![refunds(&[250]), MockAnswer::text("Done.")];
    let lines =
        ["/approve", "/pending", "refund", "/approve 2", "/approve yes", "/result", "/pending"];
    let chat =
        chat(Show::Live, answers, &[&lines[..], &["/approve 1", "/approve 1"]].concat()).await;
    let told = chat.complaints.text();
    let told: Vec<_> = told.lines().collect();
    assert_eq!(told[..2], ["banter: no call waits for that", "no call waits"]);
    assert_eq!(told[2], "banter: there is no call 2; /pending shows those that wait");
    assert!(told[3].contains("JSON object") && told[4].contains("say what came of it"), "{told:?}");
    assert_eq!(told[5], "  1  refund {\"amount\":250}");
    assert_eq!(told[7..], ["banter: no call waits for that"]);
    assert!(chat.output.text().ends_with("Done.\n> > \n"), "{}", chat.output.text());
}

#[tokio::test]
async fn an_interrupt_ends_the_tool_and_the_model_is_told_with_the_next_line() {
    let descriptor = ToolDescriptor::new("slow", "Takes its time.", json!({}));
    let slow = FunctionTool::new(descriptor, |_| async { std::future::pending().await });
    let mut tools = ToolRegistry::new();
    tools.register(slow).unwrap();
    tools.require_approval(["*".to_owned()]);
    let opening = Conversation::plain("").tools(tools);
    let answers = vec![MockAnswer::text("").calling("slow", json!({})), MockAnswer::text("Well.")];
    let lines = ["go", "/approve", "and now?"];
    let chat = talk(opening, Show::Live, answers, &lines, Some("explains\n> ")).await;
    assert_eq!(results(&chat), ["it was cut off; it is not known whether it was done"]);
    assert!(chat.output.text().ends_with("> Well.\n> \n"), "{}", chat.output.text());
}
