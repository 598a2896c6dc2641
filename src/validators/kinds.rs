//! The kinds that there are, by their names.

use std::sync::Arc;

use serde_json::Value;

use super::Validator;
use super::content::{
    Contains, ContainsAny, ContentExcludes, FieldPresence, Matches, MaxLength, MinLength,
    SentenceCount,
};
use super::json::{JsonPath, JsonSchema, JsonValid};
use super::tools::{
    NoToolErrors, ToolAntiPattern, ToolArgs, ToolCallChain, ToolCallCount, ToolCallSequence,
    ToolCallsWithArgs, ToolEfficiency, ToolNoRepeat, ToolResultIncludes, ToolResultMatches,
    ToolsCalled, ToolsNotCalled,
};

/// Why there is no such validator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValidatorError {
    /// There is no such kind.
    #[error("there is no validator `{kind}`{}; there are {known}", perhaps(.near.as_deref()))]
    Unknown {
        /// What was asked for.
        kind: String,
        /// What may be meant.
        near: Option<String>,
        /// All that there are.
        known: String,
    },
    /// Its parameters are wrong.
    #[error("the validator `{kind}`: {reason}")]
    Params {
        /// The kind.
        kind: String,
        /// Which parameter, and what is wrong with it.
        reason: String,
    },
}

fn perhaps(near: Option<&str>) -> String {
    near.map(|near| format!(": is `{near}` meant?")).unwrap_or_default()
}

/// The validator `kind`, made of `params`, an object.
///
/// # Errors
///
/// When there is no such kind, or its parameters are wrong.
pub fn by_kind(kind: &str, params: &Value) -> Result<Arc<dyn Validator>, ValidatorError> {
    let known = find(kind)?;
    (known.make)(params).map_err(|reason| ValidatorError::Params { kind: kind.to_owned(), reason })
}

/// All kinds, with their other names behind them, in order.
pub fn names() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    KINDS.iter().map(|kind| (kind.name, kind.aliases))
}

/// Whether the kind looks at the calls of tools, which the user makes none of.
pub(super) fn is_of_tools(kind: &str) -> bool {
    find(kind).is_ok_and(|kind| kind.is_of_tools)
}

fn find(kind: &str) -> Result<&'static Kind, ValidatorError> {
    let found = KINDS.iter().find(|known| known.name == kind || known.aliases.contains(&kind));
    found.ok_or_else(|| {
        let all = || KINDS.iter().flat_map(|kind| [&[kind.name], kind.aliases].concat());
        let likeness = |name: &&str| strsim::damerau_levenshtein(name, kind);
        let near = all().min_by_key(likeness).filter(|near| likeness(near) <= kind.len() / 3);
        let known: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
        ValidatorError::Unknown {
            kind: kind.to_owned(),
            near: near.map(str::to_owned),
            known: known.join(", "),
        }
    })
}

struct Kind {
    name: &'static str,
    aliases: &'static [&'static str],
    is_of_tools: bool,
    make: fn(&Value) -> Result<Arc<dyn Validator>, String>,
}

macro_rules! kind {
    ($name:literal, $aliases:expr, $of_tools:literal, $made:ty) => {
        Kind {
            name: $name,
            aliases: &$aliases,
            is_of_tools: $of_tools,
            make: |params| Ok(Arc::new(<$made>::new(params)?)),
        }
    };
}

const KINDS: &[Kind] = &[
    kind!("contains", ["content_includes"], false, Contains),
    kind!("contains_any", ["content_includes_any"], false, ContainsAny),
    kind!("content_excludes", ["banned_words", "content_not_includes"], false, ContentExcludes),
    kind!("field_presence", ["required_fields"], false, FieldPresence),
    kind!("json_path", [], false, JsonPath),
    kind!("json_schema", [], false, JsonSchema),
    kind!("json_valid", ["is_valid_json", "valid_json"], false, JsonValid),
    kind!("max_length", ["length"], false, MaxLength),
    kind!("min_length", [], false, MinLength),
    kind!("no_tool_errors", [], true, NoToolErrors),
    kind!("regex", ["content_matches"], false, Matches),
    kind!("sentence_count", ["max_sentences"], false, SentenceCount),
    kind!("tool_anti_pattern", [], true, ToolAntiPattern),
    kind!("tool_args", [], true, ToolArgs),
    kind!("tool_call_chain", [], true, ToolCallChain),
    kind!("tool_call_count", [], true, ToolCallCount),
    kind!("tool_call_sequence", [], true, ToolCallSequence),
    kind!("tool_calls_with_args", [], true, ToolCallsWithArgs),
    kind!("tool_efficiency", [], true, ToolEfficiency),
    kind!("tool_no_repeat", [], true, ToolNoRepeat),
    kind!("tool_result_includes", [], true, ToolResultIncludes),
    kind!("tool_result_matches", [], true, ToolResultMatches),
    kind!("tools_called", ["tool_called"], true, ToolsCalled),
    kind!("tools_not_called", [], true, ToolsNotCalled),
];
