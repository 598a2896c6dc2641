//! The name by which a client knows its call.

use crate::types::Secret;

/// A client's name for a call: 1 to 64 of `A-Z a-z 0-9 _ -`. Services may take it for a key, so
/// it is shown to nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sid(Secret);

/// A name that cannot be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`sid` must be 1 to 64 of the characters A-Z a-z 0-9 _ -")]
pub struct WrongSid;

impl Sid {
    /// Takes `text` for a name.
    ///
    /// # Errors
    ///
    /// When it is too long, empty, or has other characters.
    pub fn new(text: &str) -> Result<Self, WrongSid> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        match (1..=LONGEST).contains(&text.len()) && text.bytes().all(allowed) {
            true => Ok(Self(Secret::new(text))),
            false => Err(WrongSid),
        }
    }

    /// The name as a key to services.
    #[must_use]
    pub const fn key(&self) -> &Secret {
        &self.0
    }
}

const LONGEST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_1_to_64_plain_characters() {
        let longest = "x".repeat(64);
        for good in ["a", "A-1_b", &longest] {
            assert_eq!(Sid::new(good).unwrap().key().expose(), good);
        }
        let too_long = "x".repeat(65);
        for wrong in ["", " ", "a b", "a.b", "ä", "a\n", "a\"", &too_long] {
            assert_eq!(Sid::new(wrong), Err(WrongSid), "{wrong:?}");
        }
        assert!(!format!("{:?}", Sid::new("mine").unwrap()).contains("mine"));
    }
}
