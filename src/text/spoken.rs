//! What is spoken of a piece of text.

/// `text` without Markdown and emojis, in one line, with plain quotes and dashes. Empty when
/// nothing in it can be spoken.
///
/// It reads common markup as people and models write it: emphasis, headings, lists, quotations,
/// code, links, images. It does not read tables or HTML.
///
/// ```
/// use banter::text::spoken;
///
/// assert_eq!(spoken("- **Bold**, see [the book](http://x.y/z) 🎉\n"), "Bold, see the book");
/// ```
#[must_use]
pub fn spoken(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        inline(unmarked(line), &mut out);
        out.push(' ');
    }
    if !out.contains(char::is_alphanumeric) {
        return String::new();
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ").replace(" ,", ",")
}

/// `line` without the marks at its start.
fn unmarked(line: &str) -> &str {
    let line = line.trim_start();
    let marks = line.trim_start_matches(['#', '>', '-', '*', '+', '•']);
    // "-5" and "*so*" are no list items.
    if marks.is_empty() || marks.starts_with(char::is_whitespace) { marks } else { line }
}

fn inline(line: &str, out: &mut String) {
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("~~") {
            rest = after;
            continue;
        }
        if let Some((label, after)) = link(rest) {
            inline(label, out);
            rest = after;
            continue;
        }
        let alone = out.ends_with(' ') && rest[c.len_utf8()..].starts_with(' ');
        match c {
            // As in "2 * 3".
            '*' if alone => out.push(c),
            '*' | '`' => {}
            '_' if word_goes_on(out, &rest[1..]) => out.push(' '),
            '_' => {}
            '‘' | '’' => out.push('\''),
            '“' | '”' => out.push('"'),
            '—' => out.push_str(", "),
            '–' if alone => out.push(','),
            '…' => out.push_str("..."),
            _ if is_picture(c) => {}
            _ => out.push(c),
        }
        rest = &rest[c.len_utf8()..];
    }
}

/// The label of the link or image at the start of `text`, and what comes after it.
fn link(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix('!').unwrap_or(text).strip_prefix('[')?;
    let (label, after) = text.split_once("](")?;
    let (_address, after) = after.split_once(')')?;
    (!label.contains(['[', ']'])).then_some((label, after))
}

fn word_goes_on(before: &str, after: &str) -> bool {
    before.ends_with(char::is_alphanumeric) && after.starts_with(char::is_alphanumeric)
}

/// Emojis, dingbats, and the invisible characters that join them.
fn is_picture(c: char) -> bool {
    matches!(u32::from(c),
        0x1F000..=0x1FAFF | 0x2600..=0x27BF | 0x2B00..=0x2BFF | 0x2300..=0x23FF
        | 0xFE00..=0xFE0F | 0x200B..=0x200D | 0x20E3 | 0xE0000..=0xE007F)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn markup_is_not_spoken() {
        for (written, said) in [
            ("**Bold** and *soft* and __x__ and `code`", "Bold and soft and x and code"),
            ("# Heading\n\ntext", "Heading text"),
            ("- one\n* two\n> three\n", "one two three"),
            ("see [the **book**](http://a.b/c_d) now", "see the book now"),
            ("![a cat](cat.png)!", "a cat!"),
            ("snake_case ~~gone~~", "snake case gone"),
            ("-5 times 2 * 3", "-5 times 2 * 3"),
            ("great 👍🏽 job ❤️!", "great job !"),
            ("don’t — “ever” … a–b", "don't, \"ever\" ... a–b"),
            ("1. First", "1. First"),
            ("[not a link] (here)", "[not a link] (here)"),
            ("你好。", "你好。"),
        ] {
            assert_eq!(spoken(written), said, "{written}");
        }
    }

    #[test]
    fn what_cannot_be_spoken_is_empty() {
        for written in ["", " \n", "---", "```", "🎉", "**", "...", "!"] {
            assert_eq!(spoken(written), "", "{written}");
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_is_one_trimmed_line(text in any::<String>()) {
            let said = spoken(&text);
            prop_assert_eq!(said.trim(), said.as_str());
            prop_assert!(!said.contains('\n'));
        }
    }
}
