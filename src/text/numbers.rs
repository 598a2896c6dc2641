//! Numbers as people say them: reads `twenty one`, and says `21` so that a voice speaks it well.
//!
//! English only. Reads whole numbers and decimals that are not negative; says numbers below a
//! thousand billion with at most three decimals.

/// Reads the number that `words` begin with: its value, and how many words it takes.
///
/// Words are lower case. Digits (`12`, `12.5`) count as well, and at the start of a number so do
/// words that a recogniser confuses with it (`to` for `two`).
///
/// ```
/// use banter::text::numbers::read;
///
/// let words = ["a", "hundred", "and", "five", "people"];
/// assert_eq!(read(&words), Some((105.0, 4)));
/// assert_eq!(read(&["people"]), None);
/// ```
pub fn read<S: AsRef<str>>(words: &[S]) -> Option<(f64, usize)> {
    let word = |at: usize| words.get(at).map(AsRef::as_ref);
    let mut number = Whole::default();
    let mut taken = 0;
    while let Some(next) = word(taken) {
        if number.take(next) {
            taken += 1;
            continue;
        }
        let link = match next {
            "a" => number.is_empty() && word(taken + 1).is_some_and(is_large),
            "and" => number.is_round(),
            _ => false,
        };
        if !(link && word(taken + 1).is_some_and(|after| number.take(after))) {
            break;
        }
        taken += 2;
    }
    if number.is_empty() {
        return None;
    }
    let (fraction, more) = read_fraction(words.get(taken..).unwrap_or_default());
    Some((number.value() + fraction, taken + more))
}

/// Says `value` in words; `None` if it is too large or no number.
///
/// ```
/// use banter::text::numbers::say;
///
/// assert_eq!(say(42.0).as_deref(), Some("forty two"));
/// assert_eq!(say(-12.5).as_deref(), Some("minus twelve point five"));
/// ```
#[must_use]
pub fn say(value: f64) -> Option<String> {
    let thousandths = (value.abs() * 1000.0).round();
    if !thousandths.is_finite() || thousandths >= LARGEST * 1000.0 {
        return None;
    }
    let thousandths = thousandths as u64;
    let mut words = Vec::new();
    if value < 0.0 && thousandths > 0 {
        words.push("minus");
    }
    push_whole(&mut words, thousandths / 1000);
    let decimals = format!("{:03}", thousandths % 1000);
    let decimals = decimals.trim_end_matches('0');
    if !decimals.is_empty() {
        words.push("point");
        words.extend(decimals.bytes().map(|digit| SMALL[usize::from(digit - b'0')]));
    }
    Some(words.join(" "))
}

/// Says which one of a row: `first`, `twenty first`; for days of a month and the like. Above 99
/// it gives digits.
#[must_use]
pub fn say_ordinal(number: u8) -> String {
    let index = usize::from(number);
    match index {
        0..20 => ORDINALS[index].to_owned(),
        20..100 if index % 10 == 0 => TENS[index / 10].replace('y', "ieth"),
        20..100 => format!("{} {}", TENS[index / 10], ORDINALS[index % 10]),
        _ => format!("{number}th"),
    }
}

/// A whole number, word by word.
#[derive(Default)]
struct Whole {
    /// Everything above the last `thousand` or `million`.
    above: f64,
    /// What is said since.
    group: f64,
    last: Last,
    /// The last `thousand` or `million`; the next one must be smaller.
    scale: Option<f64>,
}

/// The kind of the last word; it decides what may follow.
#[derive(Default, PartialEq)]
enum Last {
    #[default]
    Nothing,
    Small,
    Tens,
    Hundred,
    Scale,
}

impl Whole {
    fn is_empty(&self) -> bool {
        self.last == Last::Nothing
    }

    /// Whether `and` may follow.
    fn is_round(&self) -> bool {
        matches!(self.last, Last::Hundred | Last::Scale)
    }

    fn value(&self) -> f64 {
        self.above + self.group
    }

    /// Adds `word` if it goes on with the number.
    fn take(&mut self, word: &str) -> bool {
        if word == "hundred" {
            self.take_hundred()
        } else if let Some(scale) = scale(word) {
            self.take_scale(scale)
        } else if let Some(value) = small(word).or_else(|| self.first(word)) {
            self.take_small(value)
        } else {
            false
        }
    }

    fn first(&self, word: &str) -> Option<f64> {
        self.is_empty().then(|| digits(word).or_else(|| misheard(word))).flatten()
    }

    fn take_small(&mut self, value: f64) -> bool {
        let tens = (20.0..100.0).contains(&value) && value % 10.0 == 0.0;
        let fits = match self.last {
            Last::Nothing => true,
            Last::Tens => (1.0..10.0).contains(&value),
            Last::Hundred | Last::Scale => value > 0.0,
            Last::Small => false,
        };
        if fits {
            self.group += value;
            self.last = if tens { Last::Tens } else { Last::Small };
        }
        fits
    }

    fn take_hundred(&mut self) -> bool {
        let fits = match self.last {
            Last::Nothing | Last::Scale => true,
            Last::Small | Last::Tens => self.group > 0.0 && self.group < 100.0,
            Last::Hundred => false,
        };
        if fits {
            self.group = self.group.max(1.0) * 100.0;
            self.last = Last::Hundred;
        }
        fits
    }

    fn take_scale(&mut self, scale: f64) -> bool {
        let fits = self.scale.is_none_or(|before| scale < before) && self.last != Last::Scale;
        if fits {
            let group = if self.is_empty() { 1.0 } else { self.group };
            self.above += group * scale;
            self.group = 0.0;
            self.scale = Some(scale);
            self.last = Last::Scale;
        }
        fits
    }
}

fn is_large(word: &str) -> bool {
    word == "hundred" || scale(word).is_some()
}

fn scale(word: &str) -> Option<f64> {
    SCALES.iter().find(|(name, _)| *name == word).map(|&(_, value)| value as f64)
}

fn small(word: &str) -> Option<f64> {
    let index = |names: &[&str]| names.iter().position(|name| *name == word);
    let value = index(&SMALL).or_else(|| index(&TENS[2..]).map(|tens| (tens + 2) * 10))?;
    Some(value as f64)
}

fn digits(word: &str) -> Option<f64> {
    let plain = word.len() <= 12 && word.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    plain.then(|| word.parse().ok()).flatten()
}

/// What a recogniser writes for a number when the words around it do not help.
fn misheard(word: &str) -> Option<f64> {
    Some(match word {
        "won" => 1.0,
        "to" | "too" => 2.0,
        "tree" => 3.0,
        "for" => 4.0,
        "certain" => 7.0,
        "ate" => 8.0,
        _ => return None,
    })
}

fn read_fraction<S: AsRef<str>>(words: &[S]) -> (f64, usize) {
    let Some((point, rest)) = words.split_first() else { return (0.0, 0) };
    if point.as_ref() != "point" {
        return (0.0, 0);
    }
    let digits = rest.iter().map_while(|word| small(word.as_ref()).filter(|digit| *digit < 10.0));
    let (mut fraction, mut unit, mut taken) = (0.0, 1.0, 0);
    for digit in digits.take(9) {
        unit /= 10.0;
        fraction += digit * unit;
        taken += 1;
    }
    if taken == 0 { (0.0, 0) } else { (fraction, taken + 1) }
}

fn push_whole(words: &mut Vec<&'static str>, mut number: u64) {
    if number == 0 {
        words.push(SMALL[0]);
    }
    let large = number > 100;
    for (name, scale) in SCALES {
        if number >= scale {
            push_group(words, number / scale, false);
            words.push(name);
            number %= scale;
        }
    }
    push_group(words, number, large);
}

/// Says a number below a thousand; nothing for zero.
fn push_group(words: &mut Vec<&'static str>, number: u64, after_larger: bool) {
    let (hundreds, below) = ((number / 100) as usize, (number % 100) as usize);
    if hundreds > 0 {
        words.extend([SMALL[hundreds], "hundred"]);
    }
    if below > 0 && (hundreds > 0 || after_larger) {
        words.push("and");
    }
    match below {
        0 => {}
        1..20 => words.push(SMALL[below]),
        _ => {
            words.push(TENS[below / 10]);
            if below % 10 > 0 {
                words.push(SMALL[below % 10]);
            }
        }
    }
}

const LARGEST: f64 = 1e12;

const SCALES: [(&str, u64); 3] =
    [("billion", 1_000_000_000), ("million", 1_000_000), ("thousand", 1_000)];

const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];

const TENS: [&str; 10] =
    ["", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

const ORDINALS: [&str; 20] = [
    "zeroth",
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Option<(f64, usize)> {
        read(&text.split(' ').collect::<Vec<_>>())
    }

    #[test]
    fn numbers_are_read_from_words_and_digits() {
        for (text, expected) in [
            ("seven", (7.0, 1)),
            ("twenty one", (21.0, 2)),
            ("a hundred", (100.0, 2)),
            ("hundred", (100.0, 1)),
            ("two hundred and five", (205.0, 4)),
            ("twelve hundred", (1200.0, 2)),
            ("three thousand two hundred forty", (3240.0, 5)),
            ("a million and one", (1_000_001.0, 4)),
            ("5 million", (5e6, 2)),
            ("12.5", (12.5, 1)),
            ("twelve point five", (12.5, 3)),
        ] {
            assert_eq!(value(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_number_ends_where_the_next_one_begins() {
        assert_eq!(value("one two three"), Some((1.0, 1)));
        assert_eq!(value("ten and five"), Some((10.0, 1)));
        assert_eq!(value("twenty for me"), Some((20.0, 1)));
        assert_eq!(value("six point taken"), Some((6.0, 1)));
        assert_eq!(value("a table"), None);
    }

    #[test]
    fn numbers_are_said_in_words() {
        for (number, expected) in [
            (0.0, "zero"),
            (42.0, "forty two"),
            (100.0, "one hundred"),
            (105.0, "one hundred and five"),
            (2_000_017.0, "two million and seventeen"),
            (12.5, "twelve point five"),
            (1.0 / 3.0, "zero point three three three"),
            (0.1 + 0.2, "zero point three"),
            (-7.0, "minus seven"),
            (-0.0001, "zero"),
        ] {
            assert_eq!(say(number).as_deref(), Some(expected), "{number}");
        }
        assert_eq!(say(1e12), None);
        assert_eq!(say(f64::NAN), None);
    }

    #[test]
    fn what_is_said_is_read_back() {
        for number in (0..1000).chain((1000..2_000_000).step_by(997)) {
            let number = f64::from(number);
            let words = say(number).unwrap();
            let count = words.split(' ').count();
            assert_eq!(value(&words), Some((number, count)), "{words}");
        }
    }

    #[test]
    fn days_of_a_month_are_said_as_ordinals() {
        let said = [1, 12, 20, 21, 30, 31].map(say_ordinal);
        let expected =
            ["first", "twelfth", "twentieth", "twenty first", "thirtieth", "thirty first"];
        assert_eq!(said, expected);
    }
}
