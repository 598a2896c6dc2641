//! The figures as tables.

use maud::{Markup, html};

use super::groups;
use crate::bench::figures::{Group, Report, Spread};
use crate::bench::report::wording::{COSTS, cost, gap_name, ms, or_dash, plain};

pub(super) fn section(report: &Report) -> Markup {
    html! {
        section {
            h2 { "Figures, in ms" }
            (latencies(report))
            (gaps(report))
            h2 { "Cost" }
            (costs(report))
            (interruptions(report))
        }
    }
}

fn latencies(report: &Report) -> Markup {
    let head =
        ["scenario", "turns", "voice-to-voice p50", "p95", "p99", "overhead p50", "p95", "p99"];
    let cells = |group: &Group| {
        let absolute = Some(group.voice_to_voice_ms).filter(|_| group.turns > 0);
        let mut cells = vec![plain(&group.name), group.turns.to_string()];
        cells.extend(three(absolute).into_iter().chain(three(group.overhead_ms)));
        cells
    };
    table("voice-to-voice and overhead", &head, &groups(report).map(cells).collect::<Vec<_>>())
}

fn gaps(report: &Report) -> Markup {
    html! {
        @for group in groups(report).filter(|group| !group.gaps.is_empty()) {
            @let cells = |(name, s): &(String, Spread)| {
                vec![gap_name(name), ms(s.p50), ms(s.p95), ms(s.p99)]
            };
            details open[group.name == report.all.name] {
                summary { "Gaps: " (plain(&group.name)) }
                (table(
                    &format!("gaps of {}", plain(&group.name)),
                    &["gap", "p50", "p95", "p99"],
                    &group.gaps.iter().map(cells).collect::<Vec<_>>(),
                ))
                p.hint { "They explain each turn but for " (ms(group.residual_ms)) " ms at most." }
            }
        }
    }
}

fn costs(report: &Report) -> Markup {
    let cells = |group: &Group| [vec![plain(&group.name)], cost(&group.cost).to_vec()].concat();
    let head = [["scenario"].as_slice(), &COSTS].concat();
    table("cost", &head, &groups(report).map(cells).collect::<Vec<_>>())
}

fn interruptions(report: &Report) -> Markup {
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
    let cells = |group: &Group| {
        let barge_in = &group.barge_in;
        let mut cells = vec![plain(&group.name), barge_in.count.to_string()];
        cells.extend(three(Some(barge_in.decision_ms)));
        cells.extend(three(Some(barge_in.silence_ms)));
        cells
    };
    let rows: Vec<_> = groups(report).filter(|group| group.barge_in.count > 0).map(cells).collect();
    html! {
        @if !rows.is_empty() {
            h2 { "Interruptions, in ms" }
            (table("interruptions", &head, &rows))
        }
    }
}

fn three(spread: Option<Spread>) -> [String; 3] {
    [spread.map(|s| s.p50), spread.map(|s| s.p95), spread.map(|s| s.p99)].map(|v| or_dash(v, ms))
}

/// A table that scrolls by itself where the screen is narrow: the page does not.
pub(in crate::bench::report) fn table(label: &str, head: &[&str], rows: &[Vec<String>]) -> Markup {
    html! {
        div.scroll role="region" aria-label=(label) tabindex="0" {
            table {
                thead { tr { @for name in head { th scope="col" { (name) } } } }
                tbody {
                    @for row in rows {
                        tr {
                            @for (column, cell) in row.iter().enumerate() {
                                @if column == 0 { th scope="row" { (cell) } }
                                @else { td { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
