//! What is whole in a file of lines.

use std::io::{self, BufRead};

use serde::Deserialize;

use crate::state::listing::Sketch;
use crate::state::{StateError, line};

/// How many bytes of a file were acknowledged: all up to the end of its last whole line.
///
/// A last line without an end was never acknowledged, nor was one with NULs, which a file system
/// may put where it lost what was written before the power was.
pub(super) fn whole(bytes: &[u8]) -> usize {
    let mut end = after_newline(bytes);
    while end > 0 {
        let start = after_newline(&bytes[..end - 1]);
        if !bytes[start..end].contains(&0) {
            break;
        }
        end = start;
    }
    end
}

fn after_newline(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1)
}

/// How many lines there are in bytes that are [`whole`].
pub(super) fn count(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte == b'\n').count()
}

/// What a listing tells of the lines, of which it reads only those that it needs; and what it could
/// not read, if there was any.
pub(super) fn sketch(
    mut file: impl BufRead,
    name: &str,
) -> io::Result<(Sketch, Option<StateError>)> {
    let mut seeing = Seeing { name, number: 0, sketch: Sketch::default(), damage: None };
    let (mut next, mut line) = (Vec::new(), Vec::new());
    loop {
        next.clear();
        file.read_until(b'\n', &mut next)?;
        let is_whole = next.pop() == Some(b'\n');
        if !line.is_empty() && (is_whole || !line.contains(&0)) {
            seeing.see(&line, !is_whole);
        }
        if !is_whole {
            return Ok((seeing.sketch, seeing.damage));
        }
        std::mem::swap(&mut line, &mut next);
    }
}

struct Seeing<'a> {
    name: &'a str,
    number: usize,
    sketch: Sketch,
    damage: Option<StateError>,
}

impl Seeing<'_> {
    fn see(&mut self, line: &[u8], is_last: bool) {
        self.number += 1;
        let place = || format!("{}:{}", self.name, self.number);
        let seen = self.sketch.see(&kind(line), || line::read(line, place));
        let seen = seen.and_then(|()| match is_last {
            true => line::read(line, place).map(|entry| self.sketch.changed = Some(entry.at())),
            false => Ok(()),
        });
        if let Err(error) = seen {
            self.damage.get_or_insert(error);
        }
    }
}

/// The kind of the entry on a line; nothing, if it cannot be told.
fn kind(line: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Kind {
        kind: String,
    }
    // As this program writes it, the rest need not be looked at.
    let written =
        line.strip_prefix(b"{\"kind\":\"").and_then(|rest| rest.split(|&b| b == b'"').next());
    match written.map(str::from_utf8) {
        Some(Ok(kind)) => kind.to_owned(),
        _ => serde_json::from_slice(line).map(|Kind { kind }| kind).unwrap_or_default(),
    }
}
