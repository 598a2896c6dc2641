//! Text of others, on a terminal.

/// The text without what a terminal would obey.
pub(super) fn harmless(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

/// JSON on one line in which what a terminal would obey is written out.
pub(super) fn harmless_json(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for c in line.chars() {
        // Controls stand in texts only, where they may be written so.
        match c.is_control() {
            true => out += &format!("\\u{:04x}", u32::from(c)),
            false => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_left_out() {
        assert_eq!(harmless("a\u{1b}[2Jb\u{9b}c\u{7f}\n\td\r"), "a[2Jbc\n\td");
    }

    #[test]
    fn json_stays_what_it_says() {
        let text = "a\u{1b}[2Jb\u{9b}c\u{7f}\n\r\u{e9}";
        let line = harmless_json(&serde_json::to_string(text).unwrap());
        assert!(!line.contains(char::is_control), "{line:?}");
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
    }
}
