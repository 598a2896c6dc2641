//! Text that can be spoken, and the tokens that a model writes it in.

/// A text of exactly `count` tokens: sentences of 8 to 12 words, of which the first has a pause
/// after 5, so that it is soon spoken.
pub(super) fn text(count: usize) -> String {
    let mut tokens: Vec<String> = tokens(PASSAGE).into_iter().cycle().take(count).collect();
    // The passage begins without a space.
    for token in tokens.iter_mut().skip(1).filter(|token| token.starts_with('T')) {
        token.insert(0, ' ');
    }
    if let [.., before, last] = &mut tokens[..] {
        if is_mark(before) {
            " too".clone_into(before);
        }
        ".".clone_into(last);
    }
    tokens.concat()
}

/// The tokens of `text`, as models write them: words with the space before them, marks by
/// themselves. Together they are the text.
pub(super) fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut goes_on = false;
    for c in text.chars() {
        let (joins, word) = match c {
            c if c.is_whitespace() => (false, true),
            c if MARKS.contains(&c) => (false, false),
            _ => (goes_on, true),
        };
        match tokens.last_mut().filter(|_| joins) {
            Some(token) => token.push(c),
            None => tokens.push(c.to_string()),
        }
        goes_on = word;
    }
    tokens
}

fn is_mark(token: &str) -> bool {
    token.starts_with(MARKS)
}

/// Tokens of their own.
const MARKS: [char; 6] = [',', '.', '!', '?', ';', ':'];

/// What is heard where no script says it.
pub(super) const QUESTION: &str = "Can you tell me how this works?";

const PASSAGE: &str = "That is a good question, and the answer is short. \
    You speak, and somebody listens until you have made your point. \
    Then your words are read, and an answer is written at once. \
    It is spoken while it is still being thought of elsewhere. \
    If you begin to talk again, the voice stops and waits for you.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::ClauseCutter;

    fn clauses(text: &str) -> Vec<String> {
        let mut cutter = ClauseCutter::default();
        cutter.push(text);
        cutter.finish();
        std::iter::from_fn(|| cutter.next()).map(|clause| clause.text).collect()
    }

    #[test]
    fn tokens_are_words_with_their_space_and_marks() {
        assert_eq!(tokens("Well, it's 3.5."), ["Well", ",", " it's", " 3", ".", "5", "."]);
        assert_eq!(tokens(" a  b"), [" a", " ", " b"]);
        assert_eq!(tokens(""), [""; 0]);
    }

    #[test]
    fn a_text_has_as_many_tokens_as_were_asked_for() {
        assert_eq!(text(1), "That");
        for count in 2..300 {
            let text = text(count);
            assert!(text.ends_with('.'), "{text}");
            assert!(!text.contains("..") && !text.contains(",."), "{text}");
            assert_eq!(tokens(&text).len(), count, "{text}");
        }
    }

    #[test]
    fn the_first_clause_is_soon_over() {
        assert_eq!(clauses(&text(30))[0], "That is a good question, ");
        assert_eq!(tokens("That is a good question, ").len(), 7);
    }
}
