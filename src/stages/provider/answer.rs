//! One answer: request, tools, request with their results, until there are words alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::calls::Wish;
use super::repeats::Repeats;
use super::{MissingTools, ProviderStage, Voice};
use crate::audio::AudioChunk;
use crate::events::{EventKind, StageName};
use crate::hooks::ModelAnswer;
use crate::pipeline::{Context, Element, Outcome, Outlet, Payload, TurnContext};
use crate::providers::retry::Retries;
use crate::providers::{
    Provider, ProviderError, ProviderErrorKind, ProviderEvent, ProviderRequest, RawExchange,
};
use crate::stages::{Fact, Fault, Mark};
use crate::time::SessionTime;
use crate::turn::SpeechMark;
use crate::types::{FinishReason, Media, Message, Role, ToolCall, ToolChoice, Usage};

/// An answer in the making.
pub(super) struct Asking<'a> {
    pub(super) stage: &'a ProviderStage,
    provider: &'a Arc<dyn Provider>,
    retries: &'a Retries,
    pub(super) voice: Voice,
    pub(super) turn: &'a TurnContext,
    pub(super) origin: &'a Element,
    pub(super) outlet: &'a Outlet,
    pub(super) context: &'a Context,
    /// Something was given to be said or shown.
    spoke: AtomicBool,
    /// Something was said to fill a silence.
    filled: AtomicBool,
    /// When the model was first asked.
    pub(super) began: SessionTime,
    /// What is said next must be set off from what was said before.
    in_word: AtomicBool,
    /// How much text was given, in bytes.
    text: AtomicUsize,
    /// How much sound was given, in samples.
    sound: u64,
    repeats: Repeats,
    /// What its requests have cost so far, in US dollars, if that is known.
    cost: f64,
    /// How often it was tried again.
    retried: u32,
    /// The model goes round in circles, or has had its rounds: it must answer.
    must_answer: bool,
}

/// What the model said to one request.
struct Said {
    message: Message,
    /// Some of it was sound.
    sounded: bool,
    result: Result<Option<Usage>, Fault>,
}

impl<'a> Asking<'a> {
    pub(super) fn new(
        stage: &'a ProviderStage,
        turn: &'a TurnContext,
        origin: &'a Element,
        outlet: &'a Outlet,
        context: &'a Context,
    ) -> Self {
        let (provider, retries, voice) = stage.cast(turn);
        Self {
            stage,
            provider,
            retries,
            voice,
            turn,
            origin,
            outlet,
            context,
            spoke: AtomicBool::new(false),
            filled: AtomicBool::new(false),
            began: context.clock.now(),
            in_word: AtomicBool::new(false),
            text: AtomicUsize::new(0),
            sound: 0,
            repeats: Repeats::default(),
            cost: 0.0,
            retried: 0,
            must_answer: false,
        }
    }

    /// Asks until there is an answer without tool calls.
    pub(super) async fn answer(mut self) -> Result<Outcome, Fault> {
        if let Some(script) = &self.turn.script {
            self.give(script, true).await;
            return Ok(Outcome::Completed);
        }
        self.check_choice()?;
        let mut messages = self.turn.history.to_vec();
        let (mut round, mut called) = (0u32, 0u32);
        loop {
            let Said { message: said, sounded, result } = self.ask(&messages).await;
            let empty = said.text.is_empty() && said.media.is_empty() && !sounded;
            match result {
                Err(fault) if empty && self.retry(&fault).await => continue,
                Err(fault) => return Err(fault),
                Ok(_) if !said.tool_calls.is_empty() => {}
                Ok(_) if self.has_spoken() => return Ok(Outcome::Completed),
                Ok(_) => {
                    let silent = self.fault("it said nothing");
                    if self.retry(&silent).await {
                        continue;
                    }
                    return Err(silent);
                }
            }
            if self.must_answer {
                return Err(self.fault(&format!("it called tools {round} times without answering")));
            }
            round += 1;
            self.must_answer = round >= self.turn.tool_policy.max_rounds;
            let calls = self.allowed(&said.tool_calls, &mut called);
            let Some(results) = self.call(calls).await else { return Ok(Outcome::AwaitingTools) };
            if self.is_too_dear().await? {
                return Ok(Outcome::Completed);
            }
            messages.push(said);
            messages.extend(results.into_iter().map(Message::tool));
        }
    }

    /// Which of the calls may be made.
    fn allowed(&mut self, calls: &[ToolCall], called: &mut u32) -> Vec<Wish> {
        let policy = &self.turn.tool_policy;
        let mut wishes = Vec::with_capacity(calls.len());
        for call in calls {
            *called += 1;
            let times = self.repeats.too_often(call);
            self.must_answer |= times.is_some();
            let refusal = if *called > policy.max_calls {
                Some("not called: this answer has had all the calls that it may have".to_owned())
            } else {
                times.map(|times| {
                    format!(
                        "not called: it was called {} times with these arguments already; answer \
                         with what you have",
                        times - 1
                    )
                })
            };
            wishes.push(Wish { call: call.clone(), refusal });
        }
        wishes
    }

    /// One request.
    async fn ask(&mut self, messages: &[Message]) -> Said {
        let mut message = Message::assistant("");
        let sound = self.sound;
        let mut raw = None;
        let result = self.ask_into(&mut message, &mut raw, messages).await;
        if let Ok(usage) = result {
            self.retries.answered();
            let answer = ModelAnswer { said: &message, usage, raw: raw.as_deref() };
            self.stage.hooks.after_provider(&self.context.clock, answer).await;
        }
        Said { message, sounded: self.sound > sound, result }
    }

    async fn ask_into(
        &mut self,
        said: &mut Message,
        raw: &mut Option<Arc<RawExchange>>,
        messages: &[Message],
    ) -> Result<Option<Usage>, Fault> {
        let clock = &self.context.clock;
        let mut request = self.request(messages);
        self.stage.hooks.before_provider(clock, &mut request).await.map_err(Fault::Denied)?;
        let (text, sound) = (self.text.load(Ordering::Relaxed), self.sound);
        let mut stream = self.provider.stream(request);
        while let Some(event) = self.next_event(&mut stream).await {
            match event.map_err(|error| Fault::Provider(Arc::new(error)))? {
                ProviderEvent::TextDelta(text) if text.is_empty() => {}
                ProviderEvent::TextDelta(text) => {
                    let first = said.text.is_empty();
                    said.text.push_str(&text);
                    self.give(&text, first).await;
                    if said.text.len() > LONGEST_ANSWER {
                        return Ok(None);
                    }
                }
                ProviderEvent::Sound(audio) => {
                    let start = text as u32;
                    let mark = SpeechMark {
                        start,
                        end: SpeechMark::OPEN,
                        at: self.sound,
                        ends_sentence: true,
                    };
                    self.speak(audio, Some(mark).filter(|_| self.sound == sound)).await;
                }
                ProviderEvent::Media(media) => {
                    said.media.push(media.clone());
                    self.show(media).await;
                }
                ProviderEvent::ToolCall(call) => said.tool_calls.push(call),
                ProviderEvent::Raw(exchange) => {
                    let response = self.turn.response;
                    let raw = Arc::clone(raw.insert(exchange));
                    self.stage.facts.tell(Fact::Raw { response, raw }).await;
                }
                ProviderEvent::Finished { reason: FinishReason::ContentFilter, .. }
                    if said.text.is_empty() =>
                {
                    let (provider, kind) = (self.provider.name(), ProviderErrorKind::ContentPolicy);
                    let withheld = ProviderError::new(provider, kind, "it says no more");
                    return Err(Fault::Provider(Arc::new(withheld)));
                }
                ProviderEvent::Finished { usage, .. } => {
                    if let Some(usage) = usage {
                        let response = self.turn.response;
                        self.stage.facts.tell(Fact::Used { response, usage }).await;
                        let prices = self.stage.prices.or_else(|| self.provider.prices());
                        let price = prices.and_then(|prices| prices.of(usage));
                        self.cost += price.unwrap_or_default();
                    }
                    return Ok(usage);
                }
            }
        }
        Err(self.fault("its answer broke off"))
    }

    fn request(&self, messages: &[Message]) -> ProviderRequest {
        let turn = self.turn;
        // Whoever must call a tool has: with its result it may answer.
        let has_called = messages.last().is_some_and(|message| message.role == Role::Tool);
        let tool_choice = match &turn.tool_policy.choice {
            _ if self.must_answer => ToolChoice::None,
            ToolChoice::Required | ToolChoice::Named(_) if has_called => ToolChoice::Auto,
            choice => choice.clone(),
        };
        ProviderRequest {
            system: turn.system.to_string(),
            messages: messages.to_vec(),
            tools: Arc::clone(&turn.tools),
            tool_choice,
            parameters: (*turn.parameters).clone(),
            metadata: (*turn.metadata).clone(),
        }
    }

    /// The one tool that must be called has to be there.
    fn check_choice(&self) -> Result<(), Fault> {
        let ToolChoice::Named(name) = &self.turn.tool_policy.choice else { return Ok(()) };
        if self.offers(name) {
            return Ok(());
        }
        Err(Fault::Other(format!(
            "the policy asks for the tool `{name}`, which is not among those of this answer; \
             register it, or change the policy"
        )))
    }

    pub(super) fn offers(&self, name: &str) -> bool {
        self.turn.tools.iter().any(|tool| tool.name == name)
    }

    /// Whether the answer has cost all that it may. What it has said stays said.
    async fn is_too_dear(&self) -> Result<bool, Fault> {
        let Some(most) = self.turn.tool_policy.max_cost_usd else { return Ok(false) };
        if self.cost < most {
            return Ok(false);
        }
        let message = format!(
            "the answer has cost {:.4} USD of the {most} USD that it may cost, and ends before \
             another request; raise `max_cost_usd` if it is to go on",
            self.cost
        );
        if !self.has_spoken() {
            return Err(Fault::Other(message));
        }
        let (turn, response) = (Some(self.turn.turn), Some(self.turn.response));
        let kind = EventKind::Warning { message };
        self.stage.facts.tell(Fact::Event { turn, response, kind }).await;
        Ok(true)
    }

    /// Waits until the model may be asked once more, if that makes sense.
    async fn retry(&mut self, fault: &Fault) -> bool {
        let Fault::Provider(error) = fault else { return false };
        let Some(pause) = self.retries.pause(self.retried, error) else { return false };
        self.retried += 1;
        let (stage, error) = (StageName::Provider, error.to_string());
        let TurnContext { turn, response, .. } = *self.turn;
        self.stage.facts.tell(Fact::Retrying { turn, response, stage, error }).await;
        self.context.clock.sleep(pause).await;
        true
    }

    /// Sends text on. What comes after words before a tool call is set off from them.
    pub(super) async fn give(&self, text: &str, first: bool) {
        let at = self.context.clock.now();
        if first {
            self.stage.facts.mark(self.turn.response, Mark::FirstToken, at).await;
        }
        self.spoke.store(true, Ordering::Relaxed);
        let in_word = self.in_word.swap(!text.ends_with(char::is_whitespace), Ordering::Relaxed);
        let text: Box<str> = if first && in_word && !text.starts_with(char::is_whitespace) {
            format!(" {text}").into()
        } else {
            text.into()
        };
        self.text.fetch_add(text.len(), Ordering::Relaxed);
        if self.voice == Voice::Own {
            let (turn, response) = (Some(self.turn.turn), Some(self.turn.response));
            let kind = EventKind::ResponseText { text: text.to_string() };
            self.stage.facts.tell(Fact::Event { turn, response, kind }).await;
        }
        self.send(Payload::TextDelta(text)).await;
    }

    /// Sends the model's own voice on, which needs neither clauses nor a synthesizer.
    async fn speak(&mut self, audio: AudioChunk, mark: Option<SpeechMark>) {
        if self.sound == 0 {
            let at = self.context.clock.now();
            for mark in [Mark::FirstToken, Mark::FirstClause, Mark::FirstSound] {
                self.stage.facts.mark(self.turn.response, mark, at).await;
            }
        }
        self.spoke.store(true, Ordering::Relaxed);
        self.sound += audio.samples().len() as u64;
        self.send(Payload::Spoken { audio, mark }).await;
    }

    /// Sends what is shown beside the text on.
    async fn show(&self, media: Media) {
        self.spoke.store(true, Ordering::Relaxed);
        let (response, media) = (self.turn.response, Arc::new(media));
        self.stage.facts.tell(Fact::Shown { response, media: Arc::clone(&media) }).await;
        self.send(Payload::Media(media)).await;
    }

    pub(super) async fn send(&self, payload: Payload) {
        let at = self.context.clock.now();
        let _ended = self.outlet.send(Element { at, ..self.origin.with(payload) }).await;
    }

    pub(super) fn has_spoken(&self) -> bool {
        self.spoke.load(Ordering::Relaxed)
    }

    pub(super) fn has_filled(&self) -> bool {
        self.filled.load(Ordering::Relaxed)
    }

    pub(super) fn note_filler(&self) {
        self.filled.store(true, Ordering::Relaxed);
    }

    /// Whether a call of this tool is for somebody else to answer.
    pub(super) fn awaits(&self, name: &str) -> bool {
        self.stage.missing_tools == MissingTools::Awaited && self.offers(name)
    }

    fn fault(&self, reason: &str) -> Fault {
        Fault::Provider(Arc::new(ProviderError::failed(self.provider.name(), reason)))
    }
}

/// An hour of speech: a model that writes on has lost its way.
const LONGEST_ANSWER: usize = 64 << 10;
