//! Where the time of each turn went: its gaps, one after another.

use maud::{Markup, html};

use super::axis::Axis;
use super::distribution::{evenly, ticks};
use super::percent;
use crate::bench::figures::{GAPS, Report, Turn};
use crate::bench::report::wording::{self, gap_name, ms, plain};

/// So many turns of one scenario are drawn.
const TURNS: usize = 60;
/// And so many of all scenarios, so that the page stays small; of each scenario at least one, of
/// the first so many scenarios.
const ALL_TURNS: usize = 480;
/// What is shorter than this many ms has no width that could be seen.
const VISIBLE_MS: f64 = 0.05;

pub(super) fn section(report: &Report) -> Markup {
    let most = (ALL_TURNS / report.scenarios.len().max(1)).clamp(1, TURNS);
    html! {
        @if !report.turns.is_empty() {
            section {
                h2 { "Where the time of each turn went" }
                p.hint {
                    "The wait for silence is a setting, and drawn short; what follows it is to scale. "
                    "What a service took for itself is hatched."
                }
                (legend())
                @for (number, group) in report.scenarios.iter().take(ALL_TURNS).enumerate() {
                    (scenario(report, &group.name, most, number == 0))
                }
            }
        }
    }
}

fn legend() -> Markup {
    html! {
        ul.legend {
            @for (number, (gap, meaning)) in GAPS.iter().zip(wording::GAPS).enumerate() {
                li { i class=(format!("g{number}")) {} span { b { (gap_name(gap)) } ": " (meaning) } }
            }
            li { i.s.g3 {} span { b { "hatched" } ": of a gap, the service's own time" } }
        }
    }
}

fn scenario(report: &Report, name: &str, most: usize, open: bool) -> Markup {
    let turns: Vec<&Turn> = report.turns.iter().filter(|turn| turn.scenario == name).collect();
    let shown = chosen(&turns, most);
    let axis = Axis::up_to(shown.iter().map(|turn| after_wait(turn)));
    html! {
        @if !shown.is_empty() {
            details open[open] {
                summary { (plain(name)) " (" (shown.len()) " of " (turns.len()) " turns)" }
                @if shown.len() < turns.len() {
                    p.hint {
                        (turns.len() - shown.len()) " turns are left out. Those that are shown were "
                        "taken evenly from the fastest to the slowest, both among them."
                    }
                }
                div.bars {
                    div.bar.axis aria-hidden="true" {
                        span { "call.turn" }
                        span.track { i.wait {} span.rest { (ticks(&axis)) } }
                        span.sum { "ms" }
                    }
                    @for turn in &shown { (bar(turn, &axis)) }
                }
                (table(&shown))
            }
        }
    }
}

/// Evenly from the fastest to the slowest, in the order of the calls.
fn chosen<'a>(turns: &[&'a Turn], most: usize) -> Vec<&'a Turn> {
    let mut ranks: Vec<usize> = (0..turns.len()).collect();
    let speed = |rank: &usize| turns[*rank].voice_to_voice_ms;
    ranks.sort_by(|one, other| speed(one).total_cmp(&speed(other)));
    let mut ranks = evenly(&ranks, most);
    ranks.sort_unstable();
    ranks.into_iter().map(|rank| turns[rank]).collect()
}

/// What is drawn to scale.
fn after_wait(turn: &Turn) -> f64 {
    match turn.gaps {
        Some(gaps) => gaps[1..].iter().map(|gap| gap.max(0.0)).sum(),
        None => turn.voice_to_voice_ms,
    }
}

fn bar(turn: &Turn, axis: &Axis) -> Markup {
    let width = |ms: f64| format!("width:{}", percent(axis.at(ms)));
    html! {
        div.bar title=(described(turn)) {
            span.name { (called(turn)) }
            span.track aria-hidden="true" {
                @if let Some(gaps) = &turn.gaps {
                    i class={ "wait" @if gaps[0] > 0.0 { " g0" } } {}
                    span.rest {
                        @for piece in pieces(turn, gaps) {
                            i class=(piece.class()) style=(width(piece.ms)) {}
                        }
                    }
                } @else {
                    i.wait {}
                    span.rest { i.whole style=(width(turn.voice_to_voice_ms)) {} }
                }
            }
            span.sum { (ms(turn.voice_to_voice_ms)) }
        }
    }
}

/// A stretch of a bar.
struct Piece {
    gap: usize,
    service: bool,
    ms: f64,
}

impl Piece {
    fn class(&self) -> String {
        format!("g{}{}", self.gap, if self.service { " s" } else { "" })
    }
}

/// The gaps after the wait, each with the service's share of it first.
fn pieces(turn: &Turn, gaps: &[f64; GAPS.len()]) -> Vec<Piece> {
    let mut shares = [0.0; GAPS.len()];
    if let Some(services) = &turn.services {
        let share = |own: f64, gap: usize| own.clamp(0.0, gaps[gap].max(0.0));
        shares[3] = share(services.stt_ms, 3);
        // The model's time begins with its first token, and may reach into the clause.
        shares[4] = share(services.llm_ms, 4);
        shares[5] = share(services.llm_ms - shares[4], 5);
        shares[6] = share(services.tts_ms, 6);
    }
    let of_gap = |gap: usize| {
        let own = Piece { gap, service: false, ms: gaps[gap] - shares[gap] };
        [Piece { gap, service: true, ms: shares[gap] }, own]
    };
    (1..GAPS.len()).flat_map(of_gap).filter(|piece| piece.ms >= VISIBLE_MS).collect()
}

fn called(turn: &Turn) -> String {
    format!("{}.{}{}", turn.session, turn.index, if turn.labelled { "" } else { " est." })
}

fn described(turn: &Turn) -> String {
    let mut text = format!("{} ms", ms(turn.voice_to_voice_ms));
    if let Some(overhead) = turn.overhead_ms {
        text += &format!(", overhead {}", ms(overhead));
    }
    for (name, gap) in GAPS.iter().zip(turn.gaps.iter().flatten()) {
        text += &format!(", {} {}", gap_name(name), ms(*gap));
    }
    text
}

/// The same as figures.
fn table(turns: &[&Turn]) -> Markup {
    html! {
        details {
            summary { "as a table" }
            div.scroll role="region" aria-label="gaps of every turn" tabindex="0" {
                table {
                    thead {
                        tr {
                            th scope="col" { "turn" }
                            th scope="col" { "voice-to-voice" }
                            th scope="col" { "overhead" }
                            @for gap in GAPS { th scope="col" { (gap_name(gap)) } }
                        }
                    }
                    tbody {
                        @for turn in turns {
                            tr {
                                th scope="row" { (called(turn)) }
                                td { (ms(turn.voice_to_voice_ms)) }
                                td { (wording::or_dash(turn.overhead_ms, ms)) }
                                @for gap in turn.gaps.iter().flatten() { td { (ms(*gap)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::figures::ServiceTimes;

    #[test]
    fn a_services_time_is_taken_from_its_own_gaps() {
        let gaps = [800.0, 1.0, 0.0, 160.0, 200.0, 50.0, 85.0, 0.0, 2.0, 3.0];
        let turn = Turn {
            scenario: "question".to_owned(),
            session: 0,
            index: 0,
            labelled: true,
            voice_to_voice_ms: 1301.0,
            overhead_ms: Some(20.0),
            gaps: Some(gaps),
            services: Some(ServiceTimes { stt_ms: 150.0, llm_ms: 240.0, tts_ms: 90.0 }),
            residual_ms: 0.0,
        };
        let pieces: Vec<_> = pieces(&turn, &gaps).iter().map(|p| (p.class(), p.ms)).collect();
        let expected = [
            ("g1", 1.0),
            ("g3 s", 150.0),
            ("g3", 10.0),
            ("g4 s", 200.0),
            ("g5 s", 40.0),
            ("g5", 10.0),
            // No more than the gap itself.
            ("g6 s", 85.0),
            ("g8", 2.0),
            ("g9", 3.0),
        ];
        assert_eq!(pieces, expected.map(|(class, ms)| (class.to_owned(), ms)));
        assert_eq!(after_wait(&turn), 501.0);
    }
}
