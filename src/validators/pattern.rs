//! Regular expressions of those who write rules.

use regex::{Regex, RegexBuilder};

/// Reads `pattern`, for an engine that takes time by the text's length and never more. Capitals
/// count, unless the pattern begins with `(?i)`.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn regex(pattern: &str) -> Result<Regex, String> {
    if pattern.is_empty() {
        return Err("is empty".to_owned());
    }
    let built = RegexBuilder::new(pattern).size_limit(LARGEST).dfa_size_limit(LARGEST).build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "is too large a regular expression".to_owned(),
        // The library draws the place over several lines: the last says what it is.
        error => {
            let told = error.to_string();
            let reason = told.lines().last().unwrap_or_default();
            format!("is no regular expression: {}", reason.trim_start_matches("error: "))
        }
    })
}

/// What a pattern may take in memory, in bytes.
const LARGEST: usize = 1 << 20;
