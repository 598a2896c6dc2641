//! A duplex session whose other side is the test.

use std::sync::{Mutex, PoisonError};

use tokio::sync::mpsc;

use super::{
    DuplexCapabilities, DuplexEngine, DuplexProvider, DuplexSession, Opening, Takes, Turns,
};
use crate::audio::SampleRate;

/// A provider that hands the other side of each session to whoever waits for it.
#[derive(Debug)]
pub struct MockDuplex {
    capabilities: DuplexCapabilities,
    opened: mpsc::Sender<(Opening, DuplexEngine)>,
    sessions: Mutex<Option<mpsc::Receiver<(Opening, DuplexEngine)>>>,
}

impl MockDuplex {
    /// One that hears 16 kHz, speaks 24 kHz, takes pictures and frames, and tells of turns.
    #[must_use]
    pub fn new() -> Self {
        let (opened, sessions) = mpsc::channel(SESSIONS);
        let capabilities = DuplexCapabilities {
            hears: SampleRate::SPEECH,
            speaks: SampleRate::new(24_000).unwrap_or(SampleRate::SPEECH),
            takes: Takes { images: true, video: true },
            turns: Turns::Told,
            resumes: true,
            lasts: None,
        };
        Self { capabilities, opened, sessions: Mutex::new(Some(sessions)) }
    }

    /// The same with other capabilities.
    #[must_use]
    pub fn with_capabilities(self, capabilities: DuplexCapabilities) -> Self {
        Self { capabilities, ..self }
    }

    /// The other sides of the sessions that are opened. They are given out once.
    #[must_use]
    pub fn sessions(&self) -> Option<mpsc::Receiver<(Opening, DuplexEngine)>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Default for MockDuplex {
    fn default() -> Self {
        Self::new()
    }
}

impl DuplexProvider for MockDuplex {
    fn name(&self) -> &'static str {
        "mock"
    }

    fn capabilities(&self) -> DuplexCapabilities {
        self.capabilities
    }

    fn open(&self, opening: Opening) -> DuplexSession {
        let (session, engine) = DuplexSession::channel();
        // One that nobody takes ends at once.
        let _unwanted = self.opened.try_send((opening, engine));
        session
    }
}

/// Sessions that nobody has taken yet.
const SESSIONS: usize = 16;
