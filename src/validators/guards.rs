//! The guardrails of a conversation, and how much they may do.

use std::collections::BTreeSet;

use super::{Guardrail, OnViolation};
use crate::types::Direction;

/// How much guardrails may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ValidationMode {
    /// They do what they are made for.
    #[default]
    Error,
    /// They only report.
    Warn,
    /// They do not look.
    Disabled,
}

/// The guardrails of a conversation, in order, and how much they may do.
#[derive(Clone, Debug, Default)]
pub struct Guards {
    /// The guardrails. Of several that are broken at the same place, the first counts.
    pub rules: Vec<Guardrail>,
    /// How much they may do.
    pub mode: ValidationMode,
    /// Every violation fails, whatever the rule says; with [`ValidationMode::Warn`] it is
    /// reported all the same. Not by default.
    pub strict: bool,
    /// Names or kinds of those that do not look.
    pub disabled: BTreeSet<String>,
}

impl Guards {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Those that are in force for the words of `side`, with what each does.
    pub fn in_force(&self, side: Direction) -> impl Iterator<Item = (&Guardrail, OnViolation)> {
        let looks = move |rule: &&Guardrail| {
            let is_named = |name: &str| self.disabled.contains(name);
            self.mode != ValidationMode::Disabled
                && rule.direction.covers(side)
                && !is_named(&rule.name)
                && !is_named(rule.validator.kind())
        };
        self.rules.iter().filter(looks).map(|rule| (rule, self.action(rule)))
    }

    /// Whether nothing is looked at.
    #[must_use]
    pub fn are_idle(&self) -> bool {
        !self.look_at(Direction::Input) && !self.look_at(Direction::Output)
    }

    /// Whether any is in force for the words of `side`.
    #[must_use]
    pub fn look_at(&self, side: Direction) -> bool {
        self.in_force(side).next().is_some()
    }

    /// Those that hold every answer back until it is whole.
    pub fn holding_back(&self) -> impl Iterator<Item = &Guardrail> {
        let acting = |(rule, on): (&_, _)| Guardrail { on_violation: on, ..Guardrail::clone(rule) };
        self.in_force(Direction::Output)
            .filter(move |each| acting(each.clone()).holds_back())
            .map(|(rule, _)| rule)
    }

    fn action(&self, rule: &Guardrail) -> OnViolation {
        match self.mode {
            ValidationMode::Warn | ValidationMode::Disabled => OnViolation::Warn,
            ValidationMode::Error if self.strict => OnViolation::Fail,
            ValidationMode::Error => rule.on_violation.clone(),
        }
    }
}
