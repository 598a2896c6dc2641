//! What can be built, and what it then does.

use super::*;

fn build(builder: PipelineBuilder) -> GraphError {
    builder.build().unwrap_err()
}

fn named(names: &[&'static str]) -> PipelineBuilder {
    names.iter().fold(PipelineBuilder::default(), |builder, name| builder.chain([passes(name)]))
}

#[test]
fn a_graph_needs_a_stage_and_room() {
    assert_eq!(build(PipelineBuilder::default()), GraphError::Empty);
    let config = PipelineConfig { capacity: 0, ..PipelineConfig::default() };
    assert_eq!(build(PipelineBuilder::new(config).chain([passes("a")])), GraphError::NoCapacity);
}

#[test]
fn names_are_unique() {
    let twice = named(&["a", "b", "a"]);
    assert_eq!(build(twice), GraphError::DuplicateName { name: "a".to_owned() });
}

#[test]
fn edges_lead_from_and_to_stages() {
    let (from, to) = ("a".to_owned(), "x".to_owned());
    let unknown = GraphError::UnknownStage { name: to.clone(), from: from.clone(), to: to.clone() };
    assert_eq!(build(named(&["a"]).connect("a", "x")), unknown);
    let unknown = GraphError::UnknownStage { name: to.clone(), from: to, to: from };
    assert_eq!(build(named(&["a"]).connect("x", "a")), unknown);
}

#[test]
fn no_edge_is_there_twice() {
    let twice = named(&["a", "b"]).connect("a", "b").branch("a", &[("b", Delivery::BestEffort)]);
    assert_eq!(
        build(twice),
        GraphError::DuplicateEdge { from: "a".to_owned(), to: "b".to_owned() }
    );
}

#[test]
fn nothing_leads_back_to_itself() {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let cycle = named(&["in", "a", "b", "out"]).connect("in", "a").connect("a", "b");
    let cycle = cycle.connect("b", "a").connect("b", "out");
    assert_eq!(build(cycle), GraphError::Cycle { names: names(&["a", "b", "out"]) });
    assert_eq!(build(named(&["a"]).connect("a", "a")), GraphError::Cycle { names: names(&["a"]) });
}

#[derive(Debug)]
struct Only(&'static str, Kinds, Kinds);

impl Transform for Only {
    fn name(&self) -> &str {
        self.0
    }

    fn accepts(&self) -> Kinds {
        self.1
    }

    fn emits(&self) -> Kinds {
        self.2
    }

    fn apply(&mut self, element: Element, emit: &mut Vec<Element>) -> Result<(), StageError> {
        emit.push(element);
        Ok(())
    }
}

#[test]
fn on_every_edge_something_can_flow() {
    let between = |emits, accepts| {
        let from = Only("ear", Kinds::HEARD, emits);
        let to = Only("mouth", accepts, Kinds::SPOKEN);
        PipelineBuilder::default().chain([Node::transform(from), Node::transform(to)]).build()
    };
    assert!(between(Kinds::TRANSCRIPT | Kinds::BEGIN, Kinds::BEGIN).is_ok());
    let nothing = between(Kinds::TRANSCRIPT | Kinds::TURN_END, Kinds::TEXT_DELTA | Kinds::TURN_END);
    let nothing = nothing.unwrap_err();
    assert_eq!(
        nothing,
        GraphError::NothingFlows { from: "ear".to_owned(), to: "mouth".to_owned() }
    );
    assert_eq!(nothing.to_string(), "nothing that `ear` sends is of use to `mouth`");
}

#[tokio::test(start_paused = true)]
async fn a_chain_of_transforms_gives_the_same_as_a_chain_of_stages() {
    let staged = |name| Node::stage(FromTransform(Box::new(Marks::new(name))));
    let input = || [begin(1), text(1, "x"), text(1, "y"), end(1), text(2, "z")];
    let mut outputs = Vec::new();
    for make in [transform as fn(_) -> _, staged] {
        for priority_queue in [false, true] {
            let config = PipelineConfig { priority_queue, ..PipelineConfig::default() };
            let pipeline = chain(config, ["a", "b", "c"].map(make));
            let execution = pipeline.execute(&context(), input()).await.unwrap();
            outputs.push(execution.elements.iter().map(label).collect::<Vec<_>>());
        }
    }
    let all = ["begin 1", "xabc", "yabc", "end 1", "zabc", "a=3bc", "b=4c", "c=5"];
    for output in outputs {
        assert_eq!(output, all);
    }
}

#[tokio::test(start_paused = true)]
async fn transforms_run_in_the_task_of_the_stage_after_them() {
    let pipeline = chain(quiet(), [transform("a"), transform("b"), stuck("waits")]);
    let mut run = pipeline.run(&context());
    let input = run.take_input().unwrap();
    // An edge of 16, and nobody takes: with tasks of their own the transforms would.
    put(&input, (0..16).map(|_| text(1, "x")));
    tokio::task::yield_now().await;
    assert!(!input.has_room());
}

#[tokio::test(start_paused = true)]
async fn the_order_in_which_stages_are_added_does_not_matter() {
    let builder = PipelineBuilder::default().chain([transform("c")]).chain([transform("b")]);
    let builder = builder.chain([transform("a")]).connect("b", "c").connect("a", "b");
    let execution = builder.build().unwrap().execute(&context(), [text(1, "x")]).await.unwrap();
    assert_eq!(label(&execution.elements[0]), "xabc");
}
