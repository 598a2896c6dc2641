//! What is told of a provider, for people and for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::check::Answered;
use super::{Made, advice};
use crate::net::Endpoint;
use crate::providers::{
    Capabilities, Credential, JsonAnswers, ListedPrices, Price, Prices, ProviderError,
    ProviderKind, ProviderSpec,
};

/// What is told of a provider.
pub(super) struct Told {
    id: String,
    spec: Option<ProviderSpec>,
    model: Option<String>,
    address: Option<String>,
    /// What it can do, or why it cannot be had.
    able: Result<(Capabilities, Costs), String>,
    checked: Option<Result<Answered, ProviderError>>,
}

/// What it costs.
enum Costs {
    Unknown,
    Nothing,
    /// By its spec.
    Said(Prices),
    Listed(ListedPrices),
}

impl Told {
    pub(super) fn of(
        id: String,
        made: Made,
        checked: Option<Result<Answered, ProviderError>>,
    ) -> Self {
        let Made { spec, provider } = made;
        let able = provider.map_err(|error| error.to_string());
        let kind = spec.as_ref().and_then(|spec| ProviderKind::of(&spec.kind));
        let said = |of: fn(&ProviderSpec) -> Option<&String>| spec.as_ref().and_then(of).cloned();
        let model = said(|spec| spec.model.as_ref());
        let model = model.or_else(|| kind.and_then(ProviderKind::usual_model).map(str::to_owned));
        let address = said(|spec| spec.base_url.as_ref());
        let address = address.or_else(|| kind.and_then(ProviderKind::address).map(str::to_owned));
        let able = able.map(|provider| {
            let said = spec.as_ref().and_then(|spec| spec.prices);
            let costs = match (said, provider.prices()) {
                (Some(said), _) => Costs::Said(said),
                (None, Some(Prices::FREE)) => Costs::Nothing,
                (None, Some(_)) => listed(address.as_deref(), model.as_deref()),
                (None, None) => Costs::Unknown,
            };
            (provider.capabilities(), costs)
        });
        Self { id, spec, model, address, able, checked }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Whether it cannot be asked, or has failed.
    pub(super) fn fails(&self) -> bool {
        self.able.is_err() || matches!(self.checked, Some(Err(_)))
    }

    fn kind(&self) -> &str {
        self.spec.as_ref().map_or("-", |spec| &spec.kind)
    }

    /// Never the key itself.
    fn key(&self) -> &'static str {
        match self.spec.as_ref().map(|spec| &spec.credential) {
            Some(Credential::Key(_)) => "set",
            Some(Credential::File(_)) => "in a file",
            Some(Credential::Variable(_)) => "missing",
            Some(Credential::Usual | Credential::None) | None => "none",
        }
    }

    pub(super) fn text(&self, chosen: bool) -> String {
        let mark = if chosen { '*' } else { ' ' };
        let of = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let (model, address) = (of(&self.model), of(&self.address));
        let mut text = format!("{mark} {}  {}  {model}  {address}", self.id, self.kind());
        if self.address.is_some() {
            let _infallible = write!(text, "  key: {}", self.key());
        }
        match &self.able {
            Ok((can, costs)) => {
                let _infallible = write!(text, "\n    {}; {}\n", carries(*can), costs.text());
            }
            Err(problem) => {
                let _infallible = write!(text, "\n    cannot be asked: {problem}\n");
            }
        }
        let _infallible = match &self.checked {
            None => Ok(()),
            Some(Ok(Answered { first, whole, .. })) => writeln!(
                text,
                "    ok: first word after {} ms, all after {} ms",
                first.as_millis(),
                whole.as_millis()
            ),
            Some(Err(error)) => {
                writeln!(text, "    FAIL: {error}\n      -> {}", self.advice(error))
            }
        };
        text
    }

    fn advice(&self, error: &ProviderError) -> String {
        advice(error.kind, &self.id, self.address.as_deref())
    }

    pub(super) fn json(&self, chosen: bool) -> Value {
        let mut told = json!({
            "id": self.id,
            "chosen": chosen,
            "type": self.spec.as_ref().map(|spec| &spec.kind),
            "model": self.model,
            "address": self.address,
            "key": self.key(),
        });
        match &self.able {
            Ok((can, costs)) => {
                told["capabilities"] = json!({
                    "media": can.media.iter().map(ToString::to_string).collect::<Vec<_>>(),
                    "json": match can.json {
                        JsonAnswers::No => "no",
                        JsonAnswers::Object => "object",
                        JsonAnswers::Schema => "schema",
                    },
                    "tools": can.tools,
                });
                told["prices"] = costs.json();
            }
            Err(problem) => told["problem"] = json!(problem),
        }
        if let Some(checked) = &self.checked {
            told["check"] = match checked {
                Ok(Answered { first, whole, usage }) => json!({
                    "ok": true,
                    "first_ms": first.as_secs_f64() * 1e3,
                    "whole_ms": whole.as_secs_f64() * 1e3,
                    "usage": usage,
                }),
                Err(error) => json!({
                    "ok": false,
                    "kind": format!("{:?}", error.kind),
                    "error": error.to_string(),
                    "advice": self.advice(error),
                }),
            };
        }
        told
    }
}

impl Costs {
    fn text(&self) -> String {
        match self {
            Self::Unknown => "cost unknown".to_owned(),
            Self::Nothing => "costs nothing".to_owned(),
            Self::Said(prices) => format!("{}, as it was set", per_million(prices)),
            Self::Listed(listed) => format!("{}, {}", per_million(&listed.prices), listed.date),
        }
    }

    fn json(&self) -> Value {
        let (prices, listed) = match self {
            Self::Unknown => return Value::Null,
            Self::Nothing => (Prices::FREE, None),
            Self::Said(prices) => (*prices, None),
            Self::Listed(listed) => (listed.prices, Some(listed)),
        };
        let million = |price: Option<Price>| price.and_then(|price| price.of_items(1_000_000));
        json!({
            "input": million(Some(prices.input)),
            "output": million(Some(prices.output)),
            "cached": million(prices.cached),
            "cache_written": million(prices.cache_written),
            "audio_input": million(prices.audio_input),
            "audio_output": million(prices.audio_output),
            "date": listed.map(|listed| listed.date),
            "source": listed.map(|listed| listed.source),
        })
    }
}

fn listed(address: Option<&str>, model: Option<&str>) -> Costs {
    let endpoint = address.and_then(|address| Endpoint::new(address, None).ok());
    let found = endpoint.zip(model).and_then(|(at, model)| ListedPrices::of(at.host(), model));
    found.map_or(Costs::Unknown, Costs::Listed)
}

/// As `0.15 in, 0.6 out per 1M tokens`, in US dollars.
fn per_million(prices: &Prices) -> String {
    let of = |price: Price| {
        let dollars = price.of_items(1_000_000).unwrap_or_default();
        // Hundredths of a cent are enough.
        ((dollars * 1e4).round() / 1e4).to_string()
    };
    format!("{} USD in, {} out per 1M tokens", of(prices.input), of(prices.output))
}

fn carries(can: Capabilities) -> String {
    let media = can.media.iter().map(ToString::to_string);
    let json = match can.json {
        JsonAnswers::No => None,
        JsonAnswers::Object => Some("JSON"),
        JsonAnswers::Schema => Some("JSON by a schema"),
    };
    let more = can.tools.then_some("tools").into_iter().chain(json).map(str::to_owned);
    ["text".to_owned()].into_iter().chain(media).chain(more).collect::<Vec<_>>().join(", ")
}
