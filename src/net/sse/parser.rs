//! The lines of server-sent events, as the HTML standard has them: pieces of bytes in, the data of
//! events out. It keeps at most one event, and looks at each byte once.

use std::collections::VecDeque;

/// What is no events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// An event of more than [`LONGEST_EVENT`].
    TooLong,
    NotUtf8,
}

/// Reads events.
#[derive(Debug, Default)]
pub(super) struct Parser {
    /// The line that has begun.
    line: Vec<u8>,
    /// The data of the event that has begun.
    data: Option<String>,
    /// A line has ended with CR: a LF behind it ends no other.
    after_cr: bool,
    /// A line has ended.
    started: bool,
}

impl Parser {
    /// Takes a piece; what is whole with it goes to `events`. Nothing is to follow what is wrong.
    pub(super) fn read<E>(
        &mut self,
        piece: &[u8],
        events: &mut VecDeque<Result<String, E>>,
    ) -> Result<(), Wrong> {
        let mut rest = piece;
        while let Some(first) = rest.first() {
            if std::mem::take(&mut self.after_cr) && *first == b'\n' {
                rest = &rest[1..];
                continue;
            }
            let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            let (line, behind) = rest.split_at(end.unwrap_or(rest.len()));
            if self.held() + line.len() > LONGEST_EVENT {
                return Err(Wrong::TooLong);
            }
            self.line.extend_from_slice(line);
            rest = behind;
            if let Some(ending) = behind.first() {
                self.after_cr = *ending == b'\r';
                rest = &behind[1..];
                self.end_line(events)?;
            }
        }
        Ok(())
    }

    /// Nothing follows.
    pub(super) fn end<E>(&mut self, events: &mut VecDeque<Result<String, E>>) -> Result<(), Wrong> {
        if !self.line.is_empty() {
            self.end_line(events)?;
        }
        events.extend(self.data.take().map(Ok));
        Ok(())
    }

    /// How many bytes are kept.
    pub(super) fn held(&self) -> usize {
        self.line.len() + self.data.as_ref().map_or(0, String::len)
    }

    fn end_line<E>(&mut self, events: &mut VecDeque<Result<String, E>>) -> Result<(), Wrong> {
        let line = std::mem::take(&mut self.line);
        let line = std::str::from_utf8(&line).map_err(|_| Wrong::NotUtf8)?;
        // Some servers begin with it.
        let line = if self.started { line } else { line.trim_start_matches(BYTE_ORDER_MARK) };
        self.started = true;
        if line.is_empty() {
            events.extend(self.data.take().map(Ok));
            return Ok(());
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        // A comment has no name.
        if field == "data" {
            let value = value.strip_prefix(' ').unwrap_or(value);
            match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            }
        }
        Ok(())
    }
}

/// In bytes: far above any event of a service, and little beside the memory of a session.
pub(super) const LONGEST_EVENT: usize = 1 << 20;
const BYTE_ORDER_MARK: char = '\u{feff}';
