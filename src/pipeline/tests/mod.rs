//! What a pipeline promises, in memory and on a paused clock.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use futures_util::FutureExt;

use super::*;
use crate::audio::{AudioChunk, SampleRate};
use crate::ids::{ResponseId, TurnId};
use crate::time::{SessionClock, SessionTime};

mod branch;
mod edge;
mod floor;
mod graph;
mod merge;
mod metrics;
mod priority;
mod run;
mod timeouts;

fn context() -> Context {
    Context::new(SessionClock::live())
}

/// Response `number` of turn `number`.
fn response(number: u32) -> ResponseId {
    (1..number).fold(ResponseId::FIRST, |id, _| id.next())
}

fn element(number: u32, payload: Payload) -> Element {
    Element::new(TurnId::new(number), SessionTime::ZERO, payload).of(response(number))
}

/// Text of response `number`.
fn text(number: u32, text: &str) -> Element {
    element(number, Payload::TextDelta(text.into()))
}

/// Sound of response `number`.
fn spoken(number: u32) -> Element {
    let audio = AudioChunk::new([0; 160], SampleRate::SPEECH);
    element(number, Payload::Spoken { audio, mark: None })
}

/// The end of response `number`.
fn end(number: u32) -> Element {
    element(number, Payload::TurnEnd(Outcome::Completed))
}

fn begin(number: u32) -> Element {
    let context = TurnContext::new(TurnId::new(number), response(number), []);
    element(number, Payload::Begin(context.into()))
}

/// An element in short: its text or kind, and its response.
fn label(element: &Element) -> String {
    let number = element.turn;
    match &element.payload {
        Payload::Begin(_) => format!("begin {number}"),
        Payload::TextDelta(text) => text.to_string(),
        Payload::Spoken { .. } => format!("sound {number}"),
        Payload::TurnEnd(_) => format!("end {number}"),
        other => format!("{other:?}"),
    }
}

/// What can be taken without waiting.
fn at_hand(inlet: &mut Inlet) -> Vec<String> {
    let mut taken = Vec::new();
    while let Some(next) = inlet.recv().now_or_never() {
        match next.unwrap() {
            Some(element) => taken.push(label(&element)),
            None => break,
        }
    }
    taken
}

/// Sends what there must be room for.
fn put(outlet: &Outlet, elements: impl IntoIterator<Item = Element>) {
    for element in elements {
        outlet.send(element).now_or_never().expect("there is room").expect("somebody reads");
    }
}

/// All that still comes.
async fn rest(inlet: &mut Inlet) -> Vec<String> {
    let mut taken = Vec::new();
    while let Some(element) = inlet.recv().await.unwrap() {
        taken.push(label(&element));
    }
    taken
}

/// A stage made of a function.
struct Does<F> {
    name: &'static str,
    serve: F,
}

fn does<F, W>(name: &'static str, serve: F) -> Node
where
    F: FnOnce(StageIo) -> W + Send + 'static,
    W: Future<Output = Result<(), StageError>> + Send + 'static,
{
    Node::stage(Does { name, serve })
}

/// A stage that passes everything on.
fn passes(name: &'static str) -> Node {
    does(name, |StageIo { mut inlet, outlet, .. }| async move {
        while let Some(element) = inlet.recv().await? {
            let _ended = outlet.send(element).await;
        }
        Ok(())
    })
}

/// A stage that never ends, whatever happens around it.
fn stuck(name: &'static str) -> Node {
    does(name, |io| async move {
        let _held = io;
        std::future::pending().await
    })
}

impl<F> fmt::Debug for Does<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl<F, W> Stage for Does<F>
where
    F: FnOnce(StageIo) -> W + Send + 'static,
    W: Future<Output = Result<(), StageError>> + Send + 'static,
{
    fn name(&self) -> &str {
        self.name
    }

    fn kind(&self) -> StageKind {
        StageKind::Bidirectional
    }

    fn run(self: Box<Self>, io: StageIo) -> StageFuture {
        Box::pin((self.serve)(io))
    }
}

/// A transform that adds its mark to every text, and counts texts: the count comes at the end.
#[derive(Debug)]
struct Marks {
    name: &'static str,
    texts: usize,
    fails: bool,
}

impl Marks {
    fn new(name: &'static str) -> Self {
        Self { name, texts: 0, fails: false }
    }

    fn failing(name: &'static str) -> Self {
        Self { fails: true, ..Self::new(name) }
    }
}

impl Transform for Marks {
    fn name(&self) -> &str {
        self.name
    }

    fn apply(&mut self, element: Element, emit: &mut Vec<Element>) -> Result<(), StageError> {
        if self.fails {
            return Err(StageError::new(self.name, &"it was told to"));
        }
        let marked = match &element.payload {
            Payload::TextDelta(text) => {
                self.texts += 1;
                element.with(Payload::TextDelta(format!("{text}{}", self.name).into()))
            }
            _ => element,
        };
        emit.push(marked);
        Ok(())
    }

    fn finish(&mut self, emit: &mut Vec<Element>) -> Result<(), StageError> {
        emit.push(text(9, &format!("{}={}", self.name, self.texts)));
        Ok(())
    }
}

fn transform(name: &'static str) -> Node {
    Node::transform(Marks::new(name))
}

fn quiet() -> PipelineConfig {
    PipelineConfig { idle_timeout: None, ..PipelineConfig::default() }
}

/// A pipeline that is one chain.
fn chain(config: PipelineConfig, nodes: impl IntoIterator<Item = Node>) -> Pipeline {
    PipelineBuilder::new(config).chain(nodes).build().unwrap()
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
