//! OpenAI's Realtime protocol, from the service's side.

mod answering;
mod items;
mod session;
mod sound;
mod speech;
mod usage;
mod wrong;

use std::time::Duration;

use serde_json::{Value, json};

use self::answering::{Answering, Over};
use self::items::{Item, Items};
use self::session::Session;
use self::speech::{Speech, Turn};
use self::usage::Usage;
use self::wrong::{Wrong, event, send};
use super::desk::Desk;
use super::log::Truncated;
use super::mishap::{CallFault, Moment};
use super::{DuplexScript, Knock, Protocol, callers};
use crate::time::SessionTime;

/// One session.
#[derive(Debug)]
pub(super) struct OpenAi {
    session: Session,
    conversation: String,
    items: Items,
    speech: Speech,
    /// The responses in progress, of which one at most is a part of the conversation.
    responses: Vec<Answering>,
    /// What the last response was made from, in tokens of text and sound.
    read: (u64, u64),
    /// The model speaks then, if nobody else does.
    idle: Option<SessionTime>,
    expires: SessionTime,
    limit: Duration,
}

impl OpenAi {
    pub(super) fn open(knock: &Knock, script: &DuplexScript, desk: &mut Desk) -> Self {
        let limit = callers::limit(Protocol::OpenAi);
        let limit = script.limit_ms.map_or(limit, Duration::from_millis);
        let (id, conversation) = (desk.id("sess"), desk.id("conv"));
        let until = knock.unix.saturating_add_unsigned(limit.as_secs());
        let session = Session::new(&id, knock.model.as_deref().unwrap_or_default(), until);
        let created = event(desk, "session.created", json!({"session": session.body()}));
        desk.send(created.at(Moment::Ready));
        let opened = json!({"id": conversation, "object": "realtime.conversation"});
        send(desk, "conversation.created", json!({"conversation": opened}));
        let speech = Speech::new(&session, desk.services().detector());
        Self {
            session,
            conversation,
            items: Items::default(),
            speech,
            responses: Vec::new(),
            read: (0, 0),
            idle: None,
            expires: desk.now + limit,
            limit,
        }
    }

    pub(super) fn due(&self) -> Option<SessionTime> {
        let responses = self.responses.iter().filter_map(Answering::due);
        let others = [self.speech.due(), self.idle, Some(self.expires)];
        responses.chain(others.into_iter().flatten()).min()
    }

    /// Does one thing that is due, if anything is.
    pub(super) fn advance(&mut self, desk: &mut Desk) -> bool {
        if desk.now >= self.expires {
            self.expire(desk);
            self.expires = SessionTime::from_nanos(u64::MAX);
            return true;
        }
        if self.speech.advance(&mut self.items, desk) {
            desk.log_conversation(self.items.lines());
            return true;
        }
        let due = |answering: &Answering| answering.due().is_some_and(|at| at <= desk.now);
        if let Some(at) = self.responses.iter().position(due) {
            if let Some(over) = self.responses[at].advance(&mut self.items, desk) {
                self.finish(at, &over, desk);
            }
            return true;
        }
        if self.idle.is_some_and(|at| at <= desk.now) {
            self.idle = None;
            self.speech.times_out(&mut self.items, desk);
            self.respond(&Value::Null, desk);
            return true;
        }
        false
    }

    /// What the client says.
    pub(super) fn hear(&mut self, text: &[u8], desk: &mut Desk) {
        let asked: Value = match serde_json::from_slice(text) {
            Ok(asked) => asked,
            Err(error) => {
                desk.log().received(UNKNOWN);
                let message = format!("Could not parse the message as JSON: {error}");
                return Wrong::new("invalid_json", message).tell(&Value::Null, desk);
            }
        };
        let kind = asked["type"].as_str().unwrap_or_default();
        let known = KINDS.iter().find(|known| **known == kind);
        desk.log().received(known.unwrap_or(&UNKNOWN));
        let event_id = asked.get("event_id").cloned().unwrap_or(Value::Null);
        let done = match known {
            Some(kind) => self.handle(kind, &asked, desk),
            None if asked.get("type").is_none() => Err(Wrong::missing("type")),
            None => {
                let known = KINDS.map(|kind| format!("'{kind}'")).join(", ");
                let message = format!("Invalid value: '{kind}'. Supported values are: {known}.");
                Err(Wrong::value("type", message))
            }
        };
        if let Err(wrong) = done {
            wrong.tell(&event_id, desk);
        }
    }

    /// What goes wrong here.
    pub(super) fn strike(&mut self, fault: &CallFault, desk: &mut Desk) {
        let over = match fault {
            CallFault::Error(code) => {
                let message = "The server had an error while processing your request.";
                return Wrong::new(code, message).tell(&Value::Null, desk);
            }
            CallFault::Unknown => {
                return send(desk, "response.something_new", json!({"novelty": {"value": 1}}));
            }
            CallFault::Unheard => return self.speech.fails = true,
            CallFault::GoAway(ms) => {
                self.expires = desk.now + Duration::from_millis(*ms);
                return;
            }
            CallFault::Expire => {
                self.expires = desk.now;
                return;
            }
            CallFault::Fail(code) => Over::failed(code),
            CallFault::Incomplete(reason) => Over::incomplete(reason),
            _ => return,
        };
        if let Some(at) = self.responses.iter().position(Answering::converses) {
            self.finish(at, &over, desk);
        }
    }

    fn handle(&mut self, kind: &str, asked: &Value, desk: &mut Desk) -> Result<(), Wrong> {
        match kind {
            "session.update" => {
                self.session.update(&asked["session"])?;
                self.speech.follow(&self.session);
                send(desk, "session.updated", json!({"session": self.session.body()}));
            }
            "input_audio_buffer.append" => {
                for heard in self.speech.append(asked, &self.session, desk)? {
                    let turn = self.speech.heard(heard, &self.session, &mut self.items, desk);
                    self.turned(&turn, desk);
                }
                return Ok(());
            }
            "input_audio_buffer.commit" => {
                self.speech.commit(&self.session, &mut self.items, desk)?;
            }
            "input_audio_buffer.clear" => self.speech.clear(desk),
            // For telephones and browsers, whose sound the service plays.
            "output_audio_buffer.clear" => {
                let message = "output_audio_buffer.clear is for WebRTC and SIP sessions only.";
                return Err(Wrong::value("type", message));
            }
            "conversation.item.create" => self.create(asked, desk)?,
            "conversation.item.retrieve" => {
                let item = self.items.retrieve(id(asked)?)?;
                let body = json!({"item": item.body});
                send(desk, "conversation.item.retrieved", body);
            }
            "conversation.item.delete" => {
                self.items.delete(id(asked)?)?;
                send(desk, "conversation.item.deleted", json!({"item_id": id(asked)?}));
            }
            "conversation.item.truncate" => self.truncate(asked, desk)?,
            "response.create" => self.asked_to_respond(asked, desk)?,
            _ => self.cancel(asked, desk)?,
        }
        desk.log_conversation(self.items.lines());
        Ok(())
    }

    fn turned(&mut self, turn: &Turn, desk: &mut Desk) {
        self.idle = None;
        let active = self.responses.iter().position(Answering::converses);
        match (turn, active) {
            (Turn::Began, Some(at)) if self.session.interrupts() => {
                self.finish(at, &Over::cancelled("turn_detected"), desk);
            }
            (Turn::Ended, None) if self.session.creates_responses() => {
                self.respond(&Value::Null, desk);
            }
            _ => {}
        }
        desk.log_conversation(self.items.lines());
    }

    fn create(&mut self, asked: &Value, desk: &mut Desk) -> Result<(), Wrong> {
        let item = &asked["item"];
        if !item.is_object() {
            return Err(Wrong::missing("item"));
        }
        let id = item["id"].as_str().map_or_else(|| desk.id("item"), str::to_owned);
        let is_result = item["type"] == "function_call_output";
        let images = item["content"].as_array().into_iter().flatten();
        let images = images.filter(|part| part["type"] == "input_image").count() as u64;
        let item = Item::of_client(item, id)?;
        let body = item.body.clone();
        let previous = self.items.insert(item, &asked["previous_item_id"])?;
        desk.log().write().images += images;
        for kind in ["conversation.item.added", "conversation.item.done"] {
            send(desk, kind, json!({"item": body, "previous_item_id": previous}));
        }
        if is_result {
            desk.came(Moment::ToolAnswered);
        }
        self.idle = None;
        Ok(())
    }

    fn truncate(&mut self, asked: &Value, desk: &mut Desk) -> Result<(), Wrong> {
        let id = id(asked)?;
        let number = |name: &str| asked[name].as_u64().ok_or_else(|| Wrong::missing(name));
        let (content, ms) = (number("content_index")?, number("audio_end_ms")?);
        let of = self.items.truncate(id, content, ms)?;
        let body = json!({"item_id": id, "content_index": content, "audio_end_ms": ms});
        send(desk, "conversation.item.truncated", body);
        let of_ms = of.as_millis() as u64;
        desk.log_truncated(Truncated { item: id.to_owned(), audio_end_ms: ms, of_ms });
        Ok(())
    }

    fn asked_to_respond(&mut self, asked: &Value, desk: &mut Desk) -> Result<(), Wrong> {
        let asked = &asked["response"];
        if self.session.only_transcribes() {
            let message = "Responses are not available in transcription sessions.";
            return Err(Wrong::value("type", message));
        }
        session::check_modalities("response.output_modalities", &asked["output_modalities"])?;
        session::check_tokens("response.max_output_tokens", &asked["max_output_tokens"])?;
        let converses = asked["conversation"] != "none";
        let active = self.responses.iter().find(|answering| answering.converses());
        if let Some(active) = active.filter(|_| converses) {
            let message = format!(
                "Conversation already has an active response in progress: {}. Wait until the \
                 response is finished before creating a new one.",
                active.id()
            );
            return Err(Wrong::new("conversation_already_has_active_response", message));
        }
        if self.responses.len() == MOST_RESPONSES {
            return Err(Wrong::new("rate_limit_exceeded", "Too many responses are in progress."));
        }
        self.respond(asked, desk);
        Ok(())
    }

    fn respond(&mut self, asked: &Value, desk: &mut Desk) {
        self.idle = None;
        let body = self.session.body();
        let usage = Usage::of(body, &self.items, self.read);
        let answering = Answering::begin(&self.conversation, body, asked, usage, desk);
        self.read = usage.read();
        self.session.is_heard |= answering.is_audible();
        self.responses.push(answering);
    }

    fn cancel(&mut self, asked: &Value, desk: &mut Desk) -> Result<(), Wrong> {
        let wanted = asked["response_id"].as_str();
        let at = self.responses.iter().position(|answering| match wanted {
            Some(id) => answering.id() == id,
            None => answering.converses(),
        });
        let Some(at) = at else {
            let message = "Cancellation failed: no active response found";
            return Err(Wrong::new("response_cancel_not_active", message));
        };
        self.finish(at, &Over::cancelled("client_cancelled"), desk);
        Ok(())
    }

    fn finish(&mut self, at: usize, over: &Over, desk: &mut Desk) {
        let answering = self.responses.remove(at);
        let rest = answering.spoken();
        match over.status {
            "failed" => desk.lost(),
            "cancelled" if answering.is_unsaid() => desk.lost(),
            _ => desk.answered(),
        }
        let converses = answering.converses();
        answering.finish(over, &mut self.items, desk);
        if converses && !self.speech.is_speaking() {
            self.idle = self.session.idle_timeout().map(|wait| desk.now + rest + wait);
        }
        desk.log_conversation(self.items.lines());
    }

    fn expire(&self, desk: &mut Desk) {
        let message = format!(
            "Your session hit the maximum duration of {} minutes.",
            self.limit.as_secs_f64() / 60.0
        );
        Wrong::new("session_expired", message).tell(&Value::Null, desk);
        desk.close(1001, "the session has expired");
    }
}

fn id(asked: &Value) -> Result<&str, Wrong> {
    asked["item_id"].as_str().ok_or_else(|| Wrong::missing("item_id"))
}

const KINDS: [&str; 11] = [
    "session.update",
    "input_audio_buffer.append",
    "input_audio_buffer.commit",
    "input_audio_buffer.clear",
    "output_audio_buffer.clear",
    "conversation.item.create",
    "conversation.item.retrieve",
    "conversation.item.delete",
    "conversation.item.truncate",
    "response.create",
    "response.cancel",
];
const UNKNOWN: &str = "unknown";
/// Beside one another.
const MOST_RESPONSES: usize = 8;
