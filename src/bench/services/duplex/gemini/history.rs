//! What was said in a session.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::log::Line;
use super::fields::get;
use super::setup::Compression;
use crate::bench::services::words;

/// What was said, oldest first. The oldest is forgotten when it becomes too much.
#[derive(Debug, Default)]
pub(super) struct History(Vec<Said>);

#[derive(Clone, Debug)]
struct Said {
    content: Value,
    sound: Duration,
}

impl History {
    /// The one that was [`kept`](Self::keep).
    pub(super) fn of(kept: Vec<Value>) -> Self {
        let said = |mut kept: Value| {
            let sound = Duration::from_millis(kept["sound_ms"].as_u64().unwrap_or_default());
            Said { content: kept["content"].take(), sound }
        };
        Self(kept.into_iter().map(said).collect())
    }

    pub(super) fn keep(&self) -> Vec<Value> {
        let kept = |said: &Said| json!({"content": said.content, "sound_ms": said.sound.as_millis() as u64});
        self.0.iter().map(kept).collect()
    }

    /// Adds what the client gives. What it shows is not kept.
    pub(super) fn push(&mut self, mut content: Value) {
        for name in ["parts", "role"] {
            content[name] = get(&content, name).clone();
        }
        for part in content["parts"].as_array_mut().into_iter().flatten() {
            for name in ["inlineData", "inline_data"] {
                if part[name].is_object() {
                    part[name] = json!({});
                }
            }
        }
        self.add(content, Duration::ZERO);
    }

    pub(super) fn says(&mut self, role: &str, text: &str, sound: Duration) {
        self.add(json!({"role": role, "parts": [{"text": text}]}), sound);
    }

    fn add(&mut self, content: Value, sound: Duration) {
        self.0.push(Said { content, sound });
        let mut size: usize = self.0.iter().map(|said| said.content.to_string().len()).sum();
        while self.0.len() > MOST || size > LARGEST {
            size -= self.0.remove(0).content.to_string().len();
        }
    }

    /// Tokens of text and of sound, of which a second has 32.
    pub(super) fn tokens(&self) -> (u64, u64) {
        let each = self.0.iter().map(|said| match said.sound {
            Duration::ZERO => (words::tokens(&text(&said.content)).len() as u64, 0),
            sound => (0, sound_tokens(sound)),
        });
        each.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1))
    }

    /// Forgets what is old, if there is too much.
    pub(super) fn compress(&mut self, Compression { trigger, target }: Compression) {
        let all = |history: &Self| history.tokens().0 + history.tokens().1;
        if all(self) > trigger {
            while self.0.len() > 1 && all(self) > target {
                self.0.remove(0);
            }
        }
    }

    pub(super) fn lines(&self) -> Vec<Line> {
        let line = |said: &Said| {
            let first = &said.content["parts"][0];
            let (call, result) = (get(first, "functionCall"), get(first, "functionResponse"));
            if call.is_object() {
                let name = call["name"].as_str().unwrap_or_default();
                return Line::new("call", format!("{name}({})", call["args"]));
            }
            if result.is_object() {
                return Line::new("tool", result["response"].to_string());
            }
            let is_user = said.content["role"] != "model";
            Line::new(if is_user { "user" } else { "assistant" }, text(&said.content))
        };
        self.0.iter().map(line).collect()
    }
}

/// What so much sound costs.
pub(super) fn sound_tokens(sound: Duration) -> u64 {
    (sound.as_secs_f64() * 32.0).round() as u64
}

fn text(content: &Value) -> String {
    let parts = content["parts"].as_array().into_iter().flatten();
    parts.filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join(" ")
}

const MOST: usize = 1_024;
/// In bytes of JSON.
const LARGEST: usize = 1 << 20;
