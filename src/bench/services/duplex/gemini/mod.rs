//! Gemini Live, from the service's side.

mod fields;
mod hearing;
mod history;
mod setup;
mod talking;
mod tools;

use std::time::Duration;

use serde_json::{Value, json};

use self::fields::{get, has, seconds, unknown};
use self::hearing::{Listener, Turn};
use self::history::History;
use self::setup::{Setup, cannot_find};
use self::talking::{Talking, content};
use self::tools::{Result as ToolResult, Tools};
use super::callers::Kept;
use super::desk::{Desk, Event};
use super::mishap::{CallFault, Moment};
use super::{DuplexScript, Protocol, callers, persona};
use crate::time::SessionTime;

/// One connection.
#[derive(Debug)]
pub(super) struct Gemini {
    /// Nothing is said before it.
    setup: Option<Setup>,
    history: History,
    listener: Listener,
    talking: Option<Talking>,
    tools: Tools,
    /// An answer is wanted when this one is over.
    next: bool,
    /// Messages of the client's; and how many of them were told as such.
    consumed: u64,
    told: u64,
    expires: SessionTime,
    /// When the end is announced, unless it was.
    notice: Option<SessionTime>,
    /// What the last answer was made from, in tokens.
    read: u64,
}

impl Gemini {
    pub(super) fn open(script: &DuplexScript, desk: &Desk) -> Self {
        let limit = callers::limit(Protocol::Gemini);
        let limit = script.limit_ms.map_or(limit, Duration::from_millis);
        let notice = script.notice_ms.map_or(NOTICE, Duration::from_millis);
        Self {
            setup: None,
            history: History::default(),
            listener: Listener::new(desk.services().detector()),
            talking: None,
            tools: Tools::default(),
            next: false,
            consumed: 0,
            told: 0,
            expires: desk.now + limit,
            notice: Some(desk.now + limit.saturating_sub(notice)),
            read: 0,
        }
    }

    pub(super) fn due(&self) -> Option<SessionTime> {
        let talking = self.talking.as_ref().and_then(Talking::due);
        let others = [talking, self.listener.due(), self.notice, Some(self.expires)];
        others.into_iter().flatten().min()
    }

    /// Does one thing that is due, if anything is.
    pub(super) fn advance(&mut self, desk: &mut Desk) -> bool {
        if desk.now >= self.expires {
            self.expires = SessionTime::from_nanos(u64::MAX);
            desk.close(1011, "Deadline expired before operation could complete.");
            return true;
        }
        if self.notice.is_some_and(|at| at <= desk.now) {
            self.notice = None;
            let left = seconds(self.expires.since(desk.now));
            desk.send(Event::new("goAway", json!({"goAway": {"timeLeft": left}})));
            return true;
        }
        if self.listener.advance(desk) {
            return true;
        }
        let (Some(talking), Some(setup)) = (&mut self.talking, &self.setup) else { return false };
        if talking.due().is_none_or(|at| at > desk.now) {
            return false;
        }
        if talking.advance(setup, desk) {
            self.finish(desk);
        }
        true
    }

    /// What the client says.
    pub(super) fn hear(&mut self, text: &[u8], desk: &mut Desk) {
        if let Err(reason) = self.message(text, desk) {
            desk.log_error(&reason);
            desk.close(1007, reason);
        }
    }

    /// What goes wrong here.
    pub(super) fn strike(&mut self, fault: &CallFault, desk: &mut Desk) {
        match fault {
            // There are no events for errors.
            CallFault::Error(code) => {
                desk.log_error(code);
                desk.close(1011, code.clone());
            }
            CallFault::Unknown => {
                let novelty = json!({"somethingNew": {"novelty": 1}});
                desk.send(Event::new("somethingNew", novelty));
            }
            CallFault::Unheard => self.listener.fails = true,
            CallFault::GoAway(ms) => {
                self.expires = desk.now + Duration::from_millis(*ms);
                self.notice = Some(desk.now);
            }
            CallFault::Expire => self.expires = desk.now,
            CallFault::Fail(_) | CallFault::Incomplete(_) => {
                if let Some(talking) = self.talking.take() {
                    let (status, rejected) = match fault {
                        CallFault::Fail(_) => ("failed", "MAX_REGENERATION_REACHED"),
                        _ => ("incomplete", "RESPONSE_REJECTED"),
                    };
                    match fault {
                        CallFault::Fail(_) => desk.lost(),
                        _ => desk.answered(),
                    }
                    self.remember(&talking, talking.spoken());
                    self.complete(&talking, Some(rejected), desk);
                    talking.over(status, desk);
                }
            }
            _ => {}
        }
    }

    fn message(&mut self, text: &[u8], desk: &mut Desk) -> Result<(), String> {
        let asked: Value = serde_json::from_slice(text).map_err(|error| {
            desk.log().received("unknown");
            format!("Invalid JSON payload received. {error}")
        })?;
        if let Some(name) = unknown(&asked, &KINDS) {
            desk.log().received("unknown");
            return Err(cannot_find(name, "message"));
        }
        let mut kinds = KINDS.iter().filter(|kind| has(&asked, kind));
        let (Some(kind), None) = (kinds.next(), kinds.next()) else {
            desk.log().received("unknown");
            return Err("a message must have exactly one of its fields".to_owned());
        };
        desk.log().received(kind);
        let body = get(&asked, kind);
        for part in hearing::KNOWN.iter().filter(|part| *kind == "realtimeInput" && has(body, part))
        {
            desk.log().received(&format!("{kind}.{part}"));
        }
        if *kind == "setup" && self.setup.is_none() {
            return self.set_up(body, desk);
        }
        if *kind == "setup" || self.setup.is_none() {
            return Err("setup must be the first message and only the first".to_owned());
        }
        self.consumed += 1;
        match *kind {
            "clientContent" => self.content(body, desk)?,
            "realtimeInput" => self.input(body, desk)?,
            "toolResponse" => self.results(body, desk)?,
            _ => {}
        }
        desk.log_conversation(self.history.lines());
        let resumption = self.setup.as_ref().and_then(|setup| setup.resumption.as_ref());
        let is_transparent = resumption.is_some_and(|resumption| resumption.transparent);
        // Not in the middle of an answer.
        let is_silent = self.talking.is_none() && self.tools.is_idle();
        if is_transparent && is_silent && self.consumed - self.told >= OFTEN {
            self.tell_place(desk);
        }
        Ok(())
    }

    fn set_up(&mut self, asked: &Value, desk: &mut Desk) -> Result<(), String> {
        let setup = Setup::of(asked)?;
        setup.model.clone_into(&mut desk.log().write().model);
        let mut heard = None;
        if let Some(handle) = setup.resumption.as_ref().and_then(|it| it.handle.as_deref()) {
            let kept = desk.services().kept_call(desk.caller(), handle);
            let Some(kept) = kept else {
                desk.log_error("session not found");
                desk.close(1008, "BidiGenerateContent session not found");
                return Ok(());
            };
            self.history = History::of(kept.said);
            heard = kept.speech;
            desk.log().write().resumed = true;
            desk.log_conversation(self.history.lines());
        }
        self.listener.follow(&setup, heard, desk);
        self.setup = Some(setup);
        let id = desk.id("session");
        let complete = json!({"setupComplete": {"sessionId": id}});
        desk.send(Event::new("setupComplete", complete).at(Moment::Ready));
        Ok(())
    }

    fn content(&mut self, asked: &Value, desk: &mut Desk) -> Result<(), String> {
        if let Some(name) = unknown(asked, &["turns", "turnComplete"]) {
            return Err(cannot_find(name, "client_content"));
        }
        let past = self.setup.as_mut().filter(|setup| setup.has_past);
        let is_past = past.is_some();
        if let Some(setup) = past {
            setup.has_past = get(asked, "turnComplete") != true;
        }
        self.interrupt(desk);
        for turn in get(asked, "turns").as_array().into_iter().flatten() {
            if !turn.is_object() {
                return Err("Invalid value at 'client_content.turns'".to_owned());
            }
            let parts = get(turn, "parts").as_array().into_iter().flatten();
            desk.log().write().images +=
                parts.filter(|part| has(part, "inlineData")).count() as u64;
            self.history.push(turn.clone());
        }
        if get(asked, "turnComplete") == true && !is_past {
            self.respond(desk);
        }
        Ok(())
    }

    fn input(&mut self, asked: &Value, desk: &mut Desk) -> Result<(), String> {
        let Some(setup) = &self.setup else { return Ok(()) };
        for turn in self.listener.input(asked, setup, desk)? {
            match turn {
                Turn::Began if self.setup.as_ref().is_some_and(|setup| setup.interrupts) => {
                    self.interrupt(desk);
                }
                Turn::Began => {}
                Turn::Spoken { text, sound } => {
                    self.history.says("user", &text, sound);
                    self.respond(desk);
                }
                Turn::Written(text) => {
                    self.interrupt(desk);
                    self.history.says("user", &text, Duration::ZERO);
                    self.respond(desk);
                }
            }
        }
        Ok(())
    }

    fn results(&mut self, asked: &Value, desk: &mut Desk) -> Result<(), String> {
        let results = self.tools.results(asked)?;
        for ToolResult { content, .. } in &results {
            self.history.push(content.clone());
            desk.came(Moment::ToolAnswered);
        }
        let wanted: Vec<_> = results.iter().filter_map(|result| result.wanted).collect();
        if wanted.contains(&tools::Wanted::Now) {
            self.interrupt(desk);
        }
        if !wanted.is_empty() && self.tools.is_idle() {
            self.respond(desk);
        }
        Ok(())
    }

    /// The model answers, now or when it has finished.
    fn respond(&mut self, desk: &mut Desk) {
        let Some(setup) = &self.setup else { return };
        self.next = self.talking.is_some();
        if self.next {
            return;
        }
        if let Some(compression) = setup.compression {
            self.history.compress(compression);
        }
        self.talking = Some(Talking::begin(setup, desk));
        if setup.resumption.is_some() {
            let update = json!({"sessionResumptionUpdate": {"resumable": false}});
            desk.send(Event::new("sessionResumptionUpdate", update));
        }
    }

    /// What the model says, or waits for, is over: somebody else speaks.
    fn interrupt(&mut self, desk: &mut Desk) {
        self.next = false;
        if let Some(ids) = self.tools.cancel() {
            let cancelled = json!({"toolCallCancellation": {"ids": ids}});
            desk.send(Event::new("toolCallCancellation", cancelled));
        }
        let Some(talking) = self.talking.take() else { return };
        match talking.text.is_empty() {
            true => desk.lost(),
            false => desk.answered(),
        }
        self.remember(&talking, talking.heard(desk.now));
        desk.send(content("interrupted", json!({"interrupted": true})));
        self.complete(&talking, None, desk);
        talking.over("cancelled", desk);
    }

    /// All is said, or tools are called.
    fn finish(&mut self, desk: &mut Desk) {
        let Some(talking) = self.talking.take() else { return };
        desk.answered();
        self.remember(&talking, talking.spoken());
        if talking.calls.is_empty() {
            self.complete(&talking, None, desk);
            talking.over("completed", desk);
        } else {
            let unawaited = self.setup.as_ref().map(|setup| &*setup.unawaited).unwrap_or_default();
            let calls = self.tools.call(&talking.calls, unawaited, desk);
            let awaited = !self.tools.is_idle();
            for call in &calls {
                self.history.push(json!({"role": "model", "parts": [{"functionCall": call}]}));
            }
            let usage = self.usage(&talking);
            let call = json!({"toolCall": {"functionCalls": calls}, "usageMetadata": usage});
            desk.send(Event::new("toolCall", call).at(Moment::ToolCalled));
            if !awaited {
                self.complete(&talking, None, desk);
            }
            talking.over("tools", desk);
        }
        desk.log_conversation(self.history.lines());
        if std::mem::take(&mut self.next) {
            self.respond(desk);
        }
    }

    fn remember(&mut self, talking: &Talking, heard: Duration) {
        let text = match talking.spoken() {
            Duration::ZERO => &talking.text,
            _ => persona::heard(&talking.text, heard, 1.0),
        };
        if !text.is_empty() {
            self.history.says("model", text, heard);
        }
    }

    /// The turn is over, and can be gone on from.
    fn complete(&mut self, talking: &Talking, reason: Option<&str>, desk: &mut Desk) {
        let mut done = json!({"turnComplete": true});
        if let Some(reason) = reason {
            done["turnCompleteReason"] = reason.into();
        }
        let usage = self.usage(talking);
        let done = json!({"serverContent": done, "usageMetadata": usage});
        desk.send(Event::new("turnComplete", done).at(Moment::ResponseOver));
        desk.log_conversation(self.history.lines());
        self.tell_place(desk);
    }

    /// Tells where another call can go on.
    fn tell_place(&mut self, desk: &mut Desk) {
        let resumption = self.setup.as_ref().and_then(|setup| setup.resumption.as_ref());
        let Some(resumption) = resumption else { return };
        let handle = desk.id("handle");
        let kept = Kept { said: self.history.keep(), speech: self.listener.speech() };
        desk.services().keep_call(desk.caller(), &handle, kept);
        self.told = self.consumed;
        let mut update = json!({"newHandle": handle, "resumable": true});
        if resumption.transparent {
            update["lastConsumedClientMessageIndex"] = self.consumed.to_string().into();
        }
        let update = json!({"sessionResumptionUpdate": update});
        desk.send(Event::new("sessionResumptionUpdate", update));
    }

    fn usage(&mut self, talking: &Talking) -> Value {
        let preamble = self.setup.as_ref().map(|setup| &*setup.preamble).unwrap_or_default();
        let preamble = crate::bench::services::words::tokens(preamble).len() as u64;
        let (text, sound) = self.history.tokens();
        let (text, prompt) = (text + preamble, text + preamble + sound);
        let cached = self.read.min(prompt) / BLOCK * BLOCK;
        self.read = prompt;
        let output = talking.output_tokens();
        json!({
            "promptTokenCount": prompt, "responseTokenCount": output.0 + output.1,
            "totalTokenCount": prompt + output.0 + output.1, "cachedContentTokenCount": cached,
            "promptTokensDetails": details(text, sound),
            "responseTokensDetails": details(output.0, output.1),
        })
    }
}

fn details(text: u64, sound: u64) -> Value {
    let each = [("TEXT", text), ("AUDIO", sound)].into_iter().filter(|(_, count)| *count > 0);
    each.map(|(modality, count)| json!({"modality": modality, "tokenCount": count})).collect()
}

const KINDS: [&str; 5] =
    ["setup", "clientContent", "realtimeInput", "toolResponse", "contextUpdate"];
/// How long before the end it is announced.
const NOTICE: Duration = Duration::from_secs(60);
/// In messages: who wants to go on without a gap is told as often where that can be done.
const OFTEN: u64 = 25;
/// In tokens.
const BLOCK: u64 = 64;
