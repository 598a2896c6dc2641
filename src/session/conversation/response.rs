//! An answer, whole and in pieces.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, stream};

use super::{ConversationError, Input, Shared};
use crate::providers::RawExchange;
use crate::session::modes::text::{Permit, TextEvent, TextReply};
use crate::time::{SessionClock, SessionTime};
use crate::types::{Media, Message, PendingCall, ToolCall, ToolResult, Usage, Validation};

/// A whole answer.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Response {
    /// What the agent said.
    pub message: Message,
    /// The calls that have no result yet, of this answer and of those before it.
    pub pending: Vec<PendingCall>,
    /// All tools that the model called, in order.
    pub tool_calls: Vec<ToolCall>,
    /// What came of them.
    pub tool_results: Vec<ToolResult>,
    /// What came of the rules for what was said: of those that were broken, and of those that looked
    /// at the whole and were not.
    pub validations: Vec<Validation>,
    /// The tokens that it took, if the provider tells.
    pub usage: Option<Usage>,
    /// What they cost: in the money of [`Opening::prices`](super::Opening::prices), else in US dollars
    /// by what is known of the model ([`Provider::prices`](crate::providers::Provider::prices)). `None`
    /// if that is not known.
    pub cost: Option<f64>,
    /// What went over the wire, of each request with all its media, from a provider that is to say so
    /// ([`ProviderSpec::raw`](crate::providers::ProviderSpec::raw)).
    pub raw: Vec<Arc<RawExchange>>,
    /// From the question to the end of the answer.
    pub duration: Duration,
}

impl Response {
    /// The words of the answer.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.message.text
    }

    /// What the answer shows or plays beside its words.
    #[must_use]
    pub fn media(&self) -> &[Media] {
        &self.message.media
    }

    /// The calls that have no result yet: give each to
    /// [`Conversation::approve`](super::Conversation::approve),
    /// [`reject`](super::Conversation::reject) or [`resolve`](super::Conversation::resolve), then
    /// [`continue_`](super::Conversation::continue_).
    #[must_use]
    pub fn pending_tools(&self) -> &[PendingCall] {
        &self.pending
    }
}

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Chunk {
    /// More text. Never the text so far.
    Text(String),
    /// A picture, sound or document beside the text.
    Media(Media),
    /// The model calls a tool.
    ToolCalled(ToolCall),
    /// A tool has answered.
    ToolFinished(ToolResult),
    /// The answer is whole, and kept if the conversation is. The last piece.
    Done(Box<Response>),
}

/// An answer as it is written. Dropping it ends the answer: what was read of it is what was said.
#[derive(Debug)]
pub struct ResponseStream {
    shared: Arc<Shared>,
    clock: SessionClock,
    began: SessionTime,
    /// `None` after the last piece.
    reply: Option<TextReply<Permit>>,
    text: String,
    media: Vec<Media>,
    tool_calls: Vec<ToolCall>,
    tool_results: Vec<ToolResult>,
    /// The whole answer, until it is kept.
    whole: Option<Box<Response>>,
}

impl ResponseStream {
    pub(super) fn new(shared: Arc<Shared>, permit: Permit, input: Option<Input>) -> Self {
        let clock = permit.clock().clone();
        Self {
            shared,
            began: clock.now(),
            clock,
            reply: Some(TextReply::to(permit, input)),
            text: String::new(),
            media: Vec::new(),
            tool_calls: Vec::new(),
            tool_results: Vec::new(),
            whole: None,
        }
    }

    /// The next piece; `None` after [`Chunk::Done`] or an error.
    ///
    /// Cancel-safe. Must be called within a Tokio runtime.
    pub async fn next(&mut self) -> Option<Result<Chunk, ConversationError>> {
        if self.whole.is_none() {
            let event = self.reply.as_mut()?.next().await?;
            match self.piece(event) {
                Ok(Some(chunk)) => return Some(Ok(chunk)),
                Ok(None) => self.whole = Some(Box::new(self.gathered())),
                Err(error) => {
                    self.reply = None;
                    return Some(Err(error));
                }
            }
        }
        // Others may go on only when this is kept.
        let kept = self.shared.flush().await;
        self.reply = None;
        let response = self.whole.take()?;
        Some(match kept {
            Ok(()) => Ok(Chunk::Done(response)),
            Err(source) => Err(ConversationError::NotKept { response, source }),
        })
    }

    /// The whole answer.
    ///
    /// # Errors
    ///
    /// As for [`Conversation::send`](super::Conversation::send).
    pub async fn response(self) -> Result<Response, ConversationError> {
        self.process(|_chunk| {}).await
    }

    /// The whole answer, of which `look` sees every piece but the last as it comes.
    ///
    /// # Errors
    ///
    /// As for [`Conversation::send`](super::Conversation::send).
    pub async fn process(
        mut self,
        mut look: impl FnMut(&Chunk),
    ) -> Result<Response, ConversationError> {
        while let Some(chunk) = self.next().await {
            match chunk? {
                Chunk::Done(response) => return Ok(*response),
                chunk => look(&chunk),
            }
        }
        Err(ConversationError::Closed)
    }

    /// The words of the whole answer.
    ///
    /// # Errors
    ///
    /// As for [`Conversation::send`](super::Conversation::send).
    pub async fn collect_text(self) -> Result<String, ConversationError> {
        Ok(self.response().await?.message.text)
    }

    /// The same as a stream, for the combinators of `futures`.
    pub fn into_stream(self) -> impl Stream<Item = Result<Chunk, ConversationError>> + Send {
        stream::unfold(self, |mut chunks| async move {
            let chunk = chunks.next().await?;
            Some((chunk, chunks))
        })
    }

    /// What an event says; nothing if it is the end.
    fn piece(&mut self, event: TextEvent) -> Result<Option<Chunk>, ConversationError> {
        Ok(Some(match event {
            TextEvent::Delta(text) => {
                self.text.push_str(&text);
                Chunk::Text(text)
            }
            TextEvent::Media(media) => {
                self.media.push(media.clone());
                Chunk::Media(media)
            }
            TextEvent::ToolCalled(call) => {
                self.tool_calls.push(call.clone());
                Chunk::ToolCalled(call)
            }
            TextEvent::ToolFinished(result) => {
                self.tool_results.push(result.clone());
                Chunk::ToolFinished(result)
            }
            TextEvent::Failed { error } => return Err(error.into()),
            TextEvent::Done => return Ok(None),
        }))
    }

    fn gathered(&mut self) -> Response {
        let text = std::mem::take(&mut self.text);
        let media = std::mem::take(&mut self.media);
        let usage = self.reply.as_ref().and_then(TextReply::usage);
        let validations = self.reply.as_ref().map(|reply| reply.validations().to_vec());
        let prices = self.shared.parts.prices();
        Response {
            message: Message { media, ..Message::assistant(text) },
            pending: self.shared.calls.list(),
            tool_calls: std::mem::take(&mut self.tool_calls),
            tool_results: std::mem::take(&mut self.tool_results),
            validations: validations.unwrap_or_default(),
            usage,
            cost: prices.zip(usage).and_then(|(prices, usage)| prices.of(usage)),
            raw: self.reply.as_ref().map(|reply| reply.raw().to_vec()).unwrap_or_default(),
            duration: self.clock.now().since(self.began),
        }
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}
