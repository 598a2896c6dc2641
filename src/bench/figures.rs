//! What a measurement found: the data of a report, written and read back as JSON.
//!
//! All times are in milliseconds. The gaps of a turn follow one another and add up to its
//! voice-to-voice time; `docs/performance.md` defines each.

use std::ops::Add;

use serde::{Deserialize, Serialize};

use super::turns::score::Score;

/// The version of the report's form. New fields do not change it.
pub const VERSION: u32 = 1;

/// The names of the gaps, in their order.
pub const GAPS: [&str; 10] = [
    "end_of_turn_wait",
    "vad_lag",
    "capture",
    "stt",
    "first_token",
    "first_clause",
    "tts_first_byte",
    "lead",
    "playout",
    "device",
];

/// A whole report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The [`VERSION`].
    pub version: u32,
    /// How it was made.
    pub made: Made,
    /// One for each scenario, in their order.
    pub scenarios: Vec<Group>,
    /// All turns together.
    pub all: Group,
    /// What calls side by side cost, if that was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scaling: Vec<Step>,
    /// How turns were taken, if that was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taking: Vec<Taking>,
    /// Every turn, in order.
    pub turns: Vec<Turn>,
}

/// How a report was made, so that it can be made again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// The version of the program.
    pub banter: String,
    /// The command.
    pub command: String,
    /// The processor, and how many cores there are.
    pub machine: String,
    /// What was measured: the engines, or the agent's address.
    pub target: String,
    /// Date and time, as in RFC 3339.
    pub at: String,
}

/// The figures of some turns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// The scenario, or `all`.
    pub name: String,
    /// How many turns were measured.
    pub turns: usize,
    /// From the true end of speech to the first audible sample.
    pub voice_to_voice_ms: Spread,
    /// Of it, what neither the silence setting nor the services explain; `None` where the
    /// services' own times are not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overhead_ms: Option<Spread>,
    /// Each gap, in the order of [`GAPS`]; none for a black box. In JSON a map by name, in this
    /// order.
    #[serde(default, with = "by_name")]
    pub gaps: Vec<(String, Spread)>,
    /// The greatest distance between the sum of the gaps and the whole.
    pub residual_ms: f64,
    /// What it cost.
    pub cost: Cost,
    /// From the first sample of an interruption to the decision to hold, and from there to
    /// silence at the ring.
    #[serde(default)]
    pub barge_in: BargeIn,
    /// Expectations that were not met, in words.
    #[serde(default)]
    pub failures: Vec<String>,
}

/// The spread of some values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Half of them are at most this.
    pub p50: f64,
    /// 95 % of them are at most this.
    pub p95: f64,
    /// 99 % of them are at most this.
    pub p99: f64,
}

/// What calls cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// How many sessions there were.
    pub sessions: usize,
    /// How long they lasted, all together.
    pub session_minutes: f64,
    /// Processor time of a minute of one session; `None` for a black box.
    pub cpu_s_per_minute: Option<f64>,
    /// Resident memory of one session above the base.
    pub memory_kib_per_session: Option<f64>,
    /// Resident memory before the first session.
    pub base_kib: Option<f64>,
    /// How often a speaker ran out of sound in the middle of an answer.
    pub under_runs: u64,
    /// Turns that got no answer although one was due.
    pub lost_turns: u64,
    /// How late the driver itself was, at the 95th percentile.
    pub driver_late_ms: f64,
    /// Answers that were begun ahead of the end of a turn, and in vain.
    #[serde(default)]
    pub discarded: Discarded,
}

/// Answers that were begun in vain, and the tokens that they took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discarded {
    /// How many.
    pub answers: u64,
    /// Tokens of their requests, estimated where the model has not told them.
    pub input_tokens: u64,
    /// Tokens of what was written of them.
    pub output_tokens: u64,
}

impl Add for Discarded {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            answers: self.answers + other.answers,
            input_tokens: self.input_tokens + other.input_tokens,
            output_tokens: self.output_tokens + other.output_tokens,
        }
    }
}

/// How fast an agent falls silent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BargeIn {
    /// How many interruptions were measured.
    pub count: usize,
    /// From their first sample to the decision.
    pub decision_ms: Spread,
    /// From the decision to silence at the ring.
    pub silence_ms: Spread,
}

/// So many calls side by side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// How many.
    pub sessions: usize,
    /// What their turns took.
    pub voice_to_voice_ms: Spread,
    /// Of it, overhead.
    pub overhead_ms: Spread,
    /// What they cost.
    pub cost: Cost,
    /// Calls that were refused because the process had enough.
    pub refused: usize,
    /// Why this is beyond the knee; `None` if it is not.
    pub knee: Option<String>,
}

/// How well a detector and turn taking did in a set of scenarios.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Taking {
    /// The voice detector.
    pub engine: String,
    /// Who says how much silence ends a turn.
    #[serde(default)]
    pub endpoint: String,
    /// What the scenarios are, in words.
    pub set: String,
    /// The figures.
    pub score: Score,
}

impl Taking {
    /// What was measured, in a heading: the detector, and who ends turns.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.engine, self.endpoint).trim_end().to_owned()
    }
}

/// One turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// The scenario.
    pub scenario: String,
    /// The session, from 0.
    pub session: usize,
    /// Which turn of its scenario, from 0: what a comparison pairs turns by.
    pub index: usize,
    /// Whether the end of speech is a label: else it is an estimate.
    pub labelled: bool,
    /// From the end of speech to the first audible sample.
    pub voice_to_voice_ms: f64,
    /// Of it, what neither the silence setting nor the services explain.
    pub overhead_ms: Option<f64>,
    /// The gaps in the order of [`GAPS`]; none for a black box.
    pub gaps: Option<[f64; GAPS.len()]>,
    /// Of the gaps `stt`, `first_token` with `first_clause`, and `tts_first_byte`: the services'
    /// own time.
    pub services: Option<ServiceTimes>,
    /// What the gaps do not explain.
    pub residual_ms: f64,
}

/// The services' own share of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceTimes {
    /// From the last byte of the sound to the transcript.
    pub stt_ms: f64,
    /// From the request to the token that let the first clause be cut, or to a tool call and on
    /// to the answer after it.
    pub llm_ms: f64,
    /// From the request to the first byte of sound.
    pub tts_ms: f64,
}

impl ServiceTimes {
    /// All three.
    #[must_use]
    pub fn total_ms(&self) -> f64 {
        self.stt_ms + self.llm_ms + self.tts_ms
    }
}

impl Spread {
    /// The percentiles of `values` by the nearest rank; zeros without values.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let rank = (share * values.len() as f64).ceil() as usize;
            values.get(rank.saturating_sub(1)).copied().unwrap_or_default()
        };
        Self { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
    }
}

impl Group {
    /// The figures of `turns`. What they cost, interruptions and failures are for the caller to
    /// add.
    #[must_use]
    pub fn of<'a>(name: &str, turns: impl IntoIterator<Item = &'a Turn>) -> Self {
        let turns: Vec<&Turn> = turns.into_iter().collect();
        let overheads: Option<Vec<f64>> = turns.iter().map(|turn| turn.overhead_ms).collect();
        let gaps: Vec<_> = turns.iter().filter_map(|turn| turn.gaps).collect();
        let spread = |gap: usize| Spread::of(gaps.iter().map(|gaps| gaps[gap]));
        let named = |(gap, name): (usize, &&str)| ((*name).to_owned(), spread(gap));
        Self {
            name: name.to_owned(),
            turns: turns.len(),
            voice_to_voice_ms: Spread::of(turns.iter().map(|turn| turn.voice_to_voice_ms)),
            overhead_ms: overheads.filter(|all| !all.is_empty()).map(Spread::of),
            gaps: if gaps.is_empty() {
                Vec::new()
            } else {
                GAPS.iter().enumerate().map(named).collect()
            },
            residual_ms: turns.iter().map(|turn| turn.residual_ms.abs()).fold(0.0, f64::max),
            ..Self::default()
        }
    }
}

/// A map in JSON that keeps its order.
mod by_name {
    use std::fmt;

    use serde::de::{Deserializer, MapAccess, Visitor};
    use serde::ser::Serializer;

    use super::Spread;

    pub(super) fn serialize<S>(gaps: &[(String, Spread)], serializer: S) -> Result<S::Ok, S::Error>
    where
        S: Serializer,
    {
        serializer.collect_map(gaps.iter().map(|(name, spread)| (name, spread)))
    }

    pub(super) fn deserialize<'de, D>(deserializer: D) -> Result<Vec<(String, Spread)>, D::Error>
    where
        D: Deserializer<'de>,
    {
        deserializer.deserialize_map(InOrder)
    }

    struct InOrder;

    impl<'de> Visitor<'de> for InOrder {
        type Value = Vec<(String, Spread)>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a map from a gap's name to its p50, p95 and p99")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut gaps = Vec::new();
            while let Some(gap) = map.next_entry()? {
                gaps.push(gap);
            }
            Ok(gaps)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(voice_to_voice_ms: f64, overhead_ms: Option<f64>) -> Turn {
        Turn {
            scenario: "question".to_owned(),
            session: 0,
            index: 0,
            labelled: true,
            voice_to_voice_ms,
            overhead_ms,
            gaps: overhead_ms.map(|own| [800.0, own, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
            services: None,
            residual_ms: -0.5,
        }
    }

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let spread = Spread::of((1..=100).rev().map(f64::from));
        assert_eq!(spread, Spread { p50: 50.0, p95: 95.0, p99: 99.0 });
        assert_eq!(Spread::of([7.0]), Spread { p50: 7.0, p95: 7.0, p99: 7.0 });
        assert_eq!(Spread::of([]), Spread::default());
    }

    #[test]
    fn a_group_tells_the_overhead_only_if_all_of_its_turns_do() {
        let known = [turn(810.0, Some(10.0)), turn(820.0, Some(20.0))];
        let group = Group::of("question", &known);
        assert_eq!(group.overhead_ms.map(|spread| spread.p50), Some(10.0));
        assert_eq!(group.gaps[1].1.p95, 20.0);
        assert_eq!((group.turns, group.residual_ms), (2, 0.5));

        let partly = Group::of("question", &[turn(810.0, Some(10.0)), turn(820.0, None)]);
        assert_eq!(partly.overhead_ms, None);
        let black_box = Group::of("question", &[turn(820.0, None)]);
        assert_eq!((black_box.overhead_ms, black_box.gaps), (None, Vec::new()));
    }
}
