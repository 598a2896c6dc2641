//! Filters and functions that keep to bounds, and how a value is written.

use std::fmt::{self, Write as _};
use std::io;

use minijinja::value::{Kwargs, Value};
use minijinja::{Environment, Error, ErrorKind, State};

use super::super::template::Template;

/// Takes away what can make much of little, and puts in its place what has a bound.
pub(super) fn keep_to_bounds(engine: &mut Environment<'_>) {
    for name in [
        "batch", "chain", "e", "escape", "format", "groupby", "indent", "pprint", "safe", "slice",
        "sum", "zip",
    ] {
        engine.remove_filter(name);
    }
    for name in ["debug", "dict", "namespace"] {
        engine.remove_global(name);
    }
    engine.add_filter("join", join);
    engine.add_filter("map", map);
    engine.add_filter("replace", replace);
    engine.add_filter("tojson", json);
    engine.add_filter("string", string);
}

/// Text as it is, all else as JSON in one line: as a plain template has it.
pub(super) fn write(out: &mut impl fmt::Write, value: &Value) -> fmt::Result {
    match value.as_str() {
        Some(text) => out.write_str(text),
        // An inline `if` without `else` that does not hold.
        None if value.is_undefined() => Ok(()),
        None => serde_json::to_writer(Utf8(out), value).map_err(|_| fmt::Error),
    }
}

fn join(state: &mut State, list: &Value, between: Option<&str>) -> Result<Value, Error> {
    must_be_there(state, list)?;
    let mut out = Bounded::default();
    for (number, item) in list.try_iter()?.enumerate() {
        if number > 0 {
            out.write_str(between.unwrap_or_default())?;
        }
        write(&mut out, &item)?;
    }
    Ok(out.0.into())
}

/// `map(attribute="name")`: that of each.
#[expect(clippy::needless_pass_by_value, reason = "the engine gives it so")]
fn map(state: &mut State, list: &Value, options: Kwargs) -> Result<Value, Error> {
    must_be_there(state, list)?;
    let attribute: &str = options.get("attribute")?;
    options.assert_all_used()?;
    let of = |item: Value| match item.get_attr(attribute) {
        Ok(value) if value.is_undefined() => {
            let reason = format!("`{attribute}` is undefined");
            Err(Error::new(ErrorKind::InvalidOperation, reason))
        }
        other => other,
    };
    Ok(Value::from(list.try_iter()?.map(of).collect::<Result<Vec<_>, _>>()?))
}

fn replace(text: &str, from: &str, to: &str) -> Result<Value, Error> {
    let mut out = Bounded::default();
    for (number, part) in text.split(from).enumerate() {
        if number > 0 {
            out.write_str(to)?;
        }
        out.write_str(part)?;
    }
    Ok(out.0.into())
}

fn json(state: &mut State, value: &Value) -> Result<Value, Error> {
    must_be_there(state, value)?;
    let mut out = Bounded::default();
    serde_json::to_writer(Utf8(&mut out), value).map_err(|_| fmt::Error)?;
    Ok(out.0.into())
}

fn string(state: &mut State, value: &Value) -> Result<Value, Error> {
    must_be_there(state, value)?;
    let mut out = Bounded::default();
    write(&mut out, value)?;
    Ok(out.0.into())
}

/// Refuses what is undefined by the engine's own error, which names it.
fn must_be_there(state: &mut State, value: &Value) -> Result<(), Error> {
    match value.is_undefined() {
        true => state.format(value.clone()).map(drop),
        false => Ok(()),
    }
}

/// A text that is no longer than what a template can become.
#[derive(Default)]
struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > Template::LONGEST {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

/// JSON is written as bytes, each piece of which is text.
struct Utf8<'a, W>(&'a mut W);

impl<W: fmt::Write> io::Write for Utf8<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = std::str::from_utf8(bytes).map_err(io::Error::other)?;
        self.0.write_str(text).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
