//! Names of turns and responses, small numbers that only grow, and of conversations.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::Arc;

/// Somebody's say: what the user says between two silences. Zero is "before the first turn".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct TurnId(u32);

impl TurnId {
    /// The turn numbered `number`.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The turn after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The number; zero before the first turn.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for TurnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One attempt to answer. A later response has a greater id, so "all up to this one" is a
/// comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct ResponseId(NonZeroU32);

impl ResponseId {
    /// The first response of a session.
    pub const FIRST: Self = Self(NonZeroU32::MIN);

    /// The response after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The number, from 1.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for ResponseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Names a session in logs, events and recordings.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct SessionId(Box<str>);

impl SessionId {
    /// The session called `name`.
    #[must_use]
    pub fn new(name: impl Into<Box<str>>) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Names a conversation that is kept: 1 to 128 of `A` to `Z`, `a` to `z`, `0` to `9`, `.`, `_` and
/// `-`, not beginning with `.`. So it can name a file, too.
///
/// Cloning copies a pointer.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConversationId(Arc<str>);

/// A text that cannot name a conversation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} cannot name a conversation: take 1 to 128 letters (a to z), digits, `.`, `_` and `-`, \
     and do not begin with `.`"
)]
pub struct ConversationIdError(String);

impl ConversationId {
    /// The conversation called `name`.
    ///
    /// # Errors
    ///
    /// When it is empty, too long, begins with `.` or has other characters than those.
    pub fn new(name: &str) -> Result<Self, ConversationIdError> {
        let allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
        let right =
            (1..=128).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(allowed);
        // What is wrong may be very long.
        let told = || ConversationIdError(name.chars().take(140).collect());
        if right { Ok(Self(name.into())) } else { Err(told()) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ConversationId {
    type Err = ConversationIdError;

    fn from_str(name: &str) -> Result<Self, ConversationIdError> {
        Self::new(name)
    }
}

impl TryFrom<String> for ConversationId {
    type Error = ConversationIdError;

    fn try_from(name: String) -> Result<Self, ConversationIdError> {
        Self::new(&name)
    }
}

impl From<ConversationId> for String {
    fn from(id: ConversationId) -> Self {
        id.as_str().to_owned()
    }
}

impl fmt::Display for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::ConversationId;

    #[test]
    fn a_conversation_s_name_can_name_a_file() {
        let longest = "x".repeat(128);
        for right in ["a", "2026-11-21.Ann_7", "-", "a..b", &longest] {
            assert_eq!(ConversationId::new(right).unwrap().as_str(), right);
        }
        let too_long = "x".repeat(129);
        for wrong in ["", ".", "..", ".hidden", "a/b", "a b", "é", "a\n", "a\0", &too_long] {
            let told = ConversationId::new(wrong).unwrap_err().to_string();
            assert!(told.contains("cannot name a conversation: take 1 to 128 letters"), "{told}");
        }
    }

    #[test]
    fn a_wrong_name_is_not_read() {
        let id: ConversationId = serde_json::from_str("\"kitchen\"").unwrap();
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"kitchen\"");
        assert!(serde_json::from_str::<ConversationId>("\"../kitchen\"").is_err());
    }
}
