//! Text in rows of a given width. Widths are those of a terminal: a wide character takes two
//! columns, an accent none.

use ratatui::style::Style;
use ratatui::text::{Span, StyledGrapheme};

/// The text in rows of at most `width` columns, cut between words where that is possible; at
/// least one row. With no width there are no rows.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    if width == 0 {
        return Vec::new();
    }
    let mut rows = Vec::new();
    let (mut row, mut used) = (String::new(), 0);
    for word in text.split_whitespace() {
        let columns = columns(word);
        if used > 0 && used + 1 + columns > width {
            rows.push(std::mem::take(&mut row));
            used = 0;
        }
        if used > 0 {
            row.push(' ');
            used += 1;
        }
        if used + columns <= width {
            row.push_str(word);
            used += columns;
            continue;
        }
        for symbol in symbols(word) {
            let columns = self::columns(&symbol);
            if used > 0 && used + columns > width {
                rows.push(std::mem::take(&mut row));
                used = 0;
            }
            row.push_str(&symbol);
            used += columns;
        }
    }
    rows.push(row);
    rows
}

/// How many columns a text takes, drawn symbol by symbol.
pub(super) fn columns(text: &str) -> usize {
    let width = |symbol: StyledGrapheme<'_>| Span::raw(symbol.symbol).width();
    Span::raw(text).styled_graphemes(Style::new()).map(width).sum()
}

/// What a reader takes for one character each. Control characters are left out.
pub(super) fn symbols(text: &str) -> Vec<String> {
    let span = Span::raw(text);
    span.styled_graphemes(Style::new()).map(|symbol| symbol.symbol.to_owned()).collect()
}

/// The text without what a terminal would obey.
pub(in crate::cli) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The beginning of a text, as much as fits.
pub(super) fn fit(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut used = 0;
    let fits = |symbol: &String| {
        used += columns(symbol);
        used < width
    };
    let begin: String = symbols(text).into_iter().take_while(fits).collect();
    if width == 0 { begin } else { begin + "…" }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rows_end_between_words() {
        assert_eq!(wrap("once upon a  time", 9), ["once upon", "a time"]);
        assert_eq!(wrap("lighthouse", 4), ["ligh", "thou", "se"]);
        assert_eq!(wrap("a lighthouse", 4), ["a", "ligh", "thou", "se"]);
        assert_eq!(wrap("", 4), [""]);
        assert!(wrap("word", 0).is_empty());
    }

    #[test]
    fn wide_characters_take_two_columns_and_accents_none() {
        assert_eq!(wrap("日本語です", 4), ["日本", "語で", "す"]);
        assert_eq!(wrap("e\u{301}e\u{301}e\u{301}", 2), ["e\u{301}e\u{301}", "e\u{301}"]);
        assert_eq!(fit("日本語", 4), "日…");
        assert_eq!(
            (fit("one", 3), fit("four", 3), fit("x", 0)),
            ("one".into(), "fo…".into(), String::new())
        );
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_rows_fit(text in "\\PC{0,60}", width in 2..20_usize) {
            let rows = wrap(&text, width);
            // Some scripts have symbols of three columns and more.
            let fits = |row: &String| columns(row) <= width || symbols(row).len() == 1;
            prop_assert!(rows.iter().all(fits), "{rows:?}");
            let letters = |text: &str| text.split_whitespace().collect::<String>();
            prop_assert_eq!(letters(&rows.concat()), letters(&text));
        }
    }
}
