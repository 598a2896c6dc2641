//! The rules for what is said: those of the prompt, and those of the program.

use super::ConversationError;
use crate::pack::Prompt;
use crate::validators::{Guards, ValidatorError};

/// Puts the rules of a prompt before those of the program, but for those that are disabled. One
/// whose parameters are wrong is left out: whoever loads the pack is warned of it.
///
/// # Errors
///
/// When a kind is not known.
pub(super) fn add_those_of(prompt: &Prompt, guards: &mut Guards) -> Result<(), ConversationError> {
    let mut rules = Vec::new();
    for (number, rule) in prompt.guardrails() {
        if guards.disabled.contains(&prompt.validators[number].kind) {
            continue;
        }
        match rule {
            Ok(rule) => rules.push(rule),
            Err(ValidatorError::Params { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    rules.append(&mut guards.rules);
    guards.rules = rules;
    Ok(())
}
