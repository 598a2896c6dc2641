//! Where values come from: the caller, the environment, the clock, what is remembered.
//!
//! A provider is told what it may need ([`Facts`]) and reaches for nothing. What asks a database
//! does so before, and hands in what it found by [`Fixed`] or [`Facts::state`].

use std::fmt;

use super::variable::Values;
use crate::time::WallTime;

/// What values are made of.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The local time.
    pub now: WallTime,
    /// What is remembered of the conversation.
    pub state: &'a Values,
}

/// Gives values to variables.
pub trait VariableProvider: fmt::Debug + Send + Sync {
    /// Its name, for errors.
    fn name(&self) -> &str;

    /// Its values.
    ///
    /// # Errors
    ///
    /// [`ProviderError`], which names it: nothing is rendered then.
    fn provide(&self, facts: Facts<'_>) -> Result<Values, ProviderError>;
}

/// A provider that has no values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the variables of `{provider}` are not to be had: {reason}")]
pub struct ProviderError {
    /// The provider's name.
    pub provider: String,
    /// Why.
    pub reason: String,
}

/// Values that are known.
#[derive(Clone, Debug, Default)]
pub struct Fixed(pub Values);

impl VariableProvider for Fixed {
    fn name(&self) -> &str {
        "fixed"
    }

    fn provide(&self, _: Facts<'_>) -> Result<Values, ProviderError> {
        Ok(self.0.clone())
    }
}

/// Variables of the environment whose names begin with a prefix. `APP_USER_NAME` is `user_name`
/// with the prefix `APP_`.
#[derive(Clone, Debug)]
pub struct Environment(Values);

impl Environment {
    /// Those of `variables` that begin with `prefix`. What is nothing but the prefix is no name.
    #[must_use]
    pub fn new(prefix: &str, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let named = |(name, value): (String, String)| {
            let name = name.strip_prefix(prefix)?.to_lowercase();
            (!name.is_empty()).then(|| (name, value.into()))
        };
        Self(variables.into_iter().filter_map(named).collect())
    }

    /// Their values by their names.
    #[must_use]
    pub fn values(&self) -> &Values {
        &self.0
    }
}

impl VariableProvider for Environment {
    fn name(&self) -> &str {
        "environment"
    }

    fn provide(&self, _: Facts<'_>) -> Result<Values, ProviderError> {
        Ok(self.0.clone())
    }
}

/// The local time: `current_time` (`10:30`), `current_date` (`2026-11-21`), `current_weekday`,
/// `current_hour`, `current_month` (in words) and `current_year`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Time;

impl VariableProvider for Time {
    fn name(&self) -> &str {
        "time"
    }

    fn provide(&self, facts: Facts<'_>) -> Result<Values, ProviderError> {
        let now = facts.now;
        let stamp = now.to_string();
        let (date, time) = stamp.split_once('T').unwrap_or_default();
        let year = date.split('-').next().unwrap_or_default();
        let values = [
            ("current_time", time.to_owned()),
            ("current_date", date.to_owned()),
            ("current_weekday", now.weekday_name()),
            ("current_hour", now.hour().to_string()),
            ("current_month", now.month_name()),
            ("current_year", year.to_owned()),
        ];
        Ok(values.map(|(name, value)| (name.to_owned(), value.into())).into())
    }
}

/// All that is remembered of the conversation, by its names there.
#[derive(Clone, Copy, Debug, Default)]
pub struct State;

impl VariableProvider for State {
    fn name(&self) -> &str {
        "state"
    }

    fn provide(&self, facts: Facts<'_>) -> Result<Values, ProviderError> {
        Ok(facts.state.clone())
    }
}

/// Several, of which a later one beats an earlier one.
#[derive(Debug, Default)]
pub struct Chain(pub Vec<Box<dyn VariableProvider>>);

impl VariableProvider for Chain {
    fn name(&self) -> &str {
        "chain"
    }

    fn provide(&self, facts: Facts<'_>) -> Result<Values, ProviderError> {
        let mut values = Values::new();
        for provider in &self.0 {
            values.extend(provider.provide(facts)?);
        }
        Ok(values)
    }
}
