//! Keys and passwords.

use std::fmt;

/// A key or password. It is shown as `[secret]`, never as it is, so that none gets into a log, an
/// event or an error by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps `secret` secret.
    #[must_use]
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself, for the one who needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// `text` without the secret, should it hold it: servers quote what they refuse.
    #[must_use]
    pub fn removed_from(&self, text: &str) -> String {
        if self.0.is_empty() { text.to_owned() } else { text.replace(&self.0, SHOWN) }
    }
}

impl From<&str> for Secret {
    fn from(secret: &str) -> Self {
        Self::new(secret)
    }
}

impl From<String> for Secret {
    fn from(secret: String) -> Self {
        Self::new(secret)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SHOWN)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SHOWN)
    }
}

const SHOWN: &str = "[secret]";

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn a_secret_is_not_shown() {
        let key = Secret::new("sk-1234");
        assert_eq!(format!("{key} {key:?} {:?}", Some(&key)), "[secret] [secret] Some([secret])");
        assert_eq!(key.removed_from("no such key: sk-1234"), "no such key: [secret]");
        assert_eq!(Secret::new("").removed_from("as it is"), "as it is");
    }
}
