//! Which tools a list of names means.

/// Whether `name` is one that `pattern` means: the name itself, or a text in which `*` stands for
/// anything, as `mcp__files__*`.
///
/// ```
/// use banter::tools::matches;
///
/// assert!(matches("mcp__*__read_*", "mcp__files__read_text"));
/// assert!(!matches("read", "read_text"));
/// ```
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let Some(last) = pieces.next_back() else { return rest.is_empty() };
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything_and_nothing() {
        for (pattern, name) in
            [("*", ""), ("*", "a"), ("a*", "a"), ("*b", "ab"), ("a*b*c", "aXbYc"), ("a**c", "ac")]
        {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in
            [("", "a"), ("a", "ab"), ("a*a", "a"), ("a*b", "abc"), ("*b*", "ac"), ("ab*ba", "aba")]
        {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }
}
