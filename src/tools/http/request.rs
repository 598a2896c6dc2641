//! From arguments to a request: a function of values.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;
use serde_json::{Map, Value};

use super::Problem;
use super::plan::{Header, Plan, Rest};
use super::template::{Template, plain};

/// A request that may be sent.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    /// Headers that are for nobody but the first host.
    pub(super) secret_headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Plan {
    /// The request for these arguments.
    pub(super) fn request(&self, arguments: &Value) -> Result<Planned, Problem> {
        let mut address = self.origin(arguments)?;
        for segment in &self.segments {
            address.push('/');
            address.push_str(&self.segment(segment, arguments)?);
        }
        let query = self.query(arguments)?;
        if !query.is_empty() {
            address.push('?');
            address.push_str(&query.join("&"));
        }
        let url = Url::parse(&address)
            .map_err(|_| Problem::Arguments("they give no address".to_owned()))?;
        self.check_address(&url)?;
        let (headers, secret_headers) = self.headers(arguments)?;
        let (method, body) = (self.call.method.clone(), self.body(arguments)?);
        let mut planned = Planned { method, url, headers, secret_headers, body };
        if !planned.body.is_empty() && !planned.headers.contains_key(CONTENT_TYPE) {
            let is_text = self.call.body.as_ref().is_some_and(Value::is_string);
            let kind = if is_text { "text/plain; charset=utf-8" } else { "application/json" };
            planned.headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        Ok(planned)
    }

    fn origin(&self, arguments: &Value) -> Result<String, Problem> {
        let name = |value: &str| {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
            match value.bytes().all(plain) && !value.is_empty() {
                true => Ok(value.to_owned()),
                false => Err("is no name of a host".to_owned()),
            }
        };
        given(&self.origin, self.origin.render(arguments, str::to_owned, name))
    }

    fn segment(&self, segment: &Template, arguments: &Value) -> Result<String, Problem> {
        let rendered = given(segment, segment.render(arguments, str::to_owned, encoded))?;
        // Those would be taken for a step up.
        let plain = rendered.to_lowercase().replace("%2e", ".");
        if !segment.is_literal() && matches!(plain.as_str(), "" | "." | "..") {
            let name = segment.arguments().next().unwrap_or_default();
            return Err(Problem::Arguments(format!("`/{name}` must name something")));
        }
        Ok(rendered)
    }

    fn query(&self, arguments: &Value) -> Result<Vec<String>, Problem> {
        let mut pairs = Vec::new();
        for pair in &self.pairs {
            let rendered = pair.render(arguments, str::to_owned, encoded);
            pairs.extend(rendered.map_err(Problem::Arguments)?);
        }
        for (name, template) in &self.query {
            if let Some(only) = template.only(arguments) {
                add_pairs(&mut pairs, name, only)?;
                continue;
            }
            let rendered = template.render(arguments, encode, encoded);
            let rendered = rendered.map_err(Problem::Arguments)?;
            pairs.extend(rendered.map(|value| format!("{}={value}", encode(name))));
        }
        if let (Rest::Query { used }, Value::Object(arguments)) = (&self.rest, arguments) {
            for (name, value) in arguments.iter().filter(|(name, _)| !used.contains(*name)) {
                add_pairs(&mut pairs, name, Some(value))?;
            }
        }
        Ok(pairs)
    }

    fn headers(&self, arguments: &Value) -> Result<(HeaderMap, HeaderMap), Problem> {
        let (mut open, mut secret) = (HeaderMap::new(), HeaderMap::new());
        open.insert(ACCEPT, HeaderValue::from_static("application/json, text/*;q=0.9, */*;q=0.1"));
        for (name, header) in &self.headers {
            match header {
                Header::Secret(value) => drop(secret.insert(name, value.clone())),
                Header::Template(template) => {
                    let value =
                        template.render(arguments, str::to_owned, |value| Ok(value.to_owned()));
                    let Some(value) = value.map_err(Problem::Arguments)? else { continue };
                    let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
                        let name = template.arguments().next().unwrap_or_default();
                        Problem::Arguments(format!("`/{name}` must be one line of plain text"))
                    })?;
                    open.insert(name, value);
                }
            }
        }
        Ok((open, secret))
    }

    fn body(&self, arguments: &Value) -> Result<Bytes, Problem> {
        let body = match (&self.call.body, &self.rest) {
            (Some(template), _) => match filled(template, arguments)? {
                Some(Value::String(text)) if template.is_string() => return Ok(text.into()),
                body => body.unwrap_or(Value::Null),
            },
            (None, Rest::Body) => arguments.clone(),
            (None, _) => return Ok(Bytes::new()),
        };
        Ok(body.to_string().into())
    }
}

/// A body with its values; `None` if it is a place for what is not given.
fn filled(template: &Value, arguments: &Value) -> Result<Option<Value>, Problem> {
    Ok(match template {
        Value::String(text) => {
            let template = Template::parse(text).map_err(Problem::Failed)?;
            if let Some(only) = template.only(arguments) {
                return Ok(only.cloned());
            }
            let text = template.render(arguments, str::to_owned, |value| Ok(value.to_owned()));
            text.map_err(Problem::Arguments)?.map(Value::String)
        }
        Value::Array(items) => {
            let items: Result<Vec<_>, _> =
                items.iter().filter_map(|item| filled(item, arguments).transpose()).collect();
            Some(Value::Array(items?))
        }
        Value::Object(fields) => {
            let fields = fields.iter().filter_map(|(name, field)| {
                filled(field, arguments).transpose().map(|field| Ok((name.clone(), field?)))
            });
            Some(Value::Object(fields.collect::<Result<Map<_, _>, Problem>>()?))
        }
        other => Some(other.clone()),
    })
}

fn add_pairs(pairs: &mut Vec<String>, name: &str, value: Option<&Value>) -> Result<(), Problem> {
    let wrong = || {
        let problem =
            format!("`/{name}` must be a text, a number, a truth value or a list of such");
        Problem::Arguments(problem)
    };
    match value {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Array(items)) => items.iter().try_for_each(|item| match item {
            Value::Array(_) | Value::Null => Err(wrong()),
            item => add_pairs(pairs, name, Some(item)),
        }),
        Some(value) => {
            let value = plain(value).ok_or_else(wrong)?;
            pairs.push(format!("{}={}", encode(name), encode(&value)));
            Ok(())
        }
    }
}

/// What must be given for the address.
fn given(template: &Template, rendered: Result<Option<String>, String>) -> Result<String, Problem> {
    rendered.map_err(Problem::Arguments)?.ok_or_else(|| {
        let names: Vec<_> = template.arguments().map(|name| format!("`/{name}`")).collect();
        Problem::Arguments(format!("{} must be given", names.join(" and ")))
    })
}

fn encode(value: &str) -> String {
    utf8_percent_encode(value, SYNTAX).to_string()
}

#[expect(clippy::unnecessary_wraps, reason = "other values may be refused")]
fn encoded(value: &str) -> Result<String, String> {
    Ok(encode(value))
}

/// All that may mean something in an address.
const SYNTAX: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
