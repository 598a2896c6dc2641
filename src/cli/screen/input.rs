//! The line that is typed.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::wrap::{columns, symbols};

/// A line of text and a place in it. Its pieces are what a reader takes for characters.
#[derive(Debug, Default)]
pub(super) struct InputLine {
    before: Vec<String>,
    /// What follows the cursor, backwards.
    after: Vec<String>,
}

impl InputLine {
    pub(super) fn on_key(&mut self, key: KeyEvent) {
        if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
            if key.code == KeyCode::Char('u') {
                self.before.clear();
            }
            return;
        }
        match key.code {
            KeyCode::Char(character) => self.insert(character),
            KeyCode::Backspace => drop(self.before.pop()),
            KeyCode::Delete => drop(self.after.pop()),
            KeyCode::Left => self.after.extend(self.before.pop()),
            KeyCode::Right => self.before.extend(self.after.pop()),
            KeyCode::Home => self.after.extend(self.before.drain(..).rev()),
            KeyCode::End => self.before.extend(self.after.drain(..).rev()),
            _ => {}
        }
    }

    pub(super) fn text(&self) -> String {
        self.before.iter().chain(self.after.iter().rev()).map(String::as_str).collect()
    }

    /// The part around the cursor that fits, and the cursor's column in it.
    pub(super) fn view(&self, width: usize) -> (String, usize) {
        // The cursor needs a column of its own.
        let room = width.saturating_sub(1);
        let (mut from, mut used) = (self.before.len(), 0);
        while from > 0 && used + columns(&self.before[from - 1]) <= room {
            from -= 1;
            used += columns(&self.before[from]);
        }
        let cursor = used;
        let mut shown = self.before[from..].concat();
        for symbol in self.after.iter().rev() {
            used += columns(symbol);
            if used > width {
                break;
            }
            shown.push_str(symbol);
        }
        (shown, cursor)
    }

    /// An accent joins the letter before it.
    fn insert(&mut self, character: char) {
        if character.is_control() || self.before.len() + self.after.len() >= MAX_SYMBOLS {
            return;
        }
        let mut last = self.before.pop().unwrap_or_default();
        if last.len() < MAX_SYMBOL {
            last.push(character);
            self.before.extend(symbols(&last));
        } else {
            self.before.extend([last, character.to_string()]);
        }
    }
}

/// Far more than anybody types at once.
const MAX_SYMBOLS: usize = 2000;

/// In bytes: an emoji of a family with four members has 25.
const MAX_SYMBOL: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> InputLine {
        let mut line = InputLine::default();
        text.chars().for_each(|c| line.on_key(KeyCode::Char(c).into()));
        line
    }

    fn press(line: &mut InputLine, keys: &[KeyCode]) {
        keys.iter().for_each(|key| line.on_key((*key).into()));
    }

    #[test]
    fn keys_edit_where_the_cursor_is() {
        let mut line = typed("hllo");
        press(&mut line, &[KeyCode::Home, KeyCode::Right, KeyCode::Char('e'), KeyCode::End]);
        press(&mut line, &[KeyCode::Char('!'), KeyCode::Left, KeyCode::Backspace]);
        assert_eq!((line.text().as_str(), line.view(20)), ("hell!", ("hell!".to_owned(), 4)));
        press(&mut line, &[KeyCode::Delete, KeyCode::Delete]);
        assert_eq!(line.text(), "hell");
        line.on_key(KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL));
        press(&mut line, &[KeyCode::Backspace, KeyCode::Left, KeyCode::Home]);
        assert_eq!(line.text(), "");
    }

    #[test]
    fn a_character_is_what_a_reader_takes_for_one() {
        let mut line = typed("ae\u{301}👩‍👩‍👧日");
        press(&mut line, &[KeyCode::Backspace, KeyCode::Backspace]);
        assert_eq!(line.text(), "ae\u{301}");
        press(&mut line, &[KeyCode::Backspace]);
        assert_eq!(line.text(), "a");
    }

    #[test]
    fn a_long_line_is_shown_around_the_cursor() {
        let mut line = typed("one two 日本");
        assert_eq!(line.view(5), ("日本".to_owned(), 4));
        assert_eq!(line.view(6), (" 日本".to_owned(), 5));
        press(&mut line, &[KeyCode::Home]);
        assert_eq!(line.view(5), ("one t".to_owned(), 0));
        assert_eq!(line.view(0), (String::new(), 0));
    }

    #[test]
    fn a_line_has_a_bound() {
        assert_eq!(typed(&"x".repeat(3000)).text().len(), MAX_SYMBOLS);
        assert!(typed(&"\u{301}".repeat(3000)).text().len() <= MAX_SYMBOLS * MAX_SYMBOL);
    }
}
