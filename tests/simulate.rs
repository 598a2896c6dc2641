//! Simulated calls: whatever goes wrong in them, what must hold of every call holds; the same seed
//! gives the same log.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

#[path = "support/lacking.rs"]
mod lacking;
#[path = "support/program.rs"]
#[expect(dead_code, reason = "no embedded engine is needed here")]
mod program;

use std::time::Duration;

use banter::EventKind;
use banter::bench::scenario::Scenario;
use banter::bench::services::duplex::Protocol;
use banter::context::{Budget, Relevance, Strategy, Summarise};
use banter::duplex::{Detecting, ServerTurns};
use banter::session::DuplexConfig;
use banter::sim::{self, Fault, Faults, Link, Mode, Options, Outcome, Play, RandomKind};
use banter::stages::ContextConfig;
use banter::turn::Speculate;

use crate::program::{banter, run};

/// Where they are not optimised, fewer calls are made here: `make simulate` makes a thousand.
const CALLS: u64 = if cfg!(debug_assertions) { 60 } else { 1_000 };

/// Calls with a model that speaks for itself send all sound over a socket, which takes longer.
const ASM_CALLS: u64 = if cfg!(debug_assertions) { 20 } else { 1_000 };

/// A random call with random faults.
fn random(seed: u64, kind: RandomKind) -> Outcome {
    let options = Options { seed, faults: Faults::Random, ..Options::default() };
    sim::run(&sim::random_play_of(seed, kind), &options).unwrap()
}

/// What is broken in the calls of some seeds, with the commands that replay them.
fn broken(seeds: impl Iterator<Item = u64>, (kind, mode): (RandomKind, &str)) -> Vec<String> {
    let told = |seed: u64| {
        let replay = format!("banter simulate random --mode {mode} --faults random --seed {seed}");
        let broken = random(seed, kind).broken.into_iter();
        broken.map(move |broken| format!("{replay}\n    {broken}"))
    };
    seeds.flat_map(told).collect()
}

const VAD: (RandomKind, &str) = (RandomKind::Vad, "vad");
const ASM: (RandomKind, &str) = (RandomKind::Asm, "asm");

/// The two halves run side by side.
#[test]
fn what_must_hold_of_every_call_holds_of_random_ones() {
    let broken = broken((0..CALLS).step_by(2), VAD);
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn what_must_hold_of_every_call_holds_of_random_ones_the_odd_half() {
    let broken = broken((1..CALLS).step_by(2), VAD);
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

/// Of each of these something once did not.
#[test]
fn it_holds_of_calls_that_were_mended() {
    let mut broken = broken([229, 1814].into_iter(), VAD);
    broken.extend(self::broken([538, 5040, 5239, 5364, 5801].into_iter(), ASM));
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn it_holds_of_calls_with_a_model_that_speaks_for_itself() {
    let broken = broken((0..ASM_CALLS).step_by(2), ASM);
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn it_holds_of_calls_with_a_model_that_speaks_for_itself_the_odd_half() {
    let broken = broken((1..ASM_CALLS).step_by(2), ASM);
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let calls = (0..20).map(|seed| (seed, RandomKind::Vad));
    for (seed, kind) in calls.chain((0..5).map(|seed| (seed, RandomKind::Asm))) {
        let (first, second) = (random(seed, kind).lines, random(seed, kind).lines);
        assert!(first.len() > 5, "seed {seed}, {kind:?}: {first:?}");
        let differs = first.iter().zip(&second).find(|(first, second)| first != second);
        assert_eq!(differs, None, "seed {seed}, {kind:?}");
        assert_eq!(first.len(), second.len(), "seed {seed}, {kind:?}");
    }
    assert_ne!(random(1, RandomKind::Vad).lines, random(2, RandomKind::Vad).lines);
}

/// A question to a model that speaks for itself, in each protocol, with turns found on each side.
fn asked() -> impl Iterator<Item = Play> {
    let there = Detecting::There(ServerTurns::default());
    let hearing = [(Detecting::Here, false), (there, false), (there, true)];
    let each = Protocol::ALL.into_iter().flat_map(move |it| hearing.map(|hearing| (it, hearing)));
    each.map(|(protocol, (detecting, own_rules))| {
        let mut play = Play { mode: Mode::Asm(protocol), ..question() };
        let duplex = DuplexConfig { detecting, own_rules, ..play.config.duplex };
        play.config.duplex = duplex;
        play
    })
}

#[test]
fn a_model_that_speaks_for_itself_is_asked_over_the_same_network() {
    let link = Link { latency: Duration::from_millis(40), ..Link::LOOPBACK };
    for play in asked() {
        let outcome = sim::run(&play, &Options { link, ..Options::default() }).unwrap();
        assert_eq!(outcome.broken, [], "{:?}", play.mode);
        assert_eq!((outcome.turns(), outcome.messages.len()), (3, 6), "{:?}", outcome.messages);
        assert!(tells(&outcome, "connection_ready") && tells(&outcome, "call"));
        assert!(!tells(&outcome, "connection_lost"));
    }
}

#[test]
fn each_fault_of_sockets_is_told_and_outlived() {
    for fault in Fault::ALL.into_iter().filter(|fault| fault.is_of_sockets()) {
        let plays = asked().zip(0..);
        let told = plays.map(|(play, seed)| {
            let faults = Faults::These(vec![fault]);
            let call = sim::run(&play, &Options { seed, faults, ..Options::default() }).unwrap();
            assert_eq!(call.broken, [], "{fault}, seed {seed}, {:?}", play.mode);
            call.lines.iter().any(|line| line.contains("\"faults\":[\""))
        });
        assert!(told.filter(|told| *told).count() > 0, "{fault} has struck nobody");
    }
}

/// The play of a built-in scenario that needs no synthesizer. No answer is begun ahead of the end of
/// a turn, which would hide how long the services take.
fn question() -> Play {
    let mut play = Play::of(&Scenario::named("question").unwrap()).unwrap();
    play.config.speculation.when = Speculate::Never;
    play
}

#[test]
fn a_call_in_which_all_goes_well_is_told_as_it_went() {
    let outcome = sim::run(&question(), &Options::default()).unwrap();
    assert_eq!(outcome.broken, []);
    assert_eq!(outcome.turns(), 3);
    let latencies = outcome.events.iter().filter_map(|event| match &event.kind {
        EventKind::Latency(latency) => Some(latency.stt_ms),
        _ => None,
    });
    let latencies: Vec<f64> = latencies.collect();
    assert_eq!(latencies.len(), 3);
    for ms in latencies {
        assert!((150.0..155.0).contains(&ms), "the services' 150 ms: {ms}");
    }
    for who in ["simulator", "network", "services", "person"] {
        let line = format!("\"who\":\"{who}\"");
        assert!(outcome.lines.iter().any(|told| told.contains(&line)), "nothing of {who}");
    }
    let times: Vec<f64> = outcome.lines.iter().map(|line| time(line)).collect();
    assert!(times.is_sorted());
}

fn time(line: &str) -> f64 {
    let value: serde_json::Value = serde_json::from_str(line).unwrap();
    value["t_ms"].as_f64().unwrap()
}

#[test]
fn the_network_takes_its_time() {
    let latency = Duration::from_millis(40);
    let link = Link { latency, ..Link::LOOPBACK };
    let outcome = sim::run(&question(), &Options { link, ..Options::default() }).unwrap();
    assert_eq!(outcome.broken, []);
    let stt = outcome.events.iter().find_map(|event| match &event.kind {
        EventKind::Latency(latency) => Some(latency.stt_ms),
        _ => None,
    });
    let stt = stt.unwrap();
    assert!((230.0..240.0).contains(&stt), "there and back, beside the service's 150 ms: {stt}");
}

/// A budget, its summaries and its vectors change nothing of what must hold, and nothing of them is
/// left to chance.
#[test]
fn calls_with_a_budget_are_calls_like_others() {
    let strategies = [
        Strategy::Sliding,
        Strategy::Summarise(Summarise { keep_recent: 1, threshold: 0.5, ..Summarise::default() }),
        Strategy::Relevance(Relevance::default()),
        Strategy::Fail,
    ];
    for strategy in strategies {
        let context = ContextConfig::new(Budget::new(30).with(strategy));
        for (mut play, seed, faults) in [
            (question(), 0, Faults::default()),
            (sim::random_play(3), 3, Faults::Random),
            (sim::random_play(4), 4, Faults::Random),
        ] {
            play.config.context = Some(context.clone());
            let options = Options { seed, faults, ..Options::default() };
            let (call, again) = (sim::run(&play, &options).unwrap(), sim::run(&play, &options));
            assert_eq!(call.broken, [], "{context:?}, seed {seed}");
            assert_eq!(call.lines, again.unwrap().lines, "{context:?}, seed {seed}");
            let is_cut = tells(&call, "context_cut") || tells(&call, "turn_failed");
            assert!(is_cut || seed > 0, "{context:?}");
        }
    }
}

/// What devices go through in calls of some seeds, and what the session tells of it.
fn with_fault(fault: Fault) -> Vec<Outcome> {
    let play = question();
    let options = |seed| Options { seed, faults: Faults::These(vec![fault]), ..Options::default() };
    let calls: Vec<_> = (0..12).map(|seed| sim::run(&play, &options(seed)).unwrap()).collect();
    for (seed, call) in calls.iter().enumerate() {
        assert_eq!(call.broken, [], "{fault}, seed {seed}");
    }
    calls
}

fn tells(call: &Outcome, what: &str) -> bool {
    call.lines.iter().any(|line| line.contains(&format!("\"type\":\"{what}\"")))
}

#[test]
fn a_device_that_is_unplugged_is_warned_of_and_may_come_back() {
    for fault in [Fault::Microphone, Fault::Speaker] {
        let calls = with_fault(fault);
        let gone: Vec<_> = calls.iter().filter(|call| tells(call, "gone")).collect();
        assert!(gone.len() >= 6, "{fault}: {}", gone.len());
        assert!(gone.iter().all(|call| tells(call, "warning")), "{fault}");
        let back = gone.iter().filter(|call| tells(call, "back")).count();
        assert!(0 < back && back < gone.len(), "{fault}: {back} of {}", gone.len());
    }
}

#[test]
fn a_clock_that_is_off_changes_nothing_that_is_heard() {
    for call in with_fault(Fault::Drift) {
        assert!(tells(&call, "drifts"));
        assert_eq!(call.turns(), 3);
        assert_eq!(call.messages.len(), 6, "{:?}", call.messages);
    }
}

#[test]
fn an_engine_that_cannot_take_part_is_refused_with_those_that_can() {
    let play = Play { vad: "silero".to_owned(), ..question() };
    let error = sim::run(&play, &Options::default()).unwrap_err().to_string();
    assert!(error.contains("`silero`") && error.contains("earshot"), "{error}");
}

/// What the program prints, and whether it says that all is well.
fn printed(arguments: &[&str]) -> (String, String, Option<i32>) {
    let output = run(banter(["simulate"].iter().chain(arguments)));
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code())
}

#[test]
fn two_processes_print_the_same_bytes() {
    for mode in ["vad", "asm"] {
        let faults = ["--faults", "loss,stall,drift"];
        let arguments = ["random", "--seed", "11", "--mode", mode].into_iter().chain(faults);
        let arguments: Vec<_> = arguments.collect();
        let [first, second] = [(); 2].map(|()| printed(&arguments));
        assert_eq!((first.2, first.1.as_str()), (Some(0), ""), "{mode}");
        assert!(first.0.lines().count() > 5);
        assert_eq!(first.0, second.0, "{mode}");
    }
}

#[test]
fn many_seeds_are_a_line_each() {
    let (lines, summary, code) = printed(&["question", "--count", "3", "--seed", "5"]);
    assert_eq!(code, Some(0), "{lines}{summary}");
    let seeds: Vec<_> = lines.lines().map(|line| line.split("  ").next().unwrap()).collect();
    assert_eq!(seeds, ["seed 5", "seed 6", "seed 7"]);
    assert_eq!(summary, "3 of 3 calls held\n");
}

#[test]
fn what_cannot_be_simulated_is_told() {
    for (arguments, code, said) in [
        (&["question", "--faults", "lost"][..], 2, "loss, stall"),
        (&["nothing"], 1, "question"),
        (&["question", "--vad", "silver"], 1, "earshot"),
        (&["question", "--count", "0"], 2, "1.."),
        (&["question", "--provider", "gemini"], 1, "--mode asm"),
        (&["question", "--faults", "close"], 1, "--mode asm"),
        (&["question", "--mode", "asm", "--provider", "claude"], 2, "openai or gemini"),
    ] {
        let (_, error, exit) = printed(arguments);
        assert_eq!(exit, Some(code), "{error}");
        assert!(error.contains(said), "{error}");
    }
}
