//! What good turn taking keeps.

use std::fmt;

use super::{Latency, Score, Share};

/// Something that good turn taking keeps, and how it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Criterion {
    /// What it is about.
    pub name: &'static str,
    limit: Limit,
    was: Was,
}

/// How many there may or must be, for any count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    AtMost(Share),
    AtLeast(Share),
    /// In milliseconds.
    Within(i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Was {
    Share(Share),
    Ms(i64),
    /// There was nothing of the kind.
    Nothing,
}

impl Criterion {
    /// Whether it is kept; `None` if the scenarios have nothing of the kind.
    #[must_use]
    pub fn holds(&self) -> Option<bool> {
        match (self.was, self.limit) {
            (Was::Share(was), _) if was.of == 0 => None,
            // As shares, so that any count can be judged: 3 of 6 are as good as 9 of 18.
            (Was::Share(was), Limit::AtMost(limit)) => {
                Some(was.count * limit.of <= limit.count * was.of)
            }
            (Was::Share(was), Limit::AtLeast(limit)) => {
                Some(was.count * limit.of >= limit.count * was.of)
            }
            (Was::Ms(was), Limit::Within(limit)) => Some(was <= limit),
            _ => None,
        }
    }

    /// What is allowed, in words.
    #[must_use]
    pub fn limit(&self) -> String {
        match self.limit {
            Limit::AtMost(Share { count: 0, .. }) => "none".to_owned(),
            Limit::AtMost(limit) => format!("at most {} of {}", limit.count, limit.of),
            Limit::AtLeast(limit) if limit.count == limit.of => "all".to_owned(),
            Limit::AtLeast(limit) => format!("at least {} of {}", limit.count, limit.of),
            Limit::Within(ms) => format!("at most {ms} ms"),
        }
    }

    /// How it was.
    #[must_use]
    pub fn was(&self) -> String {
        match self.was {
            Was::Share(share) if share.of > 0 => share.to_string(),
            Was::Ms(ms) => format!("{ms} ms"),
            Was::Share(_) | Was::Nothing => "–".to_owned(),
        }
    }

    fn shares(name: &'static str, was: Share, limit: Limit) -> Self {
        Self { name, limit, was: Was::Share(was) }
    }
}

/// As in `missed turns, at most 1 of 100: 2/102`.
impl fmt::Display for Criterion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}: {}", self.name, self.limit(), self.was())
    }
}

/// Every criterion, kept or not.
#[must_use]
pub fn criteria(score: &Score) -> Vec<Criterion> {
    let (plain, over_echo) = (score.plain_barge_ins(), score.echo_barge_ins());
    let backchannels = score.false_interrupts.get("backchannel").copied().unwrap_or_default();
    let of = |count, of| Share { count, of };
    let at_most = |count, of| Limit::AtMost(Share { count, of });
    let at_least = |count, of| Limit::AtLeast(Share { count, of });
    let median = |of: Option<Latency>| of.map_or(Was::Nothing, |latency| Was::Ms(latency.p50));
    vec![
        Criterion::shares("missed turns", of(score.missed_turns, score.turns), at_most(1, 100)),
        Criterion::shares(
            "unended turns",
            of(score.unended, score.turns - score.missed_turns),
            at_most(0, 1),
        ),
        Criterion::shares("false turns while idle", score.all_idle_false_turns(), at_most(1, 18)),
        Criterion::shares("holds for its own echo", score.echo_holds(), at_most(0, 1)),
        Criterion::shares("barge-ins over echo", of(over_echo.met, over_echo.of), at_least(27, 30)),
        Criterion {
            name: "median of them",
            limit: Limit::Within(500),
            was: median(score.echo_barge_in_ms),
        },
        Criterion::shares("barge-ins without echo", of(plain.met, plain.of), at_least(1, 1)),
        Criterion {
            name: "median of those",
            limit: Limit::Within(450),
            was: median(score.plain_barge_in_ms),
        },
        Criterion::shares("holds by backchannels", backchannels, at_most(1, 12)),
    ]
}
