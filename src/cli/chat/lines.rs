//! The lines that are typed, or come from a pipe.

use std::io::{BufRead, Read, stdin};
use std::path::PathBuf;

use anyhow::Context as _;
use tokio::sync::mpsc;

use super::decision::Decision;

/// Why there are no more lines.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum LineError {
    /// A line has no end.
    #[error("a line is longer than {} KiB; give it in shorter ones", MAX_LINE / 1024)]
    TooLong,
    /// Reading failed.
    #[error("the standard input cannot be read: {0}")]
    Broken(String),
}

/// A line that is meant for the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Quit,
    Clear,
    Help,
    /// Shows a file with the next line.
    Attach(PathBuf),
    /// Shows the calls that wait.
    Pending,
    /// Decides about one of them.
    Decide(Decision),
    /// A known command that lacks something; says what.
    Wrong(&'static str),
    Unknown,
}

impl Command {
    /// What begins with a slash and a word is a command.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let line = line.trim().strip_prefix('/')?;
        let (command, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let decision = |decision: Result<_, _>| decision.map_or_else(Self::Wrong, Self::Decide);
        Some(match (command, rest.trim()) {
            ("quit" | "exit", "") => Self::Quit,
            ("clear", "") => Self::Clear,
            ("help", "") => Self::Help,
            ("attach", file) if !file.is_empty() => Self::Attach(PathBuf::from(file)),
            ("pending", "") => Self::Pending,
            ("approve", rest) => decision(Decision::approve(rest)),
            ("reject", rest) => Self::Decide(Decision::reject(rest)),
            ("result", rest) => decision(Decision::result(rest)),
            _ => Self::Unknown,
        })
    }
}

/// These lines.
pub(super) fn given(lines: Vec<String>) -> mpsc::Receiver<Result<String, LineError>> {
    let (lines_in, lines_out) = mpsc::channel(lines.len().max(1));
    for line in lines {
        let _room_for_all = lines_in.try_send(Ok(line));
    }
    lines_out
}

/// Reads lines on a thread of their own, since reading blocks. It ends with the program.
pub(super) fn read() -> anyhow::Result<mpsc::Receiver<Result<String, LineError>>> {
    let (lines_in, lines) = mpsc::channel(LINES);
    let work = move || {
        let mut input = stdin().lock();
        while let Some(line) = next(&mut input) {
            let over = line.is_err();
            if lines_in.blocking_send(line).is_err() || over {
                break;
            }
        }
    };
    let thread = std::thread::Builder::new().name("lines".to_owned()).spawn(work);
    thread.context("cannot start a thread that reads")?;
    Ok(lines)
}

/// The next line without its end. What is no UTF-8 is replaced.
fn next(input: &mut impl BufRead) -> Option<Result<String, LineError>> {
    let mut line = Vec::new();
    match input.take(MAX_LINE as u64 + 1).read_until(b'\n', &mut line) {
        Ok(0) => None,
        Ok(_) if line.len() > MAX_LINE => Some(Err(LineError::TooLong)),
        Ok(_) => Some(Ok(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned())),
        Err(error) => Some(Err(LineError::Broken(error.to_string()))),
    }
}

/// Far more than anybody says at once.
const MAX_LINE: usize = 64 * 1024;

/// What is typed ahead.
const LINES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_apart() {
        let mut input = &b"one\r\n\nthr\xffee"[..];
        let lines: Vec<_> = std::iter::from_fn(|| next(&mut input)).map(Result::unwrap).collect();
        assert_eq!(lines, ["one", "", "thr\u{fffd}ee"]);
    }

    #[test]
    fn a_line_without_an_end_does_not_fill_the_memory() {
        let mut input = std::io::BufReader::new(std::io::repeat(b'x'));
        assert_eq!(next(&mut input), Some(Err(LineError::TooLong)));
    }

    #[test]
    fn commands_begin_with_a_slash() {
        assert_eq!(Command::parse("/quit"), Some(Command::Quit));
        assert_eq!(Command::parse(" /clear "), Some(Command::Clear));
        assert_eq!(Command::parse("/sing"), Some(Command::Unknown));
        assert_eq!(Command::parse("/attach"), Some(Command::Unknown));
        let file = PathBuf::from("my file.png");
        assert_eq!(Command::parse("/attach  my file.png "), Some(Command::Attach(file)));
        assert_eq!(Command::parse("and/or"), None);
        let decision = Decision::reject("2 too much");
        assert_eq!(Command::parse("/reject 2  too much"), Some(Command::Decide(decision)));
        assert!(matches!(Command::parse("/result"), Some(Command::Wrong(_))));
    }
}
