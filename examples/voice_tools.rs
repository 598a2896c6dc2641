//! Tools beside speech: a slow one with a filler, one that is cancelled with its answer, one that
//! goes on when its answer is over, and one that a supervisor must allow. What happens is printed.
//!
//! `cargo run --example voice_tools` hears a recorded user, as fast as the engines work, and needs
//! nothing else: words, model and voice are doubles. `out/voice_tools.wav` is where the agent speaks
//! (a tone for its voice). With `OPENAI_API_KEY` or `OPENAI_BASE_URL` a real model answers.

use std::convert::Infallible;
use std::error::Error;
use std::io::{Write, stdout};
use std::sync::Arc;
use std::time::Duration;

use banter::device::{WavMicrophone, WavSpeaker};
use banter::events::Subscription;
use banter::providers::ProviderRequest;
use banter::providers::mock::{MockAnswer, MockProvider};
use banter::session::{Conversation, Opening, PendingCalls, Voice};
use banter::stt::mock::MockTranscriber;
use banter::tools::{Filler, FunctionTool, Lifetime, ToolContext, ToolRegistry};
use banter::tts::MockSynthesizer;
use banter::types::{Approval, WaitsFor};
use banter::{EventKind, Microphone, Pace, SessionConfig, vad};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all("out")?;
    let opening = post_office()?.default_provider(Arc::new(clerk()));
    talk(opening, "out/voice_tools.wav", &mut stdout()).await
}

/// What the user says in `assets/conversation.wav`, as this recogniser has it.
const SAID: [&str; 6] = [
    "Where is my parcel?",
    "Send me a report of all of them, please.",
    "I want a refund of 250 euros.",
    "Where are all my parcels of the last ten years?",
    "Never mind.",
    "Goodbye.",
];

#[derive(Deserialize, JsonSchema)]
struct Nothing {}

#[derive(Deserialize, JsonSchema)]
struct Amount {
    /// In EUR.
    amount: u32,
}

/// Looks for a time. It is cancelled with the answer that waits for it.
fn search(name: &str, takes: Duration, finds: &'static str) -> FunctionTool {
    FunctionTool::typed(
        name,
        "Looks for parcels.",
        move |_: Nothing, context: ToolContext| async move {
            context.clock.sleep(takes).await;
            Ok::<_, Infallible>(finds)
        },
    )
    .without_side_effects()
}

/// Makes a report. The answer has half a second of patience; the report comes when it comes, and is
/// then told of, unless a later one has taken its place.
fn report() -> FunctionTool {
    let make = |_: Nothing, context: ToolContext| async move {
        context.clock.sleep(Duration::from_millis(2200)).await;
        Ok::<_, Infallible>("The report is in your letter box.")
    };
    FunctionTool::typed("report", "Sends a report.", make)
        .lifetime(Lifetime::Session { patience: Duration::from_millis(500) })
}

/// Pays what a supervisor allows. It has side effects, so that it never runs for an answer that is
/// taken back before anybody hears it.
fn refund() -> FunctionTool {
    let pay = |refund: Amount, _context: ToolContext| async move {
        Ok::<_, Infallible>(format!("{} euros are paid back.", refund.amount))
    };
    FunctionTool::typed("refund", "Pays money back.", pay).approval(|_arguments| {
        let message = "My supervisor has to agree to that.".to_owned();
        Some(Approval { reason: "it is money".to_owned(), message })
    })
}

fn post_office() -> Result<Opening, Box<dyn Error>> {
    let mut tools = ToolRegistry::new();
    let found = "It is in the van.";
    tools.register(search("find_parcel", Duration::from_millis(2500), found))?;
    tools.register(search("find_all", Duration::from_secs(8), "There are nine hundred."))?;
    tools.register(report())?;
    tools.register(refund())?;
    Ok(Conversation::plain("You work in a post office. Answer in a short sentence.").tools(tools))
}

async fn talk(
    opening: Opening,
    recording: &str,
    output: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let conversation = opening.start().await?;
    let voice = Voice {
        vad: vad::by_name("earshot")?,
        transcriber: Arc::new(MockTranscriber::new(SAID)),
        synthesizer: Arc::new(MockSynthesizer::default()),
    };
    // Said while any tool is waited for and nothing else is said; a tool may have words of its own.
    let filler = Filler { after: Duration::from_millis(700), text: "Let me see.".to_owned() };
    let config = SessionConfig { filler: Some(filler), ..SessionConfig::default() };
    let session = conversation.open_duplex(voice, config).await?;

    let microphone = Box::new(WavMicrophone::open("assets/conversation.wav")?);
    let speaker = Box::new(WavSpeaker::create(recording, microphone.rate())?);
    let deciding = supervise(session.pending_calls(), session.subscribe());
    let telling = tell(session.subscribe(), output);
    let (summary, (), told) =
        tokio::join!(session.run(microphone, speaker, Pace::Max), deciding, telling);
    summary?;
    Ok(told?)
}

/// Allows what waits. A call can be decided as soon as the answer that wanted it has ended; then
/// the agent goes on by itself.
async fn supervise(calls: PendingCalls, mut events: Subscription) {
    while let Some(event) = events.next().await {
        let Ok(EventKind::ResponseEnded { outcome: "awaiting_tools" }) = event.map(|it| it.kind)
        else {
            continue;
        };
        for pending in calls.list() {
            if let WaitsFor::Approval(_) = pending.waits_for
                && let Err(error) = calls.approve(&pending.call.id, None).await
            {
                eprintln!("{error}");
            }
        }
    }
}

/// Prints what happens, with the seconds since the beginning.
async fn tell(mut events: Subscription, output: &mut impl Write) -> std::io::Result<()> {
    while let Some(event) = events.next().await {
        let Ok(event) = event else { continue };
        let what = match event.kind {
            EventKind::Transcript { text, is_final: true } => format!("user:  {text}"),
            EventKind::ResponseText { text } => format!("agent: {}", text.trim()),
            EventKind::Interrupted { .. } => "       (interrupted)".to_owned(),
            EventKind::ToolCalled { name, arguments, .. } => format!("tool:  {name} {arguments}"),
            EventKind::ToolFinished { name, .. } => format!("tool:  {name} has answered"),
            EventKind::ToolPending { name, waits_for, .. } => format!("tool:  {name} {waits_for}"),
            EventKind::ToolResolved { name, .. } => format!("tool:  {name} has its result"),
            _ => continue,
        };
        writeln!(output, "{:5.1}  {what}", event.at.as_millis() / 1e3)?;
    }
    Ok(())
}

/// A model that knows which tool to ask, and says what the tool says.
fn clerk() -> MockProvider {
    MockProvider::answering(|request: &ProviderRequest| {
        let Some(last) = request.messages.last() else { return MockAnswer::text("Hello.") };
        if let Some(result) = &last.tool_result {
            let runs = result.content.starts_with("no result yet");
            return MockAnswer::text(if runs { "It will come." } else { &result.content });
        }
        let call = |name, arguments| MockAnswer::text("").calling(name, arguments);
        match last.text.split_once(' ').unwrap_or_default().0 {
            "Where" if last.text.contains("all") => call("find_all", json!({})),
            "Where" => call("find_parcel", json!({})),
            "Send" => call("report", json!({})),
            "I" => call("refund", json!({ "amount": 250 })),
            _ => MockAnswer::text("All right."),
        }
    })
}

#[tokio::test]
async fn tools_are_called_beside_speech() {
    let folder = tempfile::tempdir().unwrap();
    let mut output = Vec::new();
    let opening = post_office().unwrap().provider(Arc::new(clerk()));
    let recording = folder.path().join("agent.wav");
    let talking = talk(opening, recording.to_str().unwrap(), &mut output);
    tokio::time::timeout(Duration::from_secs(60), talking).await.unwrap().unwrap();
    let output = String::from_utf8(output).unwrap();
    let happened: Vec<_> = output.lines().map(|line| &line[7..]).collect();
    let expected = [
        "user:  Where is my parcel?",
        "tool:  find_parcel {}",
        "agent: Let me see.",
        "tool:  find_parcel has answered",
        "agent: It is in the van.",
        "user:  Send me a report of all of them, please.",
        "tool:  report {}",
        "tool:  report is still running",
        "tool:  report has answered", // that it is still running
        "agent: It will come.",
        "tool:  report has its result",
        "agent: The report is in your letter box.",
        "user:  I want a refund of 250 euros.",
        "tool:  refund {\"amount\":250}",
        "tool:  refund waits for approval: it is money",
        "agent: My supervisor has to agree to that.",
        "tool:  refund has its result",
        "agent: 250 euros are paid back.",
        "user:  Where are all my parcels of the last ten years?",
        "tool:  find_all {}",
        "agent: Let me see.",
        "       (interrupted)", // and with the answer its tool: no result comes late
        "user:  Never mind.",
        "agent: All right.",
        "user:  Goodbye.",
        "agent: All right.",
    ];
    assert_eq!(happened, expected, "{output}");
}
