//! A call whose templates have been read, and found to be some.

use std::collections::BTreeSet;

use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderName, HeaderValue, Method};
use reqwest::Url;
use serde_json::Value;

use super::Problem;
use super::call::{HeaderText, HttpCall, HttpToolError};
use super::template::Template;
use crate::types::Secret;

/// An [`HttpCall`] whose templates have been read.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) call: HttpCall,
    /// `https://api.example.com`.
    pub(super) origin: Template,
    pub(super) segments: Vec<Template>,
    /// As they stand in the address: `units=metric`, `city={city}`.
    pub(super) pairs: Vec<Template>,
    pub(super) query: Vec<(String, Template)>,
    pub(super) headers: Vec<(HeaderName, Header)>,
    pub(super) rest: Rest,
    /// Where requests may go.
    hosts: Vec<String>,
    pub(super) secrets: Vec<Secret>,
}

/// What becomes of the arguments that no template uses.
#[derive(Debug)]
pub(super) enum Rest {
    /// They are the query, but for these.
    Query {
        used: BTreeSet<String>,
    },
    /// All arguments are the body.
    Body,
    Nothing,
}

#[derive(Debug)]
pub(super) enum Header {
    Template(Template),
    Secret(HeaderValue),
}

impl Plan {
    /// Reads the templates of `call`, for a tool that takes `parameters`.
    pub(super) fn new(call: HttpCall, parameters: &Value) -> Result<Self, HttpToolError> {
        let (origin, path, pairs) = split(&call)?;
        let read = |text: &str| Template::parse(text).map_err(HttpToolError::Template);
        let origin = read(origin)?;
        let segments = path.split('/').skip(1).map(read).collect::<Result<Vec<_>, _>>()?;
        let pairs = pairs.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(read).collect::<Result<Vec<_>, _>>()?;
        let query = call.query.iter();
        let query = query.map(|(name, text)| read(text).map(|text| (name.clone(), text)));
        let query = query.collect::<Result<Vec<_>, _>>()?;
        let (headers, secrets) = headers(&call)?;
        let (templated, body) = (headers.iter(), body_templates(&call)?);
        let templated = templated.filter_map(|(_, header)| header.template());
        let address = || std::iter::once(&origin).chain(&segments).chain(&pairs);
        let others = query.iter().map(|(_, template)| template).chain(templated).chain(&body);
        check_names(address().chain(others), parameters)?;
        check_pointer(call.pick.as_deref())?;
        let rest = match call.method {
            _ if call.body.is_some() || !call.query.is_empty() => Rest::Nothing,
            Method::POST | Method::PUT | Method::PATCH => Rest::Body,
            _ => Rest::Query {
                used: address().flat_map(Template::arguments).map(str::to_owned).collect(),
            },
        };
        let hosts = hosts(&call, &origin)?;
        Ok(Self { origin, segments, pairs, query, headers, rest, hosts, secrets, call })
    }

    /// Whether a request may go there.
    pub(super) fn check_address(&self, url: &Url) -> Result<(), Problem> {
        let refused = |reason: String| Err(Problem::Refused(reason));
        let host = url.host_str().unwrap_or_default().trim_end_matches('.');
        match url.scheme() {
            "https" => {}
            "http" if self.call.may_be_plain() => {}
            _ => return refused(format!("{host} must be reached by https")),
        }
        let is_it = |allowed: &String| match allowed.strip_prefix("*.") {
            Some(domain) => host.strip_suffix(domain).is_some_and(|sub| sub.ends_with('.')),
            None => allowed == host,
        };
        match self.hosts.iter().any(is_it) {
            true => Ok(()),
            false => refused(format!("{host} is none of the hosts that it may reach")),
        }
    }
}

impl Header {
    fn template(&self) -> Option<&Template> {
        match self {
            Self::Template(template) => Some(template),
            Self::Secret(_) => None,
        }
    }
}

/// The address: up to the path, the path, the query.
fn split(call: &HttpCall) -> Result<(&str, &str, &str), HttpToolError> {
    let url = call.url.as_str();
    let wrong = |problem: &str| Err(HttpToolError::Address(format!("`{url}` {problem}")));
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme @ ("http" | "https"), rest)) => (scheme, rest),
        _ => return wrong("must begin with https://"),
    };
    if scheme == "http" && !call.may_be_plain() {
        return wrong("must begin with https://, or be allowed to do without");
    }
    if url.contains(['#', '\\']) || url.contains(char::is_whitespace) {
        return wrong("must have no `#`, no `\\` and no space");
    }
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    if rest[..end].is_empty() {
        return wrong("has no host");
    }
    if rest[..end].contains('@') {
        return wrong("must have no user: a key belongs in a secret header");
    }
    let (origin, rest) = url.split_at(scheme.len() + "://".len() + end);
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    Ok((origin, path, query))
}

type Headers = (Vec<(HeaderName, Header)>, Vec<Secret>);

fn headers(call: &HttpCall) -> Result<Headers, HttpToolError> {
    let (mut headers, mut secrets) = (Vec::new(), Vec::new());
    for (name, text) in &call.headers {
        let wrong = |problem| HttpToolError::Header { name: name.clone(), problem };
        let parsed: HeaderName = name.parse().map_err(|_| wrong("this is no name of one"))?;
        if [HOST, CONTENT_LENGTH, TRANSFER_ENCODING].contains(&parsed) {
            return Err(wrong("it is made by the request itself"));
        }
        let header = match text {
            HeaderText::Template(text) => {
                if text.contains(char::is_control) {
                    return Err(wrong("its value must be one line"));
                }
                Header::Template(Template::parse(text).map_err(HttpToolError::Template)?)
            }
            HeaderText::Secret(secret) => {
                let mut value = HeaderValue::from_str(secret.expose())
                    .map_err(|_| wrong("its value must be one line of plain text"))?;
                value.set_sensitive(true);
                // A service quotes the key, without the word before it.
                let exposed = secret.expose();
                let key = exposed.split_once(' ').map_or(exposed, |(_, key)| key);
                secrets.push(Secret::new(key));
                Header::Secret(value)
            }
        };
        headers.push((parsed, header));
    }
    Ok((headers, secrets))
}

fn hosts(call: &HttpCall, origin: &Template) -> Result<Vec<String>, HttpToolError> {
    if !call.hosts.is_empty() {
        return Ok(call.hosts.iter().map(|host| host.to_lowercase()).collect());
    }
    let wrong = |problem| HttpToolError::Address(format!("`{}` {problem}", call.url));
    if !origin.is_literal() {
        return Err(wrong("has a place in its host: say which hosts it may reach"));
    }
    let url = call.url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = &url[..url.find(['/', '?']).unwrap_or(url.len())];
    let url = Url::parse(&format!("https://{authority}")).map_err(|_| wrong("has no host"))?;
    Ok(vec![url.host_str().unwrap_or_default().trim_end_matches('.').to_owned()])
}

fn check_pointer(pick: Option<&str>) -> Result<(), HttpToolError> {
    match pick {
        Some(pick) if !pick.is_empty() && !pick.starts_with('/') => {
            Err(HttpToolError::Pointer(pick.to_owned()))
        }
        _ => Ok(()),
    }
}

/// Every place must be for an argument that there may be.
fn check_names<'t>(
    templates: impl Iterator<Item = &'t Template>,
    parameters: &Value,
) -> Result<(), HttpToolError> {
    let Some(known) = parameters["properties"].as_object() else { return Ok(()) };
    let mut names = templates.flat_map(Template::arguments);
    match names.find(|name| !known.contains_key(*name)) {
        Some(name) => Err(HttpToolError::Parameter { name: name.to_owned() }),
        None => Ok(()),
    }
}

fn body_templates(call: &HttpCall) -> Result<Vec<Template>, HttpToolError> {
    fn collect(value: &Value, into: &mut Vec<Template>) -> Result<(), String> {
        match value {
            Value::String(text) => Template::parse(text).map(|template| into.push(template)),
            Value::Array(items) => items.iter().try_for_each(|item| collect(item, into)),
            Value::Object(fields) => fields.values().try_for_each(|field| collect(field, into)),
            _ => Ok(()),
        }
    }
    let mut templates = Vec::new();
    let body = call.body.iter().try_for_each(|body| collect(body, &mut templates));
    body.map(|()| templates).map_err(HttpToolError::Template)
}
