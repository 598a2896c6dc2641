//! Builds a graph of stages, and checks that it makes sense.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Kinds, Stage, Transform};

/// How a pipeline runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipelineConfig {
    /// How many elements an edge holds: 16 by default. 4 to 8 for low latency, 32 to 64 for
    /// throughput.
    pub capacity: usize,
    /// A run in which no element moves for so long has failed: 30 s by default.
    pub idle_timeout: Option<Duration>,
    /// The longest a run may take: no limit by default.
    pub execution_timeout: Option<Duration>,
    /// How long stages have to end when the pipeline is shut down: 10 s by default.
    pub shutdown_timeout: Duration,
    /// Whether the urgent overtakes on edges (see [`Priority`](super::Priority)): off by
    /// default.
    pub priority_queue: bool,
    /// Whether stages are measured (see [`StageReport`](super::StageReport)): off by default.
    pub metrics: bool,
    /// Whether each stage runs in a `tracing` span: off by default.
    pub tracing: bool,
}

impl Default for PipelineConfig {
    fn default() -> Self {
        Self {
            capacity: 16,
            idle_timeout: Some(Duration::from_secs(30)),
            execution_timeout: None,
            shutdown_timeout: Duration::from_secs(10),
            priority_queue: false,
            metrics: false,
            tracing: false,
        }
    }
}

/// A step of a graph.
#[derive(Debug)]
pub enum Node {
    /// Waits or does I/O.
    Stage(Box<dyn Stage>),
    /// Only computes.
    Transform(Box<dyn Transform>),
}

impl Node {
    /// A step that waits or does I/O.
    pub fn stage(stage: impl Stage + 'static) -> Self {
        Self::Stage(Box::new(stage))
    }

    /// A step that only computes.
    pub fn transform(transform: impl Transform) -> Self {
        Self::Transform(Box::new(transform))
    }

    /// The step's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Stage(stage) => stage.name(),
            Self::Transform(transform) => transform.name(),
        }
    }

    pub(super) fn emits(&self) -> Kinds {
        match self {
            Self::Stage(stage) => stage.emits(),
            Self::Transform(transform) => transform.emits(),
        }
    }

    fn accepts(&self) -> Kinds {
        match self {
            Self::Stage(stage) => stage.accepts(),
            Self::Transform(transform) => transform.accepts(),
        }
    }
}

/// What an edge does when it is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// It holds the sender back.
    #[default]
    Required,
    /// It drops its oldest element, and counts. For debugging and metrics.
    BestEffort,
}

/// Builds a [`Pipeline`].
#[derive(Debug, Default)]
#[must_use = "a builder does nothing until `build`"]
pub struct PipelineBuilder {
    config: PipelineConfig,
    nodes: Vec<Node>,
    edges: Vec<Edge>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) delivery: Delivery,
}

impl PipelineBuilder {
    /// An empty graph.
    pub fn new(config: PipelineConfig) -> Self {
        Self { config, ..Self::default() }
    }

    /// Adds steps, each connected to the one after it.
    pub fn chain(mut self, nodes: impl IntoIterator<Item = Node>) -> Self {
        let mut before: Option<String> = None;
        for node in nodes {
            let name = node.name().to_owned();
            if let Some(from) = before.replace(name.clone()) {
                self = self.connect(&from, &name);
            }
            self.nodes.push(node);
        }
        self
    }

    /// Connects two steps. Several edges into one step are a merge.
    pub fn connect(self, from: &str, to: &str) -> Self {
        self.branch(from, &[(to, Delivery::Required)])
    }

    /// Connects a step to several others: each gets every element.
    pub fn branch(mut self, from: &str, to: &[(&str, Delivery)]) -> Self {
        self.edges.extend(to.iter().map(|&(to, delivery)| Edge {
            from: from.to_owned(),
            to: to.to_owned(),
            delivery,
        }));
        self
    }

    /// Checks the graph.
    ///
    /// # Errors
    ///
    /// [`GraphError`] names what is wrong.
    pub fn build(self) -> Result<Pipeline, GraphError> {
        let Self { config, nodes, edges } = self;
        if config.capacity == 0 {
            return Err(GraphError::NoCapacity);
        }
        if nodes.is_empty() {
            return Err(GraphError::Empty);
        }
        let mut names = BTreeSet::new();
        if let Some(twice) = nodes.iter().find(|node| !names.insert(node.name())) {
            return Err(GraphError::DuplicateName { name: twice.name().to_owned() });
        }
        check_edges(&nodes, &edges)?;
        let order = order(&nodes, &edges)?;
        Ok(Pipeline { config, nodes: sorted(nodes, &order), edges })
    }
}

/// A graph that makes sense, ready to run once.
#[derive(Debug)]
pub struct Pipeline {
    pub(super) config: PipelineConfig,
    /// In an order in which every edge points forward.
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Vec<Edge>,
}

/// Why a graph makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// There is no step.
    #[error("a pipeline needs at least one stage")]
    Empty,
    /// An edge must hold something.
    #[error("`capacity` must be at least 1")]
    NoCapacity,
    /// Names must be unique.
    #[error("two stages are called `{name}`; give one of them another name")]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// An edge leads from or to nowhere.
    #[error("there is no stage called `{name}` for the edge `{from}` to `{to}`")]
    UnknownStage {
        /// The name that does not exist.
        name: String,
        /// Where the edge begins.
        from: String,
        /// Where the edge ends.
        to: String,
    },
    /// The same edge twice.
    #[error("`{from}` is connected to `{to}` twice")]
    DuplicateEdge {
        /// Where the edge begins.
        from: String,
        /// Where the edge ends.
        to: String,
    },
    /// The graph has a cycle.
    #[error("the stages {names:?} lead back to themselves")]
    Cycle {
        /// The stages on and behind the cycle.
        names: Vec<String>,
    },
    /// Nothing can flow along an edge.
    #[error("nothing that `{from}` sends is of use to `{to}`")]
    NothingFlows {
        /// Where the edge begins.
        from: String,
        /// Where the edge ends.
        to: String,
    },
}

fn check_edges(nodes: &[Node], edges: &[Edge]) -> Result<(), GraphError> {
    let by_name: BTreeMap<_, _> = nodes.iter().map(|node| (node.name(), node)).collect();
    let mut seen = BTreeSet::new();
    for Edge { from, to, .. } in edges {
        let find = |name: &String| {
            by_name.get(name.as_str()).ok_or_else(|| GraphError::UnknownStage {
                name: name.clone(),
                from: from.clone(),
                to: to.clone(),
            })
        };
        let (source, target) = (find(from)?, find(to)?);
        if !seen.insert((from, to)) {
            return Err(GraphError::DuplicateEdge { from: from.clone(), to: to.clone() });
        }
        if !source.emits().meets(target.accepts()) {
            return Err(GraphError::NothingFlows { from: from.clone(), to: to.clone() });
        }
    }
    Ok(())
}

/// The names in an order in which every edge points forward.
fn order(nodes: &[Node], edges: &[Edge]) -> Result<Vec<String>, GraphError> {
    let mut left: Vec<&str> = nodes.iter().map(Node::name).collect();
    let mut order = Vec::new();
    while !left.is_empty() {
        let free = |name: &str| {
            !edges.iter().any(|edge| edge.to == name && left.contains(&edge.from.as_str()))
        };
        let Some(at) = left.iter().position(|name| free(name)) else {
            return Err(GraphError::Cycle { names: left.into_iter().map(str::to_owned).collect() });
        };
        order.push(left.remove(at).to_owned());
    }
    Ok(order)
}

fn sorted(mut nodes: Vec<Node>, order: &[String]) -> Vec<Node> {
    nodes.sort_by_key(|node| order.iter().position(|name| name == node.name()));
    nodes
}
