//! The same conversation by voice.

use std::sync::{Arc, PoisonError};

use super::{Conversation, ConversationError, Shared};
use crate::duplex::DuplexProvider;
use crate::session::modes::text::Permit;
use crate::session::modes::voice::Cast;
use crate::session::{DuplexEngines, Engines, Fallback, PendingCalls, Session, SessionConfig};
use crate::stt::Transcriber;
use crate::tts::Synthesizer;
use crate::vad::Vad;

/// The engines by which a conversation hears and speaks.
#[derive(Debug)]
pub struct Voice {
    /// Detects voice.
    pub vad: Box<dyn Vad>,
    /// Recognises words.
    pub transcriber: Arc<dyn Transcriber>,
    /// Speaks.
    pub synthesizer: Arc<dyn Synthesizer>,
}

/// The right to go on with a conversation, as long as a call lasts.
#[derive(Debug)]
pub(crate) struct CallPermit {
    shared: Arc<Shared>,
    _permit: Permit,
}

impl Conversation {
    /// The conversation by voice, ready to [`run`](Session::run): with its model, instructions,
    /// tools, parameters, metadata, history and events. Those in `config` are not looked at. What
    /// was said before is history, and is not spoken.
    ///
    /// As long as the session is there, the conversation takes no turns in writing but by the
    /// session's [`SessionHandle::hear`](crate::SessionHandle::hear).
    ///
    /// # Errors
    ///
    /// When a variable has no value, or the conversation cannot take a turn.
    pub async fn open_duplex(
        &self,
        voice: Voice,
        config: SessionConfig,
    ) -> Result<Session, ConversationError> {
        let Voice { vad, transcriber, synthesizer } = voice;
        let parts = &self.shared.parts;
        let (provider, tools) = (Arc::clone(&parts.provider), Arc::clone(&parts.tools));
        let engines = Engines { vad, transcriber, provider, synthesizer, tools };
        self.open_call(Cast::Vad(engines), config).await
    }

    /// The same in ASM mode: with a model that hears and speaks for itself, in place of the conversation's own:
    /// with its instructions, tools, parameters, history and events. It is told what was said before,
    /// and what is said is history for the conversation's own model. With a
    /// [fallback](Self::fallback) that one goes on if the other is lost for good.
    ///
    /// # Errors
    ///
    /// As those of [`open_duplex`](Self::open_duplex).
    pub async fn open_asm(
        &self,
        vad: Box<dyn Vad>,
        provider: Arc<dyn DuplexProvider>,
        config: SessionConfig,
    ) -> Result<Session, ConversationError> {
        let tools = Arc::clone(&self.shared.parts.tools);
        self.open_call(Cast::Asm(DuplexEngines { vad, provider, tools }), config).await
    }

    /// Who goes on in VAD mode with a call of [`open_asm`](Self::open_asm) that its model has left: see
    /// [`Session::with_fallback`]. It is the conversation's own model that answers then.
    #[must_use]
    pub fn fallback(
        &self,
        transcriber: Arc<dyn Transcriber>,
        synthesizer: Arc<dyn Synthesizer>,
    ) -> Fallback {
        let provider = Arc::clone(&self.shared.parts.provider);
        Fallback { transcriber, provider, synthesizer }
    }

    async fn open_call(
        &self,
        cast: Cast,
        config: SessionConfig,
    ) -> Result<Session, ConversationError> {
        let permit = self.permit().await?;
        self.instructions()?;
        let parts = &self.shared.parts;
        let shared = Arc::clone(&self.shared);
        let bus = parts.bus.part();
        let calls = PendingCalls { bus: bus.weak(), clock: Arc::default(), ..shared.calls.clone() };
        let slot = Arc::clone(&shared);
        let config = SessionConfig { context: parts.budget(&shared.dialogue), ..config };
        let (missing_tools, prices) = (parts.missing_tools, parts.prices);
        let permit = CallPermit { shared, _permit: permit };
        let session =
            Session::of(calls, bus, Some(permit), cast, config).with(missing_tools, prices);
        *slot.duplex.lock().unwrap_or_else(PoisonError::into_inner) = Some(session.handle());
        Ok(session)
    }
}

impl Drop for CallPermit {
    fn drop(&mut self) {
        *self.shared.duplex.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
