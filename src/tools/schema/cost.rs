//! How much work a schema makes.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// How often parts of a schema are looked at for one place of a value, by how deep the value goes
/// on from there. Parts that many others refer to make this grow fast, most of all when they refer
/// to themselves.
#[derive(Debug)]
pub(super) struct Cost(Vec<u64>);

impl Cost {
    /// Counts.
    ///
    /// # Errors
    ///
    /// When the schema is too large, too deep, refers to something outside itself or to itself
    /// without end.
    pub(super) fn of(schema: &Value) -> Result<Self, String> {
        let mut size = Size::default();
        size.measure(schema, 0)?;
        let mut count = Count { root: schema, known: HashMap::new(), above: Vec::new() };
        let by_depth: Result<Vec<_>, _> =
            (0..=DEEPEST_VALUE).map(|depth| count.of(schema, depth)).collect();
        let by_depth = by_depth?;
        match by_depth.first() {
            Some(&once) if once > MOST_AT_ONCE => {
                Err("its parts refer to each other too often".to_owned())
            }
            _ => Ok(Self(by_depth)),
        }
    }

    /// Whether `value` can be checked soon enough.
    pub(super) fn allows(&self, value: &Value) -> bool {
        let (places, depth) = measured(value);
        self.at(depth).saturating_mul(places) <= MOST_IN_ALL
    }

    /// For a value of this depth. What grew evenly at last goes on so; else it may double with
    /// every level, which is too much.
    fn at(&self, depth: usize) -> u64 {
        if let Some(counted) = self.0.get(depth) {
            return *counted;
        }
        // Over four levels: a part may need several until it comes to itself again.
        let [.., before, _, _, _, last, _, _, _, end] = self.0[..] else { return u64::MAX };
        let further = (depth - DEEPEST_VALUE) as u64;
        match end - last <= last - before + 1 {
            true => end.saturating_add((end - last).saturating_mul(further)),
            false => u64::MAX,
        }
    }
}

/// How many places a value has, and how deep it is.
fn measured(value: &Value) -> (u64, usize) {
    let over = |inner: &mut dyn Iterator<Item = &Value>| {
        inner
            .map(measured)
            .fold((1, 1), |(places, depth), (more, deeper)| (places + more, depth.max(deeper + 1)))
    };
    match value {
        Value::Array(items) => over(&mut items.iter()),
        Value::Object(fields) => over(&mut fields.values()),
        _ => (1, 0),
    }
}

#[derive(Default)]
struct Size {
    parts: usize,
    patterns: usize,
}

impl Size {
    fn measure(&mut self, part: &Value, depth: usize) -> Result<(), String> {
        self.parts += 1;
        if self.parts > MOST_PARTS {
            return Err(format!("it has more than {MOST_PARTS} parts"));
        }
        if depth > DEEPEST_SCHEMA {
            return Err(format!("it is nested more than {DEEPEST_SCHEMA} levels deep"));
        }
        match part {
            Value::Array(items) => items.iter().try_for_each(|item| self.measure(item, depth + 1)),
            Value::Object(part) => part.iter().try_for_each(|(key, inner)| {
                self.pattern(key, inner)?;
                if depth > 0 && matches!(key.as_str(), "$id" | "id") && inner.is_string() {
                    return Err(format!("a part has `{key}`: name it under `$defs` instead"));
                }
                if DATA.contains(&key.as_str()) { Ok(()) } else { self.measure(inner, depth + 1) }
            }),
            _ => Ok(()),
        }
    }

    fn pattern(&mut self, key: &str, inner: &Value) -> Result<(), String> {
        self.patterns += match (key, inner) {
            ("pattern", Value::String(_)) => 1,
            ("patternProperties", Value::Object(patterns)) => patterns.len(),
            _ => 0,
        };
        match self.patterns > MOST_PATTERNS {
            true => Err(format!("it has more than {MOST_PATTERNS} patterns")),
            false => Ok(()),
        }
    }
}

struct Count<'s> {
    root: &'s Value,
    /// By the part's address and the depth of the value.
    known: HashMap<(*const Value, usize), u64>,
    /// Those that are being counted.
    above: Vec<(*const Value, usize)>,
}

impl<'s> Count<'s> {
    fn of(&mut self, part: &'s Value, depth: usize) -> Result<u64, String> {
        let Value::Object(fields) = part else { return Ok(1) };
        let key = (std::ptr::from_ref(part), depth);
        if let Some(known) = self.known.get(&key) {
            return Ok(*known);
        }
        if self.above.contains(&key) || self.above.len() > LONGEST_WAY {
            return Err("it refers to itself, or from part to part, without end".to_owned());
        }
        self.above.push(key);
        let mut sum = self.in_place(fields, depth)?;
        if depth > 0 {
            sum = sum.saturating_add(self.further(fields, depth - 1)?);
        }
        // What is unevaluated is found by looking at all else once more.
        if fields.keys().any(|key| key.starts_with("unevaluated")) {
            sum = sum.saturating_mul(2);
        }
        self.above.pop();
        self.known.insert(key, sum);
        Ok(sum)
    }

    /// Of parts that look at the same place of the value.
    fn in_place(&mut self, fields: &'s Map<String, Value>, depth: usize) -> Result<u64, String> {
        let mut sum = 1_u64;
        for (key, inner) in fields {
            let more = match (key.as_str(), inner) {
                ("$ref" | "$dynamicRef" | "$recursiveRef", Value::String(to)) => {
                    self.of(self.target(to)?, depth)?
                }
                ("allOf" | "anyOf" | "oneOf" | "extends", Value::Array(parts)) => {
                    self.sum(parts, depth)?
                }
                ("dependentSchemas" | "dependencies", Value::Object(parts)) => {
                    self.sum(parts.values(), depth)?
                }
                ("not" | "if" | "then" | "else", part) => self.of(part, depth)?,
                _ => 0,
            };
            sum = sum.saturating_add(more);
        }
        Ok(sum)
    }

    /// Of parts that look at what is one level further down; `depth` is what is left from there.
    fn further(&mut self, fields: &'s Map<String, Value>, depth: usize) -> Result<u64, String> {
        let mut sum = 0_u64;
        for (key, inner) in fields {
            let more = match (key.as_str(), inner) {
                // Each looks at a place of its own.
                ("properties", Value::Object(parts)) => self.most(parts.values(), depth)?,
                ("prefixItems" | "items", Value::Array(parts)) => self.most(parts, depth)?,
                ("patternProperties", Value::Object(parts)) => self.sum(parts.values(), depth)?,
                (
                    "items"
                    | "contains"
                    | "additionalItems"
                    | "additionalProperties"
                    | "propertyNames"
                    | "unevaluatedItems"
                    | "unevaluatedProperties",
                    part,
                ) => self.of(part, depth)?,
                _ => 0,
            };
            sum = sum.saturating_add(more);
        }
        Ok(sum)
    }

    fn sum(
        &mut self,
        parts: impl IntoIterator<Item = &'s Value>,
        depth: usize,
    ) -> Result<u64, String> {
        parts.into_iter().try_fold(0_u64, |sum, part| Ok(sum.saturating_add(self.of(part, depth)?)))
    }

    fn most(
        &mut self,
        parts: impl IntoIterator<Item = &'s Value>,
        depth: usize,
    ) -> Result<u64, String> {
        parts.into_iter().try_fold(0, |most, part| Ok(self.of(part, depth)?.max(most)))
    }

    /// The part that a reference means.
    fn target(&self, to: &str) -> Result<&'s Value, String> {
        let outside =
            || format!("`{to}` is outside of it: write the part under `$defs`, as `#/$defs/NAME`");
        let within = to.strip_prefix('#').ok_or_else(outside)?;
        match within.is_empty() || within.starts_with('/') {
            true => self.root.pointer(&unescaped(within)),
            false => anchor(self.root, within),
        }
        .ok_or_else(|| format!("`{to}` is nowhere in it"))
    }
}

/// A pointer in an address has its special characters as `%20`.
fn unescaped(pointer: &str) -> String {
    let mut bytes = Vec::with_capacity(pointer.len());
    let mut rest = pointer.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match hex.filter(|_| first == b'%').and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn anchor<'s>(part: &'s Value, name: &str) -> Option<&'s Value> {
    let is_it = |part: &Value| {
        ["$anchor", "$dynamicAnchor"].iter().any(|key| part[key].as_str() == Some(name))
    };
    match part {
        Value::Object(_) if is_it(part) => Some(part),
        Value::Object(fields) => fields.values().find_map(|inner| anchor(inner, name)),
        Value::Array(items) => items.iter().find_map(|inner| anchor(inner, name)),
        _ => None,
    }
}

/// Keywords whose values are no schemas.
const DATA: &[&str] = &["const", "enum", "default", "example", "examples"];
const MOST_PARTS: usize = 20_000;
const MOST_PATTERNS: usize = 100;
const DEEPEST_SCHEMA: usize = 64;
/// The cost for deeper ones is not counted, but told from how it grew.
const DEEPEST_VALUE: usize = 16;
/// Parts that are looked at for one place of a value without going further down.
const MOST_AT_ONCE: u64 = 10_000;
/// About half a second of work.
const MOST_IN_ALL: u64 = 10_000_000;
/// From part to part.
const LONGEST_WAY: usize = 200;
