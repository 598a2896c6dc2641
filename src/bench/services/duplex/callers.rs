//! What the services keep of each caller's calls, and how a call begins.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde_json::Value;

use super::desk::Desk;
use super::log::{CallEnd, CallLog, SharedLog};
use super::{DuplexScript, Knock, Peer, Protocol, Refusal};
use crate::bench::services::Services;
use crate::bench::services::chance::Chance;
use crate::bench::services::script::Answer;
use crate::time::SessionTime;

/// The calls of one caller: how many there were, their logs, and where they can go on.
#[derive(Debug, Default)]
pub(in super::super) struct Calls {
    script: DuplexScript,
    opened: u64,
    /// New ones are refused until then.
    refused: SessionTime,
    logs: VecDeque<SharedLog>,
    /// By its handle.
    kept: VecDeque<(String, Kept)>,
}

/// What another call needs to go on with one.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Kept {
    /// What was said.
    pub(super) said: Vec<Value>,
    /// The user speaks: the sound of that, as far as it has come.
    pub(super) speech: Option<Vec<i16>>,
}

impl Calls {
    pub(in super::super) fn begin(&mut self, script: DuplexScript) {
        (self.script, self.opened, self.refused) = (script, 0, SessionTime::ZERO);
    }

    pub(in super::super) fn logs(&self) -> Vec<CallLog> {
        self.logs.iter().map(SharedLog::read).collect()
    }

    pub(in super::super) fn clear(&mut self) {
        self.logs.clear();
    }

    fn add(&mut self, log: SharedLog) {
        if self.logs.len() == MOST_LOGS {
            self.logs.pop_front();
        }
        self.logs.push_back(log);
    }
}

/// Calls over a socket.
impl Services {
    /// Connects a caller.
    ///
    /// # Errors
    ///
    /// While its script has its calls refused, and with OpenAI's protocol without a model: the
    /// request for the connection is to be answered with the refusal's status.
    pub fn open(self: &Arc<Self>, knock: &Knock, now: SessionTime) -> Result<Peer, Refusal> {
        let mut callers = self.callers();
        let calls = &mut callers.of(&knock.caller).1.calls;
        if now < calls.refused {
            let retry_after = Some(calls.refused.since(now));
            let message = "refused, as it was told".to_owned();
            return Err(Refusal { status: StatusCode::SERVICE_UNAVAILABLE, message, retry_after });
        }
        if knock.protocol == Protocol::OpenAi && knock.model.is_none() {
            let message = "you must provide a model parameter".to_owned();
            return Err(Refusal { status: StatusCode::BAD_REQUEST, message, retry_after: None });
        }
        calls.opened += 1;
        let call = calls.opened;
        let log = SharedLog::new(CallLog {
            caller: knock.caller.clone(),
            protocol: knock.protocol,
            call,
            model: knock.model.clone().unwrap_or_default(),
            opened: knock.origin.saturating_add(now.as_nanos()),
            closed: None,
            ending: CallEnd::Open,
            resumed: false,
            received: BTreeMap::new(),
            sent: BTreeMap::new(),
            heard_ms: 0,
            spoken_ms: 0,
            images: 0,
            turns: Vec::new(),
            responses: Vec::new(),
            truncated: Vec::new(),
            errors: Vec::new(),
            faults: Vec::new(),
            conversation: Vec::new(),
        });
        calls.add(log.clone());
        let script = calls.script.clone();
        callers.served += 1;
        drop(callers);
        let chance = Chance::of_call(self.seed, &knock.caller, call);
        let services = Arc::clone(self);
        let desk = Desk::new(services, knock.caller.clone(), chance, log, knock.origin, now);
        let mishaps = script.faults.iter().chain(&self.mishaps).cloned().collect();
        Ok(Peer::new(knock, desk, &script, mishaps, call))
    }

    /// New calls of this caller are refused until then.
    pub(super) fn refuse_calls(&self, caller: &str, until: SessionTime) {
        self.callers().of(caller).1.calls.refused = until;
    }

    pub(super) fn next_words(&self, caller: &str) -> String {
        self.callers().of(caller).1.next_words()
    }

    pub(super) fn take_answer(&self, caller: &str) -> Option<Answer> {
        self.callers().of(caller).1.take_reply()
    }

    pub(super) fn give_back(&self, caller: &str, answers: usize) {
        self.callers().of(caller).1.give_back(answers);
    }

    /// Keeps a call, so that another one can go on with this handle.
    pub(super) fn keep_call(&self, caller: &str, handle: &str, call: Kept) {
        let mut callers = self.callers();
        let kept = &mut callers.of(caller).1.calls.kept;
        if kept.len() == MOST_KEPT {
            kept.pop_front();
        }
        kept.push_back((handle.to_owned(), call));
    }

    /// The call that this handle is of.
    pub(super) fn kept_call(&self, caller: &str, handle: &str) -> Option<Kept> {
        let mut callers = self.callers();
        let kept = &callers.of(caller).1.calls.kept;
        kept.iter().rev().find(|(known, _)| known == handle).map(|(_, call)| call.clone())
    }

    /// A piece of the voice: samples at 24 kHz, as bytes.
    pub(super) fn voice(&self, from: usize, samples: usize) -> bytes::Bytes {
        self.voice.piece(from, samples)
    }
}

/// Of each caller.
const MOST_LOGS: usize = 256;
/// Of each caller: those of its last turns.
const MOST_KEPT: usize = 16;

/// How long calls last where no script says it.
pub(super) const fn limit(protocol: Protocol) -> Duration {
    match protocol {
        Protocol::OpenAi => Duration::from_secs(3_600),
        Protocol::Gemini => Duration::from_secs(600),
    }
}
