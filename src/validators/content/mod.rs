//! Rules for the words.

mod contains;
mod contains_any;
mod content_excludes;
mod field_presence;
mod max_length;
mod min_length;
mod regex;
mod sentence_count;

pub(super) use contains::Contains;
pub(super) use contains_any::ContainsAny;
pub(super) use content_excludes::ContentExcludes;
pub(super) use field_presence::FieldPresence;
pub(super) use max_length::MaxLength;
pub(super) use min_length::MinLength;
pub(super) use regex::Matches;
pub(super) use sentence_count::SentenceCount;
