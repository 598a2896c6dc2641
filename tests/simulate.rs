//! Simulated calls: whatever goes wrong, what must hold of every call holds.

use banter::sim::{self, Faults, Options, Outcome};

/// A random call with random faults.
fn random(seed: u64) -> Outcome {
    let options = Options { seed, faults: Faults::Random, ..Options::default() };
    sim::run(&sim::random_play(seed), &options).unwrap()
}

#[test]
fn what_must_hold_of_every_call_holds_of_a_thousand_random_ones() {
    let from: u64 = std::env::var("SEED").map_or(0, |s| s.parse().unwrap());
    let count: u64 = std::env::var("COUNT").map_or(1000, |s| s.parse().unwrap());
    let mut broken = Vec::new();
    let mut minutes = 0.0;
    let started = std::time::Instant::now();
    for seed in from..from + count {
        let outcome = random(seed);
        minutes += outcome.length.as_secs_f64() / 60.0;
        if std::env::var("SHOW").is_ok() {
            for line in &outcome.lines { println!("{line}"); }
        }
        broken.extend(outcome.broken.iter().map(|broken| format!("seed {seed}: {broken}")));
    }
    println!("{minutes:.1} minutes of talk in {:?}", started.elapsed());
    assert!(broken.is_empty(), "{} broken\n{}", broken.len(), broken.join("\n"));
}
