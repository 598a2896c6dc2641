//! Events as lines of JSON.

use std::io::Write;

use super::Event;

/// Writes events as JSON, one a line, and each line at once: a crash loses none.
pub struct EventLog {
    name: String,
    output: Box<dyn Write + Send>,
}

impl std::fmt::Debug for EventLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventLog").field("name", &self.name).finish_non_exhaustive()
    }
}

impl EventLog {
    /// A log that writes to `output`, which errors call `name`.
    #[must_use]
    pub fn new(name: impl Into<String>, output: Box<dyn Write + Send>) -> Self {
        Self { name: name.into(), output }
    }

    /// Writes one event.
    ///
    /// # Errors
    ///
    /// [`LogError`] when the line cannot be written.
    pub fn write(&mut self, event: &Event) -> Result<(), LogError> {
        let fail = |source: std::io::Error| LogError { name: self.name.clone(), source };
        let mut line = serde_json::to_vec(event).map_err(|error| fail(error.into()))?;
        line.push(b'\n');
        self.output.write_all(&line).and_then(|()| self.output.flush()).map_err(fail)
    }
}

/// An event could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write events to {name}: {source}; the events before are there")]
pub struct LogError {
    name: String,
    source: std::io::Error,
}
