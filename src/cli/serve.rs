//! `banter serve`.

mod desk;

use std::io::{self, Write, stderr, stdout};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use self::desk::Desk;
use super::Ending;
use super::end::End;
use super::record::RecordFlags;
use super::settings::{SettingFlags, checked};
use super::talk::warm;
use crate::bench::machine;
use crate::bench::remote::LISTENING;
use crate::server::pcm::{Limits, PcmServer, Served};

/// Take calls from other programs, each a conversation of its own.
///
/// With --pcm, a call is a WebSocket at /ws?sid=ID with bare samples: 16 bits, little-endian, mono,
/// 16 kHz to the server, 24 kHz from it. /health tells how busy the server is. docs/serve.md has
/// the details.
///
/// The first line on the standard output tells the address, the last one how many calls there
/// were. Ctrl-C ends it, and all calls with it, within 5 s.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Speak the plain protocol: bare samples over a WebSocket. There is no other yet.
    #[arg(long, required = true)]
    pcm: bool,
    /// Where to listen. Port 0 takes any that is free. Whoever reaches it can call: to other
    /// machines, open it behind a proxy that encrypts and asks who is there.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8460")]
    listen: SocketAddr,
    /// Where the services are that recognise, answer and speak; a call's `sid` is their key.
    #[arg(long, value_name = "URL", value_parser = checked("openai.base_url"))]
    base_url: Option<String>,
    /// Take so many calls at a time: any number by default, while the server keeps up with them.
    #[arg(long, value_name = "N")]
    max_calls: Option<usize>,
    /// Threads that hold calls: as many as there are cores by default.
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// End when the standard input ends.
    #[arg(long)]
    until_eof: bool,
    #[command(flatten)]
    record: RecordFlags,
    #[command(flatten)]
    settings: SettingFlags,
}

impl Serve {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let cores = machine::cores().len().max(1);
        if let Err(error) = machine::raise_open_files() {
            tracing::warn!(%error, "there may be too few connections for many calls");
        }
        let runtime = runtime(self.threads.map_or(cores, NonZeroUsize::get))?;
        let record = self.record.clone();
        let ending = runtime.block_on(self.serve(cores));
        // A hung engine must not keep the program from ending.
        runtime.shutdown_timeout(Duration::from_secs(1));
        record.end(ending)
    }

    async fn serve(self, cores: usize) -> anyhow::Result<Ending> {
        let mut end = End::new(self.until_eof)?;
        let base = self.base_url.as_deref();
        let own = ["openai.base_url", "gemini.base_url"].map(|key| ("--base-url", key, base));
        let settings = self.settings.load(&own)?;
        let log = self.record.open_for_call(&settings, false)?;
        let desk = Desk::new(settings, base.is_some(), log)?;
        for notice in desk.notes() {
            writeln!(stderr(), "banter: {notice}")?;
        }
        if let Some(transcriber) = desk.transcriber() {
            tokio::select! {
                biased;
                warmed = warm(transcriber.as_ref()) => warmed?,
                ending = end.comes() => return Ok(ending),
            }
        }
        let limits = Limits { calls: self.max_calls, ..Limits::default() };
        let server = PcmServer::bind(self.listen, Arc::new(desk), limits, cores)
            .with_context(|| format!("cannot listen at {}", self.listen))?;
        tell(&format!("{LISTENING}ws://{}/ws", server.address()?))?;
        hold(server, end).await
    }
}

/// Holds calls until the program is to end, and a moment longer; if it is to end once more, not
/// even that.
async fn hold(server: PcmServer, mut end: End) -> anyhow::Result<Ending> {
    let (stop, stopped) = oneshot::channel();
    let mut serving = pin!(server.serve(async { drop(stopped.await) }));
    let ending = tokio::select! {
        biased;
        ending = end.comes() => ending,
        served = &mut serving => {
            served?;
            bail!("the server ended by itself");
        }
    };
    let _listens = stop.send(());
    let Served { calls, refused, left } = tokio::select! {
        biased;
        served = serving => served?,
        _at_once = end.comes() => bail!("stopped before all calls had ended"),
    };
    let left = if left > 0 { format!(", {left} did not end in time") } else { String::new() };
    // Whoever has started it may be gone.
    let _unheard = tell(&format!("served {calls} calls, refused {refused}{left}"));
    Ok(ending)
}

/// One thread needs no other to be woken.
fn runtime(threads: usize) -> anyhow::Result<Runtime> {
    let mut builder = match threads {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    // A runtime of one thread has no workers, and does not listen.
    builder.worker_threads(threads).enable_all().build().context("cannot start the runtime")
}

fn tell(line: &str) -> io::Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
