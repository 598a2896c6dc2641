//! `banter chat`.

mod decision;
mod lines;
mod talker;

use std::io::{IsTerminal, Write, stderr, stdin, stdout};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use tokio::sync::mpsc;

use self::talker::{Show, Talker};
use super::approve::ApproveFlags;
use super::conversation::{KeepFlags, PackFlags};
use super::mcp::McpFlags;
use super::record::RecordFlags;
use super::settings::SettingFlags;
use super::{Ending, pending};
use crate::config::Factory;
use crate::net::HttpClient;
use crate::session::attach::{self, AttachError};
use crate::types::Media;

/// Hold a conversation in writing: read lines, answer each.
///
/// On a terminal the answer appears as it is written; Ctrl-C ends the answer, or at the prompt
/// the program. From a pipe or file, each line is answered with one line. A turn that fails is
/// told on the standard error and the chat goes on; from a pipe or file, the exit code is then 1.
///
/// An answer may end with calls of tools that wait for you: those that --approve or the tool
/// itself asks for, and those of a pack's tools that the program does not have. You see what is
/// called with which arguments, and why it waits; /approve, /reject and /result decide, and then the
/// answer goes on. You may say something else first. From a pipe or file the same lines do it, and
/// the exit code is 1 if calls still wait at its end; with --session they wait until you go on.
///
/// Lines that begin with a slash are commands: /attach FILE, /clear, /pending, /approve [N] [JSON],
/// /reject [N] [REASON], /result [N] JSON|TEXT, /help, /quit.
#[derive(Debug, Default, Args)]
pub(super) struct Chat {
    /// Show an image with the first line; may be given several times.
    #[arg(long, value_name = "FILE")]
    pub(super) image: Vec<PathBuf>,
    /// Play a recording with the first line: WAV or MP3, for most models.
    #[arg(long, value_name = "FILE")]
    pub(super) audio: Vec<PathBuf>,
    /// Show a document with the first line: PDF or plain text, for most models.
    #[arg(long, value_name = "FILE")]
    pub(super) document: Vec<PathBuf>,
    /// Write each answer as a JSON object on a line: `user`, `agent`, `error` if it failed, and
    /// `pending` if calls wait. One that goes on after a decision has no `user`.
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) pack: PackFlags,
    #[command(flatten)]
    pub(super) mcp: McpFlags,
    #[command(flatten)]
    pub(super) approve: ApproveFlags,
    #[command(flatten)]
    pub(super) keep: KeepFlags,
    #[command(flatten)]
    pub(super) record: RecordFlags,
    #[command(flatten)]
    pub(super) settings: SettingFlags,
    /// What is said, in place of what is read.
    #[arg(skip)]
    pub(super) lines: Option<Vec<String>>,
}

impl Chat {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the runtime")?;
        let record = self.record.clone();
        let ending = runtime.block_on(self.chat());
        // A hung tool must not keep the program from ending.
        runtime.shutdown_timeout(Duration::from_secs(1));
        record.end(ending)
    }

    async fn chat(self) -> anyhow::Result<Ending> {
        let attached = self.attached().await?;
        let settings = self.settings.load(&[])?;
        let tools = self.approve.tools(&settings)?;
        let factory = Factory::new(&settings, || Ok(Arc::new(HttpClient::new()?)))
            .recording(self.record.open(&settings)?);
        let opening = self.pack.opening(&settings, &factory, tools)?;
        // A person may have what a tool would give.
        let opening = self.mcp.add(opening, &settings)?.await_missing_tools();
        let mut interrupts = interrupts();
        let conversation = tokio::select! {
            biased;
            _ctrl_c = interrupts.recv() => return Ok(Ending::Interrupted),
            begun = self.keep.begin(opening, &settings) => begun?,
        };
        let live = stdin().is_terminal() && stdout().is_terminal() && !self.json;
        let show = match (self.json, live) {
            (true, _) => Show::Json,
            (false, true) => Show::Live,
            (false, false) => Show::Lines,
        };
        for note in factory.notes(&["llm"]).iter().filter(|_| live) {
            writeln!(stderr(), "{note}")?;
        }
        for warning in conversation.warnings() {
            writeln!(stderr(), "banter: the pack: {warning}")?;
        }
        if let Some(lacking) = pending::lacking(&conversation) {
            writeln!(stderr(), "banter: {lacking}; give what they would, by /result")?;
        }
        let talker =
            Talker::new(conversation.clone(), show, Box::new(stdout()), Box::new(stderr()));
        let talker = talker.showing(attached)?;
        let lines = match self.lines {
            Some(lines) => lines::given(lines),
            None => lines::read()?,
        };
        let ending = talker.talk(lines, interrupts).await;
        match conversation.close().await {
            Err(error) => {
                writeln!(stderr(), "banter: the conversation was not kept whole: {error}")?;
                ending.map(|_| Ending::NotWhole)
            }
            Ok(()) => ending,
        }
    }

    async fn attached(&self) -> Result<Vec<Media>, AttachError> {
        let mut attached = Vec::new();
        for file in &self.image {
            attached.push(attach::image_file(file).await?);
        }
        for file in &self.audio {
            attached.push(attach::audio_file(file).await?);
        }
        for file in &self.document {
            attached.push(attach::document_file(file).await?);
        }
        Ok(attached)
    }
}

/// Each press of Ctrl-C. None is lost while somebody listens for them, and one that comes
/// before is enough.
fn interrupts() -> mpsc::Receiver<()> {
    let (pressed, interrupts) = mpsc::channel(1);
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() && !pressed.is_closed() {
            let _one_waits = pressed.try_send(());
        }
    });
    interrupts
}
