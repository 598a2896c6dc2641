//! Measures what the talk costs.

use std::env;
use std::hint::black_box;
use std::process::Command;

use rustix::time::{ClockId, clock_gettime};

use crate::baseline::{Baseline, Instructions};
use crate::lacking::lacking;
use crate::talk::talk;

/// The word by which this program talks once and does nothing else.
pub(crate) const TALK: &str = "talk";
/// How often the talk is measured beside the fixed computation.
const PAIRS: usize = 7;

pub(crate) fn measure() -> Baseline {
    Baseline {
        allocations: allocations(),
        instructions: instructions(),
        time_ratio: time_ratio(),
        compiler: compiler(),
        architecture: env::consts::ARCH.to_owned(),
        profile: if cfg!(debug_assertions) { "unoptimised" } else { "optimised" }.to_owned(),
    }
}

/// Of the second talk and the third, which must be equal: the first sets the thread up.
fn allocations() -> u64 {
    talk();
    let counted = || allocation_counter::measure(talk).count_total;
    let (one, other) = (counted(), counted());
    assert_eq!(one, other, "the talk is not the same each time: nothing can be said of its cost");
    one
}

/// What a processor of valgrind's executes for one talk; `None` without valgrind.
fn instructions() -> Option<Instructions> {
    let Ok(version) = Command::new("valgrind").arg("--version").output() else {
        lacking("valgrind", "instructions are not counted: `make setup-tests` installs it");
        return None;
    };
    let counted_by = String::from_utf8(version.stdout).unwrap().trim().to_owned();
    let output = Command::new("valgrind")
        .args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"])
        .arg(env::current_exe().unwrap())
        .arg(TALK)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the talk failed under valgrind:\n{said}");
    let count = said.lines().find_map(|line| line.split_once(" refs:")).map(|(_, count)| count);
    let count = count.unwrap_or_else(|| panic!("valgrind counted nothing:\n{said}"));
    Some(Instructions { count: count.trim().replace(',', "").parse().unwrap(), counted_by })
}

/// The median of the talk's processor time to that of a computation that never changes.
fn time_ratio() -> f64 {
    let mut ratios: Vec<f64> =
        (0..PAIRS).map(|_| seconds(talk) / seconds(fixed_computation)).collect();
    ratios.sort_by(f64::total_cmp);
    // More digits would only change the file each time.
    (ratios[PAIRS / 2] * 100.0).round() / 100.0
}

/// The processor time of this process for `work`: what else the machine does hardly counts.
fn seconds(work: impl FnOnce()) -> f64 {
    let now = || {
        let time = clock_gettime(ClockId::ProcessCPUTime);
        time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
    };
    let began = now();
    work();
    now() - began
}

/// Xorshift over a table that fits into the nearest cache, and a filter of what it gives: takes
/// about as long as the talk.
fn fixed_computation() {
    let rounds = if cfg!(debug_assertions) { 50_000_000 } else { 20_000_000 };
    let mut table = [1.0_f32; 1024];
    let (mut random, mut filtered) = (0x9e37_79b9_u32, 0.0_f32);
    let mut round = 0;
    while round < rounds {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        let place = (random & 1023) as usize;
        filtered = 0.9 * filtered + 0.1 * table[place];
        table[place] = filtered + 1.0;
        round += 1;
    }
    black_box((table, filtered));
}

fn compiler() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
