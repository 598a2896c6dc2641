//! How the times are spread: a line of dots for each scenario.

use maud::{Markup, html};

use super::axis::Axis;
use super::percent;
use crate::bench::figures::{Report, Spread, Turn};
use crate::bench::report::wording::{count, ms, plain};

/// More dots cannot be told apart.
const DOTS: usize = 300;

pub(super) fn section(report: &Report) -> Markup {
    html! {
        (figure(report, ("Voice-to-voice", "v"), None, |turn| Some(turn.voice_to_voice_ms)))
        (figure(report, ("Overhead", "o"), Some(0.0), |turn| turn.overhead_ms))
    }
}

/// One scenario's values, sorted.
struct Line<'a> {
    name: &'a str,
    values: Vec<f64>,
}

/// `from`: a value that the axis reaches to in any case.
fn figure(
    report: &Report,
    (name, id): (&str, &str),
    from: Option<f64>,
    of: fn(&Turn) -> Option<f64>,
) -> Markup {
    let lines = lines(report, of);
    let values = lines.iter().flat_map(|line| line.values.iter().copied());
    let axis = Axis::over(values.chain(from));
    html! {
        @if !lines.is_empty() {
            section {
                h2 { (name) " of every turn, in ms" }
                p.hint {
                    "Each dot is a turn. The long stroke is the median, the short one the 95th "
                    "percentile. Figures are in the tables below."
                }
                div.lines {
                    @for (number, line) in lines.iter().enumerate() {
                        (row(line, &axis, name, &format!("{id}{number}")))
                    }
                    div.line.axis aria-hidden="true" {
                        span {}
                        (ticks(&axis))
                        span {}
                    }
                }
            }
        }
    }
}

fn lines(report: &Report, of: fn(&Turn) -> Option<f64>) -> Vec<Line<'_>> {
    let line = |name, wanted: Option<&str>| {
        let turns = report.turns.iter();
        let mut values: Vec<f64> = turns
            .filter(|turn| wanted.is_none_or(|wanted| turn.scenario == wanted))
            .filter_map(of)
            .collect();
        values.sort_by(f64::total_cmp);
        Line { name, values }
    };
    let scenarios = report.scenarios.iter().map(|group| group.name.as_str());
    let mut lines: Vec<_> = scenarios.map(|name| line(name, Some(name))).collect();
    if lines.len() > 1 {
        lines.push(line(&report.all.name, None));
    }
    lines.retain(|line| !line.values.is_empty());
    lines
}

fn row(line: &Line<'_>, axis: &Axis, figure: &str, id: &str) -> Markup {
    let spread = Spread::of(line.values.iter().copied());
    let name = plain(line.name);
    let (title, desc) = (format!("{id}t"), format!("{id}d"));
    let shown = evenly(&line.values, DOTS);
    let turns = count(line.values.len(), "turn");
    let left_out = match line.values.len() - shown.len() {
        0 => String::new(),
        some => format!(", of which {some} are not drawn"),
    };
    html! {
        div.line {
            span.name { (name) }
            svg.dots height="32" role="img" aria-labelledby=(format!("{title} {desc}")) {
                title id=(title) { (figure) ", " (name) }
                desc id=(desc) {
                    (turns) (left_out) ": median " (ms(spread.p50)) " ms, 95th percentile "
                    (ms(spread.p95)) " ms, 99th " (ms(spread.p99)) " ms"
                }
                (stroke(axis.at(spread.p50), "p50", 1, 31))
                (stroke(axis.at(spread.p95), "p95", 6, 26))
                // Beside each other, so that equal values can be seen.
                @for (number, value) in shown.iter().enumerate() {
                    circle cx=(percent(axis.at(*value))) cy=(10 + number * 7 % 13) r="2.5" {}
                }
            }
            span.sum { (ms(spread.p50)) " · " (ms(spread.p95)) }
        }
    }
}

fn stroke(at: f64, class: &str, from: u32, to: u32) -> Markup {
    let at = percent(at);
    html! { line class=(class) x1=(at) x2=(at) y1=(from) y2=(to) {} }
}

/// Words under their values.
pub(super) fn ticks(axis: &Axis) -> Markup {
    html! {
        span.ticks {
            @for tick in axis.ticks() {
                span style=(format!("left:{}", percent(axis.at(tick)))) { (tick) }
            }
        }
    }
}

/// At most so many of them, from the first to the last, evenly.
pub(super) fn evenly<T: Clone>(all: &[T], most: usize) -> Vec<T> {
    if all.len() <= most || most < 2 {
        return all.iter().take(most).cloned().collect();
    }
    let last = all.len() - 1;
    (0..most).map(|number| all[number * last / (most - 1)].clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_of_many_reach_from_the_first_to_the_last() {
        let all: Vec<u32> = (0..1000).collect();
        let some = evenly(&all, 60);
        assert_eq!((some.len(), some[0], some[59]), (60, 0, 999));
        assert!(some.is_sorted_by(|one, next| one < next));
        assert_eq!(evenly(&all[..3], 60), [0, 1, 2]);
        assert_eq!((evenly(&all, 1), evenly(&all, 0)), (vec![0], vec![]));
    }
}
