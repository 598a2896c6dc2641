//! A provider that answers what a test tells it to, and writes down what it was asked.
//!
//! ```
//! use std::time::Duration;
//! use banter::providers::mock::{MockAnswer, MockProvider};
//! use banter::providers::{ProviderError, ProviderErrorKind};
//!
//! let mock = MockProvider::new();
//! mock.add_response("Hello there.");
//! mock.add_tool_call("clock", serde_json::json!({ "what": "time" }));
//! mock.add(MockAnswer::text("It is").after(Duration::from_millis(300)).hanging_after(1));
//! mock.add_error(ProviderError::new("mock", ProviderErrorKind::RateLimited, "enough"));
//!
//! let echo = MockProvider::answering(|request| {
//!     let asked = request.messages.last().map_or("", |message| message.text.as_str());
//!     MockAnswer::text(format!("You said: {asked}"))
//! });
//! # drop(echo);
//! ```
//!
//! Its answers come by turn, or by whatever rule the closure follows. From a file, by turn or rule, and
//! as late and as broken, [`Scripted`](super::scripted::Scripted) answers.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::stream;
use serde_json::Value;

use super::capabilities::ALL_MEDIA;
use super::{
    Capabilities, JsonAnswers, Provider, ProviderError, ProviderEvent, ProviderRequest,
    ProviderStream,
};
use crate::time::SessionClock;
use crate::types::{FinishReason, Media, ToolCall, Usage};

/// A test double of a [`Provider`].
#[derive(Debug)]
pub struct MockProvider {
    state: Mutex<State>,
    pace: Option<Pace>,
}

impl MockProvider {
    /// Answers what is added, in that order; then fails.
    #[must_use]
    pub fn new() -> Self {
        Self::with(Answers::Queue(VecDeque::new()))
    }

    /// Answers what `answer` gives.
    #[must_use]
    pub fn answering(answer: impl FnMut(&ProviderRequest) -> MockAnswer + Send + 'static) -> Self {
        Self::with(Answers::By(Box::new(answer)))
    }

    /// Waits on `clock`: `to_first` before the first event of an answer, `between` before each
    /// later one. No waits by default.
    #[must_use]
    pub fn paced(mut self, clock: SessionClock, to_first: Duration, between: Duration) -> Self {
        self.pace = Some(Pace { clock, to_first, between });
        self
    }

    /// Adds an answer. Without effect on a provider that has a closure.
    pub fn add(&self, answer: MockAnswer) {
        if let Answers::Queue(queue) = &mut self.state().answers {
            queue.push_back(answer);
        }
    }

    /// Adds an answer of text, given word by word.
    pub fn add_response(&self, text: impl Into<String>) {
        self.add(MockAnswer::text(text));
    }

    /// Adds an answer that calls a tool.
    pub fn add_tool_call(&self, name: impl Into<String>, arguments: Value) {
        self.add(MockAnswer::default().calling(name, arguments));
    }

    /// Adds a failure instead of an answer.
    pub fn add_error(&self, error: ProviderError) {
        self.add(MockAnswer::default().failing_after(0, error));
    }

    /// What it was asked, oldest first; the last 256 requests.
    #[must_use]
    pub fn requests(&self) -> Vec<ProviderRequest> {
        self.state().requests.iter().cloned().collect()
    }

    fn with(answers: Answers) -> Self {
        let state = State { answers, requests: VecDeque::new(), calls: 0 };
        Self { state: Mutex::new(state), pace: None }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MockProvider {
    fn default() -> Self {
        Self::new()
    }
}

impl Provider for MockProvider {
    fn name(&self) -> &str {
        NAME
    }

    /// All: a test decides what is made of it.
    fn capabilities(&self) -> Capabilities {
        Capabilities { media: ALL_MEDIA, json: JsonAnswers::Schema, tools: true }
    }

    fn stream(&self, request: ProviderRequest) -> ProviderStream {
        let steps = self.state().answer(request);
        let pace = self.pace.clone();
        Box::pin(stream::unfold((steps, pace, true), |(mut steps, pace, first)| async move {
            let mut step = steps.pop_front()?;
            if let Step::Wait(pause) = step {
                let live = SessionClock::live;
                pace.as_ref().map_or_else(live, |pace| pace.clock.clone()).sleep(pause).await;
                step = steps.pop_front()?;
            }
            if let Some(pace) = &pace {
                pace.clock.sleep(if first { pace.to_first } else { pace.between }).await;
            }
            match step {
                Step::Give(event) => Some((event, (steps, pace, false))),
                Step::Hang | Step::Wait(_) => std::future::pending().await,
            }
        }))
    }
}

/// One answer: text, then tool calls, then the end or what comes instead of it.
#[derive(Debug, Default)]
pub struct MockAnswer {
    text: String,
    media: Vec<Media>,
    calls: Vec<(String, Value)>,
    usage: Option<Usage>,
    broken: Option<(usize, Break)>,
    after: Option<Duration>,
}

impl MockAnswer {
    /// Says `text` word by word.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// Shows or plays something after the text.
    #[must_use]
    pub fn showing(mut self, media: Media) -> Self {
        self.media.push(media);
        self
    }

    /// Tells what it took.
    #[must_use]
    pub fn using(mut self, usage: Usage) -> Self {
        self.usage = Some(usage);
        self
    }

    /// Calls a tool after the text. The calls of a provider have the ids `mock-1`, `mock-2`, ….
    #[must_use]
    pub fn calling(mut self, name: impl Into<String>, arguments: Value) -> Self {
        self.calls.push((name.into(), arguments));
        self
    }

    /// Begins so much later: on the clock of [`paced`](MockProvider::paced), else on Tokio's.
    #[must_use]
    pub fn after(mut self, pause: Duration) -> Self {
        self.after = Some(pause);
        self
    }

    /// Fails after `events` words and calls; 0 fails at the start.
    #[must_use]
    pub fn failing_after(mut self, events: usize, error: ProviderError) -> Self {
        self.broken = Some((events, Break::Fail(error)));
        self
    }

    /// Gives nothing more after `events` words and calls, and never ends.
    #[must_use]
    pub fn hanging_after(mut self, events: usize) -> Self {
        self.broken = Some((events, Break::Hang));
        self
    }

    fn steps(self, calls: &mut usize) -> VecDeque<Step> {
        let reason =
            if self.calls.is_empty() { FinishReason::Stop } else { FinishReason::ToolCalls };
        let words = self.text.split_inclusive(' ').map(str::to_owned);
        let mut events: Vec<_> = words.map(ProviderEvent::TextDelta).collect();
        events.extend(self.media.into_iter().map(ProviderEvent::Media));
        for (name, arguments) in self.calls {
            *calls += 1;
            let id = format!("mock-{calls}");
            events.push(ProviderEvent::ToolCall(ToolCall { id, name, arguments }));
        }
        events.push(ProviderEvent::Finished { reason, usage: self.usage });
        let given = self.broken.as_ref().map_or(events.len(), |(after, _)| *after);
        let steps = events.into_iter().take(given).map(|event| Step::Give(Ok(event)));
        let wait = self.after.map(Step::Wait);
        wait.into_iter()
            .chain(steps)
            .chain(self.broken.map(|(_, broken)| Step::from(broken)))
            .collect()
    }
}

#[derive(Debug)]
enum Break {
    Fail(ProviderError),
    Hang,
}

#[derive(Debug)]
enum Step {
    Give(Result<ProviderEvent, ProviderError>),
    Hang,
    /// Stands before all others.
    Wait(Duration),
}

impl From<Break> for Step {
    fn from(broken: Break) -> Self {
        match broken {
            Break::Fail(error) => Self::Give(Err(error)),
            Break::Hang => Self::Hang,
        }
    }
}

#[derive(Clone, Debug)]
struct Pace {
    clock: SessionClock,
    to_first: Duration,
    between: Duration,
}

#[derive(Debug)]
struct State {
    answers: Answers,
    requests: VecDeque<ProviderRequest>,
    calls: usize,
}

impl State {
    fn answer(&mut self, request: ProviderRequest) -> VecDeque<Step> {
        let answer = match &mut self.answers {
            Answers::Queue(queue) => queue.pop_front().unwrap_or_else(|| {
                let reason = "no answer is left; add one before the request".to_owned();
                let provider = NAME.to_owned();
                MockAnswer::default().failing_after(0, ProviderError::failed(provider, reason))
            }),
            Answers::By(answer) => answer(&request),
        };
        if self.requests.len() == MAX_REQUESTS {
            self.requests.pop_front();
        }
        self.requests.push_back(request);
        answer.steps(&mut self.calls)
    }
}

enum Answers {
    Queue(VecDeque<MockAnswer>),
    By(Box<dyn FnMut(&ProviderRequest) -> MockAnswer + Send>),
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queue(queue) => f.debug_tuple("Queue").field(queue).finish(),
            Self::By(_) => f.write_str("By(..)"),
        }
    }
}

const NAME: &str = "mock";

const MAX_REQUESTS: usize = 256;

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;
    use serde_json::json;

    use super::*;
    use crate::providers::ProviderErrorKind;
    use crate::time::SessionTime;
    use crate::types::Message;

    fn request(text: &str) -> ProviderRequest {
        ProviderRequest { messages: vec![Message::user(text)], ..ProviderRequest::default() }
    }

    fn delta(text: &str) -> ProviderEvent {
        ProviderEvent::TextDelta(text.to_owned())
    }

    fn finished(reason: FinishReason) -> ProviderEvent {
        ProviderEvent::Finished { reason, usage: None }
    }

    async fn events(mock: &MockProvider, text: &str) -> Vec<ProviderEvent> {
        mock.stream(request(text)).map(Result::unwrap).collect().await
    }

    #[tokio::test]
    async fn answers_come_in_order_and_requests_are_kept() {
        let mock = MockProvider::new();
        mock.add_response("Hello there.");
        mock.add_tool_call("clock", json!({}));

        let first = events(&mock, "hello").await;
        assert_eq!(first, [delta("Hello "), delta("there."), finished(FinishReason::Stop)]);
        let call =
            ToolCall { id: "mock-1".to_owned(), name: "clock".to_owned(), arguments: json!({}) };
        let second = events(&mock, "what time is it").await;
        assert_eq!(second, [ProviderEvent::ToolCall(call), finished(FinishReason::ToolCalls)]);

        let third = mock.stream(request("and now")).next().await.unwrap().unwrap_err();
        assert!(third.to_string().contains("no answer is left"), "{third}");
        assert_eq!(mock.requests().len(), 3);
        assert_eq!(mock.requests()[1], request("what time is it"));
    }

    #[tokio::test]
    async fn a_closure_sees_the_request() {
        let mock = MockProvider::answering(|request| MockAnswer::text(&request.messages[0].text));
        assert_eq!(events(&mock, "echo").await[0], delta("echo"));
    }

    #[tokio::test]
    async fn an_answer_can_fail_in_the_middle() {
        let error = ProviderError::new("mock", ProviderErrorKind::RateLimited, "enough");
        let mock = MockProvider::new();
        mock.add(MockAnswer::text("one two three").failing_after(2, error));
        let given: Vec<_> = mock.stream(request("")).collect().await;
        assert_eq!(given.len(), 3);
        assert!(given[1].is_ok() && given[2].is_err());
    }

    #[tokio::test]
    async fn latencies_are_session_time_and_a_hang_never_ends() {
        let (clock, mut stepper) = SessionClock::stepped();
        let ms = Duration::from_millis;
        let mock = MockProvider::new().paced(clock.clone(), ms(300), ms(20));
        mock.add(MockAnswer::text("one two three").hanging_after(2));

        let mut stream = mock.stream(request(""));
        let (sender, mut arrivals) = tokio::sync::mpsc::channel(8);
        let reader = clock.clone();
        tokio::spawn(clock.track(async move {
            while stream.next().await.is_some() {
                sender.send(reader.now().as_millis()).await.unwrap();
            }
        }));
        stepper.advance_to(SessionTime::from_millis(60_000)).await;
        assert_eq!(arrivals.try_recv(), Ok(300.0));
        assert_eq!(arrivals.try_recv(), Ok(320.0));
        assert_eq!(arrivals.try_recv(), Err(tokio::sync::mpsc::error::TryRecvError::Empty));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_may_begin_late_and_a_failure_stand_in_its_place() {
        let mock = MockProvider::new();
        mock.add(MockAnswer::text("one two").after(Duration::from_millis(700)));
        mock.add_error(ProviderError::new("mock", ProviderErrorKind::Overloaded, "later"));
        let clock = SessionClock::live();
        let began = clock.now();
        assert_eq!(events(&mock, "").await.len(), 3);
        assert_eq!(clock.now().since(began), Duration::from_millis(700));
        let given: Vec<_> = mock.stream(request("")).collect().await;
        assert_eq!(given.len(), 1);
        assert_eq!(given[0].as_ref().unwrap_err().kind, ProviderErrorKind::Overloaded);
    }
}
