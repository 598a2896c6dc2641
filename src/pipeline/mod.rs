//! Stages connected by bounded edges.
//!
//! Build a graph with [`PipelineBuilder`], start it with [`Pipeline::run`] or
//! [`Pipeline::execute`]:
//!
//! ```text
//!  input ─edge─▶ Stage ─edge─▶ Transform·Stage ─edge─▶ Stage ─edge─▶ output
//!                (a task)      (one task for both)
//! ```
//!
//! - A [`Stage`] waits or does I/O, and has a task. A [`Transform`] only computes, and runs in
//!   the task of the stage after it; with several ways on, or none, it has its own.
//! - An edge is a bounded queue: a full one holds the sender back. Only an edge marked
//!   [`Delivery::BestEffort`] drops, its oldest element first, and counts.
//! - The [`Floor`] says which responses are cancelled. Edges drop their elements, all but their
//!   end.
//! - An edge does not know what it carries, and a pipeline does not know what a turn is: that is
//!   the session's.

mod context;
mod edge;
mod element;
mod floor;
mod graph;
mod inlet;
mod metrics;
mod priority;
mod queue;
mod run;
mod stage;

pub use context::{Context, Metadata, TurnContext};
pub use edge::{Outlet, edge};
pub use element::{Element, Kinds, Outcome, Payload, Priority, Transcript};
pub use floor::Floor;
pub use graph::{Delivery, GraphError, Node, Pipeline, PipelineBuilder, PipelineConfig};
pub use inlet::Inlet;
pub use metrics::{StageMetrics, StageReport};
pub use queue::Closed;
pub use run::{Execution, PipelineError, Run};
pub use stage::{FromTransform, Stage, StageError, StageFuture, StageIo, StageKind, Transform};

#[cfg(test)]
mod tests;
