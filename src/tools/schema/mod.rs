//! A tool's JSON Schema, ready to check values by.
//!
//! ```text
//! Schema::compile ─▶ cost (is it small enough?) ─▶ jsonschema, once
//! Schema::check   ─▶ what is wrong, where, in words that a model can act on
//! Schema::settle  ─▶ the same, after light corrections
//! ```
//!
//! A schema may be a stranger's: it reaches neither network nor files, and neither reading it nor
//! checking by it takes long. It refers to its own parts alone, as `#/$defs/part`.

mod correct;
mod cost;
mod words;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

use cost::Cost;

/// A schema that has been read.
#[derive(Debug)]
pub(super) struct Schema {
    validator: Validator,
    cost: Cost,
}

impl Schema {
    /// Reads a schema of draft 4 to 2020-12; the last, unless `$schema` names another.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and where.
    pub(super) fn compile(schema: &Value) -> Result<Self, String> {
        if !schema.is_object() {
            return Err(format!("expected an object, found {}", words::shown(schema)));
        }
        let cost = Cost::of(schema)?;
        let patterns = PatternOptions::fancy_regex()
            .backtrack_limit(BACKTRACKS)
            .size_limit(PATTERN_SIZE)
            .dfa_size_limit(PATTERN_SIZE);
        let options = jsonschema::options().offline().with_pattern_options(patterns);
        let validator = options.build(schema).map_err(|error| words::of_schema(&error))?;
        Ok(Self { validator, cost })
    }

    /// What is wrong with `value`: at most five places, in words. `schema` is what this was
    /// compiled of.
    ///
    /// A value for which that would take too long is let pass: a schema that refers to itself
    /// many times may be asked of a value with many levels.
    pub(super) fn check(&self, schema: &Value, value: &Value) -> Result<(), String> {
        if !self.cost.allows(value) {
            tracing::debug!("a value is too deep to be checked by its schema");
            return Ok(());
        }
        match self.validator.is_valid(value) {
            true => Ok(()),
            false => Err(words::of_value(self.validator.iter_errors(value), schema)),
        }
    }

    /// The value as the schema has it: as it is if it fits, else with what models often mistake
    /// put right.
    ///
    /// # Errors
    ///
    /// As for [`check`](Self::check), of what is wrong after that.
    pub(super) fn settle<'v>(
        &self,
        schema: &Value,
        value: &'v Value,
    ) -> Result<Cow<'v, Value>, String> {
        if !self.cost.allows(value) || self.validator.is_valid(value) {
            return Ok(Cow::Borrowed(value));
        }
        let corrected = correct::correct(value, self.validator.iter_errors(value));
        self.check(schema, &corrected).map(|()| corrected)
    }
}

/// Steps of one match of a pattern that looks around itself.
const BACKTRACKS: usize = 10_000;
/// What one pattern may take, in bytes.
const PATTERN_SIZE: usize = 4 << 20;
