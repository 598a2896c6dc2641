//! Owns a duplex session: tells it what is heard, and gives its answers to whoever asks.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::kept::Kept;
use super::model::{Answer, Ask, late_results};
use super::owed::Owed;
use super::passing::Passing;
use super::replies::{Given, HeardPart, Reply};
use super::{AnswerTo, DuplexCommand, DuplexFact};
use crate::audio::{AudioChunk, SampleRate};
use crate::duplex::{
    Detecting, DuplexEvent, DuplexInput, DuplexProvider, DuplexSession, DuplexSettings, Opening,
    RefusalKind, ReplyEnd, ReplyId,
};
use crate::events::EventKind;
use crate::ids::{ResponseId, TurnId};
use crate::pipeline::{Element, Outcome, Payload, StageError, StageIo};
use crate::providers::{ProviderError, ProviderEvent};
use crate::stages::{Fact, Facts};
use crate::time::{SessionClock, SessionTime};
use crate::turn::TurnSign;
use crate::types::{FinishReason, Usage};

/// See the [module](super).
#[derive(Debug)]
pub(super) struct Hub {
    name: String,
    hears: SampleRate,
    settings: Arc<DuplexSettings>,
    clock: SessionClock,
    session: DuplexSession,
    facts: Facts,
    asks: mpsc::Receiver<Ask>,
    commands: mpsc::Receiver<DuplexCommand>,
    /// What is to be heard again by whoever goes on when the session is lost; nothing if nobody does.
    kept: Option<Kept>,
    /// The last response, and up to which turn it answers what was said.
    answering: Option<(ResponseId, TurnId)>,
    /// What the session is to be told, in order.
    out: VecDeque<DuplexInput>,
    /// What the next request is about, if it is the first of a response.
    begun: Option<AnswerTo>,
    /// Somebody has asked, and is not answered yet.
    waiting: Option<Waiting>,
    /// The last answer was asked for; else the other side began it by itself.
    asked: bool,
    /// Answers that are under way.
    replies: Vec<Reply>,
    given: Given,
    owed: Owed,
    /// A connection was lost, and nothing was answered since.
    lost: bool,
    /// The other side hears what it has heard on the connection before.
    hears_again: bool,
    /// When the user ceased to speak, as it has it.
    stopped: SessionTime,
    /// The last turn whose sound was told, and the last whose end was.
    told: TurnId,
    ended: TurnId,
}

/// What happens next.
enum Step {
    Event(Option<DuplexEvent>),
    Command(DuplexCommand),
    Ask(Ask),
    Unwanted,
    Element(Option<Element>),
}

/// Somebody who has asked.
#[derive(Debug)]
struct Waiting {
    answer: oneshot::Sender<Answer>,
    /// What is to be told, once the sound of this turn was.
    after: Option<(TurnId, DuplexInput)>,
    /// What to ask for again when the answer that is in the way is over.
    again: DuplexInput,
    /// An answer is in the way.
    blocked: bool,
}

impl Waiting {
    fn new(answer: oneshot::Sender<Answer>, again: DuplexInput) -> Self {
        Self { answer, after: None, again, blocked: false }
    }
}

impl Hub {
    pub(super) fn new(
        provider: &dyn DuplexProvider,
        opening: Opening,
        facts: Facts,
        asks: mpsc::Receiver<Ask>,
        commands: mpsc::Receiver<DuplexCommand>,
    ) -> Self {
        let (settings, clock) = (Arc::clone(&opening.settings), opening.clock.clone());
        Self {
            name: provider.name().to_owned(),
            hears: provider.capabilities().hears,
            settings,
            clock,
            session: provider.open(opening),
            facts,
            asks,
            commands,
            kept: None,
            answering: None,
            out: VecDeque::new(),
            begun: None,
            waiting: None,
            asked: false,
            replies: Vec::new(),
            given: Given::default(),
            owed: Owed::default(),
            lost: false,
            hears_again: false,
            stopped: SessionTime::ZERO,
            told: TurnId::default(),
            ended: TurnId::default(),
        }
    }

    /// Somebody goes on when the session is lost, and hears what nobody has answered.
    pub(super) fn hand_on(&mut self) {
        (self.kept, self.lost) = (Some(Kept::default()), true);
    }

    pub(super) fn hands_on(&self) -> bool {
        self.kept.is_some()
    }

    pub(super) async fn serve(mut self, io: StageIo) -> Result<(), StageError> {
        let StageIo { mut inlet, outlet, .. } = io;
        let (mut hears, mut open) = (true, true);
        let facts = self.facts.clone();
        loop {
            if let Some(kept) = self.kept.take_if(|_| !open) {
                return self.passing(kept).run(inlet, outlet).await;
            }
            let has_room = self.out.len() < OUT;
            let step = tokio::select! {
                biased;
                () = facts.closed() => return Ok(()),
                event = self.session.events.recv(), if open => Step::Event(event),
                Some(command) = self.commands.recv() => Step::Command(command),
                Some(ask) = self.asks.recv() => Step::Ask(ask),
                () = unwanted(&self.replies) => Step::Unwanted,
                permit = self.session.inputs.reserve(), if !self.out.is_empty() => {
                    match (permit, self.out.pop_front()) {
                        (Ok(permit), Some(input)) => permit.send(input),
                        _ => self.out.clear(),
                    }
                    continue;
                }
                element = inlet.recv(), if hears && has_room => Step::Element(element?),
            };
            match step {
                Step::Event(Some(DuplexEvent::Closed(error))) => {
                    open = false;
                    self.over(error.to_string()).await;
                }
                Step::Event(Some(event)) => self.on_event(event).await,
                Step::Event(None) => {
                    open = false;
                    // Why it has, it may have said.
                    if !self.asks.is_closed() {
                        self.over("its session has ended".to_owned()).await;
                    }
                }
                Step::Command(command) => self.on_command(command),
                Step::Ask(ask) => self.on_ask(ask).await,
                Step::Unwanted => self.cancel(),
                Step::Element(Some(element)) => self.on_element(&element),
                Step::Element(None) => {
                    hears = false;
                    self.fall_silent();
                }
            }
        }
    }

    fn on_element(&mut self, element: &Element) {
        let turn = element.turn;
        if let Some(kept) = &mut self.kept {
            kept.push(element);
        }
        match &element.payload {
            Payload::Heard(audio) => {
                if turn != TurnId::default() && turn != self.told {
                    self.told = turn;
                    self.out.push_back(DuplexInput::TurnBegan { turn });
                }
                let at = element.at;
                self.out.push_back(DuplexInput::Sound { at, audio: audio.clone() });
            }
            Payload::TurnEnd(outcome) => {
                // A turn without sound has no message either.
                if turn == self.told {
                    self.out.push_back(match outcome {
                        Outcome::Discarded => DuplexInput::TurnDropped { turn },
                        _ => DuplexInput::TurnEnded { turn },
                    });
                }
                self.ended = turn;
                if self.lost && self.kept.is_some() {
                    // It was found here, and the next connection hears it again.
                    self.stopped = self.stopped.max(element.at);
                }
                self.respond();
            }
            _ => {}
        }
    }

    /// No more is heard. Who detects turns by silence must hear some.
    fn fall_silent(&mut self) {
        if matches!(self.settings.detecting, Detecting::There(_)) {
            let silence = vec![0; self.hears.hz() as usize * SILENCE];
            let (at, audio) = (self.clock.now(), AudioChunk::new(silence, self.hears));
            self.out.push_back(DuplexInput::Sound { at, audio });
        }
    }

    fn on_command(&mut self, command: DuplexCommand) {
        match command {
            DuplexCommand::Begin { response, to } => {
                self.given.begin(response);
                let upto = match &to {
                    AnswerTo::Asked { turn, .. } => turn.unwrap_or_default(),
                    AnswerTo::Itself(_) => self.ended,
                };
                self.answering = Some((response, upto));
                self.begun = Some(to);
            }
            DuplexCommand::Over { response, sound, text, whole, answered } => {
                if answered {
                    self.is_answered();
                }
                for part in self.given.over(response, sound, &text, whole) {
                    let HeardPart { reply, sound, text, whole } = part;
                    let text = text.into();
                    self.out.push_back(DuplexInput::Heard { reply, sound, text, whole });
                }
            }
            DuplexCommand::Image(image) => self.out.push_back(DuplexInput::Image(image)),
            DuplexCommand::Frame { at, image } => {
                // Of what a camera shows only the last matters, if the session is held up.
                self.out.retain(|input| !matches!(input, DuplexInput::Frame { .. }));
                self.out.push_back(DuplexInput::Frame { at, image });
            }
            DuplexCommand::Instructions(system) => {
                self.set(DuplexSettings { system, ..(*self.settings).clone() });
            }
        }
    }

    fn set(&mut self, settings: DuplexSettings) {
        if settings != *self.settings {
            self.settings = Arc::new(settings);
            self.out.push_back(DuplexInput::Settings(Arc::clone(&self.settings)));
        }
    }

    /// Somebody wants an answer: to what the session said of it, to the results of tools, or once
    /// more.
    async fn on_ask(&mut self, ask: Ask) {
        let Ask { request, answer } = ask;
        let results = self.owed.results(&request);
        let begun = self.begun.take();
        let by_itself = matches!(begun, Some(AnswerTo::Itself(_)));
        self.asked = !results.is_empty() || !by_itself && (begun.is_some() || self.asked);
        if !results.is_empty() {
            let asked = DuplexInput::ToolResults(results);
            self.out.push_back(asked);
            self.waiting = Some(Waiting::new(answer, respond(None)));
            return;
        }
        match begun {
            Some(AnswerTo::Itself(reply)) => self.hand_over(reply, answer),
            Some(AnswerTo::Asked { turn, mut texts, say }) => {
                if turn.is_none() && texts.is_empty() && say.is_none() {
                    texts = late_results(&request);
                }
                self.out.extend(texts.into_iter().map(DuplexInput::Text));
                let asked = respond(say);
                let after = Some((turn.unwrap_or_default(), asked.clone()));
                self.waiting = Some(Waiting { after, ..Waiting::new(answer, asked) });
                self.respond();
            }
            None => {
                self.waiting = Some(Waiting::new(answer, respond(None)));
                let offered = self.replies.iter().find(|reply| reply.answer.is_some());
                match offered.map(|reply| reply.id) {
                    Some(reply) => {
                        self.bind(reply);
                        self.tell(DuplexFact::Withdrawn(reply)).await;
                    }
                    None if self.asked => self.out.push_back(respond(None)),
                    // What was said is told again, and answered by the other side itself.
                    None => {}
                }
            }
        }
    }

    /// Asks for an answer, once all that it answers was told.
    fn respond(&mut self) {
        let Some(waiting) = self.waiting.as_mut().filter(|waiting| !waiting.answer.is_closed())
        else {
            self.waiting = None;
            return;
        };
        if let Some((_, asked)) = waiting.after.take_if(|(turn, _)| *turn <= self.ended) {
            self.out.push_back(asked);
        }
    }

    /// Gives the answer to whoever waits for one.
    fn bind(&mut self, reply: ReplyId) {
        if let Some(waiting) = self.waiting.take() {
            self.hand_over(reply, waiting.answer);
        }
    }

    fn hand_over(&mut self, id: ReplyId, to: oneshot::Sender<Answer>) {
        let reply = self.replies.iter_mut().find(|reply| reply.id == id);
        // Without one nobody answers: `to` is dropped, and so it is told.
        if let Some(answer) = reply.and_then(|reply| reply.answer.take()) {
            self.given.join(id);
            let _unwanted = to.send(answer);
        }
        self.replies.retain(|reply| !(reply.id == id && reply.over));
    }

    /// Nobody wants some of the answers any more.
    fn cancel(&mut self) {
        for reply in self.replies.extract_if(.., |reply| reply.events.is_closed()) {
            self.out.push_back(DuplexInput::Cancel { reply: reply.id });
        }
    }

    async fn on_event(&mut self, event: DuplexEvent) {
        match event {
            DuplexEvent::ReplyStarted { reply, asked } => {
                self.lost = false;
                self.given.start(reply);
                self.replies.push(Reply::new(reply));
                let awaited = self.waiting.as_ref().is_some_and(|waiting| waiting.after.is_none());
                if awaited && (asked || self.settings.detecting != Detecting::Here) {
                    self.bind(reply);
                } else {
                    self.tell(DuplexFact::Offered(reply)).await;
                }
            }
            DuplexEvent::Text { reply, delta } => {
                if let Some(part) = self.given.part(reply) {
                    part.text.push_str(&delta);
                }
                self.give(reply, ProviderEvent::TextDelta(delta));
            }
            DuplexEvent::Sound { reply, audio } => {
                let length = audio.rate().duration(audio.samples().len() as u64);
                if let Some(part) = self.given.part(reply) {
                    part.sound += length;
                }
                self.give(reply, ProviderEvent::Sound(audio));
            }
            DuplexEvent::ToolCall { reply, call } => {
                self.owed.push(&call, reply);
                self.give(reply, ProviderEvent::ToolCall(call));
            }
            DuplexEvent::ToolsCancelled { ids } => self.on_tools_cancelled(&ids).await,
            DuplexEvent::ReplyEnded { reply, how, usage } => {
                self.on_reply_ended(reply, how, usage).await;
            }
            other => self.on_news(other).await,
        }
    }

    /// What is no part of an answer.
    async fn on_news(&mut self, event: DuplexEvent) {
        match event {
            // What was said and not answered is told to another connection, which hears it anew.
            DuplexEvent::SpeechStarted { at } if self.lost && at <= self.stopped => {
                self.hears_again = true;
            }
            DuplexEvent::SpeechStarted { at } => self.sign(TurnSign::Started { at }).await,
            DuplexEvent::SpeechStopped { at } => {
                let again = std::mem::take(&mut self.hears_again);
                if again && at <= self.stopped + GOES_ON {
                    return;
                }
                if again {
                    self.sign(TurnSign::Started { at: self.stopped }).await;
                }
                self.stopped = at;
                self.sign(TurnSign::Ended { speech_end: at }).await;
            }
            DuplexEvent::Transcript { turn, text, is_final } => {
                if let Some(kept) = self.kept.as_mut().filter(|_| is_final) {
                    kept.worded(turn);
                }
                self.facts.tell(Fact::Transcript { turn, text, is_final }).await;
            }
            // Whoever hears it again may know them.
            DuplexEvent::NoTranscript { turn, .. } if self.keeps(turn) => {}
            DuplexEvent::NoTranscript { turn, reason } => {
                self.tell(DuplexFact::Wordless { turn, reason }).await;
            }
            DuplexEvent::Ready { resumed } => {
                self.tell_whether_it_hears(true).await;
                self.tell(DuplexFact::Ready).await;
                self.event(EventKind::ConnectionReady { resumed }).await;
            }
            DuplexEvent::Lost { error, again_in } => {
                self.lost = true;
                self.tell_whether_it_hears(false).await;
                let again_in_ms = again_in.as_secs_f64() * 1e3;
                let error = error.to_string();
                self.event(EventKind::ConnectionLost { error, again_in_ms }).await;
            }
            DuplexEvent::GoingAway { left } => {
                let left_ms = left.as_secs_f64() * 1e3;
                self.event(EventKind::ConnectionEnding { left_ms }).await;
            }
            DuplexEvent::Forgotten(sound) => {
                let sound_ms = sound.as_secs_f64() * 1e3;
                self.event(EventKind::SoundForgotten { sound_ms }).await;
            }
            DuplexEvent::Refused(refusal) if refusal.kind == RefusalKind::TooLate => {
                if let Some(waiting) = &mut self.waiting {
                    waiting.blocked = true;
                }
            }
            DuplexEvent::Refused(refusal) => {
                let message = format!("{} refuses: {refusal}", self.name);
                self.event(EventKind::Warning { message }).await;
            }
            _ => {}
        }
    }

    /// Nobody waits for the results of these calls. An answer that made them, and that nobody has
    /// asked for yet, is none: nothing would follow its tools.
    async fn on_tools_cancelled(&mut self, ids: &[String]) {
        for of in self.owed.cancelled(ids) {
            let offered = |reply: &mut Reply| reply.id == of && reply.answer.is_some();
            if self.replies.extract_if(.., offered).count() > 0 {
                self.tell(DuplexFact::Withdrawn(of)).await;
            }
        }
    }

    async fn on_reply_ended(&mut self, id: ReplyId, how: ReplyEnd, usage: Option<Usage>) {
        let Some(at) = self.replies.iter().position(|reply| reply.id == id) else { return };
        let reply = self.replies.swap_remove(at);
        if let Some(waiting) = self.waiting.as_mut().filter(|waiting| waiting.blocked) {
            waiting.blocked = false;
            self.out.push_back(waiting.again.clone());
        }
        let finished = |reason| Ok(ProviderEvent::Finished { reason, usage });
        let failed = |reason: String| Err(ProviderError::failed(&*self.name, reason));
        let end = match how {
            ReplyEnd::Completed => finished(FinishReason::Stop),
            ReplyEnd::AwaitsTools => finished(FinishReason::ToolCalls),
            ReplyEnd::TooLong => finished(FinishReason::Length),
            ReplyEnd::Withheld => finished(FinishReason::ContentFilter),
            ReplyEnd::Interrupted | ReplyEnd::Cancelled => {
                match self.given.response(id) {
                    Some(response) => self.tell(DuplexFact::Cut(response)).await,
                    // Nobody has asked for it yet, and nobody will.
                    None => return self.tell(DuplexFact::Withdrawn(id)).await,
                }
                finished(FinishReason::Stop)
            }
            ReplyEnd::Failed(refusal) => failed(refusal.to_string()),
            ReplyEnd::Lost => failed("the connection was lost".to_owned()),
        };
        let _nobody = reply.give(end);
        // Nobody has asked for it yet: it stays until somebody does.
        if reply.answer.is_some() {
            self.keep(reply);
        }
    }

    /// Keeps an answer that is whole, and that nobody has asked for yet.
    fn keep(&mut self, mut reply: Reply) {
        reply.over = true;
        if self.replies.len() >= REPLIES {
            self.replies.remove(0);
        }
        self.replies.push(reply);
    }

    fn give(&mut self, id: ReplyId, event: ProviderEvent) {
        let Some(at) = self.replies.iter().position(|reply| reply.id == id) else { return };
        match (self.settings.detecting, &mut self.kept) {
            (Detecting::There(_), Some(kept)) => kept.all_answered(),
            _ => self.is_answered(),
        }
        if !self.replies[at].give(Ok(event)) {
            // It goes on for ever, or nobody wants it: its reader learns that it broke off.
            self.replies.swap_remove(at);
            self.out.push_back(DuplexInput::Cancel { reply: id });
        }
    }

    fn keeps(&self, turn: TurnId) -> bool {
        self.kept.as_ref().is_some_and(|kept| kept.has(turn))
    }

    /// What the last response is about needs no other answer.
    fn is_answered(&mut self) {
        if let (Some(kept), Some((_, upto))) = (&mut self.kept, self.answering) {
            kept.answered(upto);
        }
    }

    /// There will be no answer any more.
    async fn over(&mut self, reason: String) {
        let again = self.kept.as_ref().map(Kept::turns).unwrap_or_default();
        self.tell(DuplexFact::Over { reason, again }).await;
        if self.kept.is_none() {
            self.waiting = None;
            self.asks.close();
        }
        self.replies.clear();
        self.out.clear();
    }

    /// What is left to do without the session.
    fn passing(self, kept: Kept) -> Passing {
        let Self { facts, asks, commands, answering, waiting, .. } = self;
        let (response, waiting) = (answering.unzip().0, waiting.map(|waiting| waiting.answer));
        let (sounds, forgotten) = kept.take();
        Passing { facts, asks, commands, response, waiting, sounds, forgotten }
    }

    async fn tell_whether_it_hears(&self, hears: bool) {
        if self.kept.is_some() {
            self.tell(DuplexFact::Hears(hears)).await;
        }
    }

    async fn tell(&self, fact: DuplexFact) {
        self.facts.tell(Fact::Duplex(fact)).await;
    }

    async fn sign(&self, sign: TurnSign) {
        self.facts.tell(Fact::Sign(sign)).await;
    }

    async fn event(&self, kind: EventKind) {
        self.facts.tell(Fact::Event { turn: None, response: None, kind }).await;
    }
}

fn respond(say: Option<Arc<str>>) -> DuplexInput {
    DuplexInput::Respond { say }
}

/// Waits until somebody does not want an answer any more that is under way.
async fn unwanted(replies: &[Reply]) {
    let waits = replies.iter().map(|reply| Box::pin(reply.events.closed()));
    match replies.is_empty() {
        true => std::future::pending().await,
        false => drop(futures_util::future::select_all(waits).await),
    }
}

/// Two connections hear the end of the same speech so closely.
const GOES_ON: Duration = Duration::from_millis(300);

/// What waits to be told beyond what the session holds itself.
const OUT: usize = 64;

/// Seconds of silence after the last sound: more than ends a turn anywhere.
const SILENCE: usize = 3;

/// Answers that nobody has asked for.
const REPLIES: usize = 8;
