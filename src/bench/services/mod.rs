//! Services with known delays: transcriptions, chat completions and speech as OpenAI's protocol
//! has them, without sockets, clocks or tasks; and in [`duplex`], models that hear and speak for
//! themselves.
//!
//! ```text
//! Request ─▶ Services::answer ─▶ Plan ─▶ whoever plays it: a server, a simulated network
//!                  ▲                        │ sent, over
//!               Script                      ▼
//!                                   Services::log ─▶ Entry, Entry, …
//! ```
//!
//! ```
//! use banter::bench::services::{Profile, Request, Services};
//!
//! let services = Services::new(Profile::Fast.delays(), 1);
//! let body = r#"{"model":"tts-1","input":"Hello!","voice":"alloy","response_format":"pcm"}"#;
//! let plan = services.answer(&Request::post("alice", "/v1/audio/speech", body, 0));
//! for (number, step) in plan.steps.iter().enumerate() {
//!     services.sent(plan.exchange, number, 10_000_000);
//!     assert_eq!(step.after.as_millis(), 10);
//! }
//! services.over(plan.exchange);
//! assert_eq!(services.log("alice").entries[0].sent.len(), 4);
//! ```
//!
//! A caller is known by its key. What it is told hangs on its script, the seed and the number of
//! its request alone: not on other callers, and not on time. Who asks ahead of the end of what is
//! said may ask once more: a longer recording of the same utterance has the same line, and a
//! question in place of one whose answer was left, with the same history, the same answer.

mod again;
mod chance;
pub mod duplex;
mod fault;
mod llm;
mod log;
mod multipart;
mod plan;
mod profile;
mod request;
mod script;
mod stt;
#[cfg(test)]
mod tests;
mod tts;
mod voice;
mod words;

use std::sync::{Mutex, MutexGuard, PoisonError};

use http::Method;
use serde_json::json;

use self::chance::Chance;
use self::duplex::Mishap;
use self::log::{Caller, Callers};
use self::plan::{JSON, Reply};
use self::voice::Voice;

use crate::vad::{self, Earshot, UnknownVad, Vad};

pub use fault::{Fault, FaultError, Risk};
pub use log::{Entry, ExchangeId, Log, Outcome, Service};
pub use plan::{End, Plan, Step};
pub use profile::{Delays, OverrideError, Overrides, Profile, UnknownProfile};
pub use request::{FAULT_HEADER, LARGEST, Request, caller};
pub use script::{Answer, Call, Planned, Script};
pub use voice::{CHARACTER, RATE};

/// The three services, for any number of callers.
#[derive(Debug)]
pub struct Services {
    delays: Delays,
    seed: u64,
    risks: Vec<Risk>,
    mishaps: Vec<Mishap>,
    /// What hears turns in calls over a socket.
    detector: String,
    voice: Voice,
    callers: Mutex<Callers>,
}

impl Services {
    /// Services with these delays. The seed decides what happens by chance.
    #[must_use]
    pub fn new(delays: Delays, seed: u64) -> Self {
        let voice = Voice::new(tts::piece(&delays));
        let (risks, mishaps, detector) = (Vec::new(), Vec::new(), "earshot".to_owned());
        Self { delays, seed, risks, mishaps, detector, voice, callers: Mutex::default() }
    }

    /// The same with one more thing that may go wrong with every request. The first one that
    /// strikes counts; what the request or its script says comes before.
    #[must_use]
    pub fn with_risk(mut self, risk: Risk) -> Self {
        self.risks.push(risk);
        self
    }

    /// The same with one more thing that may go wrong with every call over a socket, beside those
    /// of its script.
    #[must_use]
    pub fn with_mishap(mut self, mishap: Mishap) -> Self {
        self.mishaps.push(mishap);
        self
    }

    /// The same with another voice detector for turns in calls over a socket, by its
    /// [name](crate::vad::by_name): `earshot` by default.
    ///
    /// # Errors
    ///
    /// When no detector has this name alone.
    pub fn hearing_by(mut self, detector: &str) -> Result<Self, UnknownVad> {
        vad::by_name(detector)?;
        detector.clone_into(&mut self.detector);
        Ok(self)
    }

    fn detector(&self) -> Box<dyn Vad> {
        vad::by_name(&self.detector).unwrap_or_else(|_| Box::new(Earshot::new()))
    }

    /// How long they take.
    #[must_use]
    pub const fn delays(&self) -> &Delays {
        &self.delays
    }

    /// From now on `caller` is told this, from its beginning.
    pub fn script(&self, caller: &str, script: Script) {
        self.callers().of(caller).1.begin(script);
    }

    /// What is answered to a request. All but the three services answers at once.
    #[must_use]
    pub fn answer(&self, request: &Request) -> Plan {
        match request.service() {
            Some(service) if request.method == Method::POST => self.serve(service, request),
            service => played(elsewhere(service, &request.method), ExchangeId::NONE),
        }
    }

    /// A step of an answer was sent, in order, at this time.
    pub fn sent(&self, exchange: ExchangeId, step: usize, at: u64) {
        if let Some(record) = self.callers().record(exchange) {
            record.sent(step, at);
            if record.is_all_sent() {
                record.over();
            }
        }
    }

    /// Whoever played an answer has done with it. It is [`Outcome::Left`] if steps were left. After
    /// the last step it need not be told.
    pub fn over(&self, exchange: ExchangeId) {
        if let Some(record) = self.callers().record(exchange) {
            record.over();
        }
    }

    /// What `caller` has asked so far.
    #[must_use]
    pub fn log(&self, caller: &str) -> Log {
        self.callers().known(caller).map(Caller::log).unwrap_or_default()
    }

    /// Forgets what `caller` has asked so far. Its script goes on.
    pub fn clear(&self, caller: &str) {
        self.callers().of(caller).1.clear();
    }

    /// How many requests there were to the three services.
    #[must_use]
    pub fn served(&self) -> u64 {
        self.callers().served
    }

    fn serve(&self, service: Service, request: &Request) -> Plan {
        let mut callers = self.callers();
        let (_, caller) = callers.of(&request.caller);
        let number = caller.next(service);
        let mut chance = Chance::new(self.seed, &request.caller, service, number);
        let fault = request.fault.or_else(|| caller.fault(service, number));
        let fault = fault.or_else(|| self.struck(service, &mut chance));
        let (body, delays) = (&*request.body, &self.delays);
        caller.goes_back(service, body);
        let (reply, nonsense) = match service {
            Service::Stt => (stt::answer(body, delays, &caller.words()), stt::NONSENSE),
            Service::Llm => {
                (llm::answer(body, delays, caller.reply(), &chance.id()), llm::NONSENSE)
            }
            Service::Tts => (tts::answer(body, delays, &self.voice), tts::NONSENSE),
        };
        if reply.status == 200 && fault.is_none_or(Fault::answers) {
            caller.said(service, body);
        }
        let media = reply.media;
        let reply = reply.varied(&mut chance, delays.jitter);
        let mut reply = match fault {
            Some(fault) => reply.with(fault, nonsense),
            None => reply,
        };
        let entry = Entry {
            caller: request.caller.clone(),
            service,
            request: number,
            arrived: request.arrived,
            sent: Vec::with_capacity(reply.steps.len()),
            texts: std::mem::take(&mut reply.texts),
            media,
            status: reply.status,
            outcome: Outcome::Open,
        };
        let exchange = callers.open(entry, reply.steps.len(), reply.end);
        played(reply, exchange)
    }

    fn struck(&self, service: Service, chance: &mut Chance) -> Option<Fault> {
        let strikes = |risk: &&Risk| {
            risk.service.is_none_or(|at| at == service) && chance.strikes(risk.probability)
        };
        self.risks.iter().find(strikes).map(|risk| risk.fault)
    }

    fn callers(&self) -> MutexGuard<'_, Callers> {
        self.callers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn played(reply: Reply, exchange: ExchangeId) -> Plan {
    let Reply { status, retry_after, content_type, steps, texts: _, media: _, end } = reply;
    Plan { exchange, status, retry_after, content_type, steps, end }
}

/// What is answered to what is no service's request.
fn elsewhere(service: Option<Service>, method: &Method) -> Reply {
    let known =
        "here are audio/transcriptions, chat/completions and audio/speech, each to be POSTed";
    match (service, method) {
        (Some(_), _) => Reply::refusal(405, known),
        (None, &Method::GET | &Method::HEAD) => {
            let model =
                json!({"id": "mock", "object": "model", "created": 0, "owned_by": "banter"});
            let body = json!({"object": "list", "data": [model]});
            Reply::new(JSON).then(std::time::Duration::ZERO, body.to_string())
        }
        (None, _) => Reply::refusal(404, known),
    }
}
