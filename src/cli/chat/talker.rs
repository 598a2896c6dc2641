//! Who says what, and how it is shown.

use std::io::{self, Write};
use std::path::Path;

use anyhow::bail;
use serde::Serialize;
use tokio::sync::mpsc;

use super::lines::{Command, LineError};
use crate::cli::Ending;
use crate::cli::harmless::harmless;
use crate::media;
use crate::session::{Chunk, Conversation, Response, attach};
use crate::types::{Direction, Media, Message};

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
    turns: u32,
    failed: u32,
}

/// What became of a turn.
#[derive(Debug, Default, Serialize)]
struct Turn<'a> {
    user: &'a str,
    agent: String,
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
        let attached = Vec::new();
        Self { conversation, show, output, complaints, attached, turns: 0, failed: 0 }
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
        let turn = self.answer(line, interrupts).await?;
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
        Ok(turn.interrupted)
    }

    async fn answer<'a>(
        &mut self,
        user: &'a str,
        interrupts: &mut mpsc::Receiver<()>,
    ) -> io::Result<Turn<'a>> {
        let live = self.show == Show::Live;
        let mut turn = Turn { user, ..Turn::default() };
        let message = self.attached.drain(..).fold(Message::user(user), Message::with);
        let mut stream = match self.conversation.stream(message).await {
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
                Some(Ok(Chunk::Done(response))) => self.tell_broken(&response)?,
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
        match (self.show, self.failed) {
            (Show::Live, _) | (_, 0) => Ok(Ending::Done),
            (_, failed) => bail!("{failed} of {} turns failed", self.turns),
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

const HELP: &str = "\
/attach FILE  show an image, a sound or a document with the next line
/clear        forget the conversation
/help         this
/quit         end; so does Ctrl-D";

#[cfg(test)]
mod tests;
