//! Reports made by hand, in every form.

use std::fs;

use super::{CompareError, Figure, Percent, ReportError, Verdict, compare, markdown, page, table};
use crate::bench::figures::{
    BargeIn, Cost, Discarded, Group, Made, Report, ServiceTimes, Spread, Step, Turn, VERSION,
};

const LIMIT: &str = "10%";

/// The n-th turn of a scenario: 1,201 ms and a few more, of them 20 and as many of overhead.
fn turn(scenario: &str, session: usize, index: usize) -> Turn {
    let more = ((session * 7 + index * 3) % 10) as f64;
    let gaps = [800.0, 4.0, 1.0, 152.0, 203.0, 0.0, 31.0, 0.0, 10.0 + more, 0.0];
    Turn {
        scenario: scenario.to_owned(),
        session,
        index,
        labelled: true,
        voice_to_voice_ms: gaps.iter().sum::<f64>() + 0.25,
        overhead_ms: Some(20.25 + more),
        gaps: Some(gaps),
        services: Some(ServiceTimes { stt_ms: 150.0, llm_ms: 201.0, tts_ms: 30.0 }),
        residual_ms: 0.25,
    }
}

fn report_of(turns: Vec<Turn>) -> Report {
    let mut names: Vec<&str> = turns.iter().map(|turn| turn.scenario.as_str()).collect();
    names.dedup();
    let of = |name: &&str| Group::of(name, turns.iter().filter(|turn| turn.scenario == *name));
    let made = Made {
        banter: "0.1.0".to_owned(),
        command: "banter bench --profile fast | tee".to_owned(),
        machine: "a processor, 2 cores".to_owned(),
        target: "in process".to_owned(),
        at: "2026-01-02T03:04:05Z".to_owned(),
    };
    Report {
        version: VERSION,
        made,
        scenarios: names.iter().map(of).collect(),
        all: Group::of("all", &turns),
        scaling: Vec::new(),
        taking: Vec::new(),
        turns,
    }
}

/// Two scenarios with so many sessions of three turns.
fn report(sessions: usize) -> Report {
    let of = |name: &'static str| {
        (0..sessions).flat_map(move |at| (0..3).map(move |index| turn(name, at, index)))
    };
    report_of(of("question").chain(of("story")).collect())
}

/// With everything that a report may have.
fn full() -> Report {
    let mut report = report(4);
    let cost = Cost {
        sessions: 8,
        session_minutes: 4.5,
        cpu_s_per_minute: Some(0.123),
        memory_kib_per_session: Some(400.0),
        base_kib: Some(9000.0),
        under_runs: 2,
        lost_turns: 1,
        driver_late_ms: 0.4,
        discarded: Discarded { answers: 2, input_tokens: 310, output_tokens: 12 },
    };
    let spread = |p50| Spread { p50, p95: p50 * 2.0, p99: p50 * 3.0 };
    let step = |sessions, p50, knee: Option<&str>| Step {
        sessions,
        voice_to_voice_ms: spread(900.0),
        overhead_ms: spread(p50),
        cost,
        refused: 0,
        knee: knee.map(str::to_owned),
    };
    let late = "p95 of the overhead is above 100 ms";
    report.scaling = vec![step(1, 5.0, None), step(100, 9.0, None), step(400, 300.0, Some(late))];
    report.all.cost = cost;
    report.all.barge_in =
        BargeIn { count: 3, decision_ms: spread(350.0), silence_ms: spread(10.0) };
    report.scenarios[1].failures.push("the answer came after 950 ms".to_owned());
    report
}

/// The same turns, each made slower.
fn slower(report: &Report, mut by_ms: impl FnMut(usize) -> f64) -> Report {
    let mut turns = report.turns.clone();
    for (number, turn) in turns.iter_mut().enumerate() {
        let more = by_ms(number);
        turn.voice_to_voice_ms += more;
        turn.overhead_ms = turn.overhead_ms.map(|overhead| overhead + more);
    }
    report_of(turns)
}

fn limit() -> Percent {
    LIMIT.parse().unwrap()
}

mod in_files {
    use super::*;

    #[test]
    fn what_was_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let report = full();
        let written = super::super::write(folder.path().join("made/anew"), &report).unwrap();
        assert_eq!(super::super::read(&written.json).unwrap(), report);
        assert_eq!(fs::read_to_string(&written.markdown).unwrap(), markdown(&report));
        assert_eq!(fs::read_to_string(&written.html).unwrap(), page(&report));
        let left: Vec<_> = fs::read_dir(written.json.parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 3, "nothing else is left: {left:?}");
    }

    #[test]
    fn programs_find_each_gap_by_its_name_in_order() {
        let json = serde_json::to_string(&full()).unwrap();
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        for group in [&value["scenarios"][0], &value["all"]] {
            assert_eq!(group["gaps"]["first_token"]["p95"], 203.0);
            assert_eq!(group["overhead_ms"]["p50"], 23.25);
            assert!(group["voice_to_voice_ms"]["p99"].is_number());
        }
        let places: Vec<_> = crate::bench::figures::GAPS
            .iter()
            .map(|gap| json.find(&format!("\"{gap}\":{{\"p50\"")).unwrap())
            .collect();
        assert!(places.is_sorted(), "{places:?}");
    }

    #[test]
    fn a_file_is_replaced_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        // A folder in its place cannot be replaced by a file.
        fs::create_dir(&path).unwrap();
        let error = super::super::write(folder.path(), &full()).unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot write `{}`: ", path.display())), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no half of it is left");
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.json");
        let fails = |text: &str| {
            fs::write(&path, text).unwrap();
            super::super::read(&path).unwrap_err()
        };
        let missing = super::super::read(folder.path().join("none.json")).unwrap_err();
        assert!(missing.to_string().starts_with("cannot read `"), "{missing}");
        let other = fails(r#"{ "version": 2, "something": "else" }"#);
        assert!(matches!(other, ReportError::Version { found: 2, .. }), "{other}");
        assert!(other.to_string().ends_with("reads version 1: measure anew"), "{other}");
        let form = fails(r#"{ "version": 1 }"#);
        assert!(form.to_string().contains("missing field `made`"), "{form}");
        assert!(matches!(fails("[]"), ReportError::Form { .. }));
    }
}

mod as_words {
    use super::*;

    #[test]
    fn the_terminal_shows_aligned_columns() {
        let text = table(&full());
        let head: Vec<&str> = text.lines().take(6).collect();
        let expected = "\
in process on a processor, 2 cores

                    voice-to-voice (ms)     overhead (ms)
scenario  turns     p50     p95     p99   p50   p95   p99
question     12  1204.3  1208.3  1208.3  23.3  27.3  27.3
story        12  1204.3  1208.3  1208.3  23.3  27.3  27.3";
        let expected: Vec<&str> = expected.lines().collect();
        assert_eq!(head, expected, "\n{text}");
        for line in [
            "first token       203.0  203.0",
            "CPU, s per session-minute  0.123",
            "under-runs                     2",
            "beyond the knee with 400: p95 of the overhead is above 100 ms",
            "NOT AS EXPECTED story: the answer came after 950 ms",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    }

    #[test]
    fn a_black_box_has_neither_overhead_nor_gaps() {
        let mut black_box = report(2);
        for turn in &mut black_box.turns {
            (turn.overhead_ms, turn.gaps, turn.services) = (None, None, None);
            turn.labelled = false;
        }
        let black_box = report_of(black_box.turns);
        let text = table(&black_box);
        assert!(text.contains("12 turns without a label"), "{text}");
        let all = text.lines().find(|line| line.starts_with("all")).unwrap();
        assert!(all.ends_with("–      –      –") || all.contains("–  "), "{all}");
        assert!(!text.contains("gap (ms)"), "{text}");
        assert!(!markdown(&black_box).contains("## Gaps"));
        assert!(page(&black_box).contains(r#"class="whole""#));
    }

    #[test]
    fn markdown_has_every_part_and_no_broken_row() {
        let text = markdown(&full());
        for part in [
            "**Voice-to-voice**",
            "**Service time**",
            "**Overhead**",
            "| command | `banter bench --profile fast \\| tee` |",
            "| question | 12 | 1204.3 | 1208.3 | 1208.3 | 23.3 | 27.3 | 27.3 |",
            "### all (24 turns)",
            "| first token | 203.0 | 203.0 | 203.0 |",
            "## Cost",
            "## Interruptions",
            "## Calls side by side",
            "- story: the answer came after 950 ms",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        let mut columns = None;
        for line in text.lines() {
            let found = line.replace("\\|", "").matches('|').count();
            let is_row = line.starts_with('|');
            assert!(!is_row || columns.is_none_or(|columns| columns == found), "{line}");
            columns = is_row.then_some(found);
        }
    }

    #[test]
    fn what_a_name_contains_stays_words() {
        let mut turns = report(1).turns;
        for turn in &mut turns {
            turn.scenario = "a|b <i>*c*\n\u{1b}[31m".to_owned();
        }
        let report = report_of(turns);
        let text = markdown(&report);
        assert!(text.contains("| a\\|b &lt;i>\\*c\\*  \\[31m | 6 |"), "{text}");
        assert!(!table(&report).contains('\u{1b}'));
    }
}

mod as_a_page {
    use super::*;

    /// Every element is closed, in order; none that fetches or runs something is there.
    fn check(html: &str) {
        const VOID: [&str; 3] = ["meta", "link", "!DOCTYPE"];
        let mut open = Vec::new();
        for tag in html.split('<').skip(1) {
            let (tag, _) = tag.split_once('>').expect("a tag that ends");
            let name = tag.split([' ', '\n']).next().unwrap();
            if let Some(name) = name.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name), "closed in order");
            } else if !VOID.contains(&name) {
                open.push(name);
            }
            assert!(!["script", "img", "iframe", "object", "image", "use"].contains(&name));
            assert!(!tag.contains(" on"), "no handlers: {tag}");
            assert!(!tag.contains("href=") || tag == r#"link rel="icon" href="data:,""#, "{tag}");
        }
        assert_eq!(open, Vec::<&str>::new());
        for fetch in ["http://", "https://", "src=", "url(", "@import", "//cdn"] {
            assert!(!html.contains(fetch), "it fetches nothing: {fetch}");
        }
    }

    #[test]
    fn it_is_balanced_and_fetches_nothing() {
        let html = page(&full());
        check(&html);
        for part in [
            "<title id=\"scaling-t\">",
            "The knee is at <b>400</b>: p95 of the overhead is above 100 ms.",
            "hatched",
            "<strong>story</strong>: the answer came after 950 ms",
            "prefers-color-scheme: dark",
            r#"name="viewport" content="width=device-width"#,
        ] {
            assert!(html.contains(part), "{part}");
        }
        check(&page(&report_of(Vec::new())));
    }

    #[test]
    fn what_others_wrote_is_escaped() {
        let attack = "\"'><script>alert(1)</script>";
        let mut turns = report(1).turns;
        for turn in &mut turns {
            turn.scenario = attack.to_owned();
        }
        let mut report = report_of(turns);
        report.made = Made {
            banter: attack.to_owned(),
            command: attack.to_owned(),
            machine: attack.to_owned(),
            target: attack.to_owned(),
            at: attack.to_owned(),
        };
        report.all.failures.push(attack.to_owned());
        report.all.gaps[0].0 = attack.to_owned();
        report.scaling = full().scaling;
        report.scaling[2].knee = Some(attack.to_owned());
        let html = page(&report);
        check(&html);
        assert!(html.contains("&lt;script&gt;alert(1)"));
    }

    #[test]
    fn two_thousand_turns_are_a_small_page_that_says_what_it_left_out() {
        for names in [1, 10, 100] {
            let per_name = 2000 / names;
            let turns = (0..2000).map(|at| turn(&format!("s{}", at / per_name), at % per_name, 0));
            let html = page(&report_of(turns.collect()));
            assert!(html.len() < 1_000_000, "{names} scenarios: {} bytes", html.len());
            if names == 10 {
                assert!(html.contains("s9 (48 of 200 turns)"));
                assert!(html.contains("152 turns are left out"));
            }
        }
    }
}

mod compared {
    use super::*;

    /// Noise of up to a fifth of a turn's overhead of some 25 ms, the same each time.
    fn noise(seed: u64) -> impl FnMut(usize) -> f64 {
        let mut random = fastrand::Rng::with_seed(seed);
        move |_| (random.f64() - 0.5) * 10.0
    }

    #[test]
    fn noise_is_forgiven() {
        let old = report(20);
        for seed in 0..20 {
            let new = slower(&old, noise(seed));
            let comparison = compare(&new, &old, limit()).unwrap();
            assert!(!comparison.is_regression(), "seed {seed}:\n{comparison}");
        }
    }

    #[test]
    fn a_shift_below_the_noise_is_found() {
        let old = report(20);
        for seed in 0..20 {
            let mut noise = noise(seed);
            // Some 20 % of the overhead, and 0.4 % of the whole.
            let new = slower(&old, |turn| noise(turn) + 5.0);
            let comparison = compare(&new, &old, limit()).unwrap();
            assert!(comparison.is_regression(), "seed {seed}:\n{comparison}");
            let slow: Vec<_> = comparison
                .figures
                .iter()
                .filter(|figure| figure.verdict == Verdict::Regression)
                .map(|figure| (figure.scenario.as_str(), figure.figure))
                .collect();
            assert!(slow.contains(&("all", Figure::Overhead)), "seed {seed}:\n{comparison}");
            assert!(slow.iter().all(|(_, figure)| *figure == Figure::Overhead), "{comparison}");
            let back = compare(&old, &new, limit()).unwrap();
            assert!(!back.is_regression(), "faster is no regression:\n{back}");
            assert_eq!(back.figures.last().unwrap().verdict, Verdict::Improvement, "{back}");
        }
    }

    #[test]
    fn less_than_a_millisecond_is_nothing() {
        let mut old = report(20);
        for turn in &mut old.turns {
            turn.overhead_ms = Some(-0.5);
        }
        let small = compare(&slower(&old, |_| 0.9), &old, limit()).unwrap();
        assert!(!small.is_regression(), "{small}");
        let one = compare(&slower(&old, |_| 2.0), &old, limit()).unwrap();
        let overhead = one.figures.last().unwrap();
        assert_eq!((overhead.figure, overhead.ratio.median), (Figure::Overhead, 1.5), "{one}");
        assert!(one.is_regression(), "{one}");
    }

    #[test]
    fn few_pairs_are_a_regression_only_if_each_is_slower() {
        let old = report_of((0..5).map(|index| turn("question", 0, index)).collect());
        let each = compare(&slower(&old, |_| 8.0), &old, limit()).unwrap();
        assert!(each.is_regression(), "{each}");
        assert!(each.to_string().contains("few: fewer than 6 pairs"), "{each}");
        let all_but_one = |number| if number == 3 { 0.0 } else { 8.0 };
        let most = compare(&slower(&old, all_but_one), &old, limit()).unwrap();
        assert!(!most.is_regression(), "{most}");
    }

    #[test]
    fn turns_without_a_partner_are_named_and_lost_ones_count() {
        let old = report(20);
        let mut new = report_of(old.turns[8..].to_vec());
        new.turns.push(turn("question", 77, 0));
        new.all.cost.lost_turns = 3;
        let comparison = compare(&new, &old, limit()).unwrap();
        let text = comparison.to_string();
        let missing = "only in the baseline: 8 turns (question session 0 turn 0, question session 0 \
            turn 1, question session 0 turn 2, question session 1 turn 0, question session 1 turn \
            1, and 3 more)\n";
        assert!(text.contains(missing), "{text}");
        let added = "only in the new report: 1 turn (question session 77 turn 0)\n";
        assert!(text.contains(added), "{text}");
        assert!(text.contains("lost turns: 0 before, 3 now\nREGRESSION"), "{text}");
        assert!(comparison.is_regression());
    }

    #[test]
    fn a_scenario_that_ran_twice_is_paired_run_by_run() {
        let twice = |more: f64| {
            let mut turns = report(2).turns;
            turns.extend(slower(&report(2), |_| more).turns);
            report_of(turns)
        };
        let comparison = compare(&twice(100.0), &twice(0.0), limit()).unwrap();
        assert!(comparison.only_new.is_empty() && comparison.only_old.is_empty());
        assert_eq!(comparison.figures.last().unwrap().pairs, 24);
    }

    #[test]
    fn other_machines_are_told_and_other_versions_refused() {
        let (mut new, old) = (report(3), report(3));
        new.made.machine = "another".to_owned();
        let comparison = compare(&new, &old, limit()).unwrap();
        let warning = "warning: another machine: the baseline is of `a processor, 2 cores`, the \
            new report of `another`\n";
        assert!(comparison.to_string().contains(warning), "{comparison}");

        new.version = 9;
        let error = compare(&new, &old, limit()).unwrap_err();
        assert_eq!(error, CompareError::Version { new: 9, old: 1 });
        let other = report_of(vec![turn("other", 0, 0)]);
        let error = compare(&other, &old, limit()).unwrap_err().to_string();
        assert!(error.contains("the baseline has question, story, the new report has other"));
    }

    #[test]
    fn people_read_aligned_columns() {
        let old = report(20);
        let text = compare(&slower(&old, |_| 8.0), &old, limit()).unwrap().to_string();
        let all = text.lines().find(|line| line.starts_with("all ")).unwrap();
        assert!(all.contains("voice-to-voice    120"), "{text}");
        assert!(text.contains("SLOWER\n"), "{text}");
        assert!(text.ends_with("REGRESSION: the limit is 10 %\n"), "{text}");
    }
}
