//! A server that is a program on this machine: started, listened to, ended.
//!
//! ```text
//! stdin  ◀─ requests
//! stdout ─▶ at its pace, in lines that have an end ─▶ Transport
//! stderr ─▶ its last 4 KiB are kept for errors
//! ```
//!
//! It leads a process group of its own, which ends with it: what `npx` starts must not outlive
//! `npx`.

use std::io;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};
use tokio::process::{Child, ChildStdin, Command};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::pace::Pace;
use super::server::Program;
use crate::time::SessionClock;

/// A running program. Dropping it kills it, and all that it has started.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// Until the group is gone.
    group: Option<Pid>,
    said: Said,
    /// All that it said is in `said`.
    silent: CancellationToken,
    /// It sent a line without an end.
    endless: CancellationToken,
    _listening: JoinSet<()>,
}

/// The two ends of what is said with a program.
pub(super) type Pipes = (DuplexStream, ChildStdin);

impl Process {
    /// Starts `program`. What it tells comes out of the first of the pipes, what is written into
    /// the second it reads.
    pub(super) fn start(program: &Program) -> Result<(Self, Pipes), String> {
        let mut child = command(program).spawn().map_err(|error| not_started(program, &error))?;
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err("it has no pipes".to_owned());
        };
        let (said, silent, endless) = (Said::default(), <_>::default(), <_>::default());
        let (told, tells) = duplex(PIPE);
        let mut listening = JoinSet::new();
        let pace = Pace::new(SessionClock::live());
        listening.spawn(listen(stdout, tells, pace, CancellationToken::clone(&endless)));
        listening.spawn(said.clone().keep(stderr, CancellationToken::clone(&silent)));
        let process = Self { child, group, said, silent, endless, _listening: listening };
        Ok((process, (told, stdin)))
    }

    /// Why it has ended, or stopped to talk, which ends it. Has an end itself.
    pub(super) async fn fate(&mut self) -> String {
        let why = if self.endless.is_cancelled() {
            format!("it sent a line of more than {} MiB", MAX_LINE >> 20)
        } else {
            match timeout(EXIT, self.child.wait()).await {
                Ok(Ok(status)) => format!("it ended ({status})"),
                _ => "it closed its standard output".to_owned(),
            }
        };
        self.kill();
        let _by_then = timeout(EXIT, self.silent.cancelled()).await;
        self.said.after(why)
    }

    /// `why`, with the last lines of what it said on its standard error.
    pub(super) fn said_after(&self, why: String) -> String {
        self.said.after(why)
    }

    /// Ends it, once its standard input is closed: it has half a second to end by itself, and 1.5 s
    /// when it was asked to.
    pub(super) async fn end(mut self) {
        if timeout(BY_ITSELF, self.child.wait()).await.is_err() {
            self.signal(Signal::TERM);
            let _ended = timeout(WHEN_ASKED, self.child.wait()).await;
        }
        self.kill();
        let _reaped = timeout(EXIT, self.child.wait()).await;
    }

    /// Kills whoever is left of its group.
    fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.group = None;
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            // An empty group is what is wished for.
            let _gone_already = kill_process_group(group, signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn command(program: &Program) -> Command {
    let mut command = Command::new(&program.command);
    command.args(&program.args).env_clear();
    let inherited = INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
    command.envs(inherited);
    command.envs(program.env.iter().map(|(name, value)| (name, value.expose())));
    if let Some(folder) = &program.cwd {
        command.current_dir(folder);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Keys for this program, as Ctrl-C, are not for it.
    command.process_group(0).kill_on_drop(true);
    command
}

fn not_started(program: &Program, error: &io::Error) -> String {
    match &program.cwd {
        Some(folder) if !folder.is_dir() => {
            format!("there is no folder {} to start it in", folder.display())
        }
        _ if error.kind() == io::ErrorKind::NotFound => {
            "there is no such program; install it, or give the path to it".to_owned()
        }
        _ => error.to_string(),
    }
}

/// Passes on what a server tells, at a pace that does no harm, until a line has no end.
async fn listen(
    mut stdout: impl AsyncRead + Unpin,
    mut on: impl AsyncWrite + Unpin,
    mut pace: Pace,
    endless: CancellationToken,
) {
    let (mut piece, mut line) = (vec![0; PIPE], 0);
    loop {
        pace.ready().await;
        let Ok(len @ 1..) = stdout.read(&mut piece).await else { return };
        let piece = &piece[..len];
        match piece.iter().rposition(|byte| *byte == b'\n') {
            Some(at) => line = len - at - 1,
            None => line += len,
        }
        if line > MAX_LINE {
            return endless.cancel();
        }
        let lines = piece.iter().filter(|byte| **byte == b'\n').count();
        pace.took(u32::try_from(lines).unwrap_or(u32::MAX));
        if on.write_all(piece).await.is_err() {
            return;
        }
    }
}

/// The end of what a server said on its standard error.
#[derive(Clone, Debug, Default)]
struct Said(Arc<Mutex<Vec<u8>>>);

impl Said {
    async fn keep(self, mut stderr: impl AsyncRead + Unpin, silent: CancellationToken) {
        let mut piece = vec![0; MAX_SAID];
        while let Ok(len @ 1..) = stderr.read(&mut piece).await {
            let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            said.extend(&piece[..len]);
            let old = said.len().saturating_sub(MAX_SAID);
            said.drain(..old);
        }
        silent.cancel();
    }

    fn after(&self, why: String) -> String {
        let said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let said = String::from_utf8_lossy(&said);
        let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = lines[lines.len().saturating_sub(LAST_LINES)..].join("\n  ");
        if last.is_empty() { why } else { format!("{why}; it said:\n  {last}") }
    }
}

/// What programs need to run. Nothing here is secret.
const INHERITED: &[&str] = &[
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE",
    "TZ", "TMPDIR",
];
/// Between a server's standard output and who reads the lines.
const PIPE: usize = 64 * 1024;
/// As long as an answer over HTTP may be.
pub(super) const MAX_LINE: usize = 16 * 1024 * 1024;
const MAX_SAID: usize = 4 * 1024;
const LAST_LINES: usize = 8;
const BY_ITSELF: Duration = Duration::from_millis(500);
const WHEN_ASKED: Duration = Duration::from_millis(1500);
const EXIT: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use tokio::io::{repeat, sink};

    use super::*;

    #[tokio::test]
    async fn of_a_long_standard_error_the_end_is_kept() {
        let said = Said::default();
        let long = repeat(b'y').take(10 << 20).chain(&b"\n\none\ntwo\n"[..]);
        let silent = CancellationToken::new();
        said.clone().keep(long, silent.clone()).await;
        assert!(silent.is_cancelled());
        assert_eq!(said.0.lock().unwrap().len(), MAX_SAID);
        let told = said.after("it ended".to_owned());
        assert!(told.starts_with("it ended; it said:\n  yyy") && told.ends_with("y\n  one\n  two"));
        assert_eq!(Said::default().after("it ended".to_owned()), "it ended");
    }

    #[tokio::test]
    async fn a_line_has_an_end() {
        for (most, expected) in [(MAX_LINE, false), (MAX_LINE + 1, true)] {
            let (endless, pace) = (CancellationToken::new(), Pace::new(SessionClock::live()));
            let line = (&b"one\n"[..]).chain(repeat(b'x').take(most as u64));
            listen(line, sink(), pace, endless.clone()).await;
            assert_eq!(endless.is_cancelled(), expected);
        }
    }
}
