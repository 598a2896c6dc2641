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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tracing::{Event, Metadata, Subscriber, span};

    use super::*;
    use crate::ids::TurnId;
    use crate::pipeline::{Context, Delivery, Node, Outcome, Payload, PipelineBuilder, Transform};
    use crate::time::{SessionClock, SessionTime};

    /// Adds its name to every text.
    #[derive(Debug)]
    struct Way(&'static str);

    impl Transform for Way {
        fn name(&self) -> &str {
            self.0
        }

        fn apply(&mut self, element: Element, emit: &mut Vec<Element>) -> Result<(), StageError> {
            emit.push(match &element.payload {
                Payload::TextDelta(text) => text_element(&format!("{text}:{} ", self.0)),
                _ => element,
            });
            Ok(())
        }
    }

    fn text_element(text: &str) -> Element {
        let payload = Payload::TextDelta(text.into());
        Element::new(TurnId::new(1), SessionTime::ZERO, payload)
    }

    /// Sends `texts` and an end through a router that goes by the text, to `left`, `right` and
    /// their merge.
    async fn routed(texts: &[&str]) -> Vec<Element> {
        let router = Router::new("router", |element| match &element.payload {
            Payload::TextDelta(text) => text.to_string(),
            _ => "nowhere".to_owned(),
        });
        let both = [("left", Delivery::Required), ("right", Delivery::Required)];
        let pipeline = PipelineBuilder::default()
            .chain([Node::stage(router)])
            .chain([
                Node::transform(Way("left")),
                Node::transform(crate::stages::Merge::new("merge")),
            ])
            .chain([Node::transform(Way("right"))])
            .branch("router", &both)
            .connect("right", "merge");
        let end = text_element("").with(Payload::TurnEnd(Outcome::Completed));
        let input = texts.iter().map(|text| text_element(text)).chain([end]);
        let context = Context::new(SessionClock::live());
        pipeline.build().unwrap().execute(&context, input).await.unwrap().elements
    }

    #[tokio::test(start_paused = true)]
    async fn each_element_goes_its_way_and_the_end_every_way() {
        let elements = routed(&["left", "right", "left"]).await;
        let (end, texts) = elements.split_last().unwrap();
        assert!(end.is_end(), "there is one, when both ways have given theirs: {elements:?}");
        let mut texts: Vec<_> = texts.iter().map(|text| format!("{:?}", text.payload)).collect();
        texts.sort();
        let [left, right] = ["left:left ", "right:right "].map(|t| format!("TextDelta({t:?})"));
        assert_eq!(texts, [left.clone(), left, right]);
    }

    /// Counts warnings.
    struct Warnings(Arc<AtomicUsize>);

    impl Subscriber for Warnings {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            *metadata.level() == tracing::Level::WARN
        }

        fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
            span::Id::from_u64(1)
        }

        fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

        fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

        fn event(&self, _: &Event<'_>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }

        fn enter(&self, _: &span::Id) {}

        fn exit(&self, _: &span::Id) {}
    }

    #[tokio::test(start_paused = true)]
    async fn an_element_without_a_way_is_dropped_with_a_warning() {
        let warnings = Arc::default();
        let _watching = tracing::subscriber::set_default(Warnings(Arc::clone(&warnings)));
        let elements = routed(&["up", "left", "down"]).await;
        assert_eq!(elements.len(), 2, "a text and the end: {elements:?}");
        assert_eq!(warnings.load(Ordering::Relaxed), 2);
    }
}
