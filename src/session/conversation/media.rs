//! What a message shows or plays, before a model gets it.

use super::{Conversation, ConversationError};
use crate::events::{Event, EventKind};
use crate::media::{check, with_default_detail};
use crate::session::attach::fit;
use crate::types::Message;

impl Conversation {
    /// The message as the prompt takes it, with images that fit. A rule that cannot be checked is told by a warning.
    pub(super) async fn presented(&self, message: Message) -> Result<Message, ConversationError> {
        let parts = &self.shared.parts;
        let message = fit(message, &parts.images).await?;
        let Some(rules) = &parts.media else { return Ok(message) };
        for unchecked in check(&message, rules)? {
            let kind = EventKind::Warning { message: unchecked.to_string() };
            let at = self.shared.clock.now();
            parts.bus.publish(Event { at, turn: None, response: None, kind });
        }
        Ok(with_default_detail(message, rules))
    }
}
