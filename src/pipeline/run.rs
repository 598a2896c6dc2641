//! Runs a pipeline: one task a stage, and one that watches over them.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::TryFutureExt;
use tokio::sync::watch;
use tokio::task::{Id, JoinHandle, JoinSet};
use tracing::Instrument;

use super::edge::Target;
use super::graph::{Delivery, Edge, Node, Pipeline, PipelineConfig};
use super::inlet::Lane;
use super::metrics::Meter;
use super::{
    Context, Element, FromTransform, Inlet, Kinds, Outlet, Payload, Stage, StageError, StageIo,
    StageKind, StageMetrics, StageReport,
};
use crate::time::SessionTime;

impl Pipeline {
    /// Starts the pipeline. Must be called within a Tokio runtime.
    ///
    /// The stages without an edge into them read what is sent to [`Run::take_input`]; those
    /// without an edge out of them write [`Run::output`], which must be read: a full output
    /// holds them back.
    #[must_use]
    pub fn run(self, context: &Context) -> Run {
        let Self { config, nodes, edges } = self;
        context.touch();
        let mut start = Start {
            config: &config,
            edges: &edges,
            context,
            into: BTreeMap::new(),
            output: Vec::new(),
            metrics: Vec::new(),
            tasks: Tasks::default(),
        };
        let input = start.entries(&nodes);
        for node in nodes {
            start.node(node);
        }
        let Start { output, metrics, tasks, .. } = start;
        let (stop, stopped) = watch::channel(None);
        let watch = supervise(tasks, context.clone(), config.clone(), stopped);
        Run {
            input: Some(input),
            output: Inlet::new(output, context.clone()),
            supervisor: tokio::spawn(context.clock.track(watch)),
            outcome: None,
            stop,
            metrics,
            context: context.clone(),
            shutdown_timeout: config.shutdown_timeout,
        }
    }

    /// Runs the pipeline on `elements` and collects all that comes out.
    ///
    /// # Errors
    ///
    /// [`PipelineError`], when a stage failed or a time-out was hit.
    pub async fn execute(
        self,
        context: &Context,
        elements: impl IntoIterator<Item = Element>,
    ) -> Result<Execution, PipelineError> {
        let mut run = self.run(context);
        let input = run.take_input();
        let elements: Vec<_> = elements.into_iter().collect();
        let feed = async move {
            for element in elements {
                let Some(Ok(())) = send(input.as_ref(), element).await else { break };
            }
        };
        let mut collected = Vec::new();
        let collect = async {
            while let Some(element) = run.output.recv().await? {
                collected.push(element);
            }
            Ok::<_, StageError>(())
        };
        let ((), collected_all) = tokio::join!(feed, collect);
        run.wait().await?;
        collected_all?;
        Ok(Execution { elements: collected, metrics: run.reports() })
    }
}

async fn send(input: Option<&Outlet>, element: Element) -> Option<Result<(), super::Closed>> {
    Some(input?.send(element).await)
}

/// A running pipeline. Dropping it stops all stages at once.
#[derive(Debug)]
pub struct Run {
    input: Option<Outlet>,
    /// What comes out.
    pub output: Inlet,
    supervisor: JoinHandle<Result<(), PipelineError>>,
    /// What the supervisor said when it ended.
    outcome: Option<Result<(), PipelineError>>,
    stop: watch::Sender<Option<SessionTime>>,
    metrics: Vec<StageMetrics>,
    context: Context,
    shutdown_timeout: Duration,
}

impl Run {
    /// Takes what goes in, to be dropped when nothing more follows. `None` the second time.
    pub fn take_input(&mut self) -> Option<Outlet> {
        self.input.take()
    }

    /// The stages' figures so far, if the pipeline measures them.
    #[must_use]
    pub fn reports(&self) -> Vec<StageReport> {
        self.metrics.iter().map(StageMetrics::report).collect()
    }

    /// Waits until every stage has ended.
    ///
    /// # Errors
    ///
    /// The first error of a stage, or the time-out that was hit.
    pub async fn wait(&mut self) -> Result<(), PipelineError> {
        drop(self.input.take());
        if let Some(outcome) = &self.outcome {
            return outcome.clone();
        }
        let ended = (&mut self.supervisor).await;
        let outcome = ended.unwrap_or_else(|gone| {
            let (stage, reason) = ("supervisor".to_owned(), gone.to_string());
            Err(PipelineError::Panicked { stage, reason })
        });
        self.outcome.insert(outcome).clone()
    }

    /// Ends the input, and waits until every stage has ended, but not longer than the
    /// configured time; then stops those that are left.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait); [`PipelineError::ShutDown`] names the stages that did not end.
    pub async fn shut_down(&mut self) -> Result<(), PipelineError> {
        let deadline = self.context.clock.now() + self.shutdown_timeout;
        let _over = self.stop.send(Some(deadline));
        self.wait().await
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.supervisor.abort();
    }
}

/// All that came out of a pipeline.
#[derive(Debug)]
pub struct Execution {
    /// In order.
    pub elements: Vec<Element>,
    /// The stages' figures, if the pipeline measures them.
    pub metrics: Vec<StageReport>,
}

impl Execution {
    /// The text of all deltas.
    #[must_use]
    pub fn text(&self) -> String {
        let deltas = self.elements.iter().filter_map(|element| match &element.payload {
            Payload::TextDelta(text) => Some(&**text),
            _ => None,
        });
        deltas.collect()
    }
}

/// Why a run ended before its time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// A stage failed.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// A stage panicked: a bug.
    #[error("the stage `{stage}` panicked: {reason}")]
    Panicked {
        /// The stage.
        stage: String,
        /// What it said.
        reason: String,
    },
    /// No element moved for too long.
    #[error("nothing happened for {limit:?}; waiting: {stages:?}")]
    Idle {
        /// The limit.
        limit: Duration,
        /// The stages that had not ended.
        stages: Vec<String>,
    },
    /// The run took too long.
    #[error("not done after {limit:?}; still at work: {stages:?}")]
    TimedOut {
        /// The limit.
        limit: Duration,
        /// The stages that had not ended.
        stages: Vec<String>,
    },
    /// Stages did not end when they were told to.
    #[error("stopped by force when shutting down: {stages:?}")]
    ShutDown {
        /// Those stages.
        stages: Vec<String>,
    },
}

#[derive(Default)]
struct Tasks {
    set: JoinSet<Result<(), StageError>>,
    names: BTreeMap<Id, String>,
}

/// A pipeline that is being started, node by node, in the direction of the flow.
struct Start<'a> {
    config: &'a PipelineConfig,
    edges: &'a [Edge],
    context: &'a Context,
    /// The lanes into the nodes that are still to come.
    into: BTreeMap<String, Vec<Lane>>,
    output: Vec<Lane>,
    metrics: Vec<StageMetrics>,
    tasks: Tasks,
}

impl Start<'_> {
    fn entries(&mut self, nodes: &[Node]) -> Outlet {
        let entries = nodes.iter().filter(|node| !self.edges.iter().any(|e| e.to == node.name()));
        let targets = entries
            .map(|node| {
                let (target, lane) = self.target(node.name(), Delivery::Required);
                self.into.entry(node.name().to_owned()).or_default().push(lane);
                target
            })
            .collect();
        Outlet::new(targets, self.context.floor.clone())
    }

    fn node(&mut self, node: Node) {
        let mut lanes = self.into.remove(node.name()).unwrap_or_default();
        let onward: Vec<_> = self.edges.iter().filter(|edge| edge.from == node.name()).collect();
        match (node, &mut lanes[..], &onward[..]) {
            // On a single plain path a transform runs in the task after it.
            (Node::Transform(transform), [lane], [edge]) if edge.delivery == Delivery::Required => {
                let meter = self.meter(transform.name(), StageKind::Transform);
                lane.fuse(transform, meter);
                self.into.entry(edge.to.clone()).or_default().append(&mut lanes);
            }
            (Node::Transform(transform), ..) => {
                self.spawn(Box::new(FromTransform(transform)), lanes, &onward);
            }
            (Node::Stage(stage), ..) => self.spawn(stage, lanes, &onward),
        }
    }

    fn spawn(&mut self, stage: Box<dyn Stage>, lanes: Vec<Lane>, onward: &[&Edge]) {
        let name = stage.name().to_owned();
        let mut targets = Vec::new();
        for edge in onward {
            let (target, lane) = self.target(&edge.to, edge.delivery);
            targets.push(target);
            self.into.entry(edge.to.clone()).or_default().push(lane);
        }
        if onward.is_empty() && stage.emits() != Kinds::NONE {
            let (target, lane) = self.target("output", Delivery::Required);
            targets.push(target);
            self.output.push(lane);
        }
        let meter = self.meter(&name, stage.kind());
        let metrics = self.metrics.clone();
        let work = stage.run(StageIo {
            inlet: Inlet::new(lanes, self.context.clone()).metered(meter),
            outlet: Outlet::new(targets, self.context.floor.clone()),
            context: self.context.clone(),
        });
        // It may be a transform on the way here that failed.
        let work = work.inspect_err(move |error| {
            metrics.iter().filter(|m| m.stage() == error.stage).for_each(StageMetrics::count_error);
        });
        let span = match self.config.tracing {
            true => tracing::info_span!("stage", name = name.as_str()),
            false => tracing::Span::none(),
        };
        let task = self.tasks.set.spawn(self.context.clock.track(work.instrument(span)));
        self.tasks.names.insert(task.id(), name);
    }

    fn target(&self, name: &str, delivery: Delivery) -> (Target, Lane) {
        let capacity = self.config.capacity;
        match delivery {
            Delivery::BestEffort => Target::best_effort(name, capacity),
            Delivery::Required if self.config.priority_queue => Target::prioritized(name, capacity),
            Delivery::Required => Target::required(name, capacity),
        }
    }

    fn meter(&mut self, name: &str, kind: StageKind) -> Option<Meter> {
        self.config.metrics.then(|| {
            let metrics = StageMetrics::new(name, kind);
            self.metrics.push(metrics.clone());
            Meter::new(metrics, self.context.clock.clone())
        })
    }
}

/// Waits for all tasks. The first error, a time-out or the end of the shut-down time stops the
/// rest.
async fn supervise(
    mut tasks: Tasks,
    context: Context,
    config: PipelineConfig,
    mut stop: watch::Receiver<Option<SessionTime>>,
) -> Result<(), PipelineError> {
    let clock = &context.clock;
    let end = config.execution_timeout.map(|limit| clock.now() + limit);
    loop {
        let idle = config.idle_timeout.map(|limit| context.last_activity() + limit);
        let shut_down = *stop.borrow_and_update();
        let wait = async {
            match [end, idle, shut_down].into_iter().flatten().min() {
                Some(at) => clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            joined = tasks.set.join_next_with_id() => match joined {
                None => return Ok(()),
                Some(Ok((id, Ok(())))) => drop(tasks.names.remove(&id)),
                Some(Ok((_, Err(error)))) => return stopped(tasks, error.into(), &context, &config).await,
                Some(Err(gone)) => {
                    let stage = tasks.names.remove(&gone.id()).unwrap_or_default();
                    let reason = gone.to_string();
                    let error = PipelineError::Panicked { stage, reason };
                    return stopped(tasks, error, &context, &config).await;
                }
            },
            Ok(()) = stop.changed() => {}
            () = wait => {
                let now = clock.now();
                let stages = || tasks.names.values().cloned().collect();
                let error = if shut_down.is_some_and(|at| at <= now) {
                    PipelineError::ShutDown { stages: stages() }
                } else if end.is_some_and(|at| at <= now) {
                    let limit = config.execution_timeout.unwrap_or_default();
                    PipelineError::TimedOut { limit, stages: stages() }
                } else if let Some(limit) = config.idle_timeout
                    && context.last_activity() + limit <= now
                {
                    PipelineError::Idle { limit, stages: stages() }
                } else {
                    continue;
                };
                return stopped(tasks, error, &context, &config).await;
            }
        }
    }
}

/// Stops what is left. A stage that blocks its thread cannot be stopped: it is left behind.
async fn stopped(
    mut tasks: Tasks,
    error: PipelineError,
    context: &Context,
    config: &PipelineConfig,
) -> Result<(), PipelineError> {
    tracing::warn!(%error, "pipeline stopped");
    let stop = tasks.set.shutdown();
    if context.clock.timeout(config.shutdown_timeout, stop).await.is_none() {
        tracing::warn!("a stage blocks its thread and could not be stopped");
    }
    Err(error)
}
