//! The sizes of messages, each counted once.

use crate::text::TokenCount;
use crate::types::Message;

/// Sizes by the message's place. A message that has become another one is counted anew, as far as
/// its lengths tell.
#[derive(Debug, Default)]
pub(super) struct Sizes(Vec<Option<(Print, u32)>>);

impl Sizes {
    /// The tokens of the message at `place`.
    pub(super) fn of(&mut self, place: usize, message: &Message, count: &dyn TokenCount) -> u32 {
        if self.0.len() <= place {
            self.0.resize(place + 1, None);
        }
        let print = Print::of(message);
        match self.0[place] {
            Some((known, tokens)) if known == print => tokens,
            _ => {
                let tokens = count.message(message);
                self.0[place] = Some((print, tokens));
                tokens
            }
        }
    }

    /// Forgets what is beyond a conversation of so many messages.
    pub(super) fn forget_from(&mut self, messages: usize) {
        self.0.truncate(messages);
    }
}

/// What tells a message from the one that stood there before: a conversation grows at its end, so
/// that this is seldom needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Print {
    text: u32,
    result: u32,
    calls: u16,
    media: u16,
}

impl Print {
    fn of(message: &Message) -> Self {
        let result = message.tool_result.as_ref().map_or(0, |result| result.content.len() + 1);
        Self {
            text: message.text.len() as u32,
            result: result as u32,
            calls: message.tool_calls.len() as u16,
            media: message.media.len() as u16,
        }
    }
}
