//! Brings several ways together.

use crate::pipeline::{Element, StageError, Transform};

/// A step that only gives a merge its place and name in the graph: edges that lead into the
/// same step are merged there, the more urgent element first (see
/// [`Inlet`](crate::pipeline::Inlet)).
#[derive(Debug)]
pub struct Merge {
    name: String,
}

impl Merge {
    /// A merge called `name`.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned() }
    }
}

impl Transform for Merge {
    fn name(&self) -> &str {
        &self.name
    }

    fn apply(&mut self, element: Element, emit: &mut Vec<Element>) -> Result<(), StageError> {
        emit.push(element);
        Ok(())
    }
}
