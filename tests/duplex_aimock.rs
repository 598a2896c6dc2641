//! Our client of models that hear and speak for themselves, over real sockets, against a server that
//! others wrote. It answers what is written, in writing.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

#[path = "support/aimock.rs"]
#[expect(dead_code, reason = "nobody speaks here, and nobody looks at requests")]
mod aimock;
#[path = "support/lacking.rs"]
mod lacking;

use std::sync::Arc;
use std::time::Duration;

use banter::duplex::gemini::{GeminiLive, GeminiOptions};
use banter::duplex::openai::{OpenAiOptions, OpenAiRealtime};
use banter::duplex::{
    DuplexEvent, DuplexInput, DuplexProvider, DuplexSession, DuplexSettings, Opening, Protocol,
    ReplyEnd, ReplyId, SocketDuplex, Speaks,
};
use banter::net::{Endpoint, SocketClient};
use banter::time::SessionClock;
use banter::types::{Secret, ToolCall, ToolDescriptor, ToolResult};
use serde_json::json;
use tokio::time::timeout;

use crate::aimock::{Aimock, KEY};

#[tokio::test]
async fn a_call_over_openais_protocol() {
    let Some(server) = Aimock::start("duplex.json") else { return };
    let endpoint = Endpoint::new(&server.url(), Some(Secret::new(KEY))).unwrap();
    holds_a_call(Arc::new(OpenAiRealtime::new(endpoint, OpenAiOptions::new("a-model")))).await;
}

#[tokio::test]
async fn a_call_over_geminis_protocol() {
    let Some(server) = Aimock::start("duplex.json") else { return };
    let base = server.url();
    let base = base.trim_end_matches("/v1");
    let endpoint = Endpoint::new(base, Some(Secret::new(KEY))).unwrap();
    holds_a_call(Arc::new(GeminiLive::new(endpoint, GeminiOptions::new("a-model")))).await;
}

/// A story, a tool, and what follows.
async fn holds_a_call(protocol: Arc<dyn Protocol>) {
    let provider = SocketDuplex::new(protocol, Arc::new(SocketClient::new().unwrap()));
    let weather = ToolDescriptor::new("weather", "Tells the weather.", json!({"type": "object"}));
    let settings = DuplexSettings {
        system: "Be brief.".into(),
        tools: Arc::new([weather]),
        speaks: Speaks::Text,
        ..DuplexSettings::default()
    };
    let clock = SessionClock::live();
    let opening = Opening { settings: Arc::new(settings), past: Arc::new(()), clock };
    let mut call = Call(provider.open(opening));
    assert_eq!(call.event().await, DuplexEvent::Ready { resumed: false });

    let story = call.ask("tell me a story").await;
    assert_eq!(
        story.text,
        "Once upon a time there was a lighthouse. It stood on a rock — far out."
    );
    assert_eq!((story.asked, story.how), (true, ReplyEnd::Completed));
    assert!(story.pieces > 3, "as it is written: {}", story.pieces);

    let wish = call.ask("what is the weather in Bern?").await;
    assert_eq!(wish.how, ReplyEnd::AwaitsTools);
    let (id, name) = ("call_bern".to_owned(), "weather".to_owned());
    let wanted =
        ToolCall { id: id.clone(), name: name.clone(), arguments: json!({"city": "Bern"}) };
    assert_eq!(wish.calls, [wanted]);
    let result = ToolResult { id, name, content: "sunny".to_owned(), is_error: false };
    call.tell(DuplexInput::ToolResults(vec![result])).await;
    let answer = call.reply().await;
    assert_eq!((&*answer.text, answer.asked), ("It is sunny in Bern.", true));
    assert!(answer.reply > wish.reply);

    assert_eq!(call.ask("and then?").await.text, "Nothing.");
}

struct Call(DuplexSession);

/// What came of an answer.
struct Answer {
    reply: ReplyId,
    asked: bool,
    text: String,
    pieces: usize,
    calls: Vec<ToolCall>,
    how: ReplyEnd,
}

impl Call {
    async fn event(&mut self) -> DuplexEvent {
        timeout(LIMIT, self.0.events.recv()).await.unwrap().unwrap()
    }

    async fn tell(&self, input: DuplexInput) {
        self.0.inputs.send(input).await.unwrap();
    }

    async fn ask(&mut self, text: &str) -> Answer {
        self.tell(DuplexInput::Text(text.into())).await;
        self.tell(DuplexInput::Respond { say: None }).await;
        self.reply().await
    }

    async fn reply(&mut self) -> Answer {
        let DuplexEvent::ReplyStarted { reply, asked } = self.event().await else {
            panic!("no answer begins")
        };
        let (mut text, mut pieces, mut calls) = (String::new(), 0, Vec::new());
        loop {
            match self.event().await {
                DuplexEvent::Text { delta, .. } => {
                    text.push_str(&delta);
                    pieces += 1;
                }
                DuplexEvent::ToolCall { call, .. } => calls.push(call),
                DuplexEvent::ReplyEnded { how, .. } => {
                    return Answer { reply, asked, text, pieces, calls, how };
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

/// On a busy machine.
const LIMIT: Duration = Duration::from_secs(20);
