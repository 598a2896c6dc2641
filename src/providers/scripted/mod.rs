//! A provider that answers by rules: it needs no network and no key.
//!
//! ```text
//! request ─▶ words of the last message ─▶ first rule that matches ─▶ text, word by word
//!                                                              └──▶ tool call, then its result
//! ```
//!
//! [`Scripted::default`] has the rules of `assets/scripted.toml`, which is also the example of
//! how to write them; [`Scripted::from_file`] reads others. The provider keeps nothing: what it
//! remembers, it finds in the request's messages, so the same request has the same answer. A rule
//! may be for one turn, answer late, and fail; how often it has failed is all that is kept.
//!
//! It does not understand language, knows English only, and takes no notice of the system prompt,
//! the temperature and the seed. Of what it is shown, it says what it is (`I was shown 1 image
//! (640 x 480 PNG).`) before it answers by its rules.

mod answer;
mod manner;
mod pattern;
mod rules;
mod say;
#[cfg(test)]
mod tests;

use std::path::Path;

use futures_util::stream;

use super::capabilities::ALL_MEDIA;
use super::{
    Capabilities, JsonAnswers, Prices, Provider, ProviderEvent, ProviderRequest, ProviderStream,
};
use crate::types::{FinishReason, Usage};
use answer::Answer;
use rules::Rules;

pub use rules::ScriptError;

/// Answers by rules.
#[derive(Debug)]
pub struct Scripted {
    rules: Rules,
}

impl Scripted {
    /// Reads rules from TOML; `origin` names them in errors.
    ///
    /// # Errors
    ///
    /// When the text is no TOML or a rule is wrong: file, line and what was expected.
    pub fn parse(text: &str, origin: &str) -> Result<Self, ScriptError> {
        Ok(Self { rules: Rules::parse(text, origin)? })
    }

    /// Reads the rules in the file at `path`.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, and as [`Scripted::parse`].
    pub fn from_file(path: &Path) -> Result<Self, ScriptError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ScriptError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(&text, &path.display().to_string())
    }
}

/// The rules that come with the crate.
impl Default for Scripted {
    #[expect(clippy::expect_used, reason = "the file is part of the program; a test reads it")]
    fn default() -> Self {
        Self::parse(DEFAULT_RULES, "assets/scripted.toml").expect("the default rules are right")
    }
}

impl Provider for Scripted {
    fn name(&self) -> &str {
        NAME
    }

    /// Of media it tells what they are, and no more.
    fn capabilities(&self) -> Capabilities {
        Capabilities { media: ALL_MEDIA, json: JsonAnswers::No, tools: true }
    }

    fn prices(&self) -> Option<Prices> {
        Some(Prices::FREE)
    }

    fn stream(&self, request: ProviderRequest) -> ProviderStream {
        let Answer { text, call } = answer::answer(&self.rules, &request);
        let limit = request.parameters.max_tokens.map_or(usize::MAX, |tokens| tokens as usize);
        let words: Vec<_> = text.split_inclusive(' ').map(str::to_owned).collect();
        let reason = match &call {
            Some(_) => FinishReason::ToolCalls,
            None if words.len() > limit => FinishReason::Length,
            None => FinishReason::Stop,
        };
        let usage = Usage::of_text(words_in(&request), words.len().min(limit) as u64);
        let events = words.into_iter().take(limit).map(ProviderEvent::TextDelta);
        let events = events.chain(call.map(ProviderEvent::ToolCall));
        let events = events.chain([ProviderEvent::Finished { reason, usage: Some(usage) }]);
        match answer::rule(&self.rules, &request.messages) {
            Some(rule) => rule.stream(&request.messages, events.collect()),
            None => Box::pin(stream::iter(events.map(Ok))),
        }
    }
}

fn words_in(request: &ProviderRequest) -> u64 {
    let messages = request.messages.iter().map(|message| message.text.as_str());
    let words = messages.chain([request.system.as_str()]).flat_map(str::split_whitespace);
    words.count() as u64
}

const NAME: &str = "scripted";

const DEFAULT_RULES: &str = include_str!("../../../assets/scripted.toml");
