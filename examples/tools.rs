//! Tools: a typed function, one that knows its call and ends when nobody waits for it any more, and
//! a request to a service.
//!
//! `cargo run --example tools` asks a script (`examples/tools.toml`), and a service on this
//! machine that knows the weather.

use std::error::Error;
use std::io::{Write, stdout};
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use banter::providers;
use banter::session::Conversation;
use banter::tools::{FunctionTool, HttpCall, HttpTool, ToolContext, ToolRegistry};
use banter::types::{Secret, ToolDescriptor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::mpsc;

#[derive(Deserialize, JsonSchema)]
struct Throw {
    /// How many dice are thrown.
    #[schemars(range(max = 10))]
    dice: u8,
}

#[derive(Serialize, JsonSchema)]
struct Thrown {
    sum: u32,
}

/// The model is told the schema of `Throw`; what does not fit it never comes here.
async fn throw(throw: Throw, _context: ToolContext) -> Result<Thrown, String> {
    match throw.dice {
        0 => Err("there is nothing to throw".to_owned()),
        dice => Ok(Thrown { sum: 4 * u32::from(dice) }),
    }
}

#[derive(Deserialize, JsonSchema)]
struct Nothing {}

/// Works on a task of its own, which looks after itself when the answer is cancelled.
fn oven(tell: mpsc::Sender<&'static str>) -> FunctionTool {
    let watch = move |_: Nothing, context: ToolContext| {
        let tell = tell.clone();
        async move {
            let task = tokio::spawn(async move {
                let _heard = tell.send("the oven is watched").await;
                tokio::select! {
                    biased;
                    () = context.cancelled() => drop(tell.send("nobody waits any more").await),
                    () = context.clock.sleep(Duration::from_secs(3600)) => {}
                }
            });
            task.await.map(|()| "done")
        }
    };
    FunctionTool::typed("watch_oven", "Waits until the oven is done.", watch)
        .time_limit(Duration::from_secs(7200))
}

/// Asks `GET /forecast/CITY`, with a key that neither the model nor a log ever sees.
fn weather(service: &str) -> Result<HttpTool, Box<dyn Error>> {
    let parameters = json!({
        "type": "object",
        "properties": { "city": { "type": "string", "description": "The city." } },
        "required": ["city"],
    });
    let descriptor = ToolDescriptor::new("weather", "Tells the weather of a city.", parameters);
    let call = HttpCall::get(format!("{service}/forecast/{{city}}"))
        .secret_header("authorization", Secret::new("Bearer sk-1234"))
        .pick("/now")
        .time_limit(Duration::from_secs(2))
        .allow_private(); // it is a service on this machine
    Ok(HttpTool::new(descriptor, call)?)
}

/// A service that knows the weather.
async fn service() -> Result<String, Box<dyn Error>> {
    let forecast = async |Path(city): Path<String>| {
        let now = json!({ "now": { "city": city, "sky": "clear" }, "tomorrow": null });
        ([("content-type", "application/json")], now.to_string())
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let router = Router::new().route("/forecast/{city}", get(forecast));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(format!("http://{address}"))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    talk(&mut stdout()).await
}

async fn talk(output: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let (tell, mut told) = mpsc::channel(2);
    let mut tools = ToolRegistry::new();
    let dice = FunctionTool::typed_with_output("dice", "Throws dice.", throw);
    tools.register(dice.without_side_effects())?;
    tools.register(oven(tell))?;
    tools.register(weather(&service().await?)?)?;

    let conversation = Conversation::plain("You are at home.")
        .provider(providers::by_name("scripted:examples/tools.toml")?)
        .tools(tools)
        .start()
        .await?;
    for words in ["Throw two dice.", "Throw no dice.", "How is the weather in Ulm?"] {
        let response = conversation.send(words).await?;
        writeln!(output, "you:   {words}\nagent: {response}")?;
    }

    // Who reads no further ends the answer, and with it the tool.
    let stream = conversation.stream("Is the oven done?").await?;
    let reading = stream.process(|_chunk| {});
    tokio::select! {
        biased;
        _answer = reading => writeln!(output, "it is done")?,
        Some(word) = told.recv() => writeln!(output, "tool:  {word}")?,
    }
    if let Some(word) = told.recv().await {
        writeln!(output, "tool:  {word}")?;
    }
    Ok(conversation.close().await?)
}

#[tokio::test]
async fn tools_answer_fail_and_are_cancelled() {
    let mut output = Vec::new();
    tokio::time::timeout(Duration::from_secs(30), talk(&mut output)).await.unwrap().unwrap();
    assert_eq!(
        String::from_utf8(output).unwrap(),
        "you:   Throw two dice.\n\
         agent: You threw eight.\n\
         you:   Throw no dice.\n\
         agent: Nothing was thrown.\n\
         you:   How is the weather in Ulm?\n\
         agent: It is clear in ulm.\n\
         tool:  the oven is watched\n\
         tool:  nobody waits any more\n"
    );
}
