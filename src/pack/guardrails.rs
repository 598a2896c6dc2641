//! The rules of a prompt for what is said, ready for use.

use super::model::Prompt;
use super::rules::Validator;
use crate::validators::{Guardrail, OnViolation, ValidatorError};

impl Prompt {
    /// The rules of the prompt that are in force, each with its place among its `validators`. One
    /// with `fail_on_violation` fails; what the others do is told at [`Guardrail::new`].
    ///
    /// A rule of a kind that is not known, or with wrong parameters, is an error in its place.
    pub fn guardrails(&self) -> impl Iterator<Item = (usize, Result<Guardrail, ValidatorError>)> {
        let all = self.validators.iter().enumerate();
        all.filter(|(_, one)| one.enabled).map(|(number, one)| (number, guardrail(one)))
    }
}

fn guardrail(validator: &Validator) -> Result<Guardrail, ValidatorError> {
    let Validator { kind, message, fail_on_violation, params, .. } = validator;
    let rule = Guardrail::by_kind(kind, params)?;
    let rule = match message {
        Some(message) => rule.otherwise(message.as_str()),
        None => rule,
    };
    Ok(if *fail_on_violation { rule.on(OnViolation::Fail) } else { rule })
}
