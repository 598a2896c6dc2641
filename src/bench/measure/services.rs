//! The services' own share of a turn, by their log.

use std::time::Duration;

use crate::bench::figures::ServiceTimes;
use crate::bench::services::duplex::{CallLog, ResponseLog};
use crate::bench::services::{Entry, Log, Outcome, Service};
use crate::text::{ClauseCutter, spoken};

/// From the end of speech to the first sound, both included, on the clock of the log: what takes no
/// time at all is heard at the instant in which it was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interval {
    pub(super) from: u64,
    pub(super) to: u64,
}

/// When somebody waited for services: stretches on the clock of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Busy(Vec<(u64, u64)>);

impl Busy {
    fn add(&mut self, from: u64, took_ms: f64) {
        self.0.push((from, from + (took_ms * 1e6) as u64));
    }

    /// How much of a stretch was waited for one service at least. What is begun ahead runs beside
    /// the silence that ends the turn, and costs no time then.
    pub(super) fn ms_within(&self, from: u64, to: u64) -> f64 {
        let mut all = self.0.clone();
        all.sort_unstable();
        let (mut waited, mut until) = (0, from);
        for (begin, end) in all {
            let (begin, end) = (begin.max(until), end.min(to));
            waited += end.saturating_sub(begin);
            until = until.max(end);
        }
        waited as f64 / 1e6
    }
}

/// What the services took of it, and when; `None` if they were not asked, or not by the book. Between
/// two requests to the model in one turn there is a tool, which takes `tool`.
pub(super) fn times(log: &Log, interval: Interval, tool: Duration) -> Option<(ServiceTimes, Busy)> {
    match log.calls.is_empty() {
        true => of_three(&log.entries, interval, tool),
        false => of_one(&log.calls, interval, tool),
    }
}

/// Of a model that hears and speaks for itself: from where it was asked, or found the turn over, to
/// its first sound.
fn of_one(calls: &[CallLog], interval: Interval, tool: Duration) -> Option<(ServiceTimes, Busy)> {
    let mut busy = Busy::default();
    let responses = calls.iter().flat_map(|call| &call.responses);
    let of_turn = |one: &&ResponseLog| (interval.from..=interval.to).contains(&one.began);
    let mut llm_ms = 0.0;
    for response in responses.filter(of_turn) {
        let (until, called) = match &*response.status {
            "tools" => (response.over?, tool.as_secs_f64() * 1e3),
            _ => (response.first?, 0.0),
        };
        let took = (until as f64 - response.began as f64) / 1e6 + called;
        busy.add(response.began, took);
        llm_ms += took;
    }
    let times = ServiceTimes { stt_ms: 0.0, llm_ms, tts_ms: 0.0 };
    (!busy.0.is_empty()).then_some((times, busy))
}

fn of_three(log: &[Entry], interval: Interval, tool: Duration) -> Option<(ServiceTimes, Busy)> {
    let mut busy = Busy::default();
    let of = |service| {
        log.iter().filter(move |entry| {
            entry.service == service && (interval.from..=interval.to).contains(&entry.arrived)
        })
    };
    let stt: Vec<_> = of(Service::Stt).collect();
    let heard = stt.iter().map(|entry| {
        let took = took(entry, entry.sent.last().copied())?;
        busy.add(entry.arrived, took);
        Some(took)
    });
    let stt_ms = heard.sum::<Option<f64>>().filter(|_| !stt.is_empty())?;

    let llm: Vec<_> = of(Service::Llm).collect();
    let (last, rounds) = llm.split_last()?;
    let tool = tool.as_secs_f64() * 1e3;
    let mut llm_ms = took(last, first_clause(last))?;
    busy.add(last.arrived, llm_ms);
    for entry in rounds {
        let called = if entry.outcome == Outcome::Finished { tool } else { 0.0 };
        let took = took(entry, entry.sent.last().copied())? + called;
        busy.add(entry.arrived, took);
        llm_ms += took;
    }

    let mut tts_ms = None;
    for entry in of(Service::Tts) {
        let first = took(entry, entry.sent.first().copied())?;
        busy.add(entry.arrived, first);
        tts_ms = Some(tts_ms.unwrap_or(0.0) + first);
        if entry.status == 200 {
            break; // the next piece of the answer is no part of the wait
        }
    }
    Some((ServiceTimes { stt_ms, llm_ms, tts_ms: tts_ms? }, busy))
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
