//! How many pages a PDF says that it has.
//!
//! ```text
//! startxref ─▶ table, and those before it ─▶ trailer ─▶ Root ─▶ Pages ─▶ Count
//! ```
//!
//! Read as ISO 32000-1 has it (7.5: the structure of a file), from the end, so that what was changed
//! later counts. Many newer files keep these objects packed, in streams: nothing is known of them.

use std::collections::HashMap;

/// The number of pages, if the document tells it in plain.
pub(super) fn pages(file: &[u8]) -> Option<u32> {
    let tail = file.len().saturating_sub(TAIL);
    let start = tail + rfind(&file[tail..], b"startxref")?;
    let first = Scan { bytes: file, at: start + b"startxref".len() }.number()?;
    let mut table = Table::default();
    table.read(file, usize::try_from(first).ok()?)?;
    let root = table.object(file, table.root?)?;
    let Some(Value::Reference(pages)) = value(root, b"Pages") else { return None };
    let pages = table.object(file, pages)?;
    match value(pages, b"Count") {
        Some(Value::Number(count)) => u32::try_from(count).ok(),
        _ => None,
    }
}

/// Where the objects are.
#[derive(Debug, Default)]
struct Table {
    offsets: HashMap<u64, usize>,
    root: Option<u64>,
}

impl Table {
    /// Reads the table at `at` and those before it. What was said later stays.
    fn read(&mut self, file: &[u8], mut at: usize) -> Option<()> {
        for _ in 0..MOST_TABLES {
            let mut scan = Scan { bytes: file, at };
            scan.keyword(b"xref")?;
            while let Some(first) = scan.number() {
                self.section(&mut scan, first)?;
            }
            scan.keyword(b"trailer")?;
            let trailer = scan;
            if let (None, Some(Value::Reference(root))) = (self.root, value(trailer, b"Root")) {
                self.root = Some(root);
            }
            match value(trailer, b"Prev") {
                Some(Value::Number(before)) => at = usize::try_from(before).ok()?,
                _ => return Some(()),
            }
        }
        None
    }

    /// Entries for the objects from `first` on: `offset generation n`, or `f` for a free one.
    fn section(&mut self, scan: &mut Scan<'_>, first: u64) -> Option<()> {
        for number in first..first.checked_add(scan.number()?)? {
            let offset = usize::try_from(scan.number()?).ok()?;
            scan.number()?;
            if scan.keyword(b"n").is_some() {
                self.offsets.entry(number).or_insert(offset);
            } else {
                scan.keyword(b"f")?;
            }
        }
        Some(())
    }

    /// What stands behind `NUMBER GENERATION obj`.
    fn object<'a>(&self, file: &'a [u8], number: u64) -> Option<Scan<'a>> {
        let mut scan = Scan { bytes: file, at: *self.offsets.get(&number)? };
        (scan.number()? == number).then_some(())?;
        scan.number()?;
        scan.keyword(b"obj")?;
        Some(scan)
    }
}

/// A value in a dictionary, as far as it matters here.
#[derive(Debug, PartialEq, Eq)]
enum Value {
    Number(u64),
    Reference(u64),
    Other,
}

/// The value of `key` in the dictionary that `scan` stands before.
fn value(mut scan: Scan<'_>, key: &[u8]) -> Option<Value> {
    scan.keyword(b"<<")?;
    loop {
        let name = scan.name()?;
        let value = scan.value(DEEPEST)?;
        if name == key {
            return Some(value);
        }
    }
}

/// A place in a file, and what is read from there.
#[derive(Clone, Copy, Debug)]
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Passes over white space and comments.
    fn space(&mut self) {
        loop {
            self.at += self.rest().iter().take_while(|byte| is_space(**byte)).count();
            if self.rest().first() != Some(&b'%') {
                return;
            }
            self.at += self.rest().iter().take_while(|byte| !b"\r\n".contains(byte)).count();
        }
    }

    fn keyword(&mut self, word: &[u8]) -> Option<()> {
        self.space();
        self.rest().starts_with(word).then(|| self.at += word.len())
    }

    /// A whole number without a sign.
    fn number(&mut self) -> Option<u64> {
        self.space();
        let digits = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        let text = std::str::from_utf8(&self.rest()[..digits]).ok()?;
        let number = text.parse().ok()?;
        self.at += digits;
        Some(number)
    }

    fn name(&mut self) -> Option<&'a [u8]> {
        self.keyword(b"/")?;
        let length = self.rest().iter().take_while(|byte| is_regular(**byte)).count();
        let name = &self.rest()[..length];
        self.at += length;
        Some(name)
    }

    /// Reads any value; `depth` more may lie in each other.
    fn value(&mut self, depth: usize) -> Option<Value> {
        let depth = depth.checked_sub(1)?;
        self.space();
        match self.rest() {
            [b'<', b'<', ..] => {
                self.at += 2;
                while self.keyword(b">>").is_none() {
                    self.name()?;
                    self.value(depth)?;
                }
            }
            [b'[', ..] => {
                self.at += 1;
                while self.keyword(b"]").is_none() {
                    self.value(depth)?;
                }
            }
            [b'<', hex @ ..] => self.at += hex.iter().position(|byte| *byte == b'>')? + 2,
            [b'(', text @ ..] => self.at += length_of_text(text)? + 1,
            [b'/', ..] => {
                self.name()?;
            }
            [b'0'..=b'9', ..] => return self.number_or_reference(),
            rest => {
                let length = rest.iter().take_while(|byte| is_regular(**byte)).count();
                (length > 0).then(|| self.at += length)?;
            }
        }
        Some(Value::Other)
    }

    /// `7`, `7.5`, or `7 0 R`.
    fn number_or_reference(&mut self) -> Option<Value> {
        let number = self.number()?;
        let fraction = self.rest().iter().take_while(|byte| is_regular(**byte)).count();
        if fraction > 0 {
            self.at += fraction;
            return Some(Value::Other);
        }
        let mut ahead = *self;
        let is_reference = ahead.number().is_some() && ahead.keyword(b"R").is_some();
        if is_reference && !ahead.rest().first().is_some_and(|byte| is_regular(*byte)) {
            *self = ahead;
            return Some(Value::Reference(number));
        }
        Some(Value::Number(number))
    }
}

/// How long a text in parentheses is, with its end but not its beginning.
fn length_of_text(text: &[u8]) -> Option<usize> {
    let (mut depth, mut escaped) = (1, false);
    for (at, byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}

fn is_space(byte: u8) -> bool {
    b"\0\t\n\x0c\r ".contains(&byte)
}

fn is_regular(byte: u8) -> bool {
    !is_space(byte) && !b"()<>[]{}/%".contains(&byte)
}

fn rfind(bytes: &[u8], word: &[u8]) -> Option<usize> {
    bytes.windows(word.len()).rposition(|window| window == word)
}

/// So far from the end the way into a file begins.
const TAIL: usize = 2 << 10;
/// One for each time that a file was changed: more is a loop.
const MOST_TABLES: usize = 256;
/// More is no document that anybody wrote.
const DEEPEST: usize = 64;
