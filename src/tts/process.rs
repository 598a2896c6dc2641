//! Runs a command-line synthesizer: its standard output is a WAV file, which is passed on as it
//! comes.
//!
//! The process starts with the call and is killed when its stream is dropped; Tokio reaps it.
//! The text is an argument of the program, never part of a shell's command line.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use futures_util::stream;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::time::timeout;

use super::pcm::{MAX_CHUNK, Pcm, byte_len};
use super::{SpeakRequest, SpeechEvent, SpeechStream, TtsError, failed, wav};
use crate::audio::{AudioChunk, SampleRate};

/// A program that synthesizes speech.
#[derive(Clone, Copy, Debug)]
pub(super) struct Program {
    /// Its name: of the engine, of the program, and of Debian's package.
    pub(super) name: &'static str,
    /// The sample rate that it must give.
    pub(super) rate: SampleRate,
}

/// `text` with what no program should be given: control characters become spaces. `None` when
/// nothing is left to say.
pub(super) fn plain(text: &str) -> Option<String> {
    let text = text.replace(char::is_control, " ");
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The speed that is asked for, within the limits that every engine can do.
pub(super) fn speed(request: &SpeakRequest) -> f32 {
    if request.speed.is_finite() { request.speed.clamp(0.5, 2.0) } else { 1.0 }
}

/// Runs `program` with the arguments `args`.
///
/// A process that gives nothing for 10 s of Tokio's time has failed.
pub(super) fn run<'a>(program: Program, args: impl IntoIterator<Item = &'a str>) -> SpeechStream {
    match Speaking::start(program, &mut command(program, args)) {
        Ok(speaking) => Box::pin(stream::unfold(Some(speaking), |speaking| async {
            let mut speaking = speaking?;
            match speaking.next().await {
                Ok(chunk) => Some((Ok(SpeechEvent::Audio(chunk?)), Some(speaking))),
                Err(reason) => {
                    let engine = speaking.program.name;
                    Some((Err(TtsError::Failed { engine, reason }), None))
                }
            }
        })),
        Err(error) => {
            failed(TtsError::Start { engine: program.name, reason: start_reason(program, &error) })
        }
    }
}

fn command<'a>(program: Program, args: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(program.name);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true);
    command
}

fn start_reason(program: Program, error: &io::Error) -> String {
    let name = program.name;
    match error.kind() {
        io::ErrorKind::NotFound => format!(
            "the program `{name}` is not installed; run `apt-get install {name}`, or `make setup`"
        ),
        _ => format!("the program `{name}` does not run: {error}"),
    }
}

struct Speaking {
    program: Program,
    child: Child,
    stdout: ChildStdout,
    stderr: Option<ChildStderr>,
    /// Whether the head of the file has been read.
    headed: bool,
    sound: Pcm,
    /// What it said on its standard error, to the limit.
    said: Vec<u8>,
}

impl Speaking {
    fn start(program: Program, command: &mut Command) -> io::Result<Self> {
        let mut child = command.spawn()?;
        let stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let stderr = child.stderr.take();
        let (sound, said) = (Pcm::new(program.rate), Vec::new());
        Ok(Self { program, child, stdout, stderr, headed: false, sound, said })
    }

    /// The next stretch of sound: the first as soon as there is any, then of 20 to 100 ms.
    async fn next(&mut self) -> Result<Option<AudioChunk>, String> {
        loop {
            if self.headed
                && let Some(chunk) = self.sound.chunk()
            {
                return Ok(Some(chunk));
            }
            if self.within_limit(Self::read).await?.map_err(|error| error.to_string())? == 0 {
                return self.ended().await;
            }
            if !self.headed {
                self.read_head()?;
            }
        }
    }

    fn read_head(&mut self) -> Result<(), String> {
        let Some(head) = wav::head(self.sound.bytes())? else { return Ok(()) };
        if head.rate != self.program.rate {
            return Err(format!("it speaks at {}, not at {}", head.rate, self.program.rate));
        }
        self.sound.bytes().drain(..head.len);
        self.headed = true;
        Ok(())
    }

    /// What remains when the pipe is at its end: sound, the end, or the reason of a failure.
    async fn ended(&mut self) -> Result<Option<AudioChunk>, String> {
        if self.headed
            && let Some(chunk) = self.sound.rest()
        {
            return Ok(Some(chunk));
        }
        let status = self.within_limit(Self::exit).await?.map_err(|error| error.to_string())?;
        if !status.success() {
            return Err(exit_reason(status, &self.said));
        }
        if !self.sound.spoke() {
            return Err("it gave no sound".to_owned());
        }
        Ok(None)
    }

    async fn within_limit<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Self) -> io::Result<T>,
    ) -> Result<io::Result<T>, String> {
        timeout(LIMIT, work(self))
            .await
            .map_err(|_| format!("it gave nothing for {} s", LIMIT.as_secs()))
    }

    /// Reads more sound, 100 ms at most; zero at the end. Takes what it says on its standard
    /// error meanwhile: a full pipe would stop it.
    async fn read(&mut self) -> io::Result<usize> {
        let mut more = [0; 1024];
        let most = byte_len(self.program.rate, MAX_CHUNK);
        let bytes = self.sound.bytes();
        // Or it would read 64 bytes into an empty vector.
        bytes.reserve(most);
        let mut sound = (&mut self.stdout).take(most as u64);
        loop {
            let Some(stderr) = &mut self.stderr else {
                return sound.read_buf(bytes).await;
            };
            tokio::select! {
                biased;
                len = sound.read_buf(bytes) => return len,
                len = stderr.read(&mut more) => match len? {
                    0 => self.stderr = None,
                    len => keep(&mut self.said, &more[..len]),
                }
            }
        }
    }

    async fn exit(&mut self) -> io::Result<ExitStatus> {
        let mut more = [0; 1024];
        while let Some(stderr) = &mut self.stderr {
            match stderr.read(&mut more).await? {
                0 => self.stderr = None,
                len => keep(&mut self.said, &more[..len]),
            }
        }
        self.child.wait().await
    }
}

fn keep(said: &mut Vec<u8>, more: &[u8]) {
    let room = MAX_SAID.saturating_sub(said.len()).min(more.len());
    said.extend(&more[..room]);
}

fn exit_reason(status: ExitStatus, said: &[u8]) -> String {
    use std::os::unix::process::ExitStatusExt;

    let said = String::from_utf8_lossy(said);
    let said = said.trim();
    let colon = if said.is_empty() { "" } else { ": " };
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("it was killed by {}{colon}{said}", signal_name(signal)),
        (_, Some(code)) => format!("it ended with status {code}{colon}{said}"),
        _ => format!("it ended badly{colon}{said}"),
    }
}

fn signal_name(signal: i32) -> String {
    let name = match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        4 => "SIGILL",
        6 => "SIGABRT",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        _ => return format!("signal {signal}"),
    };
    name.to_owned()
}

/// Far longer than any engine here needs for a clause (0.1 s for 25 words).
const LIMIT: Duration = Duration::from_secs(10);

/// Of the standard error: enough for a message.
const MAX_SAID: usize = 2048;

#[cfg(test)]
mod tests;
