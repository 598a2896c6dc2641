//! How well turns were taken, in every form of a report: the detectors side by side.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::html::tables;
use super::markdown::{escaped, rows_of};
use super::table::aligned;
use super::wording::{or_dash, plain};
use crate::bench::figures::{Report, Taking};
use crate::bench::turns::score::{Criterion, Latency, Score, criteria};

/// What the figures mean, with a name each.
pub(super) const DEFINITIONS: [(&str, &str); 6] = [
    (
        "Missed, unended",
        "A turn of which no start was told from 300 ms before its speech on, until 2.4 s after \
         it or the next turn; a turn that was found and that nothing ended in that time.",
    ),
    ("Cut off", "A turn that was ended more than 20 ms before its speech was over."),
    (
        "Start after, end after",
        "From the first sound of a turn to its start, and from the last sound to its end, by the \
         sound that had been heard when the decision fell.",
    ),
    (
        "False turn",
        "A start outside all speech, while no agent speaks: by the sound that it falls into.",
    ),
    (
        "Barge-in",
        "Speech over the agent's: met if the agent falls silent from 50 ms before it on, until \
         500 ms after it; late if that takes more than a second; pre-empted if something false \
         had silenced the agent before. barge-20 has the agent's own voice in the microphone at \
         -20 dB.",
    ),
    (
        "Interrupted by",
        "What must not silence the agent: noises, short words of a listener, and its own voice \
         (echo).",
    ),
];

/// Whether this is all that was measured.
pub(super) fn alone(report: &Report) -> bool {
    report.turns.is_empty() && report.scenarios.is_empty() && !report.taking.is_empty()
}

pub(super) fn text(takings: &[Taking]) -> String {
    let tables = sets(takings).into_iter().map(|(set, takings)| {
        let mut rows = vec![[vec![String::new()], engines(&takings)].concat()];
        rows.extend(figures(&takings).into_iter().chain(kept(&takings)));
        format!("{}\n{}", plain(set), aligned(&rows))
    });
    tables.collect::<Vec<_>>().join("\n")
}

pub(super) fn markdown(takings: &[Taking]) -> String {
    let tables = sets(takings).into_iter().map(|(set, takings)| {
        let head = engines(&takings);
        let head: Vec<&str> = [""].into_iter().chain(head.iter().map(String::as_str)).collect();
        let all = [figures(&takings), kept(&takings)].concat();
        let all: Vec<Vec<String>> =
            all.iter().map(|row| row.iter().map(|cell| escaped(cell)).collect()).collect();
        format!("## How turns are taken: {}\n\n{}", escaped(set), rows_of(&head, &all))
    });
    tables.collect::<Vec<_>>().join("\n")
}

pub(super) fn section(takings: &[Taking]) -> Markup {
    html! {
        @for (set, takings) in sets(takings) {
            section {
                h2 { "How turns are taken: " (plain(set)) }
                @let names = engines(&takings);
                @let head: Vec<&str> = names.iter().map(String::as_str).collect();
                (tables::table(
                    &format!("turn taking, {}", plain(set)),
                    &[&["what must be kept"], &head[..]].concat(),
                    &kept(&takings),
                ))
                (tables::table(
                    &format!("turn taking in figures, {}", plain(set)),
                    &[&["times in ms: p50 · p95"], &head[..]].concat(),
                    &figures(&takings),
                ))
            }
        }
    }
}

/// What was measured of each set, in the order of the sets.
fn sets(takings: &[Taking]) -> Vec<(&str, Vec<&Taking>)> {
    let mut sets: Vec<(&str, Vec<&Taking>)> = Vec::new();
    for taking in takings {
        match sets.iter_mut().find(|(set, _)| *set == taking.set) {
            Some((_, takings)) => takings.push(taking),
            None => sets.push((&taking.set, vec![taking])),
        }
    }
    sets
}

fn engines(takings: &[&Taking]) -> Vec<String> {
    takings.iter().map(|taking| plain(&taking.name())).collect()
}

/// Rows of a name and a cell for each detector.
fn figures(takings: &[&Taking]) -> Vec<Vec<String>> {
    let row = |name: String, of: &dyn Fn(&Score) -> String| {
        [name].into_iter().chain(takings.iter().map(|taking| of(&taking.score))).collect()
    };
    let mut rows: Vec<Vec<String>> = vec![
        row("turns".to_owned(), &|score| score.turns.to_string()),
        row("missed".to_owned(), &|score| score.missed_turns.to_string()),
        row("unended".to_owned(), &|score| score.unended.to_string()),
        row("cut off".to_owned(), &|score| score.cut_off_share().to_string()),
    ];
    for pause in keys(takings, |score| score.hesitations_cut.keys()) {
        rows.push(row(format!("cut off at a pause of {pause} ms"), &|score| {
            or_dash(score.hesitations_cut.get(pause), ToString::to_string)
        }));
    }
    let fives = takings.iter().map(|taking| taking.score.slow_cut.len()).max().unwrap_or(0);
    for five in 0..fives {
        let name = format!("cut off of a slow speaker, turns {} to {}", 5 * five + 1, 5 * five + 5);
        rows.push(row(name, &|score| or_dash(score.slow_cut.get(five), ToString::to_string)));
    }
    rows.push(row("start after, ms".to_owned(), &|score| latency(score.start_ms)));
    rows.push(row("end after, ms".to_owned(), &|score| latency(score.end_ms)));
    for probe in keys(takings, |score| score.idle_false_turns.keys()) {
        rows.push(row(format!("false turns by {}", plain(probe)), &|score| {
            or_dash(score.idle_false_turns.get(probe), ToString::to_string)
        }));
    }
    rows.push(row("false turns elsewhere".to_owned(), &|score| {
        score.false_turns_elsewhere.to_string()
    }));
    for kind in keys(takings, |score| score.barge_ins.keys()) {
        rows.push(row(format!("{} met", plain(kind)), &|score| {
            or_dash(score.barge_ins.get(kind), |all| format!("{}/{}", all.met, all.of))
        }));
    }
    rows.push(row("late".to_owned(), &|score| score.all_barge_ins().late.to_string()));
    rows.push(row("pre-empted".to_owned(), &|score| score.all_barge_ins().pre_empted.to_string()));
    rows.push(row("barge-ins after, ms".to_owned(), &|score| latency(score.barge_in_ms)));
    rows.push(row("those over echo, ms".to_owned(), &|score| latency(score.echo_barge_in_ms)));
    rows.push(row("those without echo, ms".to_owned(), &|score| latency(score.plain_barge_in_ms)));
    for probe in keys(takings, |score| score.false_interrupts.keys()) {
        rows.push(row(format!("interrupted by {}", plain(probe)), &|score| {
            or_dash(score.false_interrupts.get(probe), ToString::to_string)
        }));
    }
    rows.push(row("interrupted by nothing".to_owned(), &|score| {
        score.spurious_interrupts.to_string()
    }));
    rows
}

/// A row for each criterion.
fn kept(takings: &[&Taking]) -> Vec<Vec<String>> {
    let all: Vec<Vec<Criterion>> = takings.iter().map(|taking| criteria(&taking.score)).collect();
    let names = all.first().into_iter().flatten().enumerate();
    let row = |(index, criterion): (usize, &Criterion)| {
        let verdicts = all.iter().map(|criteria| verdict(&criteria[index]));
        [format!("{}, {}", criterion.name, criterion.limit())].into_iter().chain(verdicts).collect()
    };
    names.map(row).collect()
}

fn verdict(criterion: &Criterion) -> String {
    let kept = match criterion.holds() {
        Some(true) => " ok",
        Some(false) => " FAILED",
        None => "",
    };
    format!("{}{kept}", criterion.was())
}

fn latency(latency: Option<Latency>) -> String {
    or_dash(latency, |latency| format!("{} · {}", latency.p50, latency.p95))
}

/// The keys of all, in order.
fn keys<'a, K: Ord + 'a, I: Iterator<Item = &'a K>>(
    takings: &[&'a Taking],
    of: impl Fn(&'a Score) -> I,
) -> BTreeSet<&'a K> {
    takings.iter().flat_map(|taking| of(&taking.score)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{markdown, page, table};
    use super::*;
    use crate::bench::figures::{Group, Made, VERSION};
    use crate::bench::turns::score::{BargeIns, Share};

    /// Two detectors on one set, the first of them on another as well.
    fn report() -> Report {
        let good = Score {
            turns: 100,
            missed_turns: 1,
            end_ms: Some(Latency { p50: 850, p95: 1_060 }),
            hesitations_cut: [(600, Share { count: 0, of: 12 })].into(),
            idle_false_turns: [("ding".to_owned(), Share { count: 1, of: 18 })].into(),
            barge_ins: [(
                "barge-20".to_owned(),
                BargeIns { of: 10, met: 9, late: 0, pre_empted: 1 },
            )]
            .into(),
            echo_barge_in_ms: Some(Latency { p50: 408, p95: 600 }),
            false_interrupts: [("echo-20".to_owned(), Share { count: 0, of: 6 })].into(),
            ..Score::default()
        };
        let poor = Score {
            missed_turns: 2,
            hesitations_cut: [(1_200, Share { count: 3, of: 12 })].into(),
            ..good.clone()
        };
        let taking = |engine: &str, set: &str, score: &Score| Taking {
            engine: engine.to_owned(),
            endpoint: "fixed".to_owned(),
            set: set.to_owned(),
            score: score.clone(),
        };
        let made = Made {
            banter: "0.1.0".to_owned(),
            command: "banter bench turns".to_owned(),
            machine: "a processor".to_owned(),
            target: "turn taking".to_owned(),
            at: "2026-01-02T03:04:05Z".to_owned(),
        };
        Report {
            version: VERSION,
            made,
            scenarios: Vec::new(),
            all: Group::default(),
            scaling: Vec::new(),
            taking: vec![
                taking("earshot", "clean", &good),
                taking("energy", "clean", &poor),
                taking("earshot", "office | <15 dB>", &good),
            ],
            turns: Vec::new(),
        }
    }

    #[test]
    fn detectors_stand_side_by_side() {
        let text = table(&report());
        let line = |start: &str| {
            let found = text.lines().find(|line| line.starts_with(start));
            found.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert!(text.starts_with("turn taking on a processor\n\nclean\n"), "{text}");
        assert!(text.contains("\noffice | <15 dB>\n"), "{text}");
        assert_eq!(line("missed  "), "missed 1 2");
        assert_eq!(line("missed turns"), "missed turns, at most 1 of 100 1/100 ok 2/100 FAILED");
        assert_eq!(line("cut off at a pause of 600"), "cut off at a pause of 600 ms 0/12 –");
        assert_eq!(line("cut off at a pause of 1200"), "cut off at a pause of 1200 ms – 3/12");
        assert_eq!(line("end after"), "end after, ms 850 · 1060 850 · 1060");
        assert_eq!(line("barge-20 met"), "barge-20 met 9/10 9/10");
        // Nothing is said of answers that nobody measured.
        assert!(!text.contains("voice-to-voice"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    }

    #[test]
    fn markdown_and_page_show_the_same_figures() {
        let (text, html) = (markdown(&report()), page(&report()));
        for told in ["How turns are taken", "cut off at a pause of 1200 ms", "1/100 ok", "408"] {
            assert!(text.contains(told) && html.contains(told), "{told}\n{text}\n{html}");
        }
        assert!(text.contains("office \\| &lt;15 dB>") && html.contains("&lt;15 dB&gt;"));
        assert!(!text.contains("Voice-to-voice") && !html.contains("Voice-to-voice"));
        for table in text.split("\n\n").filter(|part| part.starts_with('|')) {
            let columns = |row: &str| row.replace("\\|", "").matches('|').count();
            let first = table.lines().next().map(columns);
            assert!(table.lines().all(|row| Some(columns(row)) == first), "{table}");
        }
    }

    #[test]
    fn beside_answers_it_is_a_section_of_their_report() {
        let mut both = report();
        both.scenarios = vec![Group { name: "question".to_owned(), ..Group::default() }];
        let (text, html) = (markdown(&both), page(&both));
        for told in ["How fast the agent answers", "How turns are taken", "Overhead", "Barge-in"] {
            assert!(text.contains(told) && html.contains(told), "{told}");
        }
    }
}
