//! Settings by their type, and what they mean for a session.

use std::sync::Arc;
use std::time::Duration;

use super::layers::{Origin, Settings};
use super::value::Value;
use crate::dsp::{FrontConfig, Suppression};
use crate::duplex::Detecting;
use crate::session::{Apology, DuplexConfig, SessionConfig};
use crate::state::{self, Retention, StateStore, StoreNameError};
use crate::text::Phrases;
use crate::tools::Filler;
use crate::turn::{
    BargeIn, Detection, Endpoint, Speculate, Speculation, StillThere, Strategy, TurnConfig, Wake,
};
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
        let by_key = self.is_on("turn.push_to_talk");
        let silence = self.integer("turn.silence_ms").map(Duration::from_millis);
        let wait = self.integer("timeout_ms").map_or(Duration::ZERO, Duration::from_millis);
        SessionConfig {
            turn: TurnConfig {
                endpoint: self.endpoint(),
                silence: silence.unwrap_or(default.silence),
                language: text("language").to_owned(),
                detection: if by_key { Detection::Key } else { Detection::Voice },
                barge_in: self.barge_in(),
                ..default
            },
            speculation: self.speculation(),
            duplex: self.duplex(),
            system: text("llm.system").to_owned(),
            parameters: self.parameters(),
            speed: self.number("tts.speed").map_or(1.0, |speed| speed as f32),
            apology: Apology {
                unheard: text("apology.unheard").into(),
                unanswered: text("apology.unanswered").into(),
            },
            filler: self.filler(),
            slow_filler: self.slow_filler(),
            still_there: self.still_there(),
            wake: self.wake(),
            // The service's own limit comes first, since its error says more.
            transcript_limit: SessionConfig::default().transcript_limit.max(wait + MARGIN),
            ..SessionConfig::default()
        }
    }

    /// What a model that speaks for itself is told of turns.
    fn duplex(&self) -> DuplexConfig {
        let (detecting, own_rules) = match self.text("duplex.turns") {
            Some("there") => (Detecting::There(self.server_turns()), false),
            Some("both") => (Detecting::There(self.server_turns()), true),
            _ => (Detecting::Here, false),
        };
        DuplexConfig {
            detecting,
            own_rules,
            transcribes: self.is_on("duplex.transcribe"),
            voice: self.text("duplex.voice").map(Arc::from),
        }
    }

    /// How the user interrupts.
    fn barge_in(&self) -> BargeIn {
        let default = BargeIn::default();
        let words = self.integer("turn.barge_in_words").and_then(|words| words.try_into().ok());
        let patience = self.integer("turn.barge_in_patience_ms").map(Duration::from_millis);
        BargeIn {
            strategy: match self.text("turn.barge_in") {
                Some("deferred") => Strategy::Deferred,
                Some("ignore") => Strategy::Ignore,
                _ => Strategy::Immediate,
            },
            min_words: words.unwrap_or(default.min_words),
            patience: patience.unwrap_or(default.patience),
            ..default
        }
    }

    /// What the agent says while the model is waited for, if anything.
    fn slow_filler(&self) -> Option<Filler> {
        let text = self.text("llm.filler")?.to_owned();
        let after = self.integer("llm.filler_after_ms").unwrap_or_default();
        Some(Filler { after: Duration::from_millis(after), text })
    }

    /// What it does when the user says nothing, if anything.
    fn still_there(&self) -> Option<StillThere> {
        let asking = StillThere::new(self.text("still_there.line").unwrap_or_default());
        let after = self.integer("still_there.after_ms").map(Duration::from_millis);
        let times = self.integer("still_there.times").and_then(|times| times.try_into().ok());
        let hang_up = self.is_on("still_there.hang_up");
        let wanted = hang_up || !asking.line.trim().is_empty();
        wanted.then(|| StillThere {
            after: after.unwrap_or(asking.after),
            times: times.unwrap_or(asking.times),
            hang_up,
            ..asking
        })
    }

    /// Who says how much silence ends a turn. Who asks for a silence and for nobody gets it.
    fn endpoint(&self) -> Endpoint {
        match self.is_set("turn.silence_ms") && !self.is_set("turn.endpoint") {
            true => Endpoint::Fixed,
            false => self.text("turn.endpoint").and_then(Endpoint::by_name).unwrap_or_default(),
        }
    }

    /// Whether answers are begun ahead, and how many.
    fn speculation(&self) -> Speculation {
        let default = Speculation::default();
        let number = |key| self.integer(key).and_then(|number| u32::try_from(number).ok());
        Speculation {
            when: match self.text("turn.speculation") {
                Some("always") => Speculate::Always,
                Some("never") => Speculate::Never,
                _ => Speculate::WhereFree,
            },
            per_turn: number("turn.speculations_per_turn").unwrap_or(default.per_turn),
            per_minute: number("turn.speculations_per_minute").unwrap_or(default.per_minute),
        }
    }

    /// What is done to the microphone's sound. What the settings leave open is done to that of
    /// `live` devices, which a loudspeaker may reach.
    #[must_use]
    pub fn front(&self, live: bool) -> FrontConfig {
        let is_on = |key| match self.text(key) {
            Some("on") => true,
            Some("off") => false,
            _ => live,
        };
        let noise = match self.text("audio.noise") {
            Some("off") => Suppression::Off,
            Some("low") => Suppression::Low,
            Some("moderate") => Suppression::Moderate,
            Some("high") => Suppression::High,
            _ if live => Suppression::default(),
            _ => Suppression::Off,
        };
        FrontConfig { echo: is_on("audio.echo"), noise, gain: is_on("audio.gain") }
    }

    /// What wakes the agent, if something must.
    fn wake(&self) -> Option<Wake> {
        let phrases = self.text("wake.phrase").filter(|phrases| !phrases.is_empty())?;
        // It was checked when it was set.
        let wake = Wake::new(Phrases::new(phrases.split(',')).ok()?);
        let awake = self.integer("wake.awake_ms").map_or(wake.awake, Duration::from_millis);
        let acknowledgement = self.text("wake.acknowledgement").unwrap_or_default().into();
        Some(Wake { awake, acknowledgement, ..wake })
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

    /// What the table of the chosen model says.
    fn own_parameters(&self) -> Parameters {
        let named = self.text("llm.engine").unwrap_or_default();
        self.provider_named(named).map(|(table, _)| table.parameters()).unwrap_or_default()
    }

    /// How the model is to answer: what is asked of every one, but for what the file says of the
    /// chosen one alone.
    #[must_use]
    pub fn parameters(&self) -> Parameters {
        let (own, [temperature, most]) =
            (self.own_parameters(), ["llm.temperature", "llm.max_tokens"]);
        // What a table says of its model is meant before what the same file says of all.
        let counts = |key: &str, has_own: bool| {
            let height = self.get(key).map_or(0, |(_, origin)| origin.height());
            !has_own || height > Origin::Line(String::new()).height()
        };
        let number =
            self.number(temperature).filter(|_| counts(temperature, own.temperature.is_some()));
        let tokens = self.integer(most).filter(|_| counts(most, own.max_tokens.is_some()));
        Parameters {
            temperature: number.map(|number| number as f32),
            max_tokens: tokens.and_then(|most| u32::try_from(most).ok()),
            ..Parameters::default()
        }
    }
}

/// Enough to tell the one from the other.
const MARGIN: Duration = Duration::from_secs(1);
