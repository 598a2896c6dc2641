//! Plays to the virtual devices of `pulse.rs`, and records from them.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use crate::pulse::INSIDE;

/// Ends the server that this test has, as if all devices were pulled out.
pub(crate) fn kill_server() {
    let pid = env::var(INSIDE).unwrap();
    assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
}

/// Plays a WAV file to a sink, from start to end.
pub(crate) fn play(file: &Path, sink: &str) -> Child {
    let mut command = Command::new("paplay");
    command.arg(format!("--device={sink}")).arg(file).spawn().unwrap()
}

/// Records what a sink plays: raw samples of 48 kHz, 16 bit, mono, into `file`. It records when
/// this returns.
pub(crate) fn record(sink: &str, file: &Path) -> Recording {
    let mut command = Command::new("parecord");
    command.arg(format!("--device={sink}.monitor"));
    command.args(["--rate=48000", "--channels=1", "--format=s16le", "--raw", "--latency-msec=10"]);
    command.arg("--verbose").arg(file).stderr(Stdio::piped()).stdout(Stdio::null());
    let mut process = command.spawn().unwrap();
    let told = BufReader::new(process.stderr.take().unwrap());
    let (records, recorded) = sync_channel(1);
    // It tells the time again and again on one line, once its first sound has come. What it tells
    // must be read, or it stops.
    std::thread::spawn(move || {
        for line in told.split(b'\r').map_while(Result::ok) {
            if String::from_utf8_lossy(&line).contains("Time:") {
                let _told_already = records.try_send(());
            }
        }
    });
    recorded.recv_timeout(Duration::from_secs(10)).unwrap();
    Recording(process)
}

/// A recording that goes on until it is dropped.
pub(crate) struct Recording(Child);

impl Drop for Recording {
    fn drop(&mut self) {
        // It writes what it has when it is asked to end, and not when it is killed.
        let pid = self.0.id().to_string();
        let _asked = Command::new("kill").args(["-INT", &pid]).status();
        let _status = self.0.wait();
    }
}
