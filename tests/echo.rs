//! `banter doctor --echo` on virtual devices, of which the microphone hears the speaker or not.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

#[path = "support/lacking.rs"]
mod lacking;
#[path = "support/pulse.rs"]
mod pulse;

use std::process::Command;

#[test]
fn an_echo_is_measured_and_cancelled() {
    if !pulse::with_devices("an_echo_is_measured_and_cancelled") {
        return;
    }
    pulse::leak("-20dB");
    let (told, is_fine) = doctor();
    // "ok echo: heard after 60 ms at -21 dB; -70 dB after cancelling. ..."
    let figure = |before: &str| -> f32 {
        let number = told.split(before).nth(1).unwrap().split_whitespace().next().unwrap();
        number.parse().unwrap()
    };
    let (delay, gain, left) = (figure("after "), figure("ms at "), figure("dB; "));
    assert!(is_fine, "{told}");
    assert!((20.0..300.0).contains(&delay) && (-23.0..-17.0).contains(&gain), "{told}");
    assert!(left < gain - 20.0, "at least 20 dB are taken out: {told}");
}

#[test]
fn who_wears_headphones_is_told_so() {
    if !pulse::with_devices("who_wears_headphones_is_told_so") {
        return;
    }
    let (told, is_fine) = doctor();
    assert!(is_fine && told.contains("--headphones is right"), "{told}");
}

#[test]
fn what_is_no_device_is_refused_with_what_to_do() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_banter"));
    command.args(["doctor", "--echo", "--input", "assets/sentences/04.wav"]);
    let done = command.output().unwrap();
    let told = String::from_utf8(done.stdout).unwrap();
    assert_eq!(done.status.code(), Some(1), "{told}");
    assert!(told.contains("name a live microphone"), "{told}");
}

/// What it says, and whether all is well.
fn doctor() -> (String, bool) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_banter"));
    let done = command.args(["doctor", "--echo"]).output().unwrap();
    let told = String::from_utf8(done.stdout).unwrap();
    eprintln!("{told}");
    (told, done.status.success())
}
