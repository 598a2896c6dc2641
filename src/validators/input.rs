//! What the user said, before the model gets it.

use super::{Guardrail, Guards, OnViolation, Said, ValidationError};
use crate::types::{Direction, Validation, ValidationAction};

/// What becomes of what the user said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admitted {
    /// The model gets it.
    Yes,
    /// It does not; this is the answer.
    Answered(String),
    /// It does not; there is no answer.
    Refused(ValidationError),
}

/// Holds what the user said against the rules for it. The first that is broken and acts decides;
/// those behind it are not asked.
#[must_use]
pub fn admit(guards: &Guards, text: &str) -> (Admitted, Vec<Validation>) {
    let mut validations = Vec::new();
    for (rule, on) in guards.in_force(Direction::Input) {
        let violation = rule.validator.check(&Said::text(text)).err();
        let action = violation.is_some().then_some(match &on {
            OnViolation::Replace(_) | OnViolation::Truncate => ValidationAction::Replaced,
            OnViolation::Warn => ValidationAction::Warned,
            OnViolation::Fail => ValidationAction::Failed,
        });
        let reason = violation.map(|violation| violation.reason);
        validations.push(Validation {
            validator: rule.name.clone(),
            kind: rule.validator.kind().to_owned(),
            direction: Direction::Input,
            passed: reason.is_none(),
            action,
            message: reason.clone(),
        });
        let Some(reason) = reason else { continue };
        let admitted = match on {
            OnViolation::Warn => continue,
            OnViolation::Replace(message) => Admitted::Answered(message),
            OnViolation::Truncate => Admitted::Answered(Guardrail::MESSAGE.to_owned()),
            OnViolation::Fail => Admitted::Refused(ValidationError {
                validator: rule.name.clone(),
                kind: rule.validator.kind().to_owned(),
                direction: Direction::Input,
                reason,
            }),
        };
        return (admitted, validations);
    }
    (Admitted::Yes, validations)
}
