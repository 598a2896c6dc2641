//! What a conversation adds to the bare call of its model, with 100 messages of history; and with
//! tools.

#![expect(clippy::unwrap_used, reason = "a bench that cannot run says so")]

mod support;

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use banter::SessionClock;
use banter::ids::ConversationId;
use banter::providers::{Provider, ProviderEvent, ProviderRequest, ProviderStream};
use banter::session::Conversation;
use banter::state::{Entry, MemoryStore, Mode, Revision, StateStore, TurnRecord};
use banter::time::UtcTime;
use banter::tools::{FunctionTool, ToolRegistry};
use banter::types::{FinishReason, Message, ToolCall, ToolDescriptor};
use futures_util::{StreamExt, stream};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

fn main() {
    let mut criterion = support::criterion();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    criterion.bench_function("model called, 100 messages", |bencher| {
        bencher.iter_custom(|times| bare(&runtime, times));
    });
    for (name, stored) in [("send, 100 messages", false), ("send, 100 messages, kept", true)] {
        criterion.bench_function(name, |bencher| {
            bencher.iter_custom(|times| send(&runtime, times, stored));
        });
    }
    for (name, calls) in [("send, 100 messages, 20 tools", 0), ("the same with a call", 1)] {
        criterion.bench_function(name, |bencher| {
            bencher.iter_custom(|times| with_tools(&runtime, times, calls));
        });
    }
    let long = runtime.block_on(resumed(10_000));
    criterion.bench_function("send, 20,000 messages", |bencher| {
        bencher.iter_custom(|times| runtime.block_on(turns(&long, times)));
    });
    criterion.final_summary();
}

/// Turns of copies of a conversation with tools, in which the model makes so many calls.
fn with_tools(runtime: &Runtime, times: u64, calls: u32) -> Duration {
    let mut tools = ToolRegistry::new();
    for number in 0..20 {
        let tool = FunctionTool::sync(described(number), |_| Ok(json!("open until ten")));
        tools.register(tool).unwrap();
    }
    let clock = SessionClock::live();
    runtime.block_on(async {
        let model = Arc::new(Calling { calls, left: AtomicU32::new(0) });
        let opening = Conversation::plain(SYSTEM).provider(Arc::<Calling>::clone(&model));
        let base = opening.tools(tools).start().await.unwrap();
        for _ in 0..49 {
            base.send(QUESTION).await.unwrap();
        }
        let mut took = Duration::ZERO;
        for _ in 0..times {
            let copy = base.fork().await.unwrap();
            copy.send(QUESTION).await.unwrap();
            model.left.store(model.calls, Ordering::Relaxed);
            let began = clock.now();
            let response = copy.send(QUESTION).await.unwrap();
            took += clock.now().since(began);
            assert_eq!(response.tool_results.len(), calls as usize);
        }
        took
    })
}

fn described(number: u32) -> ToolDescriptor {
    let parameters = json!({
        "type": "object",
        "properties": {
            "room": { "type": "string", "description": "The room's name or number." },
            "floor": { "type": "integer", "minimum": 0, "maximum": 9 },
            "when": { "type": "string", "enum": ["today", "tomorrow"] },
        },
        "required": ["room"],
        "additionalProperties": false,
    });
    ToolDescriptor::new(format!("hours_{number}"), "Tells when a room is open.", parameters)
}

/// A model that calls tools before it answers, at once.
#[derive(Debug)]
struct Calling {
    calls: u32,
    left: AtomicU32,
}

impl Provider for Calling {
    fn name(&self) -> &str {
        "calling"
    }

    fn stream(&self, request: ProviderRequest) -> ProviderStream {
        let left = self.left.load(Ordering::Relaxed);
        if left == 0 {
            return Ready.stream(request);
        }
        self.left.store(left - 1, Ordering::Relaxed);
        black_box(request);
        let arguments = json!({ "room": "the whales", "floor": 2, "when": "today" });
        let call = ToolCall { id: format!("c{left}"), name: "hours_7".into(), arguments };
        let end = ProviderEvent::Finished { reason: FinishReason::ToolCalls, usage: None };
        Box::pin(stream::iter([Ok(ProviderEvent::ToolCall(call)), Ok(end)]))
    }
}

/// A model that answers at once.
#[derive(Debug)]
struct Ready;

impl Provider for Ready {
    fn name(&self) -> &str {
        "ready"
    }

    fn stream(&self, request: ProviderRequest) -> ProviderStream {
        black_box(request);
        let words = ProviderEvent::TextDelta("It is five.".to_owned());
        let end = ProviderEvent::Finished { reason: FinishReason::Stop, usage: None };
        Box::pin(stream::iter([Ok(words), Ok(end)]))
    }
}

fn history(messages: usize) -> Vec<Message> {
    let turn = || [Message::user(QUESTION), Message::assistant("It is five.")];
    std::iter::repeat_with(turn).flatten().take(messages).collect()
}

fn bare(runtime: &Runtime, times: u64) -> Duration {
    let clock = SessionClock::live();
    let messages = history(101);
    let request = ProviderRequest { system: SYSTEM.into(), messages, ..ProviderRequest::default() };
    runtime.block_on(async {
        let mut took = Duration::ZERO;
        for _ in 0..times {
            let request = request.clone();
            let began = clock.now();
            let mut answer = Ready.stream(request);
            while let Some(event) = answer.next().await {
                black_box(event).unwrap();
            }
            took += clock.now().since(began);
        }
        took
    })
}

/// Turns of copies of a conversation, each with a line that is built already.
fn send(runtime: &Runtime, times: u64, stored: bool) -> Duration {
    let clock = SessionClock::live();
    runtime.block_on(async {
        let opening = Conversation::plain(SYSTEM).provider(Arc::new(Ready));
        let opening = if stored { opening.store(Arc::<MemoryStore>::default()) } else { opening };
        let base = opening.start().await.unwrap();
        for _ in 0..49 {
            base.send(QUESTION).await.unwrap();
        }
        let mut took = Duration::ZERO;
        for _ in 0..times {
            let copy = base.fork().await.unwrap();
            copy.send(QUESTION).await.unwrap();
            let began = clock.now();
            black_box(copy.send(QUESTION).await.unwrap());
            took += clock.now().since(began);
        }
        took
    })
}

/// A conversation of so many turns, taken up again.
async fn resumed(turns: u64) -> Conversation {
    let store: Arc<dyn StateStore> = Arc::<MemoryStore>::default();
    let id: ConversationId = "long".parse().unwrap();
    let turn = |_| Entry::Turn(TurnRecord::new(UtcTime::now(), Mode::Text, history(2)));
    store.append(&id, Revision::ZERO, (0..turns).map(turn).collect()).await.unwrap();
    let opening = Conversation::plain(SYSTEM).provider(Arc::new(Ready)).store(store);
    opening.resume(id).await.unwrap()
}

async fn turns(conversation: &Conversation, times: u64) -> Duration {
    let clock = SessionClock::live();
    let began = clock.now();
    for _ in 0..times {
        black_box(conversation.send(QUESTION).await.unwrap());
    }
    clock.now().since(began)
}

const SYSTEM: &str = "You are a friendly assistant in a museum. Answer in one short sentence.";
const QUESTION: &str = "How much is two plus three, if I may ask such a thing here?";
