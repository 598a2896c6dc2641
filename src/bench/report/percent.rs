//! A limit in per cent.

use std::fmt;
use std::str::FromStr;

/// A share of something, at least 0: `10%` and `10` are a tenth.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Percent(f64);

/// Why a text is no [`Percent`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PercentError {
    /// No number, or one that makes no sense.
    #[error("`{0}` is no share: write for example `10%`")]
    Form(String),
    /// A number below 1 without its sign.
    #[error("`{0}` may mean {0} % or {share} %: write `{0}%` or `{share}%`", share = as_share(.0))]
    Ambiguous(String),
}

impl Percent {
    /// As a factor: 0.1 for 10 %.
    #[must_use]
    pub fn share(self) -> f64 {
        self.0 / 100.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} %", self.0)
    }
}

impl FromStr for Percent {
    type Err = PercentError;

    fn from_str(text: &str) -> Result<Self, PercentError> {
        let text = text.trim();
        let signed = text.strip_suffix('%').map(str::trim_end);
        let number = signed.unwrap_or(text);
        match number.parse::<f64>() {
            Ok(value) if signed.is_none() && value > 0.0 && value < 1.0 => {
                Err(PercentError::Ambiguous(number.to_owned()))
            }
            Ok(value) if value.is_finite() && value >= 0.0 => Ok(Self(value)),
            _ => Err(PercentError::Form(text.to_owned())),
        }
    }
}

/// What the number is in per cent if it was meant as a factor.
fn as_share(number: &str) -> String {
    let share = number.parse::<f64>().unwrap_or_default() * 100.0;
    // Without the dust of binary fractions.
    format!("{}", (share * 1e6).round() / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_written_with_its_sign_or_as_a_whole_number() {
        for text in ["10%", "10 %", "10", " 10.0% "] {
            assert_eq!(text.parse::<Percent>().unwrap().share(), 0.1, "{text}");
        }
        assert_eq!("0.1%".parse::<Percent>().unwrap().share(), 0.001);
        assert_eq!("0".parse::<Percent>().unwrap().to_string(), "0 %");
    }

    #[test]
    fn what_could_mean_two_things_is_refused_with_both() {
        let error = "0.07".parse::<Percent>().unwrap_err().to_string();
        assert_eq!(error, "`0.07` may mean 0.07 % or 7 %: write `0.07%` or `7%`");
        for text in ["", "%", "-1%", "ten", "NaN", "inf%", "10%%"] {
            let error = text.parse::<Percent>().unwrap_err();
            assert_eq!(error.to_string(), format!("`{text}` is no share: write for example `10%`"));
        }
    }
}
