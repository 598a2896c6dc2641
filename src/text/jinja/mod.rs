//! Templates in the language of Jinja, by minijinja: conditions, loops and filters.
//!
//! ```text
//! Jinja::add(name, text)* ─▶ Jinja ─ start() ─▶ Run ─ give(name, value)*, render(name)
//! ```
//!
//! It is strict: a name without a value is an error. Nothing is escaped, no file is opened, no
//! text is included; a value is never read as a template. Steps, output and what is made on the
//! way have bounds (`guard`, `filters`, [`FUEL`]).

mod filters;
mod guard;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fmt, io};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Object, Serde, Value};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};

use super::template::{Place, Template, TemplateError};

/// How many steps everything that is rendered together may take: half a second or so.
const FUEL: u64 = 5_000_000;

/// How deep loops and conditions may contain one another.
const DEEPEST: usize = 100;

/// Templates by their names, ready to be rendered.
pub(crate) struct Jinja(Environment<'static>);

impl fmt::Debug for Jinja {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.templates().map(|(name, _)| name.to_owned());
        out.debug_tuple("Jinja").field(&names.collect::<Vec<_>>()).finish()
    }
}

impl Jinja {
    pub(crate) fn new() -> Self {
        let mut engine = Environment::new();
        engine.set_undefined_behavior(UndefinedBehavior::Strict);
        engine.set_auto_escape_callback(|_| AutoEscape::None);
        engine.set_formatter(|out, _, value| Ok(filters::write(out, value)?));
        // Errors have their place only so.
        engine.set_debug(true);
        engine.set_recursion_limit(DEEPEST);
        if let Ok(syntax) = SyntaxConfig::builder().keep_trailing_newline(true).build() {
            engine.set_syntax(syntax);
        }
        filters::keep_to_bounds(&mut engine);
        Self(engine)
    }

    /// The names that `text` may look up from outside.
    ///
    /// # Errors
    ///
    /// It is not well formed, or says what has no bound.
    pub(crate) fn names(&self, text: &str) -> Result<BTreeSet<String>, TemplateError> {
        if let Some(guard::Forbidden { at, reason }) = guard::forbidden(text) {
            return Err(TemplateError::Engine { place: Place::of(text, at), reason });
        }
        let read = self.0.template_from_str(text).map_err(|error| told(&error, text))?;
        let globals: BTreeSet<_> = self.0.globals().map(|(name, _)| name.to_owned()).collect();
        let names = read.undeclared_variables(false);
        Ok(names.into_iter().filter(|name| !globals.contains(name)).collect())
    }

    /// Takes a text in that [`names`](Self::names) has looked at.
    ///
    /// # Errors
    ///
    /// It is not well formed.
    pub(crate) fn add(&mut self, name: &str, text: &str) -> Result<(), TemplateError> {
        let added = self.0.add_template_owned(name.to_owned(), text.to_owned());
        added.map_err(|error| told(&error, text))
    }

    pub(crate) fn start(&self) -> Run {
        Run { engine: self.0.clone(), given: Arc::default(), fuel: FUEL, room: MOST_MADE }
    }
}

/// How much all that is rendered together may be, in bytes, with what stands in other text again.
const MOST_MADE: usize = 4 * Template::LONGEST;

/// Renders templates with the same values, and within common bounds.
pub(crate) struct Run {
    engine: Environment<'static>,
    given: Arc<Given>,
    fuel: u64,
    room: usize,
}

/// Why there is no text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// A name that is looked up was not given.
    Missing(String, Place),
    /// All else.
    Wrong(TemplateError),
}

impl Run {
    /// From now on, `name` stands for `value`.
    pub(crate) fn give(&self, name: &str, value: &serde_json::Value) {
        let value = match value {
            serde_json::Value::String(text) => Value::from(text.as_str()),
            other => Value::from(Serde(other)),
        };
        self.given.lock().insert(name.to_owned(), value);
    }

    /// As [`give`](Self::give), for a text.
    pub(crate) fn give_text(&self, name: &str, text: &str) {
        self.given.lock().insert(name.to_owned(), Value::from(text));
    }

    /// `name` stands for nothing again.
    pub(crate) fn take_back(&self, name: &str) {
        self.given.lock().remove(name);
    }

    /// The text that the template `name` becomes. `again`, to see what else is wrong with it, it
    /// may take fewer steps.
    ///
    /// # Errors
    ///
    /// [`Stopped`]: a value is missing, or the template cannot be rendered with these.
    pub(crate) fn render(&mut self, name: &str, again: bool) -> Result<String, Stopped> {
        let most = if again { FUEL / 20 } else { FUEL };
        self.engine.set_fuel(Some(self.fuel.min(most)));
        let template = self.engine.get_template(name);
        let template = template.map_err(|error| Stopped::Wrong(told(&error, "")))?;
        let mut out =
            Bounded { made: String::new(), most: self.room.min(Template::LONGEST), full: false };
        let given = Value::from_dyn_object(Arc::clone(&self.given));
        match template.render_captured_to(given, &mut out) {
            Ok(captured) => {
                let taken = captured.state().fuel_levels().map_or(0, |(taken, _)| taken);
                self.fuel = self.fuel.saturating_sub(taken);
                self.room -= out.made.len();
                Ok(out.made)
            }
            Err(_) if out.full => Err(Stopped::Wrong(TemplateError::TooLong)),
            Err(error) => Err(self.stopped(&error, template.source())),
        }
    }

    fn stopped(&self, error: &Error, source: &str) -> Stopped {
        let detail = error.detail().unwrap_or_default();
        // As the engine writes it: "… `name` is undefined".
        let name = detail
            .split_once("` is undefined")
            .and_then(|(before, _)| Some(before.rsplit_once('`')?.1));
        match name {
            Some(name) if error.kind() == ErrorKind::UndefinedError && is_name(name) => {
                let known = self.given.lock().contains_key(name);
                let place = place(error, source);
                match known {
                    false => Stopped::Missing(name.to_owned(), place),
                    true => Stopped::Wrong(told(error, source)),
                }
            }
            _ => Stopped::Wrong(told(error, source)),
        }
    }
}

fn is_name(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// What templates may look up.
#[derive(Debug, Default)]
struct Given(Mutex<BTreeMap<String, Value>>);

impl Given {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Value>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Object for Given {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        self.lock().get(key).cloned()
    }
}

/// Takes only so many bytes, each time whole text.
struct Bounded {
    made: String,
    most: usize,
    full: bool,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.made.len() + bytes.len() > self.most {
            self.full = true;
            return Err(io::Error::other("full"));
        }
        self.made.push_str(std::str::from_utf8(bytes).map_err(io::Error::other)?);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An error in words of ours, with its place.
fn told(error: &Error, source: &str) -> TemplateError {
    let mut reason = match (error.kind(), error.detail()) {
        (ErrorKind::OutOfFuel, _) => format!("it takes more than {FUEL} steps"),
        (ErrorKind::UndefinedError, Some(detail)) => detail.to_owned(),
        (kind, Some(detail)) => format!("{kind}: {detail}"),
        (kind, None) => kind.to_string(),
    };
    const LONGEST: usize = 200;
    if let Some((end, _)) = reason.char_indices().nth(LONGEST) {
        reason.truncate(end);
        reason.push('…');
    }
    TemplateError::Engine { place: place(error, source), reason }
}

fn place(error: &Error, source: &str) -> Place {
    match (error.range(), error.line()) {
        (Some(range), _) => Place::of(source, range.start),
        (None, Some(line)) => Place { line, column: 1 },
        (None, None) => Place { line: 1, column: 1 },
    }
}

#[cfg(test)]
mod tests;
