//! Settings by their type, and what they mean for a session.

use std::sync::Arc;
use std::time::Duration;

use super::layers::{Origin, Settings};
use super::value::Value;
use crate::session::{Apology, SessionConfig};
use crate::state::{self, Retention, StateStore, StoreNameError};
use crate::turn::{BargeIn, Strategy, TurnConfig};
use crate::types::{Parameters, Secret};

impl Settings {
    /// The text, address or choice of a setting; `None` if it holds none.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.get(key)?.0 {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The key of a setting; `None` if it holds none.
    #[must_use]
    pub fn secret(&self, key: &str) -> Option<&Secret> {
        match self.get(key)?.0 {
            Value::Secret(secret) => Some(secret),
            _ => None,
        }
    }

    /// Whether a setting is on.
    #[must_use]
    pub fn is_on(&self, key: &str) -> bool {
        matches!(self.get(key), Some((Value::Bool(true), _)))
    }

    /// The whole number of a setting; `None` if it holds none.
    #[must_use]
    pub fn integer(&self, key: &str) -> Option<u64> {
        match self.get(key)?.0 {
            Value::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// The number of a setting; `None` if it holds none.
    #[must_use]
    pub fn number(&self, key: &str) -> Option<f64> {
        match self.get(key)?.0 {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// Whether somebody has set it.
    #[must_use]
    pub fn is_set(&self, key: &str) -> bool {
        self.get(key)
            .is_some_and(|(value, origin)| *origin != Origin::Default && *value != Value::Unset)
    }

    /// What a session is told by them. All else is as by default.
    #[must_use]
    pub fn session(&self) -> SessionConfig {
        let text = |key| self.text(key).unwrap_or_default();
        let default = TurnConfig::default();
        let strategy = match text("turn.barge_in") {
            "deferred" => Strategy::Deferred,
            "ignore" => Strategy::Ignore,
            _ => Strategy::Immediate,
        };
        let silence = self.integer("turn.silence_ms").map(Duration::from_millis);
        let wait = self.integer("timeout_ms").map_or(Duration::ZERO, Duration::from_millis);
        SessionConfig {
            turn: TurnConfig {
                silence: silence.unwrap_or(default.silence),
                push_to_talk: self.is_on("turn.push_to_talk"),
                barge_in: BargeIn { strategy, ..BargeIn::default() },
                ..default
            },
            system: text("llm.system").to_owned(),
            parameters: self.parameters(),
            speed: self.number("tts.speed").map_or(1.0, |speed| speed as f32),
            apology: Apology {
                unheard: text("apology.unheard").into(),
                unanswered: text("apology.unanswered").into(),
            },
            filler: self.filler(),
            // The service's own limit comes first, since its error says more.
            transcript_limit: SessionConfig::default().transcript_limit.max(wait + MARGIN),
            ..SessionConfig::default()
        }
    }

    /// The store of conversations; it is not opened yet.
    ///
    /// # Errors
    ///
    /// When this program has none of that name.
    pub fn store(&self) -> Result<Arc<dyn StateStore>, StoreNameError> {
        let key = "state.store";
        let hidden = || self.secret(key).map(Secret::expose);
        state::by_name(self.text(key).or_else(hidden).unwrap_or_default())
    }

    /// How long conversations are kept; without end by default.
    #[must_use]
    pub fn retention(&self) -> Retention {
        let days = self.integer("state.keep_days");
        let older_than = days.map(|days| Duration::from_secs(days * 24 * 3_600));
        Retention { older_than, ..Retention::default() }
    }

    /// How the model is to answer.
    #[must_use]
    pub fn parameters(&self) -> Parameters {
        let most = self.integer("llm.max_tokens").and_then(|most| u32::try_from(most).ok());
        Parameters {
            temperature: self.number("llm.temperature").map(|number| number as f32),
            max_tokens: most,
            ..Parameters::default()
        }
    }
}

/// Enough to tell the one from the other.
const MARGIN: Duration = Duration::from_secs(1);
