//! One engine by itself: a recogniser, a model or a synthesizer, whatever it is.
//!
//! ```text
//! stt::hear(engine, sound)  ─▶ Heard    ┐
//! tts::speak(engine, text)  ─▶ Spoken   ├─▶ Figures (percentiles, amounts, cost) ─▶ table, JSON
//! llm::ask(engine, request) ─▶ Answered ┘
//! ```
//!
//! Nothing of a session is in it: no voice detector, no silence that ends a turn.
//! `docs/performance.md` says what each figure means.

mod cost;
pub mod llm;
pub mod stt;
pub mod tts;

use std::time::Duration;

use super::figures::Spread;
use super::report::{aligned, row};

pub use cost::Cost;

/// The percentiles of `times` in milliseconds; `None` without any.
fn spread(times: impl IntoIterator<Item = Duration>) -> Option<Spread> {
    let times: Vec<_> = times.into_iter().map(|time| time.as_secs_f64() * 1e3).collect();
    (!times.is_empty()).then(|| Spread::of(times))
}

/// `part` of `whole`; `None` if that is nothing.
fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

/// Percentiles in columns.
fn spreads(rows: &[(&str, Option<Spread>)]) -> String {
    let ms = |value: f64| format!("{value:.1}");
    let cells = rows.iter().map(|(name, spread)| match spread {
        Some(s) => vec![(*name).to_owned(), ms(s.p50), ms(s.p95), ms(s.p99)],
        None => row(name, ["-", "-", "-"]),
    });
    let heading = row("ms", ["p50", "p95", "p99"]);
    aligned(&[heading].into_iter().chain(cells).collect::<Vec<_>>())
}

/// Figures of one value each, then the cost.
fn values(rows: &[(&str, String)], hour_of: &str, cost: Option<&Cost>) -> String {
    let mut cells: Vec<_> = rows.iter().map(|(name, value)| row(name, [value])).collect();
    if let Some(cost) = cost {
        cells.extend(cost.rows(hour_of));
    }
    aligned(&cells)
}

fn or_dash(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.decimals$}"))
}
