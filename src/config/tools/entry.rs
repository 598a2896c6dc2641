//! What stands in the tables of tools.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::{Map, Value};

use crate::config::header::HeaderEntry;
use crate::types::Secret;

/// `[[tools.http]]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HttpEntry {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) parameters: Option<SchemaEntry>,
    pub(super) output: Option<SchemaEntry>,
    url: String,
    #[serde(default)]
    method: Method,
    #[serde(default)]
    headers: BTreeMap<String, HeaderEntry>,
    #[serde(default)]
    query: BTreeMap<String, String>,
    body: Option<Value>,
    pick: Option<String>,
    #[serde(default)]
    hosts: Vec<String>,
    #[serde(default)]
    timeout_ms: Millis,
    max_bytes: Option<u32>,
    side_effects: Option<bool>,
    #[serde(default)]
    allow_private: bool,
    #[serde(default)]
    allow_plain: bool,
    #[serde(default)]
    pub(super) approve: bool,
}

/// `[[tools.exec]]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExecEntry {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) parameters: Option<SchemaEntry>,
    pub(super) output: Option<SchemaEntry>,
    pub(super) command: String,
    #[serde(default)]
    pub(super) args: Vec<String>,
    #[serde(default)]
    pub(super) env: Vec<String>,
    pub(super) folder: Option<String>,
    #[serde(default)]
    pub(super) timeout_ms: Millis,
    #[serde(default = "yes")]
    pub(super) side_effects: bool,
    #[serde(default)]
    pub(super) approve: bool,
}

/// A JSON Schema.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged, expecting = "expected a JSON Schema as a table, or the name of a file with one")]
pub(super) enum SchemaEntry {
    Table(Map<String, Value>),
    /// Beside the settings file.
    File(String),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Method {
    #[default]
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
}

/// Milliseconds: 1 to 600,000; 10,000 by default.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Millis(u32);

impl Millis {
    pub(super) fn duration(self) -> Duration {
        Duration::from_millis(self.0.into())
    }
}

impl Default for Millis {
    fn default() -> Self {
        Self(10_000)
    }
}

impl<'de> Deserialize<'de> for Millis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match i64::deserialize(deserializer)? {
            millis @ 1..=600_000 => u32::try_from(millis).map(Self).map_err(D::Error::custom),
            _ => Err(D::Error::custom("expected a whole number from 1 to 600000")),
        }
    }
}

impl HttpEntry {
    /// The variables of the environment that its headers name.
    pub(super) fn variables(&self) -> Vec<String> {
        self.headers.values().filter_map(HeaderEntry::variable).map(str::to_owned).collect()
    }

    /// The secrets that stand in its headers themselves.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.headers.values().filter_map(|header| match header {
            HeaderEntry::Secret { secret } => Some(secret),
            HeaderEntry::Template(_) | HeaderEntry::Variable { .. } => None,
        })
    }
}

#[cfg(feature = "net")]
impl HttpEntry {
    /// The call, with what `variable` knows.
    pub(super) fn call<E>(
        &self,
        variable: impl Fn(&str) -> Result<Secret, E>,
    ) -> Result<crate::tools::HttpCall, E> {
        let mut call = crate::tools::HttpCall::new(self.method.into(), &self.url)
            .time_limit(self.timeout_ms.duration())
            .hosts(&self.hosts);
        for (name, header) in &self.headers {
            call = match header {
                HeaderEntry::Template(text) => call.header(name, text),
                HeaderEntry::Secret { secret } => call.secret_header(name, secret.clone()),
                HeaderEntry::Variable { env, prefix } => {
                    let key = variable(env)?;
                    let value = Secret::new(format!("{prefix}{}", key.expose()));
                    call.secret_header(name, value)
                }
            };
        }
        for (name, text) in &self.query {
            call = call.query(name, text);
        }
        if let Some(body) = &self.body {
            call = call.body(body.clone());
        }
        if let Some(pick) = &self.pick {
            call = call.pick(pick);
        }
        if let Some(bytes) = self.max_bytes {
            call = call.size_limit(usize::try_from(bytes).unwrap_or(usize::MAX));
        }
        if let Some(has) = self.side_effects {
            call = call.side_effects(has);
        }
        let call = if self.allow_plain { call.allow_plain() } else { call };
        Ok(if self.allow_private { call.allow_private() } else { call })
    }
}

#[cfg(feature = "net")]
impl From<Method> for http::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Get => Self::GET,
            Method::Head => Self::HEAD,
            Method::Post => Self::POST,
            Method::Put => Self::PUT,
            Method::Patch => Self::PATCH,
            Method::Delete => Self::DELETE,
        }
    }
}

fn yes() -> bool {
    true
}
