//! Writes events and captions as they come.

use std::fs::File;
use std::io::{Write, stderr, stdout};
use std::path::Path;

use anyhow::Context as _;

use crate::cli::captions::Captions;
use crate::events::{EventLog, Subscription};

/// Writes what happens, for people and for programs.
pub(super) struct Watcher {
    pub(super) events: Subscription,
    pub(super) log: Option<EventLog>,
    /// `None` while a screen shows what is said.
    pub(super) captions: Option<Captions>,
}

impl Watcher {
    /// Runs until the session is over. Returns whether all events were written.
    pub(super) async fn run(mut self) -> anyhow::Result<bool> {
        let mut whole = true;
        while let Some(event) = self.events.next().await {
            let event = match event {
                Ok(event) => event,
                Err(lost) => {
                    whole = fail(&format!("{lost} events came too fast to be written"));
                    continue;
                }
            };
            let logged = self.log.as_mut().map_or(Ok(()), |log| log.write(&event));
            if let Err(error) = logged {
                self.log = None;
                whole = fail(&error.to_string());
            }
            if let Some(captions) = &mut self.captions {
                captions.show(&event)?;
            }
        }
        Ok(whole)
    }
}

/// Opens the file for events; `-` is the standard output.
pub(super) fn event_log(path: Option<&Path>) -> anyhow::Result<Option<EventLog>> {
    let Some(path) = path else { return Ok(None) };
    if path == Path::new("-") {
        return Ok(Some(EventLog::new("the standard output", Box::new(stdout()))));
    }
    let name = path.display().to_string();
    let file = File::create(path).with_context(|| format!("cannot create {name}"))?;
    Ok(Some(EventLog::new(name, Box::new(file))))
}

fn fail(message: &str) -> bool {
    let _unheard = writeln!(stderr(), "banter: {message}");
    false
}
