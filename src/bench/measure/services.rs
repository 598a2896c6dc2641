//! The services' own share of a turn, by their log.

use std::time::Duration;

use crate::bench::figures::ServiceTimes;
use crate::bench::services::{Entry, Outcome, Service};
use crate::text::{ClauseCutter, spoken};

/// From the end of speech to the first sound, both included, on the clock of the log: what takes no
/// time at all is heard at the instant in which it was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interval {
    pub(super) from: u64,
    pub(super) to: u64,
}

/// What the services took of it; `None` if one of the three was not asked, or not by the book.
/// Between two requests to the model in one turn there is a tool, which takes `tool`.
pub(super) fn times(log: &[Entry], interval: Interval, tool: Duration) -> Option<ServiceTimes> {
    let of = |service| {
        log.iter().filter(move |entry| {
            entry.service == service && (interval.from..=interval.to).contains(&entry.arrived)
        })
    };
    let stt: Vec<_> = of(Service::Stt).collect();
    let heard = stt.iter().map(|entry| took(entry, entry.sent.last().copied()));
    let stt_ms = heard.sum::<Option<f64>>().filter(|_| !stt.is_empty())?;

    let llm: Vec<_> = of(Service::Llm).collect();
    let (last, rounds) = llm.split_last()?;
    let whole = rounds.iter().map(|entry| took(entry, entry.sent.last().copied()));
    let calls = rounds.iter().filter(|entry| entry.outcome == Outcome::Finished).count();
    let tools = tool.as_secs_f64() * 1e3 * calls as f64;
    let llm_ms = whole.sum::<Option<f64>>()? + tools + took(last, first_clause(last))?;

    let mut tts_ms = None;
    for entry in of(Service::Tts) {
        let first = took(entry, entry.sent.first().copied())?;
        tts_ms = Some(tts_ms.unwrap_or(0.0) + first);
        if entry.status == 200 {
            break; // the next piece of the answer is no part of the wait
        }
    }
    Some(ServiceTimes { stt_ms, llm_ms, tts_ms: tts_ms? })
}

/// From the request's last byte to what was awaited; `None` if that was never sent.
fn took(entry: &Entry, sent: Option<u64>) -> Option<f64> {
    Some((sent? as f64 - entry.arrived as f64) / 1e6)
}

/// When the text was sent with which the first clause could be cut.
fn first_clause(entry: &Entry) -> Option<u64> {
    let mut cutter = ClauseCutter::default();
    for (text, sent) in entry.texts.iter().zip(&entry.sent) {
        cutter.push(text);
        while let Some(clause) = cutter.next() {
            if !spoken(&clause.text).is_empty() {
                return Some(*sent);
            }
        }
    }
    // The end of the answer cuts what is left.
    entry.sent.last().copied()
}
