//! How many tokens a text is, about.
//!
//! Every model cuts text in its own way, and only its own tokenizer knows for sure. What is needed
//! here is a number that costs nothing and is near enough to keep a conversation within a budget:
//! [`Estimate`]. Whoever has the tokenizer at hand gives its counts as a [`TokenCount`].

use std::fmt::Debug;

use serde_json::Value;

use crate::types::{Detail, Media, MediaKind, MediaSource, Message, ToolDescriptor};

/// Counts tokens. Only [`text`](Self::text) must be written; the rest follows from it.
pub trait TokenCount: Debug + Send + Sync {
    /// The tokens of a text.
    fn text(&self, text: &str) -> u32;

    /// The tokens of a message: its words and media, the calls of tools and their results, and what
    /// marks its beginning and end.
    fn message(&self, message: &Message) -> u32 {
        let calls = message.tool_calls.iter().map(|call| {
            sum([CALL, self.text(&call.id), self.text(&call.name), self.value(&call.arguments)])
        });
        let result = message.tool_result.as_ref();
        let result = result
            .map_or(0, |result| sum([CALL, self.text(&result.id), self.text(&result.content)]));
        let media = message.media.iter().map(|media| self.media(media));
        sum([MESSAGE, self.text(&message.text), result].into_iter().chain(calls).chain(media))
    }

    /// The tokens of media. Services count them in their own ways, and most do not tell before; by
    /// default it is about what OpenAI and Gemini ask for:
    ///
    /// - A picture is 85 at [`Detail::Low`], else 765.
    /// - Sound is 10 a second, with 32,000 bytes a second in WAV and 8,000 in other forms.
    /// - A film is 260 a second, with 250,000 bytes a second.
    /// - A document is one for each 4 bytes of text, and else one for each 32 bytes, but at least
    ///   1,000.
    /// - What stands behind an address counts as a minute of sound, half a minute of film or four
    ///   pages (4,000).
    fn media(&self, media: &Media) -> u32 {
        let bytes = match &media.source {
            MediaSource::Bytes(bytes) => Some(bytes.len() as u64),
            MediaSource::Stored(stored) => Some(stored.size),
            MediaSource::Url(_) => None,
        };
        let is_wav = ["audio/wav", "audio/x-wav", "audio/wave"].contains(&media.mime.as_str());
        let tokens = match (media.kind, bytes) {
            (MediaKind::Image, _) if media.detail == Some(Detail::Low) => 85,
            (MediaKind::Image, _) => 765,
            (MediaKind::Audio, Some(bytes)) => bytes.div_ceil(if is_wav { 3200 } else { 800 }),
            (MediaKind::Audio, None) => 600,
            (MediaKind::Video, Some(bytes)) => bytes.div_ceil(960),
            (MediaKind::Video, None) => 7_800,
            (MediaKind::Document, Some(bytes)) if media.mime.starts_with("text/") => {
                bytes.div_ceil(4)
            }
            (MediaKind::Document, Some(bytes)) => bytes.div_ceil(32).max(1_000),
            (MediaKind::Document, None) => 4_000,
        };
        u32::try_from(tokens).unwrap_or(u32::MAX)
    }

    /// The tokens of what a model is told about a tool.
    fn tool(&self, tool: &ToolDescriptor) -> u32 {
        let ToolDescriptor { name, description, parameters, output: _ } = tool;
        sum([CALL, self.text(name), self.text(description), self.value(parameters)])
    }

    /// The tokens of a value, written as JSON.
    fn value(&self, value: &Value) -> u32 {
        match value {
            Value::Null | Value::Bool(_) => 1,
            Value::Number(_) => NUMBER,
            Value::String(text) => sum([QUOTES, self.text(text)]),
            Value::Array(items) => {
                sum(items.iter().map(|item| sum([COMMA, self.value(item)])).chain([BRACKETS]))
            }
            Value::Object(fields) => {
                let field = |(name, value): (&String, &Value)| {
                    sum([QUOTES, COMMA, self.text(name), self.value(value)])
                };
                sum(fields.iter().map(field).chain([BRACKETS]))
            }
        }
    }
}

/// An estimate by the kinds of characters, without a vocabulary and without allocating.
///
/// A run of Latin letters is a token, and a little more beyond five letters or with accents; three
/// digits are one; a sign of punctuation is most of one, and less behind another; a line's end is
/// one, other white space none; an ideograph, kana or Hangul syllable is five sixths of one; other
/// letters are a third (Cyrillic) to five twelfths; an emoji is two. These numbers were fitted to
/// the counts of `o200k_base`, the vocabulary of OpenAI's models since GPT-4o.
///
/// Against these counts it is, in per cent: spoken English +11, documents in Markdown ±1, code +10,
/// JSON +14, numbers −12; the first article of the Declaration of Human Rights in English +12,
/// French +2, Spanish 0, German −8, Russian +15, Greek +3, Arabic −2, Hindi +22, Japanese 0,
/// Chinese +6, Korean +14, Thai −14, Polish −25, Finnish −31 and Vietnamese +69. Words times 1.35,
/// a common rule, is off by 10 to 50 there, and by 95 where no spaces are written. Older
/// vocabularies take up to three times as many tokens for scripts other than Latin: for such a
/// model, bring its own count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimate;

impl TokenCount for Estimate {
    fn text(&self, text: &str) -> u32 {
        let mut running = Running::default();
        text.chars().for_each(|character| running.add(character));
        running.tokens()
    }
}

/// The estimate of a text that is still being written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Running {
    twelfths: u64,
    run: u32,
    last: Kind,
}

impl Running {
    pub(crate) fn add(&mut self, character: char) {
        let kind = Kind::of(character);
        self.run = if kind == self.last { self.run.saturating_add(1) } else { 1 };
        self.last = kind;
        self.twelfths += u64::from(kind.twelfths(self.run));
    }

    pub(crate) fn tokens(self) -> u32 {
        u32::try_from(self.twelfths.div_ceil(TWELFTHS)).unwrap_or(u32::MAX)
    }
}

/// The sum, which stays at the highest number rather than begin anew.
pub(crate) fn sum(numbers: impl IntoIterator<Item = u32>) -> u32 {
    numbers.into_iter().fold(0, u32::saturating_add)
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Space,
    LineEnd,
    Letter,
    Accented,
    Digit,
    Apostrophe,
    Mark,
    Ideograph,
    Cyrillic,
    Emoji,
    Other,
}

impl Kind {
    fn of(character: char) -> Self {
        match character {
            'a'..='z' | 'A'..='Z' => Self::Letter,
            ' ' | '\t' | '\r' => Self::Space,
            '\n' => Self::LineEnd,
            '0'..='9' => Self::Digit,
            '\'' => Self::Apostrophe,
            '\0'..='\x7f' => Self::Mark,
            '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => Self::Accented,
            '\u{400}'..='\u{52f}' => Self::Cyrillic,
            '\u{2e80}'..='\u{9fff}'
            | '\u{ac00}'..='\u{d7af}'
            | '\u{f900}'..='\u{faff}'
            | '\u{ff00}'..='\u{ffef}'
            | '\u{20000}'..='\u{3ffff}' => Self::Ideograph,
            '\u{1f000}'.. => Self::Emoji,
            _ => Self::Other,
        }
    }

    /// What the `run`th character of its kind in a row adds.
    fn twelfths(self, run: u32) -> u32 {
        match (self, run) {
            (Self::Space, _) => 0,
            (Self::Letter | Self::LineEnd, 1) => 12,
            (Self::Letter, 2..=5) | (Self::LineEnd, _) => 0,
            (Self::Letter, _) => 2,
            (Self::Digit, run) => 12 * u32::from(run % 3 == 1),
            (Self::Apostrophe, _) => 2,
            (Self::Mark, 1) | (Self::Ideograph, _) => 10,
            (Self::Mark | Self::Cyrillic, _) => 4,
            (Self::Accented, _) => 6,
            (Self::Emoji, _) => 24,
            (Self::Other, _) => 5,
        }
    }
}

const TWELFTHS: u64 = 12;
/// What marks the beginning and the end of a message, and who speaks.
const MESSAGE: u32 = 4;
/// What marks a call, its result or a tool.
const CALL: u32 = 6;
const NUMBER: u32 = 2;
const QUOTES: u32 = 1;
const COMMA: u32 = 1;
const BRACKETS: u32 = 1;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::types::{ToolCall, ToolResult};

    const ENGLISH: &str = "Hi there, I'd like to book a table for four people on Friday evening, if \
        that's possible. Around half past seven would be great. Oh, and one of us is a vegetarian, \
        so it'd be good to know what you've got. Do you have anything outside? Sure, seven \
        forty-five works too. Thanks so much, see you then!";
    const GERMAN: &str = "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind \
        mit Vernunft und Gewissen begabt und sollen einander im Geist der Brüderlichkeit begegnen.";
    const RUSSIAN: &str = "Все люди рождаются свободными и равными в своем достоинстве и правах. Они \
        наделены разумом и совестью и должны поступать в отношении друг друга в духе братства.";
    const CHINESE: &str =
        "人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心，并应以兄弟关系的精神相对待。";
    const JAPANESE: &str = "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて\
        平等である。人間は、理性と良心とを授けられており、互いに同胞の精神をもって行動しなければ\
        ならない。";
    const JSON: &str = r#"{"order":{"id":"A-10293","customer":{"name":"Ada Lovelace","email":"ada@example.com"},"items":[{"sku":"KB-88","quantity":2,"price":49.9},{"sku":"MS-12","quantity":1,"price":19.5}],"total":119.3,"paid":true,"note":null}}"#;

    #[test]
    fn it_is_near_the_true_count() {
        // Counted with the vocabulary `o200k_base`.
        for (text, tokens) in
            [(ENGLISH, 70), (GERMAN, 38), (RUSSIAN, 41), (CHINESE, 35), (JAPANESE, 72), (JSON, 75)]
        {
            let error = f64::from(Estimate.text(text)) / f64::from(tokens) - 1.0;
            assert!((-0.2..=0.2).contains(&error), "{:+.0} %: {text}", error * 100.0);
        }
    }

    #[test]
    fn nothing_is_no_token_and_a_long_word_more_than_one() {
        assert_eq!(Estimate.text(""), 0);
        assert_eq!(Estimate.text("   "), 0);
        assert_eq!(Estimate.text("yes"), 1);
        assert_eq!(Estimate.text("yes yes"), 2);
        assert!(Estimate.text(&"a".repeat(1200)) > 190);
        assert_eq!(Estimate.text("1234567"), 3);
    }

    #[test]
    fn a_value_is_about_what_its_text_is() {
        let value: Value = serde_json::from_str(JSON).unwrap();
        let (value, text) = (f64::from(Estimate.value(&value)), f64::from(Estimate.text(JSON)));
        assert!((0.8..1.3).contains(&(value / text)), "{value} {text}");
    }

    #[test]
    fn calls_and_results_count() {
        let words = Estimate.message(&Message::assistant("One moment."));
        let call = ToolCall {
            id: "call-1".to_owned(),
            name: "weather".to_owned(),
            arguments: json!({ "city": "Oslo" }),
        };
        let calls = Message { tool_calls: vec![call], ..Message::assistant("One moment.") };
        assert!(Estimate.message(&calls) > words + 8);
        let result = ToolResult {
            id: "call-1".to_owned(),
            name: "weather".to_owned(),
            content: "rain ".repeat(100),
            is_error: false,
        };
        assert!((105..130).contains(&Estimate.message(&Message::tool(result))));
    }

    #[test]
    fn media_count() {
        let size = |media: Media| Estimate.message(&Message::user("").with(media)) - MESSAGE;
        let picture = || Media::bytes(MediaKind::Image, "image/png", vec![0; 9]);
        assert_eq!(size(picture()), 765);
        assert_eq!(size(picture().with_detail(Detail::Low)), 85);
        let minute = vec![0; 60 * 32_000];
        assert_eq!(size(Media::bytes(MediaKind::Audio, "audio/wav", minute)), 600);
        assert_eq!(size(Media::url(MediaKind::Audio, "audio/mp3", "http://a/b")), 600);
        let page = Media::bytes(MediaKind::Document, "application/pdf", vec![0; 9]);
        assert_eq!(size(page), 1_000);
        assert_eq!(size(Media::bytes(MediaKind::Document, "text/plain", vec![0; 400])), 100);
    }

    #[test]
    fn a_count_of_one_s_own_is_used_for_all() {
        #[derive(Debug)]
        struct Bytes;
        impl TokenCount for Bytes {
            fn text(&self, text: &str) -> u32 {
                text.len() as u32
            }
        }
        assert_eq!(Bytes.message(&Message::user("four")), 4 + MESSAGE);
        let tool = ToolDescriptor::new("ab", "cd", json!({}));
        assert_eq!(Bytes.tool(&tool), CALL + 4 + BRACKETS);
    }
}
