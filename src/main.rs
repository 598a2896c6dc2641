//! The program `banter`.

use std::process::ExitCode;

fn main() -> ExitCode {
    banter::cli::main()
}
