//! What a test does when the machine lacks a part that it needs.
//!
//! Tests in `tests/` say `#[path = "support/lacking.rs"] mod lacking;`. The library includes this
//! file once for its own tests, in `lib.rs`.

use std::{env, fs, io::Write};

/// Reports that the calling test is skipped for want of `part`; the test then returns.
///
/// Writes `skipped: part: why` to stderr and, for a summary, `part: why` to the end of the file
/// that `BANTER_SKIP_LOG` names.
///
/// # Panics
///
/// If `BANTER_REQUIRE`, a list with commas, names `part`.
pub(crate) fn lacking(part: &str, why: &str) {
    let required = env::var("BANTER_REQUIRE").unwrap_or_default();
    assert!(!required.split(',').any(|name| name == part), "{part} is required: {why}");
    eprintln!("skipped: {part}: {why}");
    if let Some(log) = env::var_os("BANTER_SKIP_LOG") {
        let mut log = fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        // One write: tests run side by side.
        log.write_all(format!("{part}: {why}\n").as_bytes()).unwrap();
    }
}
