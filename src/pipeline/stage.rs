//! The two kinds of step: [`Stage`] and [`Transform`].

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;

use super::{Context, Element, Inlet, Kinds, Outlet};

/// A stage's work, from its first element to its last.
pub type StageFuture = Pin<Box<dyn Future<Output = Result<(), StageError>> + Send>>;

/// A step that waits or does I/O.
///
/// It owns its ends of the edges: it ends when its inlet ends, and ends its own output by
/// returning. It never starts a task that outlives it. A step that only computes should be a
/// [`Transform`], which is easier to test.
pub trait Stage: Debug + Send {
    /// Names the stage in the graph, in spans, metrics and errors. Unique within a graph.
    fn name(&self) -> &str;

    /// How its output relates to its input.
    fn kind(&self) -> StageKind;

    /// What it uses; the rest it passes on or drops. Everything by default.
    fn accepts(&self) -> Kinds {
        Kinds::ALL
    }

    /// What it may send on. Everything by default.
    fn emits(&self) -> Kinds {
        Kinds::ALL
    }

    /// Runs until the inlet ends.
    ///
    /// # Errors
    ///
    /// An error ends the run. A turn that failed is not an error but a
    /// [`TurnEnd`](super::Payload::TurnEnd) with [`Failed`](super::Outcome::Failed).
    fn run(self: Box<Self>, io: StageIo) -> StageFuture;
}

/// How a stage's output relates to its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StageKind {
    /// Each element becomes none, one or some.
    Transform,
    /// Many become one.
    Accumulate,
    /// One becomes many, over time.
    Generate,
    /// Elements end here.
    Sink,
    /// Both directions at once.
    Bidirectional,
}

/// What a running stage has.
#[derive(Debug)]
pub struct StageIo {
    /// Where elements come from.
    pub inlet: Inlet,
    /// Where elements go to.
    pub outlet: Outlet,
    /// What all stages of the run share.
    pub context: Context,
}

/// A step that only computes: no I/O, no clock, no waiting. It runs in the task of the stage
/// after it.
pub trait Transform: Debug + Send + 'static {
    /// As [`Stage::name`].
    fn name(&self) -> &str;

    /// As [`Stage::accepts`].
    fn accepts(&self) -> Kinds {
        Kinds::ALL
    }

    /// As [`Stage::emits`].
    fn emits(&self) -> Kinds {
        Kinds::ALL
    }

    /// Takes one element and gives any number to `emit`, in order.
    ///
    /// # Errors
    ///
    /// As for [`Stage::run`].
    fn apply(&mut self, element: Element, emit: &mut Vec<Element>) -> Result<(), StageError>;

    /// Gives what it holds back: no element follows. Nothing by default.
    ///
    /// # Errors
    ///
    /// As for [`Stage::run`].
    fn finish(&mut self, _emit: &mut Vec<Element>) -> Result<(), StageError> {
        Ok(())
    }
}

/// Runs a [`Transform`] as a [`Stage`], where its output goes several ways.
#[derive(Debug)]
pub struct FromTransform(pub Box<dyn Transform>);

impl Stage for FromTransform {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn kind(&self) -> StageKind {
        StageKind::Transform
    }

    fn accepts(&self) -> Kinds {
        self.0.accepts()
    }

    fn emits(&self) -> Kinds {
        self.0.emits()
    }

    fn run(self: Box<Self>, io: StageIo) -> StageFuture {
        Box::pin(async move {
            let StageIo { mut inlet, outlet, .. } = io;
            let Self(mut transform) = *self;
            let mut emitted = Vec::new();
            loop {
                let next = inlet.recv().await?;
                let ended = next.is_none();
                match next {
                    Some(element) => transform.apply(element, &mut emitted)?,
                    None => transform.finish(&mut emitted)?,
                }
                for element in emitted.drain(..) {
                    if outlet.send(element).await.is_err() {
                        return Ok(());
                    }
                }
                if ended {
                    return Ok(());
                }
            }
        })
    }
}

/// Why a stage gave up, and with it the run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stage `{stage}` failed: {reason}")]
pub struct StageError {
    /// The stage.
    pub stage: String,
    /// What happened, and what to do about it.
    pub reason: String,
}

impl StageError {
    /// `stage` failed because of `reason`.
    #[must_use]
    pub fn new(stage: &str, reason: &impl ToString) -> Self {
        Self { stage: stage.to_owned(), reason: reason.to_string() }
    }
}
