//! What can go wrong with an answer, and when it does.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Service;

/// What goes wrong with an answer.
///
/// Written as one word, in scripts, in headers and on the command line:
///
/// | word | what happens |
/// |---|---|
/// | `429`, `500`, any status from 400 | it is refused |
/// | `429:2` | the same, with the advice to come back after 2 s |
/// | `cut`, `cut:0.3` | the connection breaks off after half, or 0.3, of the answer's bytes |
/// | `stall`, `stall:0.3` | nothing follows after half, or 0.3, of the answer's bytes |
/// | `malformed` | it is nonsense, in an answer that seems to be in order |
/// | `slow:3` | all takes 3 times as long |
///
/// ```
/// use banter::bench::services::Fault;
///
/// assert_eq!("cut".parse(), Ok(Fault::Cut { after: 0.5 }));
/// assert_eq!(Fault::Slow { factor: 3.0 }.to_string(), "slow:3");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Fault {
    /// It is refused.
    Refuse {
        /// The status: 400 to 599.
        status: u16,
        /// When to come back, if it says so.
        retry_after: Option<Duration>,
    },
    /// The connection breaks off.
    Cut {
        /// The part of the answer's bytes that comes before: 0 to 1.
        after: f64,
    },
    /// Nothing follows, not even an end.
    Stall {
        /// The part of the answer's bytes that comes before: 0 to 1.
        after: f64,
    },
    /// It is nonsense, in an answer that seems to be in order.
    Malformed,
    /// All takes longer.
    Slow {
        /// So many times: 0 to 1,000.
        factor: f64,
    },
}

impl Fault {
    /// Whether the caller gets what it asked for, if late.
    #[must_use]
    pub const fn answers(self) -> bool {
        matches!(self, Self::Slow { .. })
    }
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let wrong = || FaultError(word.to_owned());
        let (kind, number) = match word.trim().split_once(':') {
            None => (word.trim(), None),
            Some((kind, number)) => (kind, Some(number.parse::<f64>().map_err(|_| wrong())?)),
        };
        let within = |least: f64, most: f64, default| {
            Some(number.unwrap_or(default)).filter(|number| (least..=most).contains(number))
        };
        let fault = match kind {
            "cut" => within(0.0, 1.0, HALF).map(|after| Self::Cut { after }),
            "stall" => within(0.0, 1.0, HALF).map(|after| Self::Stall { after }),
            "malformed" if number.is_none() => Some(Self::Malformed),
            "slow" => within(0.0, 1_000.0, f64::NAN).map(|factor| Self::Slow { factor }),
            status => {
                let status = status.parse().ok().filter(|status| (400..600).contains(status));
                let wait = within(0.0, 86_400.0, 0.0).map(Duration::from_secs_f64);
                let retry_after = wait.filter(|_| number.is_some());
                status.zip(wait).map(|(status, _)| Self::Refuse { status, retry_after })
            }
        };
        fault.ok_or_else(wrong)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refuse { status, retry_after: None } => write!(f, "{status}"),
            Self::Refuse { status, retry_after: Some(wait) } => {
                write!(f, "{status}:{}", wait.as_secs_f64())
            }
            Self::Cut { after } => write!(f, "cut:{after}"),
            Self::Stall { after } => write!(f, "stall:{after}"),
            Self::Malformed => f.write_str("malformed"),
            Self::Slow { factor } => write!(f, "slow:{factor}"),
        }
    }
}

impl TryFrom<String> for Fault {
    type Error = FaultError;

    fn try_from(word: String) -> Result<Self, Self::Error> {
        word.parse()
    }
}

impl From<Fault> for String {
    fn from(fault: Fault) -> Self {
        fault.to_string()
    }
}

/// A fault that strikes at random.
///
/// Written as `429=0.05`, or for one service as `llm/429=0.05`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Risk {
    /// The service that it strikes; `None` is all of them.
    pub service: Option<Service>,
    /// What happens.
    pub fault: Fault,
    /// To which part of the requests: 0 to 1.
    pub probability: f64,
}

impl FromStr for Risk {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || FaultError(text.to_owned());
        let (what, probability) = text.split_once('=').ok_or_else(wrong)?;
        let probability = probability.trim().parse().ok();
        let probability =
            probability.filter(|part| (0.0..=1.0).contains(part)).ok_or_else(wrong)?;
        let (service, fault) = match what.split_once('/') {
            None => (None, what),
            Some((service, fault)) => (Some(service.trim().parse().map_err(|_| wrong())?), fault),
        };
        Ok(Self { service, fault: fault.parse().map_err(|_| wrong())?, probability })
    }
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(service) = self.service {
            write!(f, "{service}/")?;
        }
        write!(f, "{}={}", self.fault, self.probability)
    }
}

/// What is no fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no fault; write a status (429, or 429:2 with the seconds to wait), cut, cut:0.3, \
     stall, stall:0.3, malformed or slow:3; at random: 429=0.05, llm/cut=0.05"
)]
pub struct FaultError(String);

const HALF: f64 = 0.5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_a_word() {
        let refuse = |status, wait: Option<f64>| {
            let retry_after = wait.map(Duration::from_secs_f64);
            Fault::Refuse { status, retry_after }
        };
        for (word, fault) in [
            ("429", refuse(429, None)),
            ("429:2", refuse(429, Some(2.0))),
            ("503:0.25", refuse(503, Some(0.25))),
            ("cut:0.3", Fault::Cut { after: 0.3 }),
            ("stall:0", Fault::Stall { after: 0.0 }),
            ("malformed", Fault::Malformed),
            ("slow:2.5", Fault::Slow { factor: 2.5 }),
        ] {
            assert_eq!(word.parse(), Ok(fault));
            assert_eq!(fault.to_string(), word);
        }
        assert_eq!("cut".parse(), Ok(Fault::Cut { after: 0.5 }));
        assert_eq!(" stall ".parse(), Ok(Fault::Stall { after: 0.5 }));
    }

    #[test]
    fn what_is_no_fault_is_told() {
        for word in [
            "",
            "200",
            "4290",
            "slow",
            "slow:-1",
            "cut:2",
            "cut:x",
            "cut:nan",
            "malformed:1",
            "429:-1",
        ] {
            let error = word.parse::<Fault>().unwrap_err().to_string();
            assert!(error.contains(&format!("\"{word}\"")), "{error}");
        }
    }

    #[test]
    fn a_risk_has_a_probability_and_may_have_a_service() {
        for text in ["429=0.05", "llm/cut:0.5=1"] {
            assert_eq!(text.parse::<Risk>().unwrap().to_string(), text);
        }
        for text in ["429", "429=2", "xyz/429=0.1", "llm/=0.1"] {
            assert!(text.parse::<Risk>().is_err(), "{text}");
        }
    }
}
