//! What ends a server, or work before it is done.

use std::future::Future;
use std::io::{self, stdin};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use super::Ending;

/// Ctrl-C, what a system sends to end a program, and perhaps the end of the standard input. From
/// its making on, no signal ends the program by itself.
pub(super) struct End {
    interrupt: Signal,
    terminate: Signal,
    input: Option<oneshot::Receiver<()>>,
}

impl End {
    pub(super) fn new(until_eof: bool) -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for Ctrl-C");
        let interrupt = listen(SignalKind::interrupt())?;
        let terminate = listen(SignalKind::terminate())?;
        Ok(Self { interrupt, terminate, input: until_eof.then(end_of_input) })
    }

    /// Waits for the next of them.
    pub(super) async fn comes(&mut self) -> Ending {
        let Self { interrupt, terminate, input } = self;
        let ended = async {
            match input {
                Some(ended) => drop(ended.await),
                None => std::future::pending().await,
            }
            *input = None;
        };
        tokio::select! {
            biased;
            Some(()) = interrupt.recv() => Ending::Interrupted,
            Some(()) = terminate.recv() => Ending::Done,
            () = ended => Ending::Done,
        }
    }
}

/// Runs `work` to its end or to Ctrl-C. Programs that it has started and that still run then are
/// killed.
pub(super) fn until_interrupted(
    work: impl Future<Output = anyhow::Result<Ending>>,
) -> anyhow::Result<Ending> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let ending = runtime.block_on(async {
        tokio::select! {
            biased;
            pressed = tokio::signal::ctrl_c() => pressed.map(|()| Ending::Interrupted).map_err(Into::into),
            ending = work => ending,
        }
    });
    // What hangs, a sound server or an engine, must not keep the program from ending.
    runtime.shutdown_timeout(Duration::from_secs(1));
    ending
}

/// A thread of its own reads: it may wait for input for ever, and the server must not wait for it.
fn end_of_input() -> oneshot::Receiver<()> {
    let (tell, told) = oneshot::channel();
    thread::spawn(move || {
        let _over = io::copy(&mut stdin().lock(), &mut io::sink());
        let _gone = tell.send(());
    });
    told
}
