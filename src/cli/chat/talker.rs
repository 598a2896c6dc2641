//! Who says what, and how it is shown.

mod calls;

use std::io::{self, Write};
use std::path::Path;

use anyhow::bail;
use serde::Serialize;
use tokio::sync::mpsc;

use super::lines::{Command, LineError};
use crate::cli::Ending;
use crate::cli::harmless::harmless;
use crate::cli::pending;
use crate::media;
use crate::session::{Chunk, Conversation, ConversationError, Response, ResponseStream, attach};
use crate::types::{Direction, Media, Message, PendingCall};
use calls::Waiting;

/// How answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Show {
    /// As they come, with a prompt.
    Live,
    /// One a line.
    Lines,
    /// One object a line.
    Json,
}

/// Reads lines, answers each, and counts what failed.
pub(super) struct Talker {
    conversation: Conversation,
    show: Show,
    output: Box<dyn Write>,
    complaints: Box<dyn Write>,
    /// What is shown with the next line.
    attached: Vec<Media>,
    /// The calls that were shown last.
    shown: Vec<PendingCall>,
    turns: u32,
    failed: u32,
}

/// What became of a turn.
#[derive(Debug, Default, Serialize)]
struct Turn<'a> {
    /// Nobody, if an answer goes on whose calls have their results.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    agent: String,
    /// The calls that have no result yet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pending: Vec<Waiting>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip)]
    interrupted: bool,
}

impl Talker {
    pub(super) fn new(
        conversation: Conversation,
        show: Show,
        output: Box<dyn Write>,
        complaints: Box<dyn Write>,
    ) -> Self {
        let (attached, shown) = (Vec::new(), Vec::new());
        Self { conversation, show, output, complaints, attached, shown, turns: 0, failed: 0 }
    }

    /// The same with media that are shown with the first line.
    ///
    /// # Errors
    ///
    /// When the model takes no such media.
    pub(super) fn showing(mut self, media: Vec<Media>) -> anyhow::Result<Self> {
        for media in media {
            self.show(media)?;
        }
        Ok(self)
    }

    /// Talks until the lines end.
    pub(super) async fn talk(
        mut self,
        mut lines: mpsc::Receiver<Result<String, LineError>>,
        mut interrupts: mpsc::Receiver<()>,
    ) -> anyhow::Result<Ending> {
        self.show_waiting(&self.conversation.pending_tools())?;
        loop {
            self.prompt()?;
            let line = tokio::select! {
                biased;
                Some(()) = interrupts.recv() => return self.interrupted(),
                line = lines.recv() => line,
            };
            let Some(line) = line.transpose()? else { break };
            match Command::parse(&line) {
                Some(Command::Quit) => return self.ending(),
                Some(Command::Clear) => {
                    self.attached.clear();
                    self.conversation.clear().await?;
                }
                Some(Command::Attach(file)) => self.attach(&file).await?,
                Some(Command::Help) => writeln!(self.complaints, "{HELP}")?,
                Some(Command::Pending) => self.show_pending()?,
                Some(Command::Wrong(what)) => writeln!(self.complaints, "banter: {what}")?,
                Some(Command::Decide(decision)) => {
                    let interrupted = self.decide(decision, &mut interrupts).await?;
                    if interrupted && self.show != Show::Live {
                        return self.interrupted();
                    }
                }
                Some(Command::Unknown) => {
                    writeln!(
                        self.complaints,
                        "banter: there is no command {line}; there are:\n{HELP}"
                    )?;
                }
                None if line.trim().is_empty() => {}
                None => {
                    let interrupted = self.turn(line.trim(), &mut interrupts).await?;
                    if interrupted && self.show != Show::Live {
                        return self.interrupted();
                    }
                }
            }
        }
        if self.show == Show::Live {
            writeln!(self.output)?;
        }
        self.ending()
    }

    fn prompt(&mut self) -> io::Result<()> {
        if self.show != Show::Live {
            return Ok(());
        }
        write!(self.output, "> ")?;
        self.output.flush()
    }

    /// Shows a file with the next line. Where nobody reads complaints, the line must not be
    /// answered without it.
    async fn attach(&mut self, file: &Path) -> anyhow::Result<()> {
        let shown = match attach::file(file).await {
            Ok(media) => self.show(media),
            Err(error) => Err(error.into()),
        };
        match shown {
            Err(error) if self.show == Show::Live => {
                Ok(writeln!(self.complaints, "banter: {error:#}")?)
            }
            shown => shown,
        }
    }

    fn show(&mut self, media: Media) -> anyhow::Result<()> {
        let what = media::describe(std::slice::from_ref(&media));
        if !self.conversation.capabilities().takes(media.kind) {
            bail!("this model cannot be shown {what}; choose another one (--llm)");
        }
        if self.show == Show::Live {
            writeln!(self.output, "[{what}, with the next line]")?;
        }
        self.attached.push(media);
        Ok(())
    }

    /// One turn; says whether it was interrupted.
    async fn turn(
        &mut self,
        line: &str,
        interrupts: &mut mpsc::Receiver<()>,
    ) -> anyhow::Result<bool> {
        let message = self.attached.drain(..).fold(Message::user(line), Message::with);
        let stream = self.conversation.stream(message).await;
        self.follow(Some(line), stream, interrupts).await
    }

    /// Shows an answer as it comes; says whether it was interrupted.
    async fn follow(
        &mut self,
        user: Option<&str>,
        stream: Result<ResponseStream, ConversationError>,
        interrupts: &mut mpsc::Receiver<()>,
    ) -> anyhow::Result<bool> {
        let turn = Turn { user, ..Turn::default() };
        let turn = self.answer(turn, stream, interrupts).await?;
        self.turns += 1;
        if let Some(error) = &turn.error {
            self.failed += 1;
            writeln!(self.complaints, "banter: this turn failed: {error}; say it again, or go on")?;
        }
        match self.show {
            Show::Live => writeln!(self.output, "{}", if turn.interrupted { "—" } else { "" })?,
            // One line in, one line out.
            Show::Lines => writeln!(self.output, "{}", one_line(&turn.agent))?,
            Show::Json => writeln!(self.output, "{}", serde_json::to_string(&turn)?)?,
        }
        self.output.flush()?;
        self.show_waiting(&self.conversation.pending_tools())?;
        Ok(turn.interrupted)
    }

    async fn answer<'a>(
        &mut self,
        mut turn: Turn<'a>,
        stream: Result<ResponseStream, ConversationError>,
        interrupts: &mut mpsc::Receiver<()>,
    ) -> io::Result<Turn<'a>> {
        let live = self.show == Show::Live;
        let mut stream = match stream {
            Ok(stream) => stream,
            Err(error) => {
                turn.error = Some(error.to_string());
                return Ok(turn);
            }
        };
        loop {
            let chunk = tokio::select! {
                biased;
                Some(()) = interrupts.recv() => {
                    turn.interrupted = true;
                    break;
                }
                chunk = stream.next() => chunk,
            };
            match chunk {
                Some(Ok(Chunk::Text(text))) => {
                    if live {
                        write!(self.output, "{}", harmless(&text))?;
                        self.output.flush()?;
                    }
                    turn.agent.push_str(&text);
                }
                Some(Ok(Chunk::ToolCalled(call))) if live => {
                    writeln!(self.output, "[{}]", harmless(&call.name))?;
                }
                Some(Ok(Chunk::Done(response))) => {
                    self.tell_broken(&response)?;
                    turn.pending = response.pending.iter().map(Waiting::from).collect();
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => turn.error = Some(error.to_string()),
                None => break,
            }
        }
        Ok(turn)
    }

    /// Tells which rules what was said broke.
    fn tell_broken(&mut self, response: &Response) -> io::Result<()> {
        for broken in response.validations.iter().filter(|one| !one.passed) {
            let whose = match broken.direction {
                Direction::Input => "what you said",
                _ => "the answer",
            };
            let action = broken.action.map(|action| action.to_string()).unwrap_or_default();
            let reason = harmless(broken.message.as_deref().unwrap_or_default());
            let rule = &broken.validator;
            let line = format!("{whose} broke the rule {rule} and was {action}: {reason}");
            writeln!(self.complaints, "banter: {line}")?;
        }
        Ok(())
    }

    fn interrupted(&mut self) -> anyhow::Result<Ending> {
        if self.show == Show::Live {
            writeln!(self.output)?;
        }
        Ok(Ending::Interrupted)
    }

    fn ending(&self) -> anyhow::Result<Ending> {
        if self.show == Show::Live {
            return Ok(Ending::Done);
        }
        let failed =
            (self.failed > 0).then(|| format!("{} of {} turns failed", self.failed, self.turns));
        let open = pending::left_open(&self.conversation);
        match failed.into_iter().chain(open).collect::<Vec<_>>() {
            wrong if wrong.is_empty() => Ok(Ending::Done),
            wrong => bail!(wrong.join("; ")),
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

const HELP: &str = "\
/attach FILE           show an image, a sound or a document with the next line
/clear                 forget the conversation
/pending               show the calls of tools that wait for you
/approve [N] [JSON]    allow the call N, or the first; JSON: with other arguments
/reject [N] [REASON]   refuse it; the model is told why
/result [N] JSON|TEXT  say what came of it, in place of the tool
/help                  this
/quit                  end; so does Ctrl-D";

#[cfg(test)]
mod tests;
