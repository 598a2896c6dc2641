//! Variables of a prompt: from the environment, from the clock, from a provider of one's own, set
//! between turns; and what is said when one is missing or does not fit.
//!
//! `cargo run --example variables` prints what the model is told, and asks a script. Values come
//! from the environment, too: `MUSEUM_NAME=Ann MUSEUM_LANGUAGE=Welsh cargo run --example
//! variables`. With `OPENAI_API_KEY` or `OPENAI_BASE_URL` it asks a real model.

use std::error::Error;
use std::io::{Write, stdout};

use banter::pack::{Facts, ProviderError, Time, Values, VariableProvider};
use banter::providers;
use banter::session::{Conversation, Opening};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let opening = museum().default_provider(providers::by_name("scripted")?);
    guide(opening.vars_from_env("MUSEUM_"), &mut stdout()).await
}

/// The providers are asked before each turn. What is set by name stands before what they say.
fn museum() -> Opening {
    Conversation::open("examples/packs/museum.json", "guide")
        .variable_provider(Time) // current_weekday, and more
        .variable_provider(Route)
}

/// A provider of one's own. It is told the time and what was set.
#[derive(Debug)]
struct Route;

impl VariableProvider for Route {
    fn name(&self) -> &str {
        "route"
    }

    fn provide(&self, facts: Facts<'_>) -> Result<Values, ProviderError> {
        let minutes = facts.state.get("minutes").and_then(|minutes| minutes.as_f64());
        let long = minutes.is_some_and(|minutes| minutes > 90.0);
        let route = if long { "the long way, with the whales" } else { "the short way" };
        Ok(Values::from([("route".to_owned(), route.into())]))
    }
}

async fn guide(opening: Opening, output: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let conversation = opening.start().await?;
    if let Err(missing) = conversation.instructions() {
        writeln!(output, "before it is set:  {missing}")?; // `send` says the same, and asks nobody
        conversation.set_var("name", "Ben");
    }
    writeln!(output, "at first:          {}", conversation.instructions()?)?;
    let response = conversation.send("Hello there!").await?;
    writeln!(output, "agent:             {response}")?;

    conversation.set_var("minutes", 120);
    writeln!(output, "with more time:    {}", conversation.instructions()?)?;

    conversation.set_var("minutes", 1000);
    if let Err(wrong) = conversation.send("What is there to see?").await {
        writeln!(output, "with too much:     {wrong}")?;
    }
    Ok(conversation.close().await?)
}

#[tokio::test]
async fn a_prompt_follows_its_variables() {
    let opening = || museum().provider(providers::by_name("scripted").unwrap());
    let mut output = Vec::new();
    guide(opening(), &mut output).await.unwrap();
    let output = String::from_utf8(output).unwrap();
    let told: Vec<_> = output.lines().map(|line| &line[19..]).collect();
    assert_eq!(told[0], "no value for `name`", "{output}");
    assert!(told[1].starts_with("You guide Ben through a museum, in English. It is "), "{output}");
    assert!(told[1].contains("day. Ben has 60 minutes: take the short way. Be kind"), "{output}");
    assert!(told[3].contains("Ben has 120 minutes: take the long way, with"), "{output}");
    assert!(told[4].contains("minutes") && told[4].contains("240"), "{output}");

    // Cargo tells its tests the package's name.
    let mut output = Vec::new();
    guide(opening().vars_from_env("CARGO_PKG_"), &mut output).await.unwrap();
    let output = String::from_utf8(output).unwrap();
    assert!(output.starts_with("at first:          You guide banter through"), "{output}");
}
