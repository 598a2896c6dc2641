//! Whether the same talk costs what it did: heap allocations, instructions, processor time.
//!
//! `make gate` measures and compares with `baseline.toml`; `make gate-update` writes that file
//! anew. Allocations and instructions are the same each time, so that 1 % is a change of the code;
//! time is not, so that it is compared with a fixed computation beside it, and the limit is wide.
#![expect(clippy::unwrap_used, reason = "a bench that cannot run says so")]
#![expect(clippy::print_stdout, reason = "it shows what it found")]

mod baseline;
mod cost;
#[path = "../../tests/support/lacking.rs"]
mod lacking;
mod talk;

use std::env;
use std::process::ExitCode;

use baseline::{Baseline, Ruling};
use lacking::lacking;

fn main() -> ExitCode {
    // Cargo adds flags of its own.
    match env::args().skip(1).find(|argument| !argument.starts_with("--")).as_deref() {
        None | Some("check") => check(),
        Some("update") => update(),
        Some(cost::TALK) => {
            talk::talk();
            ExitCode::SUCCESS
        }
        // `cargo bench -- NAME` asks every bench for the one of that name.
        Some(other) => {
            println!("gate: not measured: `{other}` is none of check, update, {}", cost::TALK);
            ExitCode::SUCCESS
        }
    }
}

fn check() -> ExitCode {
    let (found, expected) = (cost::measure(), Baseline::read());
    let verdicts = expected.judge(&found);
    for verdict in &verdicts {
        match verdict.ruling {
            Ruling::Unknown => lacking("baseline", &verdict.words),
            _ => println!("gate: {verdict}"),
        }
    }
    let is_any = |ruling| verdicts.iter().any(|verdict| verdict.ruling == ruling);
    if is_any(Ruling::Dearer) {
        println!("gate: FAILED. If it is meant: `make gate-update`, and say why in the commit");
        return ExitCode::FAILURE;
    }
    if is_any(Ruling::Cheaper) {
        println!("gate: the talk costs less: `make gate-update` keeps the gain");
    }
    ExitCode::SUCCESS
}

fn update() -> ExitCode {
    let found = cost::measure();
    if found.instructions.is_none() {
        println!("gate: without valgrind there is no whole baseline: `make setup-tests`");
        return ExitCode::FAILURE;
    }
    found.write();
    println!("gate: the baseline is now {found:?}");
    ExitCode::SUCCESS
}
