//! A report for the terminal.

use super::taking;
use super::wording::{self, count, gap_name, ms, or_dash, plain};
use crate::bench::figures::{Discarded, Group, Report, Spread, Step};

/// The figures in aligned columns: every scenario and all, then the gaps, the cost, and what was
/// not as expected. No colour, and no more than 100 columns for names of up to 30 characters.
#[must_use]
pub fn table(report: &Report) -> String {
    let mut parts = vec![headline(report)];
    if !taking::alone(report) {
        parts.extend([latencies(report), gaps(&report.all), costs(report)]);
        parts.extend([interruptions(report), scaling(&report.scaling), failures(report)]);
    }
    parts.push(taking::text(&report.taking));
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

fn headline(report: &Report) -> String {
    let made = &report.made;
    let estimated = report.turns.iter().filter(|turn| !turn.labelled).count();
    let mut text = format!("{} on {}\n", plain(&made.target), plain(&made.machine));
    if estimated > 0 {
        let turns = count(estimated, "turn");
        text += &format!("{turns} without a label: the end of speech is an estimate there\n");
    }
    text
}

fn latencies(report: &Report) -> String {
    let mut rows = vec![
        row("", ["", "voice-to-voice (ms)", "", "", "overhead (ms)", "", ""]),
        row("scenario", ["turns", "p50", "p95", "p99", "p50", "p95", "p99"]),
    ];
    for group in report.scenarios.iter().chain([&report.all]) {
        let mut cells = vec![plain(&group.name), group.turns.to_string()];
        cells.extend(three(Some(group.voice_to_voice_ms).filter(|_| group.turns > 0)));
        cells.extend(three(group.overhead_ms));
        rows.push(cells);
    }
    aligned(&rows)
}

fn three(spread: Option<Spread>) -> [String; 3] {
    [spread.map(|s| s.p50), spread.map(|s| s.p95), spread.map(|s| s.p99)].map(|v| or_dash(v, ms))
}

fn gaps(all: &Group) -> String {
    if all.gaps.is_empty() {
        return String::new();
    }
    let mut rows = vec![row("gap (ms)", ["p50", "p95"])];
    rows.extend(all.gaps.iter().map(|(name, s)| vec![gap_name(name), ms(s.p50), ms(s.p95)]));
    format!("{}they explain each turn but for {} ms at most\n", aligned(&rows), ms(all.residual_ms))
}

fn costs(report: &Report) -> String {
    let cost = &report.all.cost;
    let mut rows = vec![
        vec!["sessions".to_owned(), cost.sessions.to_string()],
        vec!["session-minutes".to_owned(), format!("{:.1}", cost.session_minutes)],
    ];
    let mut add = |name: &str, value: Option<String>| {
        rows.extend(value.map(|value| vec![name.to_owned(), value]));
    };
    add("CPU, s per session-minute", cost.cpu_s_per_minute.map(|s| format!("{s:.3}")));
    add("memory, KiB per session", cost.memory_kib_per_session.map(|kib| format!("{kib:.0}")));
    add("under-runs", Some(cost.under_runs.to_string()));
    add("lost turns", Some(cost.lost_turns.to_string()));
    let Discarded { answers, input_tokens, output_tokens } = cost.discarded;
    add("answers begun in vain", (answers > 0).then(|| answers.to_string()));
    let tokens = input_tokens + output_tokens;
    add("tokens of these", (answers > 0).then(|| tokens.to_string()));
    add("driver late, ms (p95)", Some(ms(cost.driver_late_ms)));
    aligned(&rows)
}

fn interruptions(report: &Report) -> String {
    let barge_in = &report.all.barge_in;
    if barge_in.count == 0 {
        return String::new();
    }
    let mut rows = vec![row("interruption (ms)", ["p50", "p95", "p99"])];
    for (name, spread) in
        [("to the decision", barge_in.decision_ms), ("on to silence", barge_in.silence_ms)]
    {
        rows.push([vec![name.to_owned()], three(Some(spread)).to_vec()].concat());
    }
    format!("{}{}\n", aligned(&rows), count(barge_in.count, "interruption"))
}

fn scaling(steps: &[Step]) -> String {
    if steps.is_empty() {
        return String::new();
    }
    let mut rows = vec![
        row("", ["overhead (ms)", "", "", "CPU", "memory", "under-", "lost", " ", " "]),
        row("calls", ["p50", "p95", "p99", "s/min", "KiB", "runs", "turns", "refused", "late ms"]),
    ];
    for step in steps {
        let cost = wording::cost(&step.cost);
        let [_, _, cpu, memory, _, under_runs, lost, late, _] = cost;
        let mut cells = vec![step.sessions.to_string()];
        cells.extend(three(Some(step.overhead_ms)));
        cells.extend([cpu, memory, under_runs, lost, step.refused.to_string(), late]);
        rows.push(cells);
    }
    let mut text = aligned(&rows);
    for step in steps {
        if let Some(why) = &step.knee {
            text += &format!("beyond the knee with {}: {}\n", step.sessions, plain(why));
            break;
        }
    }
    text
}

fn failures(report: &Report) -> String {
    let mut text = String::new();
    for group in &report.scenarios {
        for failure in &group.failures {
            text += &format!("NOT AS EXPECTED {}: {}\n", plain(&group.name), plain(failure));
        }
    }
    text
}

/// A row of `first` and `rest`.
pub(in crate::bench) fn row<const N: usize>(first: &str, rest: [&str; N]) -> Vec<String> {
    [first].into_iter().chain(rest).map(str::to_owned).collect()
}

/// Columns two spaces apart: the first to the left, the others to the right. A heading whose
/// right neighbours are empty may reach over them.
pub(in crate::bench) fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let reaches = |row: &[String], column: usize| {
        column > 0 && !row[column].is_empty() && row.get(column + 1).is_some_and(String::is_empty)
    };
    let width = |column: usize| {
        let cells = rows.iter().filter(|row| column < row.len() && !reaches(row, column));
        cells.map(|row| row[column].chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = format!("{:<width$}", row[0], width = widths[0]);
        let (mut column, mut span) = (1, 0);
        while column < row.len() {
            span += 2 + widths[column];
            let mut last = column;
            while reaches(row, column) && row.get(last + 1).is_some_and(String::is_empty) {
                last += 1;
                span += 2 + widths[last];
            }
            line += &format!("{:>span$}", row[column]);
            (column, span) = (last + 1, 0);
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}
