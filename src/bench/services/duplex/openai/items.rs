//! The conversation, item by item.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::log::Line;
use super::super::persona;
use super::wrong::Wrong;
use crate::bench::services::words;

/// The items of a conversation, oldest first. The oldest is forgotten when they become too many
/// or too long, as services do.
#[derive(Debug, Default)]
pub(super) struct Items(Vec<Item>);

/// An item.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// As it is told.
    pub(super) body: Value,
    /// How long its sound is.
    pub(super) sound: Duration,
    /// How fast that is spoken.
    pub(super) speed: f64,
    /// What comes after this was not heard.
    cut: Option<Duration>,
    size: usize,
}

impl Item {
    pub(super) fn new(body: Value) -> Self {
        let size = body.to_string().len();
        Self { body, sound: Duration::ZERO, speed: 1.0, cut: None, size }
    }

    /// What the client wants to have in the conversation.
    pub(super) fn of_client(asked: &Value, id: String) -> Result<Self, Wrong> {
        let kind = asked["type"].as_str().ok_or_else(|| Wrong::missing("item.type"))?;
        let wants = |name: &str| match asked[name].is_string() {
            true => Ok(()),
            false => Err(Wrong::missing(&format!("item.{name}"))),
        };
        match kind {
            "message" => check_message(asked)?,
            "function_call" => {
                wants("name")?;
                wants("arguments")?;
            }
            "function_call_output" => {
                wants("call_id")?;
                wants("output")?;
            }
            kind if kind.starts_with("mcp_") => {}
            kind => {
                let message = format!(
                    "Invalid value: '{kind}'. Supported values are: 'message', 'function_call', \
                     'function_call_output'."
                );
                return Err(Wrong::value("item.type", message));
            }
        }
        let mut body = asked.clone();
        body["id"] = id.into();
        body["object"] = "realtime.item".into();
        body["status"] = "completed".into();
        let mut item = Self::new(body);
        // Sound is measured and forgotten.
        let content = item.body.get_mut("content").and_then(Value::as_array_mut);
        for part in content.into_iter().flatten() {
            if let Some(sound) = part["audio"].as_str() {
                item.sound += Duration::from_micros(sound.len() as u64 * 3 / 4 * 1_000 / 48);
                part["audio"] = Value::Null;
            }
        }
        item.size = item.body.to_string().len();
        Ok(item)
    }

    pub(super) fn id(&self) -> &str {
        self.body["id"].as_str().unwrap_or_default()
    }

    /// Says more.
    pub(super) fn says(&mut self, field: &str, text: &str) {
        if self.cut.is_none() {
            let before = self.body["content"][0][field].as_str().unwrap_or_default();
            self.body["content"][0][field] = format!("{before}{text}").into();
            self.size += text.len();
        }
    }

    /// Cuts what was not heard; how much there was.
    fn truncate(&mut self, heard: Duration) -> Result<Duration, Wrong> {
        if heard > self.sound + LENIENCE {
            let message = format!(
                "Audio content of {}ms is already shorter than {}ms",
                self.sound.as_millis(),
                heard.as_millis()
            );
            return Err(Wrong::value("audio_end_ms", message));
        }
        if heard < self.cut.unwrap_or(self.sound) {
            let text = self.body["content"][0]["transcript"].as_str().unwrap_or_default();
            let text = persona::heard(text, heard, self.speed).to_owned();
            self.body["content"][0]["transcript"] = text.into();
            self.cut = Some(heard);
        }
        Ok(self.sound)
    }

    /// How much of its sound counts.
    pub(super) fn heard(&self) -> Duration {
        self.cut.unwrap_or(self.sound)
    }

    /// What is written in it.
    pub(super) fn text(&self) -> String {
        let parts = self.body["content"].as_array().into_iter().flatten();
        let texts = parts.filter_map(|part| part["text"].as_str().or(part["transcript"].as_str()));
        let mut text: String = texts.collect::<Vec<_>>().join(" ");
        for name in ["name", "arguments", "output"] {
            text.push_str(self.body[name].as_str().unwrap_or_default());
        }
        text
    }

    fn line(&self) -> Line {
        let text = |name: &str| self.body[name].as_str().unwrap_or_default();
        match text("type") {
            "function_call" => {
                Line::new("call", format!("{}({})", text("name"), text("arguments")))
            }
            "function_call_output" => Line::new("tool", text("output")),
            _ => Line::new(text("role"), self.text()),
        }
    }
}

impl Items {
    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Item> {
        self.0.iter_mut().find(|item| item.id() == id)
    }

    pub(super) fn get(&self, id: &str) -> Option<&Item> {
        self.0.iter().find(|item| item.id() == id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Item> {
        self.0.iter()
    }

    pub(super) fn last_id(&self) -> Option<String> {
        self.0.last().map(|item| item.id().to_owned())
    }

    /// The id of the item before this one.
    pub(super) fn before(&self, id: &str) -> Option<String> {
        let at = self.0.iter().position(|item| item.id() == id)?;
        self.0.get(at.checked_sub(1)?).map(|item| item.id().to_owned())
    }

    pub(super) fn push(&mut self, item: Item) -> Option<String> {
        let previous = self.last_id();
        self.0.push(item);
        self.forget();
        previous
    }

    /// Puts an item behind another one, or to the end; the id of the one before it.
    pub(super) fn insert(&mut self, item: Item, after: &Value) -> Result<Option<String>, Wrong> {
        if self.get(item.id()).is_some() {
            let message = format!("Error adding item: an item with ID '{}' exists.", item.id());
            return Err(Wrong::new("item_create_duplicate_id", message));
        }
        if item.body["type"] == "function_call_output" {
            let call = &item.body["call_id"];
            if !self
                .0
                .iter()
                .any(|it| it.body["type"] == "function_call" && it.body["call_id"] == *call)
            {
                let message = format!("Tool call ID {call} not found in conversation.");
                return Err(Wrong::new("invalid_tool_call_id", message));
            }
        }
        let Some(after) = after.as_str() else { return Ok(self.push(item)) };
        if after == "root" {
            self.0.insert(0, item);
            self.forget();
            return Ok(None);
        }
        let Some(at) = self.0.iter().position(|it| it.id() == after) else {
            let message = format!("Error adding item: the previous item '{after}' does not exist.");
            return Err(Wrong::value("previous_item_id", message));
        };
        self.0.insert(at + 1, item);
        self.forget();
        Ok(Some(after.to_owned()))
    }

    pub(super) fn delete(&mut self, id: &str) -> Result<(), Wrong> {
        let Some(at) = self.0.iter().position(|item| item.id() == id) else {
            return Err(missing("delete", "deleting", id));
        };
        self.0.remove(at);
        Ok(())
    }

    pub(super) fn retrieve(&self, id: &str) -> Result<&Item, Wrong> {
        self.get(id).ok_or_else(|| missing("retrieve", "retrieving", id))
    }

    /// Cuts what was not heard of an answer; how much sound it had.
    pub(super) fn truncate(&mut self, id: &str, content: u64, ms: u64) -> Result<Duration, Wrong> {
        let Some(item) = self.get_mut(id) else {
            return Err(missing("truncate", "truncating", id));
        };
        if item.body["role"] != "assistant" || item.body["type"] != "message" {
            let message = "Only model output audio messages can be truncated";
            return Err(Wrong::new("invalid_value", message));
        }
        if content != 0 || item.body["content"][0]["type"] != "output_audio" {
            let message = "Invalid 'content_index': there is no audio content part at it.";
            return Err(Wrong::value("content_index", message));
        }
        item.truncate(Duration::from_millis(ms))
    }

    pub(super) fn lines(&self) -> Vec<Line> {
        self.0.iter().map(Item::line).collect()
    }

    fn forget(&mut self) {
        let mut size: usize = self.0.iter().map(|item| item.size).sum();
        while self.0.len() > MOST || size > LARGEST {
            size -= self.0.remove(0).size;
        }
    }
}

/// What an item costs: text by its tokens, sound of the user 10 each second, of the assistant 20.
pub(super) fn tokens(item: &Item) -> (u64, u64) {
    let is_spoken = item.sound > Duration::ZERO;
    let each = if item.body["role"] == "assistant" { 20.0 } else { 10.0 };
    let sound = (item.heard().as_secs_f64() * each).round() as u64;
    let text = if is_spoken { 0 } else { words::tokens(&item.text()).len() as u64 };
    (text, sound)
}

fn check_message(asked: &Value) -> Result<(), Wrong> {
    let known: &[&str] = match asked["role"].as_str() {
        Some("user") => &["input_text", "input_audio", "input_image"],
        Some("assistant") => &["output_text", "output_audio"],
        Some("system") => &["input_text"],
        Some(role) => {
            let message = format!(
                "Invalid value: '{role}'. Supported values are: 'user', 'assistant', 'system'."
            );
            return Err(Wrong::value("item.role", message));
        }
        None => return Err(Wrong::missing("item.role")),
    };
    let Some(content) = asked["content"].as_array() else {
        return Err(Wrong::missing("item.content"));
    };
    for (number, part) in content.iter().enumerate() {
        let kind = part["type"].as_str().unwrap_or_default();
        if !known.contains(&kind) {
            let param = format!("item.content[{number}].type");
            let message = format!("Invalid value: '{kind}'. Supported values are: {known:?}.");
            return Err(Wrong::value(&param, message));
        }
        let field = match kind {
            "input_audio" => "audio",
            "input_image" => "image_url",
            "output_audio" => continue,
            _ => "text",
        };
        if !part[field].is_string() {
            return Err(Wrong::missing(&format!("item.content[{number}].{field}")));
        }
    }
    Ok(())
}

fn missing(what: &str, doing: &str, id: &str) -> Wrong {
    let message = format!("Error {doing} item: the item with id '{id}' does not exist.");
    let wrong = Wrong::new(&format!("item_{what}_invalid_item_id"), message);
    Wrong { param: Some("item_id".to_owned()), ..wrong }
}

/// A message of the user's that was spoken.
pub(super) fn spoken(id: &str, sound: Duration) -> Item {
    let content = json!([{"type": "input_audio", "transcript": null}]);
    let item = Item::new(json!({
        "id": id, "object": "realtime.item", "type": "message", "status": "completed",
        "role": "user", "content": content,
    }));
    Item { sound, ..item }
}

/// Clients measure by their own clocks.
const LENIENCE: Duration = Duration::from_millis(100);
const MOST: usize = 1_024;
/// In bytes of JSON.
const LARGEST: usize = 16 << 20;
