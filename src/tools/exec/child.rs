//! A program that runs, and all that it has started.

use std::io;
use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{self, ChildStderr, ChildStdin, ChildStdout, Command};

use super::ExecTool;

/// A program that runs. When this is dropped, it and all that it has started is killed.
#[derive(Debug)]
pub(super) struct Child {
    child: process::Child,
    pipes: Option<(ChildStdin, ChildStdout, ChildStderr)>,
    group: Group,
}

/// What is left of a program.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    /// What it said.
    pub(super) output: Vec<u8>,
    /// The end of what it said on its standard error.
    pub(super) complaint: Vec<u8>,
}

impl Child {
    pub(super) fn start(tool: &ExecTool) -> io::Result<Self> {
        let mut command = Command::new(&tool.program);
        command.args(&tool.args).env_clear();
        let inherited = INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        command.envs(inherited);
        command.envs(tool.env.iter().map(|(name, value)| (name, value.expose())));
        if let Some(folder) = &tool.folder {
            command.current_dir(folder);
        }
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let group = Group::of(&child);
        let pipes = child.stdin.take().zip(child.stdout.take()).zip(child.stderr.take());
        let pipes = pipes.map(|((stdin, stdout), stderr)| (stdin, stdout, stderr));
        Ok(Self { child, pipes, group })
    }

    /// Gives it `input`, and waits for its end.
    ///
    /// # Errors
    ///
    /// When it says too much, or cannot be waited for. It is killed then.
    pub(super) async fn finish(&mut self, input: Vec<u8>) -> Result<Ended, String> {
        let Some((stdin, stdout, stderr)) = self.pipes.take() else {
            return Err("it was waited for already".to_owned());
        };
        let group = &mut self.group;
        let ended = async {
            let status = self.child.wait().await.map_err(|error| error.to_string())?;
            // What it has left behind would hold the pipes open.
            group.kill();
            Ok(status)
        };
        let written = async {
            write(stdin, &input).await;
            Ok(())
        };
        let complained = async { Ok(last_of(stderr).await) };
        let ((), output, complaint, status) =
            tokio::try_join!(written, all_of(stdout), complained, ended)?;
        Ok(Ended { status, output, complaint })
    }
}

/// A program need not read what it is told.
async fn write(mut stdin: ChildStdin, input: &[u8]) {
    let _may_be_closed = stdin.write_all(input).await;
}

async fn all_of(mut stdout: ChildStdout) -> Result<Vec<u8>, String> {
    let mut read = Vec::new();
    let mut bounded = (&mut stdout).take(MOST_OUTPUT + 1);
    bounded.read_to_end(&mut read).await.map_err(|error| error.to_string())?;
    match read.len() as u64 > MOST_OUTPUT {
        true => Err(format!("it said more than {MOST_OUTPUT} bytes, and was ended")),
        false => Ok(read),
    }
}

async fn last_of(mut stderr: impl AsyncRead + Unpin) -> Vec<u8> {
    let (mut last, mut piece) = (Vec::new(), vec![0; 4096]);
    while let Ok(count @ 1..) = stderr.read(&mut piece).await {
        last.extend_from_slice(&piece[..count]);
        last.drain(..last.len().saturating_sub(MOST_COMPLAINT));
    }
    last
}

/// All that a program has started, unless it has left on purpose.
#[derive(Debug)]
struct Group {
    #[cfg(unix)]
    leader: Option<rustix::process::Pid>,
}

#[cfg(unix)]
impl Group {
    fn of(child: &process::Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self { leader: id.and_then(rustix::process::Pid::from_raw) }
    }

    fn kill(&mut self) {
        if let Some(leader) = self.leader.take() {
            let _gone = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
        }
    }
}

/// Only the program itself can be ended there, which Tokio does.
#[cfg(not(unix))]
impl Group {
    fn of(_child: &process::Child) -> Self {
        Self {}
    }

    fn kill(&mut self) {}
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Of the environment, which may hold keys.
const INHERITED: &[&str] = &["PATH", "HOME", "LANG"];
const MOST_OUTPUT: u64 = 1 << 20;
const MOST_COMPLAINT: usize = 2 << 10;
