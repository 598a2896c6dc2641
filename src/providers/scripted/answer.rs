//! What to answer: a function of the rules and the conversation, nothing else.

use serde_json::Value as Json;

use super::pattern::{Value, Values, words};
use super::rules::{Fields, Rules, first_match};
use super::say::Template;
use crate::media;
use crate::providers::ProviderRequest;
use crate::types::{Message, Role, ToolCall, ToolDescriptor, ToolResult};

/// An answer, whole.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) text: String,
    pub(super) call: Option<ToolCall>,
}

/// Answers the last message of `request`.
pub(super) fn answer(rules: &Rules, request: &ProviderRequest) -> Answer {
    Answerer { rules, tools: &request.tools }.answer(&request.messages)
}

/// The rule that answers them, whatever they were shown.
pub(super) fn rule<'a>(rules: &'a Rules, messages: &[Message]) -> Option<&'a Fields> {
    let asked = messages.iter().rfind(|message| message.role == Role::User);
    rules.hearing(asked.map_or("", |asked| asked.text.as_str()), turns(messages))
}

/// How often the user has said something.
fn turns(messages: &[Message]) -> usize {
    messages.iter().filter(|message| message.role == Role::User).count()
}

struct Answerer<'a> {
    rules: &'a Rules,
    tools: &'a [ToolDescriptor],
}

impl Answerer<'_> {
    /// What it was shown, and what its rules say; only the former, if nothing was said.
    fn answer(&self, messages: &[Message]) -> Answer {
        let asked = messages.last().filter(|message| !message.media.is_empty());
        let Some(asked) = asked else { return self.by_rules(messages) };
        let shown = format!("I was shown {}.", media::describe(&asked.media));
        if asked.text.trim().is_empty() {
            return Answer { text: shown, call: None };
        }
        let Answer { text, call } = self.by_rules(messages);
        Answer { text: format!("{shown} {text}").trim_end().to_owned(), call }
    }

    fn by_rules(&self, messages: &[Message]) -> Answer {
        let asked = messages.iter().rposition(|message| message.role == Role::User);
        let (before, heard) =
            asked.map_or((messages, ""), |at| (&messages[..at], messages[at].text.as_str()));
        let words = words(heard);
        let found = self.rules.find(&words, turns(messages));
        let Some((rule, mut values)) = found else { return Answer::default() };
        let nth = self.times_answered(rule, before);
        if let Some(result) = messages.last().and_then(|message| message.tool_result.as_ref()) {
            let text = fill_one(&rule.then, nth, &values_of(result)).filter(|_| !result.is_error);
            return Answer {
                text: text.unwrap_or_else(|| otherwise(rule, nth, &values)),
                call: None,
            };
        }
        if !words.is_empty() {
            values.insert("heard".to_owned(), Value::Text(words.join(" ")));
        }
        self.remember(rule, before, &mut values);
        if let Some(name) = &rule.tool {
            return self.call(rule, name, messages).map_or_else(
                || Answer { text: otherwise(rule, nth, &values), call: None },
                |call| Answer {
                    text: fill_one(&rule.say, nth, &values).unwrap_or_default(),
                    call: Some(call),
                },
            );
        }
        let text = fill_one(&rule.say, nth, &values);
        Answer { text: text.unwrap_or_else(|| otherwise(rule, nth, &values)), call: None }
    }

    /// How often `rule` answered before: its answers take turns.
    fn times_answered(&self, rule: &Fields, before: &[Message]) -> usize {
        let asked = before.iter().filter(|message| message.role == Role::User);
        let turns = asked.zip(1..);
        turns.filter(|(message, turn)| self.is_answered_by(rule, &message.text, *turn)).count()
    }

    fn is_answered_by(&self, rule: &Fields, text: &str, turn: usize) -> bool {
        self.rules.hearing(text, turn).is_some_and(|other| std::ptr::eq(rule, other))
    }

    /// Adds what the conversation so far gives to `rule`.
    fn remember(&self, rule: &Fields, before: &[Message], values: &mut Values) {
        let mut said = before.iter().rev().filter(|message| message.role == Role::User);
        values.extend(
            said.find_map(|message| first_match(&rule.recall, &words(&message.text)))
                .unwrap_or_default(),
        );
        let mut answers = before.iter().rev().filter(|message| message.role == Role::Assistant);
        let last = answers.find(|message| !message.text.is_empty());
        values.extend(last.map(|message| ("last".to_owned(), Value::Text(message.text.clone()))));
        if rule.says("rest") {
            values.extend(self.rest(before).map(|rest| ("rest".to_owned(), Value::Text(rest))));
        }
    }

    /// What the last interrupted answer still had to say. The answer as it was meant is found by
    /// answering the conversation up to there again.
    fn rest(&self, before: &[Message]) -> Option<String> {
        let answers = before.iter().enumerate().rev();
        for (at, message) in answers.filter(|(_, message)| message.role == Role::Assistant) {
            let earlier = &before[..at];
            if message.interrupted {
                let meant = self.answer(earlier).text;
                let rest = not_heard(&meant, &message.text);
                if let Some(rest) = rest.filter(|rest| rest.len() >= SHORTEST_REST) {
                    return Some(rest.join(" "));
                }
            } else if self.went_on(earlier) {
                return None;
            }
        }
        None
    }

    /// Whether the answer to `messages` went on with an earlier one.
    fn went_on(&self, messages: &[Message]) -> bool {
        turns(messages) > 0 && rule(self.rules, messages).is_some_and(|rule| rule.says("rest"))
    }

    /// The call of `rule`'s tool, if it is offered.
    fn call(&self, rule: &Fields, name: &str, messages: &[Message]) -> Option<ToolCall> {
        self.tools.iter().find(|tool| tool.name == name)?;
        let number = messages.iter().map(|message| message.tool_calls.len()).sum::<usize>() + 1;
        Some(ToolCall {
            id: format!("call-{number}"),
            name: name.to_owned(),
            arguments: rule.arguments.clone(),
        })
    }
}

fn fill_one(templates: &[Template], nth: usize, values: &Values) -> Option<String> {
    templates.get(nth % templates.len().max(1))?.fill(values)
}

fn otherwise(rule: &Fields, nth: usize, values: &Values) -> String {
    fill_one(&rule.otherwise, nth, values).unwrap_or_else(|| NO_ANSWER.to_owned())
}

/// The fields of a tool's result; all of it is `{result}`.
fn values_of(result: &ToolResult) -> Values {
    let fields = match serde_json::from_str(&result.content) {
        Ok(Json::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    let fields = fields.into_iter().filter_map(|(name, value)| match value {
        Json::String(text) => Some((name, Value::Text(text))),
        Json::Number(number) => Some((name, Value::Number(number.as_f64()?))),
        _ => None,
    });
    let whole = ("result".to_owned(), Value::Text(result.content.clone()));
    std::iter::once(whole).chain(fields).collect()
}

/// The words of `meant` after those of `heard`; a word that was cut is said again. `None` if
/// `heard` is from another answer.
fn not_heard<'a>(meant: &'a str, heard: &str) -> Option<Vec<&'a str>> {
    let mut meant: Vec<_> = meant.split_whitespace().collect();
    let heard: Vec<_> = heard.split_whitespace().collect();
    let Some((cut, whole)) = heard.split_last() else { return Some(meant) };
    let (begun, last) = (meant.get(..whole.len())?, meant.get(whole.len())?);
    if begun.iter().zip(whole).any(|(a, b)| bare(a) != bare(b))
        || !bare(last).starts_with(bare(cut))
    {
        return None;
    }
    let kept = whole.len() + usize::from(bare(cut) == bare(last));
    Some(meant.split_off(kept))
}

fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

/// With fewer words left, an answer is as good as said, and an older one is meant.
const SHORTEST_REST: usize = 3;

/// For rules without `otherwise`.
const NO_ANSWER: &str = "Sorry, I cannot answer that.";
