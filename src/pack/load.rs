//! From bytes to a pack.

use std::str::Utf8Error;

use serde_json::Value;

use super::model::Pack;
use super::problem::Problem;
use super::{check, schema};
use crate::error::Recovery;

/// Whether a pack is held against the schema of the format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SchemaCheck {
    /// All of it is.
    #[default]
    Full,
    /// It is not: only what cannot be understood at all is an error. Ids, names, versions and
    /// `template_engine` may be missing.
    Skipped,
}

/// A pack, and what is worth a word about it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The pack.
    pub pack: Pack,
    /// Fields that are not known, names that nothing declares; at most 100 of a kind.
    pub warnings: Vec<Problem>,
}

/// Why there is no pack.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The bytes are no text.
    #[error("the pack is no UTF-8 text: {0}")]
    NotText(#[from] Utf8Error),
    /// The text is no JSON, or no pack at all. It tells line and column, where they are known.
    #[error("the pack cannot be read: {0}")]
    NotAPack(#[from] serde_json::Error),
    /// It breaks rules of the format: at most 100 of them, and at least one.
    #[error("the pack is not valid: {}", listed(.0))]
    Invalid(Vec<Problem>),
}

impl PackError {
    /// The pack's author must mend it.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        Recovery::AskUser
    }
}

impl Pack {
    /// Reads a pack of JSON, with or without a byte order mark.
    ///
    /// # Errors
    ///
    /// [`PackError`]: no text, no JSON, or all the places at which it is not valid.
    pub fn load(bytes: &[u8], check: SchemaCheck) -> Result<Loaded, PackError> {
        let text = std::str::from_utf8(bytes)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let (pack, mut warnings) = match check {
            SchemaCheck::Full => checked(serde_json::from_str(text)?)?,
            SchemaCheck::Skipped => (serde_json::from_str(text)?, Vec::new()),
        };
        let findings = check::examine(&pack);
        if !findings.errors.is_empty() {
            return Err(PackError::Invalid(findings.errors));
        }
        warnings.extend(findings.warnings);
        Ok(Loaded { pack, warnings })
    }
}

fn checked(json: Value) -> Result<(Pack, Vec<Problem>), PackError> {
    let findings = schema::examine(&json);
    if !findings.errors.is_empty() {
        return Err(PackError::Invalid(findings.errors));
    }
    Ok((serde_json::from_value(json)?, findings.warnings))
}

/// The first few of them.
fn listed(problems: &[Problem]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<_> = problems.iter().take(SHOWN).map(Problem::to_string).collect();
    match problems.len().saturating_sub(SHOWN) {
        0 => shown.join("; "),
        more => format!("{}; and {more} more", shown.join("; ")),
    }
}
