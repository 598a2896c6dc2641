//! A response in progress: each beat of the persona as the events that clients wait for.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::desk::Desk;
use super::super::log::ResponseLog;
use super::super::mishap::Moment;
use super::super::persona::{self, Beat, Ending, Manner, Talk};
use super::items::{Item, Items};
use super::sound::Format;
use super::usage::Usage;
use super::wrong::{event, send};
use crate::bench::services::script::{Answer, Call};
use crate::bench::services::{Delays, words};
use crate::time::SessionTime;

/// A response in progress.
#[derive(Debug)]
pub(super) struct Answering {
    id: String,
    /// The conversation that it is a part of; none with `conversation: "none"`.
    conversation: Option<String>,
    talk: Talk,
    manner: Manner,
    format: Format,
    /// What is told of it in every state.
    told: Value,
    /// Of a response without a conversation.
    own: Items,
    open: Option<Open>,
    /// The items that are done.
    output: Vec<Value>,
    usage: Usage,
    spoken: usize,
    log: ResponseLog,
}

/// The message that is being said.
#[derive(Debug)]
struct Open {
    item: String,
    text: String,
}

/// How a response has ended.
#[derive(Debug)]
pub(super) struct Over {
    /// `completed`, `cancelled`, `incomplete` or `failed`.
    pub(super) status: &'static str,
    /// Why, unless it is completed.
    pub(super) details: Value,
}

impl Over {
    pub(super) fn cancelled(reason: &str) -> Self {
        Self { status: "cancelled", details: json!({"type": "cancelled", "reason": reason}) }
    }

    pub(super) fn incomplete(reason: &str) -> Self {
        Self { status: "incomplete", details: json!({"type": "incomplete", "reason": reason}) }
    }

    pub(super) fn failed(code: &str) -> Self {
        let error = json!({"type": code, "code": code});
        Self { status: "failed", details: json!({"type": "failed", "error": error}) }
    }
}

impl Answering {
    /// A response that begins now. `session` is the session's object, `asked` what `response.create`
    /// says beside it.
    pub(super) fn begin(
        conversation: &str,
        session: &Value,
        asked: &Value,
        usage: Usage,
        desk: &mut Desk,
    ) -> Self {
        let own = |path: &str, default: &Value| -> Value {
            let given = asked.pointer(path).filter(|value| !value.is_null());
            given.or_else(|| session.pointer(path)).unwrap_or(default).clone()
        };
        let id = desk.id("resp");
        let modalities = own("/output_modalities", &json!(["audio"]));
        let most = own("/max_output_tokens", &json!("inf"));
        let format = Format::of(&own("/audio/output/format", &Value::Null)).unwrap_or_default();
        let voice = own("/audio/output/voice", &json!("alloy"));
        let manner = Manner {
            audible: modalities == json!(["audio"]),
            speed: own("/audio/output/speed", &json!(1.0)).as_f64().unwrap_or(1.0),
            most: most.as_u64().map_or(usize::MAX, |most| most as usize),
        };
        let delays: Delays = desk.delays();
        let answer = desk.answer();
        let answer = answer.unwrap_or_else(|| Answer::Text(words::text(delays.tokens)));
        let now = desk.now;
        let talk = Talk::new(&answer, manner, &delays, &mut desk.chance, now);
        let conversation = (asked["conversation"] != "none").then(|| conversation.to_owned());
        let told = json!({
            "id": id, "object": "realtime.response", "conversation_id": conversation,
            "output_modalities": modalities, "max_output_tokens": most,
            "audio": {"output": {"format": format.object(), "voice": voice}},
            "metadata": asked.get("metadata").cloned().unwrap_or(Value::Null),
        });
        let log = desk.log_begun();
        let answering = Self {
            id,
            conversation,
            talk,
            manner,
            format,
            told,
            own: Items::default(),
            open: None,
            output: Vec::new(),
            usage,
            spoken: 0,
            log,
        };
        let begun = answering.object("in_progress", &Value::Null, &Value::Null);
        let begun = event(desk, "response.created", json!({"response": begun}));
        desk.send(begun.at(Moment::ResponseBegun));
        answering.tell_limits(desk);
        answering
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Whether it is a part of the conversation.
    pub(super) const fn converses(&self) -> bool {
        self.conversation.is_some()
    }

    pub(super) const fn is_audible(&self) -> bool {
        self.manner.audible
    }

    pub(super) fn due(&self) -> Option<SessionTime> {
        self.talk.due()
    }

    /// Whether nothing of it was sent.
    pub(super) const fn is_unsaid(&self) -> bool {
        self.open.is_none() && self.output.is_empty()
    }

    /// How much sound of it was sent.
    pub(super) fn spoken(&self) -> std::time::Duration {
        persona::lasts(self.spoken)
    }

    /// Says what is due; how it ended, if it has.
    pub(super) fn advance(&mut self, items: &mut Items, desk: &mut Desk) -> Option<Over> {
        match self.talk.next(desk.now)? {
            Beat::Text(text) => self.say(&text, items, desk),
            Beat::Sound { from, samples } => self.sound(from, samples, items, desk),
            Beat::Call(call) => self.call(&call, items, desk),
            Beat::End(Ending::Whole) => {
                return Some(Over { status: "completed", details: Value::Null });
            }
            Beat::End(Ending::TooLong) => return Some(Over::incomplete("max_output_tokens")),
        }
        None
    }

    /// It is over; what was begun is closed.
    pub(super) fn finish(mut self, over: &Over, items: &mut Items, desk: &mut Desk) {
        let whole = over.status == "completed";
        self.close(if whole { "completed" } else { "incomplete" }, items, desk);
        let usage = self.usage.object(self.manner.audible);
        let done = self.object(over.status, &over.details, &usage);
        let done = event(desk, "response.done", json!({"response": done}));
        desk.send(done.at(Moment::ResponseOver));
        self.log.spoken_ms = self.spoken().as_millis() as u64;
        let calls = self.output.iter().any(|item| item["type"] == "function_call");
        desk.log_response(self.log, if whole && calls { "tools" } else { over.status });
    }

    fn items<'a>(&'a mut self, items: &'a mut Items) -> &'a mut Items {
        if self.conversation.is_some() { items } else { &mut self.own }
    }

    fn say(&mut self, text: &str, items: &mut Items, desk: &mut Desk) {
        self.open(items, desk);
        let (kind, field) = match self.manner.audible {
            true => ("response.output_audio_transcript.delta", "transcript"),
            false => ("response.output_text.delta", "text"),
        };
        self.usage.text += words::tokens(text).len() as u64;
        let Some(open) = &mut self.open else { return };
        open.text.push_str(text);
        let id = open.item.clone();
        if let Some(item) = self.items(items).get_mut(&id) {
            item.says(field, text);
        }
        let place = self.place(&id);
        let mut delta = event(desk, kind, with(place, &json!({"delta": text}))).delta();
        if !self.manner.audible {
            delta = self.first(delta, desk);
        }
        desk.send(delta);
    }

    fn sound(&mut self, from: usize, samples: usize, items: &mut Items, desk: &mut Desk) {
        self.open(items, desk);
        let Some(open) = &self.open else { return };
        let id = open.item.clone();
        let lasts = persona::lasts(samples);
        if let Some(item) = self.items(items).get_mut(&id) {
            item.sound += lasts;
        }
        self.spoken += samples;
        self.usage.sound = (self.spoken().as_secs_f64() * 20.0).round() as u64;
        let sound = self.format.write(&desk.services().voice(from, samples));
        let place = self.place(&id);
        let body = with(place, &json!({"delta": STANDARD.encode(&sound)}));
        let mut delta = event(desk, "response.output_audio.delta", body).delta();
        delta.sound_ms = lasts.as_millis() as u64;
        delta = delta.at(Moment::Audio);
        let delta = self.first(delta, desk);
        desk.send(delta);
    }

    /// The first that is heard or read of it is a moment.
    fn first(
        &mut self,
        event: super::super::desk::Event,
        desk: &Desk,
    ) -> super::super::desk::Event {
        if self.log.first.is_some() {
            return event;
        }
        self.log.first = Some(desk.stamp());
        event.at(Moment::FirstAudio)
    }

    fn call(&mut self, call: &Call, items: &mut Items, desk: &mut Desk) {
        self.close("completed", items, desk);
        let (id, call_id) = (desk.id("item"), desk.id("call"));
        let mut body = json!({
            "id": id, "object": "realtime.item", "type": "function_call", "status": "in_progress",
            "name": call.name, "call_id": call_id, "arguments": "",
        });
        self.added(&body, items, desk);
        let arguments = call.arguments.to_string();
        let place = json!({
            "response_id": self.id, "item_id": id, "output_index": self.output.len(),
            "call_id": call_id,
        });
        let characters: Vec<char> = arguments.chars().collect();
        for piece in characters.chunks(PIECE) {
            let piece: String = piece.iter().collect();
            let kind = "response.function_call_arguments.delta";
            let delta = event(desk, kind, with(place.clone(), &json!({"delta": piece})));
            desk.send(delta.delta());
        }
        let done = with(place, &json!({"name": call.name, "arguments": arguments}));
        send(desk, "response.function_call_arguments.done", done);
        self.usage.text += words::tokens(&arguments).len() as u64;
        body["arguments"] = arguments.into();
        body["status"] = "completed".into();
        if let Some(item) = self.items(items).get_mut(&id) {
            item.body = body.clone();
        }
        self.done(body, Some(Moment::ToolCalled), items, desk);
    }

    /// Opens the message, if none is open.
    fn open(&mut self, items: &mut Items, desk: &mut Desk) {
        if self.open.is_some() {
            return;
        }
        let id = desk.id("item");
        let mut body = json!({
            "id": id, "object": "realtime.item", "type": "message", "status": "in_progress",
            "role": "assistant", "content": [],
        });
        self.added(&body, items, desk);
        let part = match self.manner.audible {
            true => json!({"type": "output_audio", "transcript": ""}),
            false => json!({"type": "output_text", "text": ""}),
        };
        body["content"] = json!([part]);
        let speed = self.manner.speed;
        if let Some(item) = self.items(items).get_mut(&id) {
            (item.body, item.speed) = (body, speed);
        }
        let part = with(self.place(&id), &json!({"part": self.part("")}));
        send(desk, "response.content_part.added", part);
        self.open = Some(Open { item: id, text: String::new() });
    }

    /// Closes the message, if one is open.
    fn close(&mut self, status: &str, items: &mut Items, desk: &mut Desk) {
        let Some(Open { item: id, text }) = self.open.take() else { return };
        let place = self.place(&id);
        if self.manner.audible {
            send(desk, "response.output_audio.done", place.clone());
            let done = with(place.clone(), &json!({"transcript": text}));
            send(desk, "response.output_audio_transcript.done", done);
        } else {
            send(desk, "response.output_text.done", with(place.clone(), &json!({"text": text})));
        }
        send(desk, "response.content_part.done", with(place, &json!({"part": self.part(&text)})));
        let Some(item) = self.items(items).get_mut(&id) else { return };
        item.body["status"] = status.into();
        let body = item.body.clone();
        self.done(body, None, items, desk);
    }

    fn added(&mut self, body: &Value, items: &mut Items, desk: &mut Desk) {
        let index = self.output.len();
        let added = json!({"response_id": self.id, "output_index": index, "item": body});
        send(desk, "response.output_item.added", added);
        let previous = self.items(items).push(Item::new(body.clone()));
        if self.converses() {
            let added = json!({"item": body, "previous_item_id": previous});
            send(desk, "conversation.item.added", added);
        }
    }

    fn done(&mut self, body: Value, moment: Option<Moment>, items: &mut Items, desk: &mut Desk) {
        if self.converses() {
            let previous = items.before(body["id"].as_str().unwrap_or_default());
            let done = json!({"item": body, "previous_item_id": previous});
            send(desk, "conversation.item.done", done);
        }
        let done = json!({"response_id": self.id, "output_index": self.output.len(), "item": body});
        let mut done = event(desk, "response.output_item.done", done);
        done.moment = moment;
        desk.send(done);
        self.output.push(body);
    }

    fn place(&self, item: &str) -> Value {
        json!({
            "response_id": self.id, "item_id": item, "output_index": self.output.len(),
            "content_index": 0,
        })
    }

    fn part(&self, text: &str) -> Value {
        match self.manner.audible {
            true => json!({"type": "audio", "transcript": text}),
            false => json!({"type": "text", "text": text}),
        }
    }

    fn object(&self, status: &str, details: &Value, usage: &Value) -> Value {
        let state = json!({
            "status": status, "status_details": details, "usage": usage, "output": self.output,
        });
        with(self.told.clone(), &state)
    }

    fn tell_limits(&self, desk: &mut Desk) {
        let tokens = self.usage.input();
        let limits = json!([
            {"name": "requests", "limit": 1_000, "remaining": 999, "reset_seconds": 60.0},
            {"name": "tokens", "limit": 50_000, "remaining": 50_000_u64.saturating_sub(tokens),
             "reset_seconds": 60.0},
        ]);
        send(desk, "rate_limits.updated", json!({"rate_limits": limits}));
    }
}

/// The same object with these keys as well.
fn with(mut object: Value, more: &Value) -> Value {
    for (key, value) in more.as_object().into_iter().flatten() {
        object[key] = value.clone();
    }
    object
}

/// In characters of a call's arguments, about a token.
const PIECE: usize = 4;
