//! Whether all was as expected.

use super::story::{Response, Turn};
use super::{Heard, turns};
use crate::bench::call::Record;
use crate::bench::figures;
use crate::bench::person::Spoken;
use crate::bench::scenario::{Expect, Scenario};
use crate::bench::services::CHARACTER;
use crate::bench::services::Log;
use crate::text::spoken as as_spoken;
use crate::text::wer::WordErrors;
use crate::types::Role;

/// Something that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The utterance that it is about, from 0; `None` is the call.
    pub turn: Option<usize>,
    /// What must be.
    pub what: String,
    /// Whether it is so.
    pub ok: bool,
    /// What was found.
    pub detail: String,
}

/// What is known of the voice that spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoke {
    /// The mock services' synthesizer, clause by clause: what stands between them takes no time.
    Clauses,
    /// Their model that speaks for itself: an answer in one breath.
    Answers,
    /// Nothing.
    Unknown,
}

/// What the scenario expects, and what must be so in every call: what completes is played to its
/// last sample, and the history holds what was heard. How long a text sounds is only known of the
/// mock services.
#[must_use]
pub fn checks(scenario: &Scenario, record: &Record, spoke: Spoke) -> Vec<Check> {
    let call = Heard::of(record);
    let measured = turns(record, &Log::default(), &scenario.name);
    let mut checks = Vec::new();
    for (index, turn) in scenario.turns.iter().enumerate() {
        let spoken = call.spoken.iter().find(|spoken| spoken.index == index);
        let mut of_turn = OfTurn { call: &call, measured: &measured, index, checks: &mut checks };
        match spoken {
            Some(spoken) => of_turn.expect(spoken, &turn.expect),
            None => of_turn.add("it is said", false, "the call was over before"),
        }
    }
    for (number, response) in call.story.responses.iter().enumerate() {
        checks.extend(call.played_whole(number + 1, response, spoke));
        checks.extend(call.remembered(number + 1, response, spoke));
    }
    checks
}

struct OfTurn<'a> {
    call: &'a Heard<'a>,
    measured: &'a [figures::Turn],
    index: usize,
    checks: &'a mut Vec<Check>,
}

impl OfTurn<'_> {
    fn expect(&mut self, spoken: &Spoken, expect: &Expect) {
        if let Some(limit) = expect.reply_within_ms {
            let what = format!("reply within {limit} ms");
            match self.measured.iter().find(|turn| turn.index == self.index) {
                Some(turn) => {
                    let ms = turn.voice_to_voice_ms;
                    self.add(&what, ms <= f64::from(limit), &format!("{ms:.0} ms"));
                }
                None => self.add(&what, false, "no reply"),
            }
        }
        if let Some(limit) = expect.hold_within_ms {
            let what = format!("silent within {limit} ms");
            match self.call.silent_after(spoken) {
                Some(ms) => self.add(&what, ms <= f64::from(limit), &format!("{ms:.0} ms")),
                None => self.add(&what, false, "the agent was not speaking"),
            }
        }
        if let Some(words) = &expect.heard {
            let heard = self.call.transcript(spoken);
            let same =
                heard.as_deref().is_some_and(|heard| WordErrors::between(words, heard).errors == 0);
            let found = heard.map_or_else(|| "nothing".to_owned(), |heard| format!("{heard:?}"));
            self.add(&format!("heard {words:?}"), same, &found);
        }
        if expect.no_turn {
            let count = self.call.turns_of(spoken).filter(|turn| turn.counts()).count();
            self.add("no turn", count == 0, &format!("{count} turns"));
        }
        if let Some(wanted) = expect.interrupted {
            let is = self.call.interrupted_by(spoken);
            let name = |is| if is { "interrupts" } else { "does not interrupt" };
            self.add(name(wanted), is == wanted, name(is));
        }
    }

    fn add(&mut self, what: &str, ok: bool, detail: &str) {
        let (what, detail) = (what.to_owned(), detail.to_owned());
        self.checks.push(Check { turn: Some(self.index), what, ok, detail });
    }
}

impl Heard<'_> {
    /// The turns that the session made of an utterance.
    fn turns_of(&self, spoken: &Spoken) -> impl Iterator<Item = &Turn<'_>> {
        let (start, end) = (spoken.start.as_millis() - SLACK_MS, spoken.end.as_millis() + SLACK_MS);
        self.story.turns.iter().filter(move |turn| {
            let ended = turn.ended.map_or(f64::INFINITY, |(end, _)| end);
            turn.start_ms < end && ended > start
        })
    }

    /// What was understood of an utterance, turn by turn.
    fn transcript(&self, spoken: &Spoken) -> Option<String> {
        let texts: Vec<_> = self.turns_of(spoken).filter_map(|turn| turn.text).collect();
        (!texts.is_empty()).then(|| texts.join(" "))
    }

    /// How long the agent sounded on after the utterance began; `None` if it did not.
    fn silent_after(&self, spoken: &Spoken) -> Option<f64> {
        let over = self.sounds.iter().find(|it| it.from < spoken.start && spoken.start < it.to)?;
        Some(over.to.millis_since(spoken.start))
    }

    /// Whether the utterance was the last one said into an answer that was interrupted.
    fn interrupted_by(&self, spoken: &Spoken) -> bool {
        self.story.responses.iter().any(|response| {
            let (Some(start), Some(end), Some(_)) =
                (response.start_ms, response.end, response.interrupted)
            else {
                return false;
            };
            let into = |other: &&Spoken| (start..=end.at_ms).contains(&other.start.as_millis());
            self.spoken.iter().rfind(into) == Some(spoken)
        })
    }

    /// A complete answer is heard to its last sample.
    fn played_whole(&self, number: usize, response: &Response<'_>, spoke: Spoke) -> Option<Check> {
        let mock = spoke != Spoke::Unknown;
        let (start, end) = (response.start_ms?, response.end.filter(|end| end.complete)?);
        let by_ear = self.heard_between(start, end.at_ms);
        let expected =
            if mock { response.characters(spoke) as f64 * CHARACTER_MS } else { end.heard_ms };
        // After a false alarm it comes back where its voice was lowered.
        let within = start..=end.at_ms;
        let holds = self.story.holds.iter().filter(|hold| within.contains(&hold.at.as_millis()));
        let again = LOWERED_MS * holds.count() as f64;
        let ok = if mock {
            let more = by_ear - expected;
            (end.heard_ms - expected).abs() <= TICK_MS
                && (-EDGE_MS..=EDGE_MS + again).contains(&more)
        } else {
            // Speech may begin and end softly, and pause.
            by_ear > 0.0 && (again > 0.0 || end.at_ms - start <= expected + EDGE_MS)
        };
        Some(Check {
            turn: None,
            what: format!("answer {number} is heard to its end"),
            ok,
            detail: format!("{by_ear:.0} of {expected:.0} ms"),
        })
    }

    /// What was heard of an interrupted answer is what the history has of it.
    fn remembered(&self, number: usize, response: &Response<'_>, spoke: Spoke) -> Option<Check> {
        let mock = spoke != Spoke::Unknown;
        let (kept, end) = (response.interrupted?, response.end?);
        let messages = &self.record.summary.messages;
        let there = kept.is_empty()
            || messages.iter().any(|message| {
                message.role == Role::Assistant && message.interrupted && message.text == kept
            });
        let by_ear = self.heard_between(response.start_ms?, end.at_ms);
        let (words, kept) = (response.words_within(by_ear, spoke), kept.split_whitespace().count());
        Some(Check {
            turn: None,
            what: format!("the history has what was heard of answer {number}"),
            ok: there && (!mock || words.abs_diff(kept) <= MOST_WORDS),
            detail: format!("{kept} words of {words} heard"),
        })
    }

    /// How long the agent was audible between two times.
    fn heard_between(&self, from_ms: f64, to_ms: f64) -> f64 {
        let part =
            |from: f64, to: f64| (to.min(to_ms + EDGE_MS) - from.max(from_ms - EDGE_MS)).max(0.0);
        self.sounds.iter().map(|sound| part(sound.from.as_millis(), sound.to.as_millis())).sum()
    }
}

impl Response<'_> {
    /// What is spoken of it, each in one breath.
    fn spoken(&self, spoke: Spoke) -> Vec<String> {
        let pieces: Vec<_> = match spoke {
            Spoke::Answers => vec![self.clauses.concat()],
            Spoke::Clauses | Spoke::Unknown => {
                self.clauses.iter().map(|clause| as_spoken(clause)).collect()
            }
        };
        pieces.into_iter().filter(|text| !text.is_empty()).collect()
    }

    /// How many characters of it are spoken.
    fn characters(&self, spoke: Spoke) -> usize {
        self.spoken(spoke).iter().map(|text| text.trim().chars().count()).sum()
    }

    /// How many of its words the mock services speak to their end in so long.
    fn words_within(&self, ms: f64, spoke: Spoke) -> usize {
        let mut left = ms / CHARACTER_MS;
        let mut words = 0;
        for text in self.spoken(spoke) {
            let length = text.trim().chars().count() as f64;
            let mut at = 0.0;
            for word in text.trim().split_inclusive(char::is_whitespace) {
                let spoken = word.trim_end().chars().count() as f64;
                words += usize::from(at + spoken <= left);
                at += word.chars().count() as f64;
            }
            left -= length;
            if left <= 0.0 {
                break;
            }
        }
        words
    }
}

const CHARACTER_MS: f64 = CHARACTER.as_millis() as f64;

/// What a detector may be off by, either way.
const SLACK_MS: f64 = 300.0;

/// The drive's step: no length is known better than that.
const TICK_MS: f64 = 5.0;

/// A sine begins and ends with samples that are not audible, and a speaker fades.
const EDGE_MS: f64 = 20.0;

/// So long before it falls silent an agent has lowered its voice, at most: for as long as the rule
/// for interruptions looks back.
const LOWERED_MS: f64 = 500.0;

/// Without word times, the words that were heard are an estimate.
const MOST_WORDS: usize = 2;
