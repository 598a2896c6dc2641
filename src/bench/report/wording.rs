//! What every form of a report says in the same words.

use crate::bench::figures::{Cost, Discarded};

/// What the figures mean, with a name each.
pub(super) const DEFINITIONS: [(&str, &str); 6] = [
    (
        "Voice-to-voice",
        "From the true end of the user's speech, as the label beside the fixture has it, to the \
         first audible sample of the answer. Where there is no label, the voice detector's \
         estimate of the end; such turns are marked.",
    ),
    (
        "Service time",
        "What the services took for themselves: each from the arrival of its request to the \
         moment at which it sent the bytes that were awaited, by its own log. Recogniser: the \
         transcript. Model: the token that let the first clause be cut. Synthesizer: the first \
         byte of sound.",
    ),
    (
        "Overhead",
        "Voice-to-voice, less the silence that ends a turn (a setting), less the service time. \
         It is what the agent adds; nothing is computed ahead to hide it.",
    ),
    (
        "Gap",
        "One of the stretches that follow one another from the end of speech to the first sound. \
         Each mark is taken where it happens. What the gaps do not add up to is the residual.",
    ),
    (
        "p50, p95, p99",
        "Half, 95 % and 99 % of the turns took at most this. Each is a value that was measured \
         (the nearest rank).",
    ),
    (
        "Knee",
        "The first number of calls side by side with which an answer is lost, sound runs out, or \
         the overhead's p95 passes its limit.",
    ),
];

/// What each gap is, in their order.
pub(super) const GAPS: [&str; 10] = [
    "the silence that ends a turn, a setting",
    "what the voice detector notices late",
    "from the microphone to the detector",
    "until the transcript is there",
    "until the model's first token",
    "until the rest of the first clause",
    "until the synthesizer's first byte",
    "from there to the first audible sample",
    "until the speaker's callback takes it",
    "from the callback to the air",
];

/// A gap's name for people.
pub(super) fn gap_name(name: &str) -> String {
    plain(&name.replace('_', " "))
}

/// Milliseconds to a tenth.
pub(super) fn ms(value: f64) -> String {
    // No `-0.0`.
    let tenths = (value * 10.0).round() / 10.0 + 0.0;
    format!("{tenths:.1}")
}

/// A value, or a dash where there is none.
pub(super) fn or_dash<T>(value: Option<T>, text: impl Fn(T) -> String) -> String {
    value.map_or_else(|| "–".to_owned(), text)
}

/// The columns of [`cost`].
pub(super) const COSTS: [&str; 9] = [
    "sessions",
    "minutes",
    "CPU s/min",
    "KiB/session",
    "base KiB",
    "under-runs",
    "lost turns",
    "driver late ms (p95)",
    "begun in vain (tokens)",
];

/// What calls cost, as a row.
pub(super) fn cost(cost: &Cost) -> [String; COSTS.len()] {
    [
        cost.sessions.to_string(),
        format!("{:.1}", cost.session_minutes),
        or_dash(cost.cpu_s_per_minute, |seconds| format!("{seconds:.3}")),
        or_dash(cost.memory_kib_per_session, |kib| format!("{kib:.0}")),
        or_dash(cost.base_kib, |kib| format!("{kib:.0}")),
        cost.under_runs.to_string(),
        cost.lost_turns.to_string(),
        ms(cost.driver_late_ms),
        discarded(cost.discarded),
    ]
}

/// Answers that were begun in vain, and what they took: `2 (310 + 12)`.
fn discarded(discarded: Discarded) -> String {
    let Discarded { answers, input_tokens, output_tokens } = discarded;
    match answers {
        0 => "0".to_owned(),
        _ => format!("{answers} ({input_tokens} + {output_tokens})"),
    }
}

/// On one line, and without what moves a terminal's cursor.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// `1 turn`, `2 turns`.
pub(super) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
