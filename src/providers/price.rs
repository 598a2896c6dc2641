//! What a service asks for its work.

use std::str::FromStr;
use std::time::Duration;

use crate::error::Recovery;
use crate::types::Usage;

/// Money for an amount, as in `0.006/min` (of sound) or `15/1M` (characters or tokens). Which
/// money is up to whoever writes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Price {
    /// For a second of sound.
    Second(f64),
    /// For one character or token.
    Item(f64),
}

impl Price {
    /// What so much sound costs; `None` if the price is not for sound.
    #[must_use]
    pub fn of_sound(self, sound: Duration) -> Option<f64> {
        match self {
            Self::Second(money) => Some(money * sound.as_secs_f64()),
            Self::Item(_) => None,
        }
    }

    fn of_one(self) -> Option<f64> {
        self.of_items(1)
    }

    /// What so many characters or tokens cost; `None` if the price is for sound.
    #[must_use]
    pub fn of_items(self, items: u64) -> Option<f64> {
        match self {
            Self::Item(money) => Some(money * items as f64),
            Self::Second(_) => None,
        }
    }
}

/// What a model's tokens cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prices {
    /// Those that it is asked.
    pub input: Price,
    /// Those that it answers.
    pub output: Price,
    /// Those that it is asked and had still at hand; as others that it is asked by default.
    pub cached: Option<Price>,
    /// Those that it is asked and puts at hand for later; as others that it is asked by default.
    pub cache_written: Option<Price>,
    /// Those that it is asked and that stand for sound; as others that it is asked by default.
    pub audio_input: Option<Price>,
    /// Those that it answers and that stand for sound; as others that it answers by default.
    pub audio_output: Option<Price>,
}

impl Prices {
    /// Those of a model that nobody is billed for.
    pub const FREE: Self = Self::new(Price::Item(0.0), Price::Item(0.0));

    /// Those of a model for which all that it is asked, and all that it answers, costs the same.
    #[must_use]
    pub const fn new(input: Price, output: Price) -> Self {
        Self {
            input,
            output,
            cached: None,
            cache_written: None,
            audio_input: None,
            audio_output: None,
        }
    }

    /// The same with a price for what the model had still at hand, sound or not.
    #[must_use]
    pub const fn with_cached(self, price: Price) -> Self {
        Self { cached: Some(price), ..self }
    }

    /// The same with a price for what the model puts at hand for later requests.
    #[must_use]
    pub const fn with_cache_written(self, price: Price) -> Self {
        Self { cache_written: Some(price), ..self }
    }

    /// The same with prices for sound, asked and answered.
    #[must_use]
    pub const fn with_audio(self, input: Price, output: Price) -> Self {
        Self { audio_input: Some(input), audio_output: Some(output), ..self }
    }

    /// What so many tokens cost; `None` if a price is for sound by its length.
    ///
    /// Nobody tells how much of the sound was still at hand: as much as of the rest, this says.
    #[must_use]
    pub fn of(self, usage: Usage) -> Option<f64> {
        let (input, output) = (self.input.of_one()?, self.output.of_one()?);
        let price = |own: Option<Price>, other| own.map_or(Some(other), Price::of_one);
        let audio_input = price(self.audio_input, input)?;
        let audio_output = price(self.audio_output, output)?;
        let cached = price(self.cached, input)?;
        let written = price(self.cache_written, input)?;
        // Without a price of their own they cost what their kind costs.
        let apart = |own: Option<Price>, tokens: u64, most| {
            if own.is_some() { tokens.min(most) } else { 0 }
        };
        let read = apart(self.cached, usage.cached_tokens, usage.input_tokens);
        let wrote =
            apart(self.cache_written, usage.cache_written_tokens, usage.input_tokens - read);
        let new = match usage.input_tokens {
            0 => 1.0,
            all => (all - read - wrote) as f64 / all as f64,
        };
        let of_kinds = |all: u64, audio: u64, text_price: f64, audio_price: f64| {
            let audio = audio.min(all);
            (all - audio) as f64 * text_price + audio as f64 * audio_price
        };
        let asked = of_kinds(usage.input_tokens, usage.audio_input_tokens, input, audio_input);
        let at_hand = read as f64 * cached + wrote as f64 * written;
        let answered =
            of_kinds(usage.output_tokens, usage.audio_output_tokens, output, audio_output);
        Some(asked * new + at_hand + answered)
    }
}

impl FromStr for Price {
    type Err = PriceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (money, unit) = text.split_once('/').ok_or(PriceError::NoUnit)?;
        let money = amount(money).ok_or_else(|| PriceError::Money(money.trim().to_owned()))?;
        let unit = unit.trim();
        let seconds = match unit {
            "s" => Some(1.0),
            "min" => Some(60.0),
            "h" => Some(3_600.0),
            _ => None,
        };
        if let Some(seconds) = seconds {
            return Ok(Self::Second(money / seconds));
        }
        let items = items(unit).filter(|items| *items > 0.0);
        let items = items.ok_or_else(|| PriceError::Unit(unit.to_owned()))?;
        Ok(Self::Item(money / items))
    }
}

/// As in `1M`, `1K`, `1000`, `M`.
fn items(unit: &str) -> Option<f64> {
    let (number, factor) = match unit.strip_suffix(['M', 'm']) {
        Some(number) => (number, 1e6),
        None => match unit.strip_suffix(['K', 'k']) {
            Some(number) => (number, 1e3),
            None => return amount(unit),
        },
    };
    if number.is_empty() { Some(factor) } else { Some(amount(number)? * factor) }
}

fn amount(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|amount: &f64| amount.is_finite() && *amount >= 0.0)
}

/// Why a text is no price.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// It does not say for how much.
    #[error("it does not say what it is for: write it as in 0.006/min or 15/1M")]
    NoUnit,
    /// What stands before the slash.
    #[error("\"{0}\" is no amount of money: write a number without a currency, as in 0.006/min")]
    Money(String),
    /// What stands behind the slash.
    #[error("\"{0}\" is nothing to pay for: write s, min or h for sound, 1K or 1M for the rest")]
    Unit(String),
}

impl PriceError {
    /// What to do about it: write it otherwise.
    #[must_use]
    pub const fn recovery(&self) -> Recovery {
        Recovery::AskUser
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: Option<f64>, wanted: f64) -> bool {
        found.is_some_and(|found| (found - wanted).abs() < 1e-9)
    }

    #[test]
    fn sound_is_paid_by_its_length() {
        for (price, of_an_hour) in [("0.006/min", 0.36), ("0.36/h", 0.36), (" 1 / s ", 3_600.0)] {
            let price: Price = price.parse().unwrap();
            assert!(near(price.of_sound(Duration::from_secs(3_600)), of_an_hour), "{price:?}");
            assert_eq!(price.of_items(1), None);
        }
    }

    #[test]
    fn characters_and_tokens_are_paid_by_their_number() {
        for price in ["15/1M", "15/M", "15/1m", "0.015/1K", "0.015/1000", "7.5/0.5M"] {
            let price: Price = price.parse().unwrap();
            assert!(near(price.of_items(2_000_000), 30.0), "{price:?}");
            assert_eq!(price.of_sound(Duration::from_secs(1)), None);
        }
        assert!(near("0/1M".parse::<Price>().unwrap().of_items(5), 0.0));
    }

    #[test]
    fn what_is_still_at_hand_and_what_is_sound_may_have_prices_of_their_own() {
        let price = |text: &str| text.parse::<Price>().unwrap();
        let usage = Usage {
            input_tokens: 1_000,
            output_tokens: 300,
            cached_tokens: 400,
            cache_written_tokens: 100,
            audio_input_tokens: 500,
            audio_output_tokens: 200,
        };
        let same = Prices::new(price("1/1"), price("2/1"));
        assert!(near(same.of(usage), 1_600.0), "all the same");
        assert!(near(same.with_audio(price("10/1"), price("20/1")).of(usage), 9_700.0));
        // Of 1,000 tokens 600 are new, half of them sound.
        let all = same.with_audio(price("10/1"), price("20/1")).with_cached(price("0.1/1"));
        assert!(near(all.of(usage), 300.0 + 3_000.0 + 40.0 + 200.0 + 4_000.0));
        assert!(near(same.with_cached(price("0/1")).of(usage), 600.0 + 600.0));

        // Of 1,000 tokens 500 are new, and 100 more are put at hand.
        let all = same.with_cached(price("0.1/1")).with_cache_written(price("1.25/1"));
        assert!(near(all.of(usage), 500.0 + 40.0 + 125.0 + 600.0));
        assert!(near(same.with_cache_written(price("2/1")).of(usage), 900.0 + 200.0 + 600.0));

        let wrong = Usage { cached_tokens: 9_000, audio_input_tokens: 9_000, ..usage };
        assert!(near(same.with_cached(price("0/1")).of(wrong), 600.0), "no more than all");
        let wrong = Usage { cache_written_tokens: 9_000, ..wrong };
        assert!(near(all.of(wrong), 1_000.0 * 0.1 + 600.0), "no more than all");
        assert!(near(all.of(Usage::default()), 0.0));
        assert_eq!(same.with_cached(price("1/min")).of(usage), None);
    }

    #[test]
    fn what_is_no_price_says_how_to_write_one() {
        let error = |text: &str| text.parse::<Price>().unwrap_err();
        assert_eq!(error("0.006"), PriceError::NoUnit);
        for money in ["$3/1M", "-1/min", "inf/min", "/min"] {
            assert!(matches!(error(money), PriceError::Money(_)), "{money}");
        }
        for unit in ["3/", "3/day", "3/0", "3/0M", "3/-1", "3/Mm"] {
            assert!(matches!(error(unit), PriceError::Unit(_)), "{unit}");
        }
        assert!(error("3/day").to_string().contains("\"day\""));
    }
}
