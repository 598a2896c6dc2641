//! What hooks are told of a conversation as a whole.

use std::sync::{Arc, Mutex};

use super::world::*;
use crate::hooks::{Hook, HookFuture, Hooks, SessionStep};
use crate::providers::mock::MockProvider;
use crate::session::{Conversation, TextConfig, TextSession};

/// Writes down what it is told.
#[derive(Debug, Default)]
pub(in crate::session) struct Diary(Mutex<Vec<String>>);

impl Diary {
    fn told(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Hook for Diary {
    fn name(&self) -> &str {
        "diary"
    }

    fn session<'a>(&'a self, step: SessionStep<'a>) -> HookFuture<'a, ()> {
        let told = match step {
            SessionStep::Started => "started".to_owned(),
            SessionStep::TurnEnded { turn, messages } => {
                let lines: Vec<_> = messages.iter().map(line).collect();
                format!("{turn}: {}", lines.join(", "))
            }
            SessionStep::Ended => "ended".to_owned(),
        };
        self.0.lock().unwrap().push(told);
        Box::pin(std::future::ready(()))
    }
}

fn hooks(diary: &Arc<Diary>) -> Hooks {
    let mut hooks = Hooks::new();
    hooks.add(Arc::<Diary>::clone(diary));
    hooks
}

#[tokio::test]
async fn by_voice_they_are_told_of_each_turn() {
    let diary = Arc::new(Diary::default());
    let script = [voice(600), silence(6000), voice(600), silence(6000)].concat();
    let mut world = World::new(&script, &["one", "two"], &["One.", "Two."]);
    world.config.hooks = hooks(&diary);
    world.run().await;
    assert_eq!(
        diary.told(),
        ["started", "1: user: one, assistant: One.", "2: user: two, assistant: Two.", "ended"]
    );
}

#[tokio::test]
async fn in_writing_they_are_told_until_it_is_dropped() {
    let diary = Arc::new(Diary::default());
    let provider = MockProvider::new();
    provider.add_response("One.");
    let config = TextConfig { hooks: hooks(&diary), ..TextConfig::default() };
    let mut session = TextSession::new(Arc::new(provider), Arc::default(), config);
    let mut reply = session.send("one");
    while reply.next().await.is_some() {}
    drop(reply);
    drop(session);
    while diary.told().last().is_none_or(|last| last != "ended") {
        tokio::task::yield_now().await;
    }
    assert_eq!(diary.told(), ["started", "1: user: one, assistant: One.", "ended"]);
}

#[tokio::test]
async fn a_conversation_ends_for_them_when_it_is_closed() {
    let diary = Arc::new(Diary::default());
    let provider = MockProvider::new();
    provider.add_response("One.");
    let opening = Conversation::plain("Be kind.").provider(Arc::new(provider));
    let hook: Arc<dyn Hook> = Arc::<Diary>::clone(&diary) as _;
    let conversation = opening.hook(hook).start().await.unwrap();
    conversation.send("one").await.unwrap();
    conversation.close().await.unwrap();
    assert_eq!(diary.told(), ["started", "1: user: one, assistant: One.", "ended"]);
}

/// A hook that never comes back.
#[derive(Debug)]
struct Stuck;

impl Hook for Stuck {
    fn name(&self) -> &str {
        "stuck"
    }

    fn session<'a>(&'a self, _step: SessionStep<'a>) -> HookFuture<'a, ()> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_hangs_delays_no_turn_and_the_call_ends() {
    let run = |hooks: Hooks| async move {
        let script = [voice(600), silence(6000)].concat();
        let mut world = World::new(&script, &["one"], &["One."]);
        world.config.hooks = hooks;
        world.run().await
    };
    let mut hooks = Hooks::new();
    hooks.add(Arc::new(Stuck));
    let (free, told) = (run(Hooks::new()).await, run(hooks).await);
    let types = ["turn_ended", "agent_speech_started", "response_ended"];
    assert_eq!(told.times(&types), free.times(&types));
    assert_eq!(told.said(), free.said());
}
