//! What was said, by whom: the last lines, wrapped and scrolled.

use std::collections::VecDeque;

use ratatui::layout::Size;

use super::wrap::{plain, wrap};
use crate::ids::{ResponseId, TurnId};

/// The captions of a conversation.
#[derive(Debug, Default)]
pub(super) struct Captions {
    lines: VecDeque<Caption>,
    /// Words that may still change.
    partial: Option<(TurnId, String)>,
    /// How many rows are below those that are shown.
    scroll: usize,
    /// Where they are shown, as of the last drawing.
    size: Size,
}

/// Who speaks in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    You,
    /// You, in words that may still change.
    YouPartly,
    Agent,
    Tool,
}

impl Who {
    fn label(self) -> &'static str {
        match self {
            Self::You | Self::YouPartly => "you",
            Self::Agent => "agent",
            Self::Tool => "tool",
        }
    }
}

/// A row as it is shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) who: Who,
    /// Names who speaks, in the first row of a line, where there is room.
    pub(super) label: String,
    pub(super) text: String,
}

#[derive(Debug)]
struct Caption {
    who: Who,
    response: Option<ResponseId>,
    text: String,
    /// Why it ends before its end.
    cut: Option<&'static str>,
}

impl Captions {
    /// Words of a turn, so far.
    pub(super) fn words(&mut self, turn: TurnId, text: &str) {
        self.change(|captions| captions.partial = Some((turn, plain(text))));
    }

    /// The words of a turn, for good; there may be none.
    pub(super) fn said(&mut self, turn: TurnId, text: &str) {
        self.change(|captions| {
            captions.partial.take_if(|(partial, _)| *partial <= turn);
            captions.push(Who::You, None, text);
        });
    }

    /// A turn was nothing.
    pub(super) fn forget(&mut self, turn: TurnId) {
        self.change(|captions| drop(captions.partial.take_if(|(partial, _)| *partial == turn)));
    }

    pub(super) fn typed(&mut self, text: &str) {
        self.change(|captions| captions.push(Who::You, None, text));
    }

    pub(super) fn tool(&mut self, name: &str) {
        self.change(|captions| captions.push(Who::Tool, None, name));
    }

    /// A piece of an answer.
    pub(super) fn spoken(&mut self, response: ResponseId, text: &str) {
        self.change(|captions| match captions.of(response) {
            Some(line) if line.text.len() > MAX_TEXT => {}
            Some(line) => line.text.push_str(&plain(text)),
            None => captions.push(Who::Agent, Some(response), text),
        });
    }

    /// Of an answer, only this was heard.
    pub(super) fn cut(&mut self, response: ResponseId, heard: &str) {
        self.change(|captions| {
            if heard.trim().is_empty() {
                captions.lines.retain(|line| line.response != Some(response));
            } else if let Some(line) = captions.of(response) {
                (line.text, line.cut) = (plain(heard), Some("cut"));
            }
        });
    }

    /// An answer broke off.
    pub(super) fn broke_off(&mut self, response: ResponseId) {
        self.change(|captions| {
            if let Some(line) = captions.of(response) {
                line.cut = Some("broke off");
            }
        });
    }

    /// Says where they are shown.
    pub(super) fn resize(&mut self, size: Size) {
        self.size = size;
        self.scroll = self.scroll.min(self.highest());
    }

    pub(super) fn page_up(&mut self) {
        self.scroll = (self.scroll + self.page()).min(self.highest());
    }

    pub(super) fn page_down(&mut self) {
        self.scroll = self.scroll.saturating_sub(self.page());
    }

    /// Shows the newest again.
    pub(super) fn follow(&mut self) {
        self.scroll = 0;
    }

    pub(super) fn is_scrolled(&self) -> bool {
        self.scroll > 0
    }

    /// The rows that are shown in such a place, the oldest first.
    pub(super) fn rows(&self, size: Size) -> Vec<Row> {
        let (width, height) = (usize::from(size.width), usize::from(size.height));
        let mut rows = self.last(width, height + self.scroll);
        let below = self.scroll.min(rows.len().saturating_sub(height));
        rows.truncate(rows.len() - below);
        rows.drain(..rows.len().saturating_sub(height));
        rows
    }

    fn push(&mut self, who: Who, response: Option<ResponseId>, text: &str) {
        let text = plain(text);
        if text.trim().is_empty() {
            return;
        }
        if self.lines.len() == MAX_LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(Caption { who, response, text, cut: None });
    }

    fn of(&mut self, response: ResponseId) -> Option<&mut Caption> {
        self.lines.iter_mut().rev().find(|line| line.response == Some(response))
    }

    /// Changes the lines. Who has scrolled up goes on reading the same rows.
    fn change(&mut self, change: impl FnOnce(&mut Self)) {
        if self.scroll == 0 {
            return change(self);
        }
        let before = self.count();
        change(self);
        self.scroll = (self.scroll + self.count()).saturating_sub(before).min(self.highest());
    }

    fn count(&self) -> usize {
        self.last(usize::from(self.size.width), usize::MAX).len()
    }

    fn highest(&self) -> usize {
        self.count().saturating_sub(usize::from(self.size.height))
    }

    fn page(&self) -> usize {
        usize::from(self.size.height).saturating_sub(1).max(1)
    }

    /// The last rows, at least `count` if there are as many.
    fn last(&self, width: usize, count: usize) -> Vec<Row> {
        let mut rows = Vec::new();
        let partial = self.partial.as_ref().map(|(_, text)| {
            wrapped(Who::YouPartly, if text.is_empty() { "…" } else { text }, width)
        });
        let lines = self.lines.iter().rev().map(|line| match line.cut {
            Some(why) => wrapped(line.who, &format!("{}— ({why})", line.text.trim_end()), width),
            None => wrapped(line.who, &line.text, width),
        });
        for line in partial.into_iter().chain(lines) {
            if rows.len() >= count {
                break;
            }
            rows.extend(line.into_iter().rev());
        }
        rows.reverse();
        rows
    }
}

fn wrapped(who: Who, text: &str, width: usize) -> Vec<Row> {
    let indent = if width < NARROW { 0 } else { LABEL };
    let rows = wrap(text, width - indent).into_iter().enumerate();
    let row = |(at, text)| {
        let label = if at == 0 { who.label() } else { "" };
        Row { who, label: format!("{label:indent$}").chars().take(indent).collect(), text }
    };
    rows.map(row).collect()
}

/// Half an hour of a lively conversation.
const MAX_LINES: usize = 500;

/// More than anybody reads of one answer, in bytes.
const MAX_TEXT: usize = 16 * 1024;

/// The width of the column that names who speaks.
const LABEL: usize = 7;

/// Below this width every column is needed for words.
const NARROW: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: ResponseId = ResponseId::FIRST;

    fn shown(captions: &Captions, width: u16, height: u16) -> Vec<String> {
        let rows = captions.rows(Size::new(width, height));
        rows.into_iter().map(|row| row.label + &row.text).collect()
    }

    fn numbered(count: u32) -> Captions {
        let mut captions = Captions::default();
        captions.resize(Size::new(30, 4));
        (1..=count).for_each(|number| captions.typed(&number.to_string()));
        captions
    }

    #[test]
    fn pieces_of_an_answer_make_a_line_and_words_that_change_come_last() {
        let mut captions = Captions::default();
        captions.said(TurnId::new(1), "tell me a story");
        captions.spoken(FIRST, "Once upon a ");
        captions.words(TurnId::new(2), "wait");
        captions.spoken(FIRST, "time there was a lighthouse.");
        assert_eq!(
            shown(&captions, 30, 5),
            [
                "you    tell me a story",
                "agent  Once upon a time there",
                "       was a lighthouse.",
                "you    wait"
            ]
        );
        captions.said(TurnId::new(2), "wait please");
        assert_eq!(shown(&captions, 30, 1), ["you    wait please"]);
        assert_eq!(shown(&captions, 12, 1), ["wait please"]);
    }

    #[test]
    fn an_interrupted_answer_ends_where_it_was_cut() {
        let mut captions = Captions::default();
        captions.spoken(FIRST, "There was once a lighthouse keeper.");
        captions.cut(FIRST, "There was once");
        assert_eq!(shown(&captions, 60, 2), ["agent  There was once— (cut)"]);
        captions.spoken(FIRST.next(), "Never heard.");
        captions.cut(FIRST.next(), "");
        assert_eq!(shown(&captions, 60, 2).len(), 1);
        captions.spoken(FIRST.next(), "Well, I");
        captions.broke_off(FIRST.next());
        assert_eq!(shown(&captions, 60, 1), ["agent  Well, I— (broke off)"]);
    }

    #[test]
    fn scrolling_stays_within_the_rows_and_where_one_reads() {
        let mut captions = numbered(10);
        assert_eq!(shown(&captions, 30, 4)[3], "you    10");
        captions.page_up();
        assert_eq!(shown(&captions, 30, 4)[3], "you    7");
        captions.typed("11");
        assert_eq!(shown(&captions, 30, 4)[3], "you    7");
        (0..9).for_each(|_| captions.page_up());
        assert_eq!(shown(&captions, 30, 4)[0], "you    1");
        captions.page_down();
        assert_eq!(shown(&captions, 30, 4)[0], "you    4");
        captions.follow();
        assert_eq!(shown(&captions, 30, 4)[3], "you    11");
        assert!(!captions.is_scrolled());
    }

    #[test]
    fn only_the_last_500_lines_are_kept() {
        let captions = numbered(600);
        assert_eq!(captions.count(), 500);
        assert_eq!(captions.last(30, usize::MAX)[0].text, "101");
    }

    #[test]
    fn what_a_terminal_would_obey_is_not_shown() {
        let mut captions = Captions::default();
        captions.spoken(FIRST, "a\x1b[2J\nb");
        assert_eq!(shown(&captions, 60, 1), ["agent  a [2J b"]);
    }
}
