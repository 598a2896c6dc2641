//! What comes out of the stage, and what it has models and embedders do.

use tokio::sync::mpsc;

use super::*;
use crate::context::{MemorySummaries, Query, Relevance, Summarise};
use crate::ids::TurnId;
use crate::pipeline::{Node, PipelineBuilder, PipelineConfig, Run};
use crate::providers::embeddings::mock::MockEmbedder;
use crate::providers::mock::{MockAnswer, MockProvider};
use crate::time::{SessionClock, SessionTime};
use crate::types::{Message, ToolDescriptor};

/// The stage in a pipeline of its own, in Tokio's time.
struct Rig {
    input: Outlet,
    run: Run,
    context: Context,
    facts: mpsc::Receiver<Fact>,
    response: ResponseId,
}

impl Rig {
    fn new(config: ContextConfig, provider: &Arc<MockProvider>) -> Self {
        let (told, facts) = mpsc::channel(64);
        let provider: Arc<dyn Provider> = Arc::<MockProvider>::clone(provider);
        let stage = ContextStage::new(config, provider, Facts::to(told));
        let context = Context::new(SessionClock::live());
        let config = PipelineConfig { idle_timeout: None, ..PipelineConfig::default() };
        let pipeline = PipelineBuilder::new(config).chain([Node::stage(stage)]).build().unwrap();
        let mut run = pipeline.run(&context);
        let input = run.take_input().unwrap();
        Self { input, run, context, facts, response: ResponseId::FIRST }
    }

    /// What comes of a response to this conversation. As from a session, an end follows it.
    async fn begin(&mut self, history: &[Message]) -> Result<Arc<TurnContext>, Outcome> {
        let turn = TurnContext::new(TurnId::new(1), self.response, history);
        self.begin_with(TurnContext { system: "Be brief.".into(), ..turn }).await
    }

    async fn begin_with(&mut self, turn: TurnContext) -> Result<Arc<TurnContext>, Outcome> {
        self.response = turn.response.next();
        let begin = Element::begin(SessionTime::ZERO, turn);
        let end = begin.with(Payload::TurnEnd(Outcome::Interrupted { heard: Duration::ZERO }));
        self.input.send(begin).await.unwrap();
        self.input.send(end).await.unwrap();
        match self.take().await {
            Payload::Begin(turn) => {
                let end = self.take().await;
                assert!(matches!(end, Payload::TurnEnd(Outcome::Interrupted { .. })), "{end:?}");
                Ok(turn)
            }
            Payload::TurnEnd(outcome) => Err(outcome),
            other => panic!("{other:?}"),
        }
    }

    async fn take(&mut self) -> Payload {
        self.run.output.recv().await.unwrap().unwrap().payload
    }

    /// Lets so much time pass.
    async fn wait(&self, seconds: u64) {
        self.context.clock.sleep(Duration::from_secs(seconds)).await;
    }

    /// What is told of a request that is shorter: messages left out and summarised, and its tokens.
    async fn cut(&mut self) -> (usize, usize, u32) {
        match self.facts.recv().await {
            Some(Fact::Event { kind, turn: Some(_), response: Some(_) }) => match kind {
                EventKind::ContextCut { left_out, summarised, tokens } => {
                    (left_out, summarised, tokens)
                }
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    fn warnings(&mut self) -> Vec<String> {
        let mut warnings = Vec::new();
        while let Ok(fact) = self.facts.try_recv() {
            if let Fact::Event { kind: EventKind::Warning { message }, .. } = fact {
                warnings.push(message);
            }
        }
        warnings
    }
}

/// A conversation of so many questions and answers of about 25 tokens each, and one more question.
fn talk(exchanges: usize) -> Vec<Message> {
    let filler = "and some words more, of no importance to anybody at all, so that there are more";
    let exchange = |number| {
        let user = Message::user(format!("Question {number} {filler}?"));
        [user, Message::assistant(format!("Answer {number} {filler}."))]
    };
    let last = Message::user(format!("Question {exchanges} {filler}?"));
    (0..exchanges).flat_map(exchange).chain([last]).collect()
}

/// The numbers of the questions that are sent.
fn questions(turn: &TurnContext) -> Vec<usize> {
    let number =
        |message: &Message| message.text.strip_prefix("Question ")?.split(' ').next()?.parse().ok();
    turn.history.iter().filter_map(number).collect()
}

fn config(tokens: u32, strategy: Strategy) -> ContextConfig {
    ContextConfig::new(Budget::new(tokens).with(strategy))
}

/// A model that makes summaries: the first is `summary 1`.
fn summariser() -> Arc<MockProvider> {
    let mut made = 0;
    Arc::new(MockProvider::answering(move |_| {
        made += 1;
        MockAnswer::text(format!("summary {made}"))
    }))
}

#[tokio::test(start_paused = true)]
async fn what_fits_is_passed_on_as_it_is() {
    let mut rig = Rig::new(config(4_000, Strategy::Sliding), &summariser());
    let turn = TurnContext::new(TurnId::new(1), ResponseId::FIRST, talk(3));
    let sent = rig.begin_with(turn.clone()).await.unwrap();
    assert!(Arc::ptr_eq(&sent.history, &turn.history));
    assert_eq!(*sent, turn);
    assert!(rig.facts.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn of_a_long_conversation_the_newest_part_is_sent_and_that_is_told() {
    let mut rig = Rig::new(config(150, Strategy::Sliding), &summariser());
    let sent = rig.begin(&talk(9)).await.unwrap();
    assert_eq!(questions(&sent), [7, 8, 9]);
    assert_eq!((&*sent.system, sent.history.len()), ("Be brief.", 5));
    let (left_out, summarised, tokens) = rig.cut().await;
    assert_eq!((left_out, summarised), (14, 0));
    assert!((120..=150).contains(&tokens), "{tokens}");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_sent_fails_the_turn_and_no_other() {
    let mut rig = Rig::new(config(150, Strategy::Fail), &summariser());
    let Err(Outcome::Failed { reason }) = rig.begin(&talk(9)).await else { panic!("it fails") };
    assert!(reason.contains("more than the budget of 150"), "{reason}");
    let Some(Fact::Failed { stage: StageName::Context, error, response, .. }) =
        rig.facts.recv().await
    else {
        panic!("it is told")
    };
    assert_eq!((&*error.to_string(), response), (&*reason, Some(ResponseId::FIRST)));
    // The session's own end of it does not follow: it has one already.
    assert_eq!(questions(&rig.begin(&talk(1)).await.unwrap()), [0, 1]);

    let mut rig = Rig::new(config(20, Strategy::Sliding), &summariser());
    let Err(Outcome::Failed { reason }) = rig.begin(&talk(0)).await else { panic!("it fails") };
    assert!(reason.contains("what is to be answered"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn what_is_said_as_it_is_needs_no_budget() {
    let mut rig = Rig::new(config(1, Strategy::Fail), &summariser());
    let turn = TurnContext::new(TurnId::new(1), ResponseId::FIRST, talk(9));
    let sent = rig.begin_with(TurnContext { script: Some("Sorry.".into()), ..turn }).await.unwrap();
    assert_eq!(sent.history.len(), 19);
}

fn summarise() -> Strategy {
    Strategy::Summarise(Summarise { keep_recent: 3, ..Summarise::default() })
}

#[tokio::test(start_paused = true)]
async fn a_summary_is_made_behind_the_answer_and_serves_the_next_one() {
    let model = summariser();
    let mut rig = Rig::new(config(250, summarise()), &model);
    assert_eq!(questions(&rig.begin(&talk(2)).await.unwrap()), [0, 1, 2]);
    rig.wait(5).await;
    assert!(model.requests().is_empty(), "it is short");

    // It has passed the threshold. This answer does not wait.
    let began = rig.context.clock.now();
    assert_eq!(questions(&rig.begin(&talk(4)).await.unwrap()).len(), 5);
    assert_eq!(rig.context.clock.now(), began);
    rig.wait(5).await;
    let [request] = &model.requests()[..] else { panic!("one summary") };
    assert!(request.system.starts_with("You keep the record of a conversation."));
    assert_eq!(request.parameters.max_tokens, Some(62));
    assert!(request.tools.is_empty());
    let asked = &request.messages[0].text;
    assert!(asked.starts_with("What was said since:\nUser: Question 0 "), "{asked}");
    assert!(asked.contains("Agent: Answer 2 ") && !asked.contains("Question 3 "), "{asked}");

    let sent = rig.begin(&talk(5)).await.unwrap();
    assert_eq!(questions(&sent), [3, 4, 5]);
    assert!(sent.system.starts_with("Be brief.\n\nWhat was said earlier"), "{}", sent.system);
    assert!(sent.system.ends_with("<record>\nsummary 1\n</record>"), "{}", sent.system);
    assert_eq!(sent.history[0].role, crate::types::Role::User);

    // The next one is made of it and of what came since.
    rig.begin(&talk(7)).await.unwrap();
    rig.wait(5).await;
    let asked = &model.requests()[1].messages[0].text;
    assert!(asked.starts_with("The record so far:\nsummary 1\n\n"), "{asked}");
    assert!(asked.contains("User: Question 3 ") && !asked.contains("Question 2 "), "{asked}");
    let sent = rig.begin(&talk(8)).await.unwrap();
    assert!(sent.system.contains("summary 2"), "{}", sent.system);
    assert!(rig.warnings().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_long_conversation_is_summarised_piece_by_piece() {
    let model = summariser();
    let mut rig = Rig::new(config(250, summarise()), &model);
    rig.begin(&talk(20)).await.unwrap();
    rig.wait(30).await;
    let requests = model.requests();
    assert!(requests.len() > 2, "no piece is larger than the budget: {}", requests.len());
    let last = &requests[requests.len() - 1].messages[0].text;
    assert!(last.contains("Question 18 ") && !last.contains("Question 19 "), "{last}");
    assert_eq!(questions(&rig.begin(&talk(21)).await.unwrap()), [19, 20, 21]);
}

#[tokio::test(start_paused = true)]
async fn while_a_summary_takes_its_time_the_newest_part_is_sent_and_there_is_one_at_a_time() {
    let model = Arc::new(MockProvider::answering(|_| MockAnswer::text("x").hanging_after(0)));
    let mut rig = Rig::new(config(150, summarise()), &model);
    for exchanges in 9..14 {
        let began = rig.context.clock.now();
        let sent = rig.begin(&talk(exchanges)).await.unwrap();
        assert_eq!(rig.context.clock.now(), began);
        assert_eq!(questions(&sent).last(), Some(&exchanges));
        assert_eq!(&*sent.system, "Be brief.");
        rig.wait(5).await;
    }
    assert_eq!(model.requests().len(), 1);
    rig.wait(60).await;
    let [warning] = &rig.warnings()[..] else { panic!("one warning") };
    assert!(warning.contains("mock gave nothing for 60s"), "{warning}");
    // Not at once, but later.
    rig.begin(&talk(14)).await.unwrap();
    rig.wait(5).await;
    assert_eq!(model.requests().len(), 1);
    rig.wait(30).await;
    rig.begin(&talk(15)).await.unwrap();
    rig.wait(5).await;
    assert_eq!(model.requests().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_summary_that_is_too_long_is_cut_and_one_without_words_is_none() {
    let mut answers = vec![" ".to_owned(), "many words ".repeat(1_000)].into_iter();
    let answer = move |_: &_| MockAnswer::text(answers.next().unwrap_or_default());
    let model = Arc::new(MockProvider::answering(answer));
    let memory = Arc::new(MemorySummaries::default());
    let how = Summarise { longest: 30, keep_recent: 3, ..Summarise::default() };
    let config = ContextConfig {
        summaries: Some(Arc::<MemorySummaries>::clone(&memory)),
        ..config(300, Strategy::Summarise(how))
    };
    let mut rig = Rig::new(config, &model);
    rig.begin(&talk(6)).await.unwrap();
    rig.wait(5).await;
    assert_eq!(memory.get(), None);
    assert!(rig.warnings()[0].contains("it said nothing"));
    rig.wait(30).await;
    rig.begin(&talk(7)).await.unwrap();
    rig.wait(5).await;
    let summary = memory.get().unwrap();
    assert!((25..=30).contains(&Estimate.text(&summary.text)), "{}", summary.text);
    assert!(summary.text.ends_with("words") || summary.text.ends_with("many"));
}

#[tokio::test(start_paused = true)]
async fn a_conversation_that_is_cleared_has_no_summary() {
    let model = summariser();
    let mut rig = Rig::new(config(250, summarise()), &model);
    rig.begin(&talk(6)).await.unwrap();
    rig.wait(5).await;
    let sent = rig.begin(&talk(7)).await.unwrap();
    assert!(sent.system.contains("summary"), "{}", sent.system);
    // While the next one is made, all is forgotten.
    rig.begin(&talk(0)).await.unwrap();
    rig.wait(5).await;
    let asked = model.requests().len();
    let sent = rig.begin(&talk(9)).await.unwrap();
    assert_eq!(&*sent.system, "Be brief.");
    rig.wait(5).await;
    let begun = &model.requests()[asked].messages[0].text;
    assert!(begun.starts_with("What was said since:\nUser: Question 0 "), "{begun}");
}

#[tokio::test(start_paused = true)]
async fn a_summary_that_was_kept_serves_at_once() {
    let memory = Arc::new(MemorySummaries::default());
    memory.put(Summary { messages: 8, text: "They met in spring.".to_owned() });
    let summaries: Arc<dyn Summaries> = Arc::<MemorySummaries>::clone(&memory);
    let config = ContextConfig { summaries: Some(summaries), ..config(200, summarise()) };
    let mut rig = Rig::new(config, &summariser());
    let sent = rig.begin(&talk(5)).await.unwrap();
    assert_eq!(questions(&sent), [4, 5]);
    assert!(sent.system.contains("They met in spring."), "{}", sent.system);
    let (left_out, summarised, _) = rig.cut().await;
    assert_eq!((left_out, summarised), (8, 8));
}

fn relevance(query: Query) -> Strategy {
    Strategy::Relevance(Relevance { query, ..Relevance::default() })
}

/// A talk in which one exchange is about a dog.
fn about_a_dog(exchanges: usize) -> Vec<Message> {
    let mut talk = talk(exchanges);
    talk[2].text = "Question 1 is that I have a dog, whose name is Rufus, by the way?".to_owned();
    talk
}

/// A vector that knows dogs.
fn dogs(text: &str) -> Result<Vec<f32>, ProviderError> {
    let is_dog = text.contains("dog") || text.contains("Rufus");
    Ok(if is_dog { vec![1.0, 0.0] } else { vec![0.2, 1.0] })
}

#[tokio::test(start_paused = true)]
async fn what_has_to_do_with_the_question_is_sent() {
    for (query, last) in [
        (Query::LastUser, "What is the name of my dog, again?"),
        (Query::LastN(2), "What is the name of my dog, again?"),
        (Query::Custom("dogs".to_owned()), "And then?"),
    ] {
        let mut rig = Rig::new(
            ContextConfig {
                embedder: Arc::new(MockEmbedder::new(dogs)),
                ..config(140, relevance(query))
            },
            &summariser(),
        );
        let mut talk = about_a_dog(9);
        talk.last_mut().unwrap().text = last.to_owned();
        let sent = rig.begin(&talk).await.unwrap();
        assert_eq!(questions(&sent), [1, 8], "{last}");
    }
    // The one that needs no service.
    let mut rig = Rig::new(config(140, relevance(Query::LastUser)), &summariser());
    let mut talk = about_a_dog(9);
    talk.last_mut().unwrap().text = "What is the name of my dog, again?".to_owned();
    assert_eq!(questions(&rig.begin(&talk).await.unwrap()), [1, 8]);
}

#[tokio::test(start_paused = true)]
async fn each_message_is_embedded_once() {
    let embedder = Arc::new(MockEmbedder::new(dogs));
    let config = ContextConfig {
        embedder: Arc::<MockEmbedder>::clone(&embedder),
        ..config(140, relevance(Query::LastUser))
    };
    let mut rig = Rig::new(config, &summariser());
    rig.begin(&talk(0)).await.unwrap();
    rig.wait(1).await;
    assert!(embedder.requests().is_empty(), "it is short");
    rig.begin(&talk(2)).await.unwrap();
    rig.wait(1).await;
    assert_eq!(embedder.requests().len(), 1, "soon it will not be");
    for exchanges in 3..20 {
        rig.begin(&talk(exchanges)).await.unwrap();
    }
    let mut texts = embedder.requests().concat();
    let all = texts.len();
    texts.sort();
    texts.dedup();
    assert_eq!((all, texts.len()), (39, 39));
}

#[tokio::test(start_paused = true)]
async fn an_embedder_that_is_slow_holds_an_answer_up_for_no_more_than_its_limit() {
    let clock = SessionClock::live();
    let embedder = MockEmbedder::new(dogs).after(clock.clone(), Duration::from_secs(2));
    let config = ContextConfig {
        embedder: Arc::new(embedder),
        ..config(140, relevance(Query::Custom("dog".to_owned())))
    };
    let mut rig = Rig::new(config, &summariser());
    let began = clock.now();
    assert_eq!(questions(&rig.begin(&about_a_dog(9)).await.unwrap()), [7, 8, 9]);
    let took = clock.now().since(began);
    assert!((300..=301).contains(&took.as_millis()), "{took:?}");
    assert!(rig.warnings()[0].contains("mock gave nothing for 300ms"));
    // It went on in the background; what is new comes too late again.
    rig.wait(5).await;
    let began = clock.now();
    assert_eq!(questions(&rig.begin(&about_a_dog(9)).await.unwrap()), [1, 8, 9]);
    assert_eq!(clock.now(), began);
}

#[tokio::test(start_paused = true)]
async fn an_embedder_that_fails_is_done_without() {
    let broken = |_: &str| {
        let (provider, reason) = ("mock".to_owned(), "out of order".to_owned());
        Err(ProviderError::failed(provider, reason))
    };
    let config = ContextConfig {
        embedder: Arc::new(MockEmbedder::new(broken)),
        ..config(140, relevance(Query::LastUser))
    };
    let mut rig = Rig::new(config, &summariser());
    assert_eq!(questions(&rig.begin(&about_a_dog(9)).await.unwrap()), [7, 8, 9]);
    let [warning] = &rig.warnings()[..] else { panic!("one warning") };
    assert!(warning.contains("out of order; the newest ones are sent instead"), "{warning}");
}

#[tokio::test(start_paused = true)]
async fn a_response_that_is_cancelled_ends_at_once() {
    let clock = SessionClock::live();
    let embedder = MockEmbedder::new(dogs).after(clock.clone(), Duration::from_secs(9));
    let config =
        ContextConfig { embedder: Arc::new(embedder), ..config(140, relevance(Query::LastUser)) };
    let mut rig = Rig::new(config, &summariser());
    let began = clock.now();
    let (floor, response) = (rig.context.floor.clone(), rig.response);
    let cancel = async {
        clock.sleep(Duration::from_millis(50)).await;
        floor.cancel(response);
    };
    let long = talk(9);
    let (outcome, ()) = tokio::join!(rig.begin(&long), cancel);
    assert_eq!(outcome, Err(Outcome::Discarded));
    assert_eq!(clock.now().since(began).as_millis(), 50);
    assert_eq!(questions(&rig.begin(&talk(1)).await.unwrap()), [0, 1]);
}

#[tokio::test(start_paused = true)]
async fn tools_count_and_stay() {
    let tool = ToolDescriptor::new("clock", "Tells the time.".repeat(40), serde_json::json!({}));
    let mut rig = Rig::new(config(300, Strategy::Sliding), &summariser());
    let turn = TurnContext::new(TurnId::new(1), ResponseId::FIRST, talk(9));
    let with = rig.begin_with(TurnContext { tools: [tool].into(), ..turn.clone() }).await.unwrap();
    let without = TurnContext { response: turn.response.next(), ..turn };
    let without = rig.begin_with(without).await.unwrap();
    assert_eq!(with.tools.len(), 1);
    assert!(with.history.len() < without.history.len());
}
