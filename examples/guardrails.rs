//! Rules for what is said: banned words, no more than two sentences, and one of one's own for what the
//! user says.
//!
//! `cargo run --example guardrails` asks a script; with `OPENAI_API_KEY` or `OPENAI_BASE_URL` it asks
//! a real model. `docs/guardrails.md` has all kinds.

use std::error::Error;
use std::io::{Write, stdout};
use std::sync::Arc;

use banter::providers;
use banter::session::{Conversation, ConversationError, Opening};
use banter::types::Direction;
use banter::validators::{Guardrail, OnViolation, Said, Validator, Violation, by_kind};
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let opening = guarded()?.default_provider(providers::by_name("scripted")?);
    talk(opening, &mut stdout()).await
}

/// A rule of one's own. It gets the whole of what was said.
#[derive(Debug)]
struct NoShouting;

impl Validator for NoShouting {
    fn kind(&self) -> &str {
        "no_shouting"
    }

    fn check(&self, said: &Said<'_>) -> Result<(), Violation> {
        let letters = || said.text.chars().filter(|letter| letter.is_alphabetic());
        if letters().count() > 3 && letters().all(char::is_uppercase) {
            return Err(Violation::of_all("it is all in capitals"));
        }
        Ok(())
    }
}

fn guarded() -> Result<Opening, Box<dyn Error>> {
    let no_numbers = by_kind("banned_words", &json!({ "words": ["five"], "match_mode": "word" }))?;
    let short = by_kind("max_sentences", &json!({ "max": 2 }))?;
    Ok(Conversation::plain("Answer in plain words.")
        .validator(Guardrail::new(no_numbers).otherwise("a number that I may not say."))
        .validator(Guardrail::new(short)) // what is too long is cut
        .validator(
            Guardrail::new(Arc::new(NoShouting)).about(Direction::Input).on(OnViolation::Fail),
        ))
}

async fn talk(opening: Opening, output: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let conversation = opening.start().await?;
    for line in ["How much is two plus three?", "Tell me a story.", "TELL ME A STORY!"] {
        writeln!(output, "> {line}")?;
        match conversation.send(line).await {
            Ok(response) => {
                writeln!(output, "{}", response.text().trim())?;
                for broken in response.validations.iter().filter(|one| !one.passed) {
                    let reason = broken.message.as_deref().unwrap_or_default();
                    writeln!(output, "  ({}: {reason})", broken.validator)?;
                }
            }
            Err(ConversationError::Validation(refused)) => writeln!(output, "  ({refused})")?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(conversation.close().await?)
}

#[tokio::test]
async fn what_breaks_a_rule_is_replaced_cut_or_refused() {
    let opening = guarded().unwrap().provider(providers::by_name("scripted").unwrap());
    let mut output = Vec::new();
    talk(opening, &mut output).await.unwrap();
    let output = String::from_utf8(output).unwrap();
    let lines: Vec<_> = output.lines().collect();
    let expected = [
        "> How much is two plus three?",
        "It is a number that I may not say.",
        "  (content_excludes: it says phrase 1 of those that are banned)",
        "> Tell me a story.",
    ];
    assert_eq!(lines[..4], expected, "{output}");
    assert_eq!(lines[4].matches(['.', '!', '?']).count(), 2, "{output}");
    let refused =
        "  (the validator `no_shouting` refused what the user said: it is all in capitals)";
    assert_eq!(
        lines[5..],
        ["  (sentence_count: it has more than 2 sentences)", "> TELL ME A STORY!", refused,]
    );
}
