//! Sends each element one way of several.

use std::fmt;

use crate::pipeline::{Element, Stage, StageError, StageFuture, StageIo, StageKind};

/// A stage that asks a function for the name of the stage that an element goes to.
///
/// An end goes every way. An element for a stage that no edge leads to is dropped, with a
/// warning.
pub struct Router<F> {
    name: String,
    route: F,
}

impl<F> Router<F>
where
    F: FnMut(&Element) -> String + Send + 'static,
{
    /// A router called `name`.
    pub fn new(name: &str, route: F) -> Self {
        Self { name: name.to_owned(), route }
    }

    async fn serve(mut self, io: StageIo) -> Result<(), StageError> {
        let StageIo { mut inlet, outlet, .. } = io;
        while let Some(element) = inlet.recv().await? {
            let to = (self.route)(&element);
            if outlet.send_to(&to, element).await.is_err() {
                tracing::warn!(router = self.name, to, "no way to this stage");
            }
        }
        Ok(())
    }
}

impl<F> fmt::Debug for Router<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<F> Stage for Router<F>
where
    F: FnMut(&Element) -> String + Send + 'static,
{
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> StageKind {
        StageKind::Transform
    }

    fn run(self: Box<Self>, io: StageIo) -> StageFuture {
        Box::pin(self.serve(io))
    }
}
