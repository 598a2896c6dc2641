//! `banter providers`.

mod advice;
mod check;
mod told;

pub(super) use advice::advice;

use std::io::{Write, stdout};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use futures_util::future::join_all;

use super::Ending;
use super::end::until_interrupted;
use super::harmless::{harmless, harmless_json};
use super::settings::{SettingFlags, hidden};
use crate::config::{EngineError, Factory};
use crate::net::HttpClient;
use crate::providers::{Provider, ProviderSpec};
use crate::types::Secret;
use check::check;
use told::Told;

/// List language models: those that the settings name, and those that have a key or an address.
///
/// Of each: its name for --llm, its type, its model, where it is, whether it has a key (never the
/// key), what its protocol carries, and what it costs, with the day on which that was so. A `*`
/// stands before the one that is chosen. The settings file names further ones:
///
///   [providers.fast]
///   type = "openai"
///   model = "gpt-4o-mini"
///   api_key_env = "MY_KEY"
///
/// With --check each is asked one short question, which costs as much as that. The exit code is 1
/// if one of them fails, or cannot be asked.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Providers {
    /// Only this one; all by default.
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Ask each a short question, and tell how long its first word and its whole answer take.
    #[arg(long)]
    check: bool,
    /// Write each as a JSON object on a line.
    #[arg(long)]
    json: bool,
    /// The file with settings: ./banter.toml by default, else ~/.config/banter/banter.toml.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Any setting, as `banter config` names it; may be given again.
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = hidden)]
    set: Vec<Secret>,
}

/// A provider, as far as it can be had.
struct Made {
    spec: Option<ProviderSpec>,
    provider: Result<Arc<dyn Provider>, EngineError>,
}

impl Providers {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        until_interrupted(self.list())
    }

    async fn list(self) -> anyhow::Result<Ending> {
        let Self { name, check: checks, json, config, set } = self;
        let settings = SettingFlags::bare(config, set).load(&[])?;
        let factory = Factory::new(&settings, || Ok(Arc::new(HttpClient::new()?)));
        let mut specs = factory.specs();
        let chosen = specs.first().map(|(name, _)| name.clone()).unwrap_or_default();
        if let Some(name) = &name {
            let all: Vec<_> = specs.iter().map(|(name, _)| name.clone()).collect();
            specs.retain(|(other, _)| other == name);
            if specs.is_empty() {
                anyhow::bail!("no provider is named `{name}`; there is: {}", all.join(", "));
            }
        }
        let asked = specs.into_iter().map(|(name, spec)| {
            let made = Made::of(&factory, spec);
            async {
                let checked = match &made.provider {
                    Ok(provider) if checks => Some(check(provider.as_ref()).await),
                    _ => None,
                };
                Told::of(name, made, checked)
            }
        });
        // One that is slow does not keep the others waiting.
        let all = join_all(asked).await;
        let text: String = all.iter().map(|told| told.written(json, told.id() == chosen)).collect();
        stdout().write_all(text.as_bytes())?;
        let failed = checks && all.iter().any(Told::fails);
        Ok(if failed { Ending::Failed } else { Ending::Done })
    }
}

impl Told {
    fn written(&self, json: bool, chosen: bool) -> String {
        match json {
            true => harmless_json(&self.json(chosen).to_string()) + "\n",
            false => harmless(&self.text(chosen)),
        }
    }
}

impl Made {
    fn of(factory: &Factory<'_>, spec: Result<ProviderSpec, EngineError>) -> Self {
        match spec {
            Ok(spec) => Self { provider: factory.make(&spec), spec: Some(spec) },
            Err(error) => Self { spec: None, provider: Err(error) },
        }
    }
}
