//! The screen of `banter talk` in a real terminal, with live devices: what it shows, and its keys.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

#[path = "support/lacking.rs"]
mod lacking;
#[path = "support/paplay.rs"]
#[expect(dead_code, reason = "only some of it is needed here")]
mod paplay;
#[path = "support/program.rs"]
#[expect(dead_code, reason = "only some of it is needed here")]
mod program;
#[path = "support/pulse.rs"]
mod pulse;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use banter::SessionClock;

use crate::lacking::lacking;
use crate::program::can_talk;

#[test]
fn keys_and_what_they_show() {
    if let Err(error) = Command::new("tmux").arg("-V").output() {
        return lacking("tmux", &format!("tmux does not run: {error}"));
    }
    if !can_talk() || !pulse::with_devices("keys_and_what_they_show") {
        return;
    }
    let pane = Pane::open(concat!(env!("CARGO_BIN_EXE_banter"), " talk; echo left with $?"));
    pane.shows("listening");
    pane.shows("small embedded engines");

    let sentence = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/sentences/06.wav");
    let mut voice = paplay::play(&sentence, "mic_in");
    // Of a machine that stalls the recogniser may take a short word for another.
    pane.shows("ten plus five");
    pane.shows("agent  It is fifteen.");
    pane.shows("median of last 1");
    pane.shows("○ listening");
    assert!(voice.wait().unwrap().success());

    pane.key("t");
    pane.types("how far is the moon");
    pane.key("Enter");
    pane.shows("you    how far is the moon");
    pane.shows("◆ the agent speaks");
    pane.key("t");
    pane.types("never mind");
    pane.key("Enter");
    pane.shows("you    never mind");
    pane.shows("agent  Okay.");

    pane.key("m");
    pane.shows("muted");
    pane.key("m");
    pane.key("Space");
    pane.shows("your turn is open");
    pane.key("Space");
    pane.key("d");
    pane.shows("* microphone");
    pane.key("Escape");
    pane.key("?");
    pane.shows("this help");
    pane.key("Escape");
    pane.key("q");
    pane.shows("left with 0");
}

#[test]
fn a_call_is_allowed_and_refused_by_keys() {
    if let Err(error) = Command::new("tmux").arg("-V").output() {
        return lacking("tmux", &format!("tmux does not run: {error}"));
    }
    if !can_talk() || !pulse::with_devices("a_call_is_allowed_and_refused_by_keys") {
        return;
    }
    let talk = concat!(env!("CARGO_BIN_EXE_banter"), " talk --approve clock; echo left with $?");
    let pane = Pane::open(talk);
    pane.shows("listening");
    let ask = || {
        pane.key("t");
        pane.types("what time is it");
        pane.key("Enter");
        pane.shows(r#"? clock {"what":"time"} waits for approval: "#);
        pane.shows("a allow · r refuse");
    };
    ask();
    pane.key("a");
    pane.shows("tool   clock: done");
    pane.shows("agent  It is ");
    pane.shows("space talk · t type");
    ask();
    pane.key("r");
    pane.shows("tool   clock: refused or failed");
    pane.shows("space talk · t type");
    pane.key("q");
    pane.shows("left with 0");
}

/// A terminal of its own.
struct Pane {
    folder: tempfile::TempDir,
    clock: SessionClock,
}

impl Pane {
    fn open(command: &str) -> Self {
        let pane = Self { folder: tempfile::tempdir().unwrap(), clock: SessionClock::live() };
        // The shell stays, so that the last words can be read.
        let command = format!("{command}; read -r _");
        pane.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", "96", "-y", "30", &command]);
        pane
    }

    fn key(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    fn types(&self, text: &str) {
        self.tmux(&["send-keys", "-l", text]);
    }

    /// Waits until the text is shown.
    fn shows(&self, text: &str) {
        let deadline = self.clock.now() + Duration::from_secs(30);
        loop {
            let shown = self.tmux(&["capture-pane", "-p"]);
            if shown.contains(text) {
                return;
            }
            assert!(self.clock.now() < deadline, "{text:?} does not show:\n{shown}");
        }
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let socket = self.folder.path().join("tmux");
        let mut command = Command::new("tmux");
        command.arg("-S").arg(socket).args(arguments).env("LANG", "C.UTF-8").env_remove("TMUX");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for Pane {
    fn drop(&mut self) {
        let socket = self.folder.path().join("tmux");
        let _gone = Command::new("tmux").arg("-S").arg(socket).arg("kill-server").output();
    }
}
