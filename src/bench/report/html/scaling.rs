//! What calls side by side do to the overhead.

use maud::{Markup, html};

use super::percent;
use super::tables::table;
use crate::bench::figures::Step;
use crate::bench::report::wording::{self, ms, plain};

/// The plot's upper edge, in pixels from above.
const TOP: f64 = 20.0;
/// Its lower edge.
const BOTTOM: f64 = 220.0;

pub(super) fn section(steps: &[Step]) -> Markup {
    html! {
        @if !steps.is_empty() {
            section {
                h2 { "Calls side by side" }
                (figure(steps))
                (figures(steps))
            }
        }
    }
}

/// Both axes are logarithmic: each step to the right is as many times more calls, each step up ten
/// times the overhead.
struct Plot {
    fewest: f64,
    most: f64,
    decades: f64,
}

impl Plot {
    fn of(steps: &[Step]) -> Self {
        let calls = steps.iter().map(|step| step.sessions.max(1) as f64);
        let highest = steps.iter().map(|step| step.overhead_ms.p95).fold(10.0, f64::max);
        Self {
            fewest: calls.clone().fold(f64::INFINITY, f64::min),
            most: calls.fold(1.0, f64::max),
            decades: highest.log10().ceil(),
        }
    }

    /// In per cent from the left.
    fn x(&self, calls: usize) -> f64 {
        if self.most <= self.fewest {
            return 50.0;
        }
        let way = (calls.max(1) as f64 / self.fewest).ln() / (self.most / self.fewest).ln();
        way * 100.0
    }

    /// In pixels from above. All below 1 ms lies at the lower edge.
    fn y(&self, ms: f64) -> f64 {
        let way = ms.max(1.0).log10() / self.decades;
        ((BOTTOM - way * (BOTTOM - TOP)) * 10.0).round() / 10.0
    }
}

fn figure(steps: &[Step]) -> Markup {
    let plot = Plot::of(steps);
    let knee = steps.iter().find(|step| step.knee.is_some());
    html! {
        figure {
            div.plot {
                svg height="260" role="img" aria-labelledby="scaling-t scaling-d" {
                    title id="scaling-t" { "Overhead over the number of calls side by side" }
                    desc id="scaling-d" { (described(steps)) }
                    (grid(&plot, steps))
                    @if let Some(step) = knee { (mark(&plot, step)) }
                    (curve(&plot, steps, "p50", |step| step.overhead_ms.p50))
                    (curve(&plot, steps, "p95", |step| step.overhead_ms.p95))
                }
            }
            figcaption {
                span.key.p50 { "● p50" } " " span.key.p95 { "■ p95" }
                " of the overhead in ms, over the number of calls. Both axes are logarithmic."
                @if let Some((step, why)) = knee.and_then(|step| Some((step, step.knee.as_ref()?))) {
                    " The knee is at " b { (step.sessions) } ": " (plain(why)) "."
                } @else {
                    " The knee was not reached."
                }
            }
        }
    }
}

fn described(steps: &[Step]) -> String {
    let step = |step: &Step| {
        let overhead = step.overhead_ms;
        format!("{} calls: p50 {} ms, p95 {} ms", step.sessions, ms(overhead.p50), ms(overhead.p95))
    };
    steps.iter().map(step).collect::<Vec<_>>().join("; ")
}

fn grid(plot: &Plot, steps: &[Step]) -> Markup {
    html! {
        @for decade in 0..=plot.decades as i32 {
            @let y = plot.y(10_f64.powi(decade));
            line.grid x1="0%" x2="100%" y1=(y) y2=(y) {}
            text x="-8" y=(y + 4.0) text-anchor="end" { (10_f64.powi(decade)) }
        }
        @for step in steps {
            @let x = percent(plot.x(step.sessions));
            line.grid x1=(x) x2=(x) y1=(BOTTOM) y2=(BOTTOM + 5.0) {}
            text x=(x) y=(BOTTOM + 20.0) text-anchor="middle" { (step.sessions) }
        }
    }
}

fn mark(plot: &Plot, step: &Step) -> Markup {
    let x = plot.x(step.sessions);
    let anchor = if x > 50.0 { "end" } else { "start" };
    let x = percent(x);
    html! {
        line.knee x1=(x) x2=(x) y1=(TOP) y2=(BOTTOM) {}
        text.knee x=(x) y=(TOP - 6.0) text-anchor=(anchor) { "knee" }
    }
}

/// Lines between the points: a line takes per cent, a path does not.
fn curve(plot: &Plot, steps: &[Step], class: &str, of: fn(&Step) -> f64) -> Markup {
    let at = |step: &Step| (percent(plot.x(step.sessions)), plot.y(of(step)));
    html! {
        g class=(class) {
            @for pair in steps.windows(2) {
                @let (from, to) = (at(&pair[0]), at(&pair[1]));
                line x1=(from.0) y1=(from.1) x2=(to.0) y2=(to.1) {}
            }
            @for step in steps {
                @let (x, y) = at(step);
                @if class == "p50" {
                    circle cx=(x) cy=(y) r="5" {}
                } @else {
                    rect x=(x) y=(y - 4.5) width="9" height="9" {}
                }
            }
        }
    }
}

fn figures(steps: &[Step]) -> Markup {
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
    ];
    let cells = |step: &Step| {
        let [_, _, cpu, memory, _, under_runs, lost, late, _] = wording::cost(&step.cost);
        let (absolute, overhead) = (step.voice_to_voice_ms, step.overhead_ms);
        let times = [absolute.p50, absolute.p95, overhead.p50, overhead.p95, overhead.p99];
        let mut cells = vec![step.sessions.to_string()];
        cells.extend(times.map(ms));
        cells.extend([cpu, memory, under_runs, lost, step.refused.to_string(), late]);
        cells
    };
    let rows: Vec<_> = steps.iter().map(cells).collect();
    table("calls side by side", &head, &rows)
}
