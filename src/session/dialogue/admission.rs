//! What the user said is held against the rules for it before a model gets it.

use std::sync::Arc;

use super::InstructionsError;
use crate::pipeline::TurnContext;
use crate::types::{Message, Role, Validation};
use crate::validators::{Admitted, Guards, ValidationError, admit};

/// What a response is made from.
#[derive(Debug)]
pub(crate) struct Begun {
    /// With a script, if a rule has the answer.
    pub(crate) context: TurnContext,
    /// What came of the rules for what the user said.
    pub(crate) validations: Vec<Validation>,
}

/// Why there is no response.
#[derive(Debug)]
pub(crate) enum Unbegun {
    /// The model cannot be told what it is to do.
    Instructions(InstructionsError),
    /// A rule refused what the user said.
    Refused {
        /// Why.
        error: ValidationError,
        /// What came of all rules.
        validations: Vec<Validation>,
    },
}

/// What the rules say of all that the user said and nobody has answered yet.
#[derive(Debug)]
pub(super) struct Admission {
    pub(super) verdict: Verdict,
    pub(super) validations: Vec<Validation>,
}

/// Whether a model gets it.
#[derive(Debug)]
pub(super) enum Verdict {
    Admitted,
    /// It does not; this is the answer.
    Answered(Arc<str>),
    /// It does not; there is no answer.
    Refused(ValidationError),
}

impl Admission {
    /// What the rules say of `messages`: the first that breaks one decides for all.
    pub(super) fn of(guards: &Guards, messages: &[Message]) -> Self {
        let mut validations = Vec::new();
        for message in messages.iter().filter(|message| message.role == Role::User) {
            let (admitted, found) = admit(guards, &message.text);
            validations.extend(found);
            let verdict = match admitted {
                Admitted::Yes => continue,
                Admitted::Answered(answer) => Verdict::Answered(answer.into()),
                Admitted::Refused(error) => Verdict::Refused(error),
            };
            return Self { verdict, validations };
        }
        Self { verdict: Verdict::Admitted, validations }
    }

    pub(super) fn is_withheld(&self) -> bool {
        !matches!(self.verdict, Verdict::Admitted)
    }
}

impl From<InstructionsError> for Unbegun {
    fn from(error: InstructionsError) -> Self {
        Self::Instructions(error)
    }
}
