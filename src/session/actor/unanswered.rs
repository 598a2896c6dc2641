//! What was said, and is to be answered.

use std::sync::Arc;

use crate::ids::TurnId;
use crate::types::{Message, Role};

/// What was said, and is to be answered.
#[derive(Clone, Debug)]
pub(super) struct Unanswered {
    pub(super) turn: TurnId,
    pub(super) text: Arc<str>,
    /// The user, or whoever instructs the model.
    role: Role,
}

impl Unanswered {
    pub(super) fn user(turn: TurnId, text: Arc<str>) -> Self {
        Self { turn, text, role: Role::User }
    }

    /// Nobody has said it: the model is told what to say.
    pub(super) fn instruction(turn: TurnId, text: Arc<str>) -> Self {
        Self { turn, text, role: Role::System }
    }

    pub(super) fn message(&self) -> Message {
        Message { role: self.role, ..Message::user(&*self.text) }
    }
}
