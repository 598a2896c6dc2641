//! A [`Transform`] and a [`Stage`] of one's own in a pipeline with the provider's stage.
//!
//! ```text
//! question ─▶ provider ─▶ loud ─▶ reading_pace ─▶ debug ─▶ lines of JSON
//! ```
//!
//! `cargo run --example custom_stage` prints what leaves the pipeline, word by word.

use std::error::Error;
use std::io::{Write, stdout};
use std::sync::Arc;
use std::time::Duration;

use banter::ids::{ResponseId, TurnId};
use banter::pipeline::{
    Context, Element, Kinds, Node, Payload, PipelineBuilder, PipelineConfig, StageError,
    StageFuture, StageIo, StageKind, TurnContext,
};
use banter::providers::mock::MockProvider;
use banter::stages::{Debug, Facts, ProviderStage};
use banter::types::Message;
use banter::{SessionClock, SessionTime, Stage, Transform};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    answer(SessionClock::live(), Box::new(stdout())).await.map(drop)
}

/// Raises the model's voice. It only computes, so it is a [`Transform`].
#[derive(Debug)]
struct Loud;

impl Transform for Loud {
    fn name(&self) -> &'static str {
        "loud"
    }

    fn apply(&mut self, element: Element, emit: &mut Vec<Element>) -> Result<(), StageError> {
        emit.push(match &element.payload {
            Payload::TextDelta(text) => {
                element.with(Payload::TextDelta(text.to_uppercase().into()))
            }
            _ => element, // what a step does not care for, it passes on
        });
        Ok(())
    }
}

/// Passes text on as fast as people read. It waits, so it is a [`Stage`].
#[derive(Debug)]
struct ReadingPace(Duration);

impl Stage for ReadingPace {
    fn name(&self) -> &'static str {
        "reading_pace"
    }

    fn kind(&self) -> StageKind {
        StageKind::Transform
    }

    /// The graph is refused if nothing of this can reach the stage.
    fn accepts(&self) -> Kinds {
        Kinds::TEXT_DELTA
    }

    fn run(self: Box<Self>, io: StageIo) -> StageFuture {
        Box::pin(async move {
            let StageIo { mut inlet, outlet, context } = io;
            while let Some(element) = inlet.recv().await? {
                if matches!(element.payload, Payload::TextDelta(_)) {
                    context.clock.sleep(self.0).await; // the session's time, not the wall's
                }
                let at = context.clock.now();
                if outlet.send(Element { at, ..element }).await.is_err() {
                    break; // nobody listens any more
                }
            }
            Ok(())
        })
    }
}

/// Asks the model, and gives back all that leaves the pipeline.
async fn answer(
    clock: SessionClock,
    output: Box<dyn Write + Send>,
) -> Result<Vec<Element>, Box<dyn Error>> {
    let model = MockProvider::new();
    model.add_response("Parrots talk all day.");
    let pipeline = PipelineBuilder::new(PipelineConfig::default())
        .chain([
            Node::stage(ProviderStage::new(Arc::new(model), Arc::default(), Facts::none())),
            Node::transform(Loud),
            Node::stage(ReadingPace(Duration::from_millis(200))),
            Node::transform(Debug::new("debug", output)),
        ])
        .build()?;
    let history = [Message::user("what do parrots do")];
    let question = TurnContext::new(TurnId::new(1), ResponseId::FIRST, history);
    let context = Context::new(clock);
    let ran = pipeline.execute(&context, [Element::begin(SessionTime::ZERO, question)]).await?;
    Ok(ran.elements)
}

/// On a stepped clock the waits are exact, and take no time.
#[tokio::test]
async fn words_come_out_loud_and_200_ms_apart() {
    let (clock, mut stepper) = SessionClock::stepped();
    let (elements, ()) = tokio::join!(
        answer(clock, Box::new(std::io::sink())),
        stepper.advance_to(SessionTime::from_millis(2_000)),
    );
    let words: Vec<_> = elements
        .unwrap()
        .iter()
        .filter_map(|element| match &element.payload {
            Payload::TextDelta(text) => Some((element.at.as_millis(), text.to_string())),
            _ => None,
        })
        .collect();
    let expected = [(200.0, "PARROTS "), (400.0, "TALK "), (600.0, "ALL "), (800.0, "DAY.")];
    assert_eq!(words, expected.map(|(at, text)| (at, text.to_owned())));
}
