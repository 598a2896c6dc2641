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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::TurnId;
    use crate::pipeline::{Context, Node, Outcome, Payload, PipelineBuilder};
    use crate::time::{SessionClock, SessionTime};

    #[tokio::test(start_paused = true)]
    async fn two_ways_come_together_in_one_end() {
        let pipeline = PipelineBuilder::default()
            .chain([Node::transform(Merge::new("left")), Node::transform(Merge::new("merge"))])
            .chain([Node::transform(Merge::new("right"))])
            .connect("right", "merge");
        let element = |payload| Element::new(TurnId::new(1), SessionTime::ZERO, payload);
        let text = || element(Payload::TextDelta("x".into()));
        let end = element(Payload::TurnEnd(Outcome::Completed));
        let context = Context::new(SessionClock::live());
        let input = [text(), text(), end];
        let execution = pipeline.build().unwrap().execute(&context, input).await.unwrap();
        assert_eq!(execution.text(), "xxxx");
        assert!(execution.elements.len() == 5 && execution.elements[4].is_end());
    }
}
