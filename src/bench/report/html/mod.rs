//! A report as one page that needs nothing else: no script, no network, no font.
//!
//! Every graphic is drawn by widths in per cent, so that its words keep their size on a phone; each
//! has a table with the same figures beside it. Colours are variables of `style.css`, for a light
//! and a dark screen.

mod axis;
mod distribution;
mod scaling;
pub(super) mod tables;
mod waterfall;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::taking;
use super::wording::{ms, or_dash, plain};
use crate::bench::figures::{Group, Report, Spread};

/// It contains no `<`, so it cannot end its element.
const STYLE: &str = include_str!("style.css");
/// A browser fetches nothing for this page, whatever may stand in it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/// The whole page. It stays below 1 MB for 2,000 turns: of more turns than can be read, some are
/// drawn, and the page says how many.
#[must_use]
pub fn page(report: &Report) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                link rel="icon" href="data:,";
                title { (heading(report)) ": " (plain(&report.made.target)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    header {
                        h1 { (heading(report)) }
                        p { (plain(&report.made.target)) }
                        @if !taking::alone(report) { (cards(report)) }
                        (made(report))
                    }
                    @if !taking::alone(report) { (speed(report)) }
                    (taking::section(&report.taking))
                    (definitions(report))
                }
            }
        }
    };
    page.into_string()
}

fn heading(report: &Report) -> &'static str {
    if taking::alone(report) { "How turns are taken" } else { "How fast the agent answers" }
}

fn speed(report: &Report) -> Markup {
    html! {
        (failures(report))
        (distribution::section(report))
        (waterfall::section(report))
        (scaling::section(&report.scaling))
        (tables::section(report))
    }
}

fn cards(report: &Report) -> Markup {
    let all = &report.all;
    html! {
        div.cards {
            (card("Voice-to-voice", Some(all.voice_to_voice_ms).filter(|_| all.turns > 0)))
            (card("Overhead", all.overhead_ms))
            div.card {
                h2 { "Turns" }
                p.big { (all.turns) }
                p { "in " (report.scenarios.len()) " scenarios, " (all.cost.lost_turns) " lost" }
                p { (all.cost.under_runs) " under-runs" }
            }
        }
    }
}

fn made(report: &Report) -> Markup {
    let made = &report.made;
    let estimated = report.turns.iter().filter(|turn| !turn.labelled).count();
    html! {
        dl.made {
            dt { "Command" } dd { code { (plain(&made.command)) } }
            dt { "Machine" } dd { (plain(&made.machine)) }
            dt { "Program" } dd { "banter " (plain(&made.banter)) }
            dt { "At" } dd { (plain(&made.at)) }
            @if estimated > 0 {
                dt { "Labels" }
                dd { (estimated) " turns have none: the end of speech is an estimate there" }
            }
        }
    }
}

fn card(name: &str, spread: Option<Spread>) -> Markup {
    html! {
        div.card {
            h2 { (name) }
            p.big { (or_dash(spread, |spread| ms(spread.p50))) small { " ms p50" } }
            p { (or_dash(spread, |spread| ms(spread.p95))) " ms p95" }
            p { (or_dash(spread, |spread| ms(spread.p99))) " ms p99" }
        }
    }
}

fn failures(report: &Report) -> Markup {
    let failed: Vec<&Group> = groups(report).filter(|group| !group.failures.is_empty()).collect();
    html! {
        @if !failed.is_empty() {
            section.failures {
                h2 { "Not as expected" }
                ul {
                    @for group in failed {
                        @for failure in &group.failures {
                            li { strong { (plain(&group.name)) } ": " (plain(failure)) }
                        }
                    }
                }
            }
        }
    }
}

fn definitions(report: &Report) -> Markup {
    html! {
        section {
            h2 { "What the figures mean" }
            dl {
                @for (name, meaning) in super::definitions(report) {
                    dt { (name) }
                    dd { (meaning) }
                }
            }
        }
    }
}

fn groups(report: &Report) -> impl Iterator<Item = &Group> {
    report.scenarios.iter().chain([&report.all])
}

/// A number of a style or an attribute: per cent to a hundredth.
fn percent(value: f64) -> String {
    let hundredths = (value * 100.0).round() / 100.0 + 0.0;
    format!("{hundredths}%")
}
