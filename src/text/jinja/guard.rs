//! What a template may not say, because what it makes would have no bound.
//!
//! Fuel bounds the steps of a template, and a writer what comes out of it. Neither sees text that
//! grows on the way: `a ~ a` bound to a name, forty times, is a terabyte. So a name stands only
//! for what is given, and an expression joins only so many of them. Nor does either see how deep
//! what the engine has read contains itself, which it walks on the stack: expressions are short, and
//! tags stand only so deep in one another.

/// What is forbidden, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Forbidden {
    /// The byte at which it begins.
    pub(super) at: usize,
    pub(super) reason: String,
}

/// The first thing that is forbidden. What is not well formed is left to the engine.
pub(super) fn forbidden(text: &str) -> Option<Forbidden> {
    let mut at = 0;
    let mut nest = Nest::default();
    while let Some(found) = text[at..].find('{') {
        let open = at + found;
        let inside = open + 2;
        at = match text.as_bytes().get(open + 1) {
            Some(b'#') => text[inside..].find("#}").map_or(text.len(), |end| inside + end + 2),
            Some(b'{') => {
                let code = Code::read(text, inside, "}}");
                if let Some(reason) = code.wrong() {
                    return Some(Forbidden { at: open, reason });
                }
                code.end
            }
            Some(b'%') => {
                let code = Code::read(text, inside, "%}");
                if let Some(reason) = code
                    .wrong()
                    .or_else(|| code.wrong_tag())
                    .or_else(|| nest.wrong(code.first.unwrap_or_default()))
                {
                    return Some(Forbidden { at: open, reason });
                }
                match code.first {
                    Some("raw") => after_raw(text, code.end),
                    _ => code.end,
                }
            }
            _ => open + 1,
        };
    }
    None
}

/// How many times text can be joined in one expression.
const MOST_JOINED: usize = 64;

/// How many words and signs may stand in one pair of braces.
const MOST_PARTS: usize = 250;

/// How deep tags may stand in one another. An `elif` stands in what is before it.
const DEEPEST: usize = 50;

/// The tags that are open: of each `if` and `for`, how deep it goes.
#[derive(Debug, Default)]
struct Nest(Vec<usize>);

impl Nest {
    fn wrong(&mut self, tag: &str) -> Option<String> {
        match tag {
            "if" | "for" => self.0.push(1),
            "elif" => self.0.last_mut().into_iter().for_each(|depth| *depth += 1),
            "endif" | "endfor" => drop(self.0.pop()),
            _ => {}
        }
        let depth: usize = self.0.iter().sum();
        (depth > DEEPEST)
            .then(|| format!("`if`, `elif` and `for` stand in one another at most {DEEPEST} deep"))
    }
}

/// What stands between braces, as far as the rules ask.
#[derive(Debug, Default)]
struct Code<'a> {
    /// Its first word: the name of a tag.
    first: Option<&'a str>,
    /// How often `~` and `+` stand in it, `*`, and `|`.
    joins: usize,
    times: usize,
    filters: usize,
    /// How many words, signs and quoted texts there are.
    parts: usize,
    /// A list, map or tuple that is written there.
    literal: bool,
    recursive: bool,
    /// Where the text goes on.
    end: usize,
}

impl<'a> Code<'a> {
    /// Reads from `start` to the `close` that stands in no brackets and no quotes.
    fn read(text: &'a str, start: usize, close: &str) -> Self {
        let bytes = text.as_bytes();
        let mut code = Self { end: text.len(), ..Self::default() };
        // A sign of whitespace control is no operator.
        let mut at = start + usize::from(matches!(bytes.get(start), Some(b'+' | b'-')));
        let (mut depth, mut after_operand) = (0_usize, false);
        while let Some(&byte) = bytes.get(at) {
            if depth == 0 && bytes[at..].starts_with(close.as_bytes()) {
                code.end = at + close.len();
                break;
            }
            let begin = at;
            at += 1;
            code.parts += usize::from(!byte.is_ascii_whitespace());
            match byte {
                b'"' | b'\'' => at = after_quotes(bytes, begin),
                _ if is_of_word(byte) => {
                    let more = bytes[at..].iter().take_while(|byte| is_of_word(**byte));
                    at += more.count();
                }
                _ => {}
            }
            after_operand = match byte {
                b'"' | b'\'' => true,
                _ if is_of_word(byte) => code.word(&text[begin..at]),
                _ if byte.is_ascii_whitespace() => after_operand,
                _ => {
                    code.sign(byte, after_operand);
                    match byte {
                        b'(' | b'[' | b'{' => depth += 1,
                        b')' | b']' | b'}' => depth = depth.saturating_sub(1),
                        _ => {}
                    }
                    matches!(byte, b')' | b']' | b'}')
                }
            };
        }
        code
    }

    /// Notes a word, and tells whether it is an operand.
    fn word(&mut self, word: &'a str) -> bool {
        self.first.get_or_insert(word);
        self.recursive |= word == "recursive";
        !["and", "else", "if", "in", "is", "not", "or"].contains(&word)
    }

    fn sign(&mut self, sign: u8, after_operand: bool) {
        match sign {
            b'~' | b'+' => self.joins += 1,
            b'*' => self.times += 1,
            b'|' => self.filters += 1,
            b'(' | b'[' | b'{' => self.literal |= !after_operand,
            _ => {}
        }
    }

    fn wrong(&self) -> Option<String> {
        if self.times > 0 {
            return Some("there is no `*`: what it makes of text has no bound".to_owned());
        }
        if self.parts > MOST_PARTS {
            return Some(format!("an expression has at most {MOST_PARTS} words and signs"));
        }
        (self.joins > MOST_JOINED)
            .then(|| format!("an expression has `~` and `+` at most {MOST_JOINED} times"))
    }

    fn wrong_tag(&self) -> Option<String> {
        let tag = self.first.unwrap_or_default();
        let known = ["elif", "else", "endfor", "endif", "endraw", "for", "if", "raw"];
        if !known.contains(&tag) {
            let tag: String = tag.chars().take(40).collect();
            return Some(format!("there is no `{tag}` here, only `if`, `for` and `raw`"));
        }
        let reason = match self {
            _ if tag != "for" => return None,
            Self { literal: true, .. } => "a loop goes over what is given, not over what it makes",
            Self { recursive: true, .. } => "a loop does not call itself",
            Self { filters: 1.., joins: 1.., .. } => "a loop does not join text and cut it again",
            _ => return None,
        };
        Some(reason.to_owned())
    }
}

fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

/// Where the quotes that open at `begin` have closed.
fn after_quotes(bytes: &[u8], begin: usize) -> usize {
    let mut at = begin + 1;
    while at < bytes.len() && bytes[at] != bytes[begin] {
        at += 1 + usize::from(bytes[at] == b'\\');
    }
    (at + 1).min(bytes.len())
}

/// Where `{% endraw %}` has closed what was opened before `start`.
fn after_raw(text: &str, start: usize) -> usize {
    let mut at = start;
    while let Some(found) = text[at..].find("{%") {
        at += found + 2;
        let rest = text[at..].trim_start_matches(['-', '+']).trim_start();
        if let Some(rest) = rest.strip_prefix("endraw") {
            let rest = rest.trim_start().trim_start_matches(['-', '+']);
            if let Some(rest) = rest.strip_prefix("%}") {
                return text.len() - rest.len();
            }
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        forbidden(text).unwrap_or_else(|| panic!("{text}")).reason
    }

    #[test]
    fn what_reads_given_values_is_allowed() {
        for text in [
            "{{ a }} {{ a.b[0] ~ 'x' }} {{ n + 1 }} {{ [a, b]|join(', ') }} * + ~",
            "{% if a is defined and b in (1, 2) %}{{ a }}{%- else -%}{# {% set %} * #}{% endif %}",
            "{% for k, v in all|items if v %}{{ loop.index }}{% else %}none{% endfor %}",
            "{% for n in range(m + 1) %}{% endfor %}{%+ for x in xs[1:] -%}{% endfor %}",
            "{% raw %}{{ a * b }}{% set a = 1 %}{%- endraw %}{{ '*' }} {{ \"}} ~\\\" *\" }}",
            "{ {{ {'a': {'b': 1}}.a.b }} }",
        ] {
            assert_eq!(forbidden(text), None, "{text}");
        }
    }

    #[test]
    fn what_could_grow_without_bound_is_not() {
        assert!(refused("{% set a = a ~ a %}").contains("no `set`"));
        assert!(refused("{% raw %}{% endraw %}{%- with b = a %}").contains("no `with`"));
        assert!(refused("{{ 'x' * 1000000000 }}").contains("no `*`"));
        assert!(refused("{{ {'a': 1}.a * 2 }}").contains("no `*`"));
        assert!(refused("{% for b in [a ~ a] %}").contains("what is given"));
        assert!(refused("{% for b in (a ~ a)|lines %}").contains("what is given"));
        assert!(refused("{% for b in a + a|lines %}").contains("join"));
        assert!(refused("{% for b in a recursive %}").contains("itself"));
        assert!(refused(&format!("{{{{ a{} }}}}", " ~ a".repeat(65))).contains("64"));
        assert_eq!(forbidden("ab {{ a * b }}").unwrap().at, 3);
    }

    #[test]
    fn what_goes_deep_is_not() {
        assert!(refused(&format!("{{{{ a{} }}}}", ".b".repeat(125))).contains("250"));
        assert_eq!(forbidden(&format!("{{{{ a{} }}}}", ".b".repeat(124))), None);
        assert!(refused(&"{% if a %}{% for b in c %}".repeat(26)).contains("50 deep"));
        assert!(refused(&format!("{{% if a %}}{}", "{% elif a %}".repeat(50))).contains("50 deep"));
        assert_eq!(forbidden(&"{% if a %}{% elif b %}{% endif %}".repeat(1000)), None);
    }
}
