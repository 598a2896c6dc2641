//! What settings say about rules for what is said.

use super::Settings;
use crate::validators::ValidationMode;

impl Settings {
    /// How much the rules of a pack may do.
    #[must_use]
    pub fn validation_mode(&self) -> ValidationMode {
        match self.text("validation.mode") {
            Some("warn") => ValidationMode::Warn,
            Some("off") => ValidationMode::Disabled,
            _ => ValidationMode::Error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_have_their_names() {
        let mode = |name: &str| {
            let flag = ("--validation".to_owned(), "validation.mode".to_owned(), name.to_owned());
            Settings::layered(&[flag], &[], None).map(|settings| settings.validation_mode())
        };
        assert_eq!(mode("error").unwrap(), ValidationMode::Error);
        assert_eq!(mode("warn").unwrap(), ValidationMode::Warn);
        assert_eq!(mode("off").unwrap(), ValidationMode::Disabled);
        assert_eq!(
            Settings::layered(&[], &[], None).unwrap().validation_mode(),
            ValidationMode::Error
        );
        assert!(mode("strict").unwrap_err()[0].to_string().contains("error, warn, off"));
    }
}
