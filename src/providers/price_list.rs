//! What models cost, as far as it is known: `assets/prices.toml`, with where that was read, and when.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::{Price, Prices};

/// What a model costs with its vendor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ListedPrices {
    /// In US dollars.
    pub prices: Prices,
    /// The day on which it was so, as `2026-11-22`.
    pub date: &'static str,
    /// Where that was read.
    pub source: &'static str,
}

impl ListedPrices {
    /// What this model costs at this host, such as `api.openai.com`; `None` if nobody knows. A dated
    /// version of a model costs what the model costs.
    #[must_use]
    pub fn of(host: &str, model: &str) -> Option<Self> {
        let host = host.strip_suffix(":443").unwrap_or(host);
        let model = model.strip_prefix("models/").unwrap_or(model);
        let vendors = LIST.vendor.iter().filter(|vendor| vendor.host == host);
        let found = |name: &str| {
            let mut vendors = vendors.clone();
            vendors.find_map(|vendor| Some((vendor, vendor.models.get(name)?)))
        };
        let (vendor, model) = found(model).or_else(|| found(undated(model)?))?;
        Some(Self { prices: model.prices(), date: &vendor.date, source: &vendor.source })
    }
}

/// The name without a date at its end, if there is one: `-20251001`, `-2024-07-18`, `-latest`.
fn undated(model: &str) -> Option<&str> {
    let is_date = |end: &str| match end.len() {
        8 => end.bytes().all(|byte| byte.is_ascii_digit()),
        10 => end.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        }),
        _ => end == "latest",
    };
    let dashes = model.rmatch_indices('-').map(|(at, _)| at);
    dashes.take(3).find(|&at| is_date(&model[at + 1..])).map(|at| &model[..at])
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    vendor: Vec<Vendor>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vendor {
    host: String,
    source: String,
    date: String,
    models: BTreeMap<String, PerMillion>,
}

/// US dollars for a million tokens.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PerMillion {
    input: f64,
    output: f64,
    cached: Option<f64>,
    cache_written: Option<f64>,
    audio_input: Option<f64>,
    audio_output: Option<f64>,
}

impl PerMillion {
    fn prices(&self) -> Prices {
        let price = |dollars: f64| Price::Item(dollars / 1e6);
        Prices {
            cached: self.cached.map(price),
            cache_written: self.cache_written.map(price),
            audio_input: self.audio_input.map(price),
            audio_output: self.audio_output.map(price),
            ..Prices::new(price(self.input), price(self.output))
        }
    }
}

#[expect(clippy::expect_used, reason = "the file is part of the program; a test reads it")]
static LIST: LazyLock<List> = LazyLock::new(|| {
    toml::from_str(include_str!("../../assets/prices.toml")).expect("the list of prices is right")
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::ProviderKind;
    use crate::types::Usage;

    const OPENAI: &str = "api.openai.com";

    #[test]
    fn each_price_has_a_day_and_a_source_and_is_listed_once() {
        let mut seen = std::collections::BTreeSet::new();
        for vendor in &LIST.vendor {
            let at = |at, byte| vendor.date.as_bytes().get(at) == Some(&byte);
            assert!(vendor.date.len() == 10 && at(4, b'-') && at(7, b'-'), "{}", vendor.date);
            assert!(vendor.source.starts_with("https://"), "{}", vendor.source);
            for (name, model) in &vendor.models {
                assert!(seen.insert((&vendor.host, name)), "{name} stands twice");
                // What is still at hand costs less, and what is answered more.
                let cached = model.cached.unwrap_or_default();
                assert!(cached < model.input && model.input < model.output, "{name}");
                assert!(model.cache_written.is_none_or(|price| price > model.input), "{name}");
                assert!(undated(name).is_none(), "{name} is a dated version");
            }
        }
    }

    #[test]
    fn the_usual_model_of_each_vendor_has_a_price() {
        for kind in ProviderKind::ALL {
            let Some(model) = kind.usual_model().filter(|_| kind.key_variable().is_some()) else {
                continue;
            };
            let address = kind.address().unwrap_or_default();
            let host = address.trim_start_matches("https://").split('/').next().unwrap();
            assert!(ListedPrices::of(host, model).is_some(), "{model} at {host}");
        }
    }

    #[test]
    fn a_dated_version_costs_what_its_model_costs_and_another_model_is_unknown() {
        let mini = ListedPrices::of(OPENAI, "gpt-4o-mini").unwrap();
        for same in ["gpt-4o-mini-2024-07-18", "gpt-4o-mini-latest"] {
            assert_eq!(ListedPrices::of(OPENAI, same), Some(mini), "{same}");
        }
        assert_eq!(ListedPrices::of("api.openai.com:443", "gpt-4o-mini"), Some(mini));
        let haiku = ListedPrices::of("api.anthropic.com", "claude-haiku-4-5-20251001").unwrap();
        assert_eq!(Some(haiku), ListedPrices::of("api.anthropic.com", "claude-haiku-4-5"));
        for unknown in ["gpt-4o-mini-tts", "gpt-4o-mini-2024", "gpt-99", "gpt-4o-minister", ""] {
            assert_eq!(ListedPrices::of(OPENAI, unknown), None, "{unknown}");
        }
        // Somebody else may ask what they like for it.
        assert_eq!(ListedPrices::of("openrouter.ai", "gpt-4o-mini"), None);
        assert_eq!(ListedPrices::of("api.openai.com:8080", "gpt-4o-mini"), None);
    }

    #[test]
    fn a_request_costs_what_the_list_says() {
        let prices = ListedPrices::of(OPENAI, "gpt-4o-mini").unwrap().prices;
        let usage = Usage { cached_tokens: 500_000, ..Usage::of_text(1_000_000, 1_000_000) };
        let cost = prices.of(usage).unwrap();
        assert!((cost - (0.075 + 0.0375 + 0.60)).abs() < 1e-9, "{cost}");
    }
}
