//! What stands in the tables of providers.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::{Map, Value};

use crate::config::exchanges::KIND;
use crate::config::header::{HeaderEntry, secret};
use crate::config::value::Kind;
use crate::providers::{Price, Prices, ProviderKind, is_id};
use crate::types::{Parameters, Secret};

/// `[providers.NAME]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProviderEntry {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) model: Option<String>,
    pub(super) base_url: Option<String>,
    #[serde(default, deserialize_with = "some_secret")]
    pub(super) api_key: Option<Secret>,
    pub(super) api_key_env: Option<String>,
    pub(super) api_key_file: Option<String>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, HeaderEntry>,
    temperature: Option<f32>,
    max_tokens: Option<u32>,
    top_p: Option<f32>,
    top_k: Option<u32>,
    frequency_penalty: Option<f32>,
    presence_penalty: Option<f32>,
    seed: Option<u64>,
    pub(super) timeout_ms: Option<u64>,
    pub(super) retries: Option<u32>,
    pub(super) at_once: Option<usize>,
    pub(super) prices: Option<PricesEntry>,
    #[serde(default)]
    pub(super) options: Map<String, Value>,
}

/// What tokens cost, each as in `"0.15/1M"`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PricesEntry {
    input: String,
    output: String,
    cached: Option<String>,
    cache_written: Option<String>,
    audio_input: Option<String>,
    audio_output: Option<String>,
}

impl PricesEntry {
    /// The prices.
    ///
    /// # Errors
    ///
    /// Which one is none, and how to write it.
    pub(super) fn prices(&self) -> Result<Prices, String> {
        let other = |name: &str, text: &Option<String>| {
            text.as_ref().map(|text| price(name, text)).transpose()
        };
        Ok(Prices {
            cached: other("cached", &self.cached)?,
            cache_written: other("cache_written", &self.cache_written)?,
            audio_input: other("audio_input", &self.audio_input)?,
            audio_output: other("audio_output", &self.audio_output)?,
            ..Prices::new(price("input", &self.input)?, price("output", &self.output)?)
        })
    }
}

fn price(name: &str, text: &str) -> Result<Price, String> {
    match text.parse() {
        Ok(price @ Price::Item(_)) => Ok(price),
        Ok(Price::Second(_)) => {
            Err(format!("prices.{name}: \"{text}\" is for time; write it for tokens, as 0.15/1M"))
        }
        Err(error) => Err(format!("prices.{name}: {error}")),
    }
}

impl ProviderEntry {
    /// How it is to answer, where nobody says otherwise.
    pub(super) fn parameters(&self) -> Parameters {
        Parameters {
            temperature: self.temperature,
            max_tokens: self.max_tokens,
            top_p: self.top_p,
            top_k: self.top_k,
            frequency_penalty: self.frequency_penalty,
            presence_penalty: self.presence_penalty,
            seed: self.seed,
            format: None,
        }
    }

    /// The variables of the environment that it names.
    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        let headers = self.headers.values().filter_map(HeaderEntry::variable);
        headers.chain(self.api_key_env.as_deref())
    }

    /// What cannot be, in a table of this name.
    pub(super) fn check(&self, name: &str) -> Result<(), String> {
        if !is_id(name) {
            return Err("its name may have letters, digits, `-`, `_` and `.`".to_owned());
        }
        if ProviderKind::of(name).is_some() || ["auto", KIND].contains(&name) {
            return Err(format!(
                "`{name}` is built in, so that `--llm {name}` would mean two: give the table \
                 another name"
            ));
        }
        let keys =
            [self.api_key.is_some(), self.api_key_env.is_some(), self.api_key_file.is_some()];
        if keys.into_iter().filter(|&given| given).count() > 1 {
            return Err("give one of api_key, api_key_env and api_key_file".to_owned());
        }
        if let Some(base) = &self.base_url {
            Kind::Address.parse(base).map_err(|problem| format!("base_url: {problem}"))?;
        }
        if let Some(prices) = &self.prices {
            prices.prices()?;
        }
        within("temperature", self.temperature, 0.0..=2.0)?;
        within("top_p", self.top_p, 0.0..=1.0)?;
        within("frequency_penalty", self.frequency_penalty, -2.0..=2.0)?;
        within("presence_penalty", self.presence_penalty, -2.0..=2.0)?;
        within("max_tokens", self.max_tokens, 1..=1_000_000)?;
        within("timeout_ms", self.timeout_ms, 100..=25_000)?;
        within("retries", self.retries, 0..=10)?;
        within("at_once", self.at_once, 1..=10_000)
    }
}

fn within<T: PartialOrd + Display>(
    key: &str,
    value: Option<T>,
    allowed: RangeInclusive<T>,
) -> Result<(), String> {
    match value {
        Some(value) if !allowed.contains(&value) => {
            let (least, most) = allowed.into_inner();
            Err(format!("{key}: {value} is wrong; expected a number from {least} to {most}"))
        }
        _ => Ok(()),
    }
}

fn some_secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    // What stands there is not quoted: it may be a key without its quotes.
    let found = secret(deserializer);
    found.map(Some).map_err(|_| D::Error::custom("api_key: expected a text in quotes"))
}
