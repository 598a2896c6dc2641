//! Chat completions.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::plan::{EVENTS, JSON, Reply};
use super::script::{Answer, Call};
use super::{Delays, words};

/// Answers with `answer`. `id` names the answer, and the call in it.
pub(super) fn answer(body: &[u8], delays: &Delays, answer: Option<Answer>, id: &str) -> Reply {
    match Asked::of(body) {
        Ok(asked) => {
            let answer = answer.unwrap_or_else(|| Answer::Text(words::text(delays.tokens)));
            let media = asked.parts().filter(|part| part["type"] != "text").count() as u64;
            let reply = Writer { asked: &asked, delays, id }.reply(&answer);
            Reply { media, ..reply }
        }
        Err(message) => Reply::refusal(400, &message),
    }
}

/// What is said in a request, if it can be read.
pub(super) fn messages(body: &[u8]) -> Vec<Value> {
    serde_json::from_slice(body).map_or_else(|_| Vec::new(), |asked: Asked| asked.messages)
}

/// What nobody can read.
pub(super) const NONSENSE: &[u8] = b"data: {\"id\":\"chatcmpl-0\",\"choices\":[{\"delta\":\n\n";

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    model: String,
    #[serde(default)]
    messages: Vec<Value>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    max_tokens: Option<usize>,
    max_completion_tokens: Option<usize>,
}

#[derive(Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

impl Asked {
    fn of(body: &[u8]) -> Result<Self, String> {
        let asked: Self = serde_json::from_slice(body)
            .map_err(|error| format!("the request cannot be read: {error}"))?;
        if asked.model.is_empty() {
            return Err("you must provide a model parameter".to_owned());
        }
        if asked.messages.is_empty() {
            return Err("you must provide a messages parameter".to_owned());
        }
        asked.check_parts()?;
        Ok(asked)
    }

    fn streams(&self) -> bool {
        self.stream.unwrap_or(false)
    }

    fn most(&self) -> usize {
        self.max_completion_tokens.or(self.max_tokens).unwrap_or(usize::MAX)
    }

    fn tells_usage(&self) -> bool {
        let options = self.stream_options.as_ref();
        options.and_then(|options| options.include_usage).unwrap_or(false)
    }

    /// As many tokens as the messages have words and marks. What they show costs nothing.
    fn tokens(&self) -> usize {
        let contents = self.messages.iter().map(|message| &message["content"]);
        contents.flat_map(texts).map(|text| words::tokens(text).len()).sum()
    }

    /// Refuses a part that has nothing in it of what its type says.
    fn check_parts(&self) -> Result<(), String> {
        for part in self.parts() {
            let kind = part["type"].as_str().unwrap_or_default();
            let filled = match kind {
                "text" => part["text"].is_string(),
                "image_url" => part["image_url"]["url"].is_string(),
                "input_audio" => {
                    part["input_audio"]["data"].is_string()
                        && ["wav", "mp3"]
                            .map(Some)
                            .contains(&part["input_audio"]["format"].as_str())
                }
                "file" => {
                    part["file"]["file_data"].is_string() || part["file"]["file_id"].is_string()
                }
                _ => return Err(format!("a message has a part of unknown type \"{kind}\"")),
            };
            if !filled {
                return Err(format!("a message has a part of type \"{kind}\" without its content"));
            }
        }
        Ok(())
    }

    fn parts(&self) -> impl Iterator<Item = &Value> {
        let contents = self.messages.iter().filter_map(|message| message["content"].as_array());
        contents.flatten()
    }
}

/// What the model gives one token after the other.
struct Token {
    delta: Value,
    text: String,
}

struct Writer<'a> {
    asked: &'a Asked,
    delays: &'a Delays,
    id: &'a str,
}

impl Writer<'_> {
    fn reply(&self, answer: &Answer) -> Reply {
        let (text, calls) = answer.parts();
        let mut tokens = said(text);
        for (index, call) in calls.iter().enumerate() {
            tokens.extend(self.called(index, call));
        }
        let mut reason = if calls.is_empty() { "stop" } else { "tool_calls" };
        if tokens.len() > self.asked.most() {
            tokens.truncate(self.asked.most());
            reason = "length";
        }
        match self.asked.streams() {
            true => self.streamed(tokens, reason),
            false => self.whole(answer, &tokens, reason),
        }
    }

    fn streamed(&self, tokens: Vec<Token>, reason: &str) -> Reply {
        let count = tokens.len();
        let mut reply = Reply::new(EVENTS);
        let role = self.chunk(&json!({"role": "assistant", "content": ""}), None);
        let mut before = Some(role);
        for token in tokens {
            let after = if before.is_some() { self.delays.first_token } else { self.delays.token };
            let bytes = before.take().unwrap_or_default() + &self.chunk(&token.delta, None);
            reply = reply.saying(after, bytes, &token.text);
        }
        let after = if before.is_some() { self.delays.first_token } else { Duration::ZERO };
        let mut end = before.take().unwrap_or_default() + &self.chunk(&json!({}), Some(reason));
        if self.asked.tells_usage() {
            end += &self.event("chat.completion.chunk", &json!([]), &self.usage(count));
        }
        end += "data: [DONE]\n\n";
        reply.saying(after, end, "")
    }

    fn whole(&self, answer: &Answer, tokens: &[Token], reason: &str) -> Reply {
        let text: String = tokens.iter().map(|token| &*token.text).collect();
        let (said, calls) = answer.parts();
        let content = if said.is_empty() { Value::Null } else { text.as_str().into() };
        let mut message = json!({"role": "assistant", "content": content, "refusal": null});
        if !calls.is_empty() {
            let call = |(index, call): (usize, &Call)| {
                json!({
                    "id": self.call(index), "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments.to_string()},
                })
            };
            message["tool_calls"] = calls.iter().enumerate().map(call).collect();
        }
        let choices = json!([{
            "index": 0, "message": message, "logprobs": null, "finish_reason": reason,
        }]);
        let body = self.body("chat.completion", &choices, &self.usage(tokens.len()));
        let rest = u32::try_from(tokens.len().saturating_sub(1)).unwrap_or(u32::MAX);
        let after = self.delays.first_token + self.delays.token.saturating_mul(rest);
        Reply::new(JSON).saying(after, body.to_string(), &text)
    }

    /// The call of a tool: its name first, then its arguments in pieces.
    fn called(&self, index: usize, call: &Call) -> Vec<Token> {
        let delta =
            |call: Value| Token { delta: json!({"tool_calls": [call]}), text: String::new() };
        let arguments: Vec<char> = call.arguments.to_string().chars().collect();
        let first = delta(json!({
            "index": index, "id": self.call(index), "type": "function",
            "function": {"name": call.name, "arguments": ""},
        }));
        let pieces = arguments.chunks(PIECE).map(|piece| {
            let piece: String = piece.iter().collect();
            delta(json!({"index": index, "function": {"arguments": piece}}))
        });
        std::iter::once(first).chain(pieces).collect()
    }

    fn chunk(&self, delta: &Value, reason: Option<&str>) -> String {
        let choices =
            json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": reason}]);
        self.event("chat.completion.chunk", &choices, &Value::Null)
    }

    fn event(&self, object: &str, choices: &Value, usage: &Value) -> String {
        format!("data: {}\n\n", self.body(object, choices, usage))
    }

    fn body(&self, object: &str, choices: &Value, usage: &Value) -> Value {
        let id = format!("chatcmpl-{}", self.id);
        let mut body = json!({
            "id": id, "object": object, "created": CREATED, "model": self.asked.model,
            "system_fingerprint": null, "choices": choices,
        });
        if !usage.is_null() || self.asked.tells_usage() {
            body["usage"] = usage.clone();
        }
        body
    }

    fn usage(&self, tokens: usize) -> Value {
        let asked = self.asked.tokens();
        json!({
            "prompt_tokens": asked, "completion_tokens": tokens, "total_tokens": asked + tokens,
        })
    }

    fn call(&self, index: usize) -> String {
        match index {
            0 => format!("call_{}", self.id),
            _ => format!("call_{}_{index}", self.id),
        }
    }
}

/// The texts in what a message says: itself, or those of its parts.
fn texts(content: &Value) -> Vec<&str> {
    match content.as_array() {
        Some(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        None => content.as_str().into_iter().collect(),
    }
}

fn said(text: &str) -> Vec<Token> {
    let tokens = words::tokens(text).into_iter();
    tokens.map(|text| Token { delta: json!({"content": text}), text }).collect()
}

/// The same answer each time has the same date.
const CREATED: u64 = 1_767_225_600;
/// In characters of a call's arguments, about a token.
const PIECE: usize = 4;
