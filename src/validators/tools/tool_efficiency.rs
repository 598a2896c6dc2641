//! Tools must be called with few failures.

use serde::Deserialize;
use serde_json::Value;

use super::made;
use crate::validators::params::read;
use crate::validators::{Said, Validator, Violation};

/// Not more than so many calls and failures.
#[derive(Debug)]
pub(in crate::validators) struct ToolEfficiency(Params);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    max_calls: Option<usize>,
    max_errors: Option<usize>,
    /// From 0 to 1.
    max_error_rate: Option<f64>,
}

impl ToolEfficiency {
    pub(in crate::validators) fn new(params: &Value) -> Result<Self, String> {
        let params: Params = read(params)?;
        let Params { max_calls, max_errors, max_error_rate } = &params;
        if max_calls.is_none() && max_errors.is_none() && max_error_rate.is_none() {
            return Err("`max_calls`, `max_errors` or `max_error_rate` must be given".to_owned());
        }
        if max_error_rate.is_some_and(|rate| !(0.0..=1.0).contains(&rate)) {
            return Err("`max_error_rate` must be from 0 to 1".to_owned());
        }
        Ok(Self(params))
    }
}

impl Validator for ToolEfficiency {
    fn kind(&self) -> &'static str {
        "tool_efficiency"
    }

    fn check(&self, said: &Said<'_>) -> Result<(), Violation> {
        let calls = made(said);
        let errors = calls.iter().filter(|made| made.is_error()).count();
        let calls = calls.len();
        if self.0.max_calls.is_some_and(|most| calls > most) {
            return Err(Violation::of_all(format!("{calls} calls of tools are too many")));
        }
        let too_often = self.0.max_error_rate.is_some_and(|most| {
            #[expect(clippy::cast_precision_loss, reason = "an answer has a handful of calls")]
            let (errors, calls) = (errors as f64, calls as f64);
            errors > most * calls
        });
        if too_often || self.0.max_errors.is_some_and(|most| errors > most) {
            let reason = format!("{errors} of {calls} calls of tools failed: too many");
            return Err(Violation::of_all(reason));
        }
        Ok(())
    }
}
