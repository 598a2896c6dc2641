//! A report as Markdown.

use super::taking;
use super::wording::{self, COSTS, count, gap_name, ms, or_dash, plain};
use crate::bench::figures::{Group, Report, Spread, Step};

/// The whole report: how it was made, what the figures mean, and the figures. Not every turn: they
/// are in the JSON.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let mut sections = Vec::new();
    if taking::alone(report) {
        sections.extend(["# How turns are taken\n".to_owned(), made(report)]);
    } else {
        sections.extend(["# How fast the agent answers\n".to_owned(), made(report)]);
        sections.extend([latencies(report), gaps(report), costs(report)]);
        sections.extend([interruptions(report), scaling(&report.scaling), failures(report)]);
    }
    sections.push(taking::markdown(&report.taking));
    sections.push(definitions(report));
    let sections: Vec<String> = sections.into_iter().filter(|text| !text.is_empty()).collect();
    sections.join("\n")
}

fn made(report: &Report) -> String {
    let made = &report.made;
    let estimated = report.turns.iter().filter(|turn| !turn.labelled).count();
    let labels = match estimated {
        0 => "labels, for every turn".to_owned(),
        some => format!("the voice detector's estimate for {} of {}", some, report.turns.len()),
    };
    let mut rows = vec![
        ("measured", escaped(&made.target)),
        ("command", code(&made.command)),
        ("machine", escaped(&made.machine)),
        ("program", format!("banter {}", escaped(&made.banter))),
        ("at", escaped(&made.at)),
    ];
    if !taking::alone(report) {
        rows.push(("end of speech by", labels));
    }
    let mut text = "| | |\n|---|---|\n".to_owned();
    for (name, value) in rows {
        text += &format!("| {name} | {value} |\n");
    }
    text
}

/// Absolute times always stand beside the overhead.
fn latencies(report: &Report) -> String {
    let mut rows = Vec::new();
    for group in groups(report) {
        let mut cells = vec![escaped(&group.name), group.turns.to_string()];
        cells.extend(three(Some(group.voice_to_voice_ms).filter(|_| group.turns > 0)));
        cells.extend(three(group.overhead_ms));
        rows.push(cells);
    }
    let head =
        ["scenario", "turns", "voice-to-voice p50", "p95", "p99", "overhead p50", "p95", "p99"];
    format!("## Voice-to-voice and overhead, in ms\n\n{}", rows_of(&head, &rows))
}

fn gaps(report: &Report) -> String {
    if groups(report).all(|group| group.gaps.is_empty()) {
        return String::new();
    }
    let mut text = "## Gaps, in ms\n".to_owned();
    for group in groups(report).filter(|group| !group.gaps.is_empty()) {
        let cells = |(name, spread): &(String, Spread)| {
            [vec![escaped(&gap_name(name))], three(Some(*spread)).to_vec()].concat()
        };
        let rows: Vec<_> = group.gaps.iter().map(cells).collect();
        let table = rows_of(&["gap", "p50", "p95", "p99"], &rows);
        let turns = count(group.turns, "turn");
        text += &format!("\n### {} ({turns})\n\n{table}", escaped(&group.name));
        let residual = ms(group.residual_ms);
        text += &format!("\nThe gaps explain each turn but for {residual} ms at most.\n");
    }
    text
}

fn costs(report: &Report) -> String {
    let cells =
        |group: &Group| [vec![escaped(&group.name)], wording::cost(&group.cost).to_vec()].concat();
    let rows: Vec<_> = groups(report).map(cells).collect();
    let head = [["scenario"].as_slice(), &COSTS].concat();
    format!("## Cost\n\n{}", rows_of(&head, &rows))
}

fn interruptions(report: &Report) -> String {
    let cells = |group: &Group| {
        let barge_in = &group.barge_in;
        let mut cells = vec![escaped(&group.name), barge_in.count.to_string()];
        cells.extend(three(Some(barge_in.decision_ms)));
        cells.extend(three(Some(barge_in.silence_ms)));
        cells
    };
    let rows: Vec<_> = groups(report).filter(|group| group.barge_in.count > 0).map(cells).collect();
    if rows.is_empty() {
        return String::new();
    }
    let head = [
        "scenario",
        "times",
        "to the decision p50",
        "p95",
        "p99",
        "on to silence p50",
        "p95",
        "p99",
    ];
    format!("## Interruptions, in ms\n\n{}", rows_of(&head, &rows))
}

fn scaling(steps: &[Step]) -> String {
    if steps.is_empty() {
        return String::new();
    }
    let cells = |step: &Step| {
        let [_, _, cpu, memory, _, under_runs, lost, late, _] = wording::cost(&step.cost);
        let mut cells = vec![step.sessions.to_string()];
        let absolute = step.voice_to_voice_ms;
        cells.extend([ms(absolute.p50), ms(absolute.p95)]);
        cells.extend(three(Some(step.overhead_ms)));
        cells.extend([cpu, memory, under_runs, lost, step.refused.to_string(), late]);
        cells.push(step.knee.as_deref().map_or_else(String::new, escaped));
        cells
    };
    let rows: Vec<_> = steps.iter().map(cells).collect();
    let head = [
        "calls",
        "voice-to-voice p50",
        "p95",
        "overhead p50",
        "p95",
        "p99",
        "CPU s/min",
        "KiB/session",
        "under-runs",
        "lost turns",
        "refused",
        "driver late p95",
        "beyond the knee",
    ];
    format!("## Calls side by side, times in ms\n\n{}", rows_of(&head, &rows))
}

fn failures(report: &Report) -> String {
    let lines: Vec<String> = groups(report)
        .flat_map(|group| group.failures.iter().map(move |failure| (&group.name, failure)))
        .map(|(name, failure)| format!("- {}: {}\n", escaped(name), escaped(failure)))
        .collect();
    if lines.is_empty() {
        return String::new();
    }
    format!("## Not as expected\n\n{}", lines.concat())
}

fn definitions(report: &Report) -> String {
    let mut text = "## What the figures mean\n\n".to_owned();
    for (name, meaning) in super::definitions(report) {
        text += &format!("- **{name}**: {meaning}\n");
    }
    text
}

fn groups(report: &Report) -> impl Iterator<Item = &Group> {
    report.scenarios.iter().chain([&report.all])
}

fn three(spread: Option<Spread>) -> [String; 3] {
    [spread.map(|s| s.p50), spread.map(|s| s.p95), spread.map(|s| s.p99)].map(|v| or_dash(v, ms))
}

/// A table whose first column is words and whose others are figures.
pub(super) fn rows_of(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut text = format!("| {} |\n|---|{}\n", head.join(" | "), "---:|".repeat(head.len() - 1));
    for row in rows {
        text += &format!("| {} |\n", row.join(" | "));
    }
    text
}

/// As words, whatever signs of Markdown are in it.
pub(super) fn escaped(text: &str) -> String {
    let mut words = String::new();
    for c in plain(text).chars() {
        match c {
            '<' => words.push_str("&lt;"),
            '&' => words.push_str("&amp;"),
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '#' | '~' => words.extend(['\\', c]),
            _ => words.push(c),
        }
    }
    words
}

/// As code in a cell, which knows no escape but the cell's own.
fn code(text: &str) -> String {
    format!("`{}`", plain(text).replace('`', "'").replace('|', "\\|"))
}
