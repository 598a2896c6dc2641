//! Who the examples on calls talk to: a service, or a mock of it in memory.

use std::error::Error;
use std::io::Write;
use std::sync::Arc;

use banter::audio::WavReader;
use banter::bench::services::duplex::DuplexMock;
use banter::bench::services::{Profile, Services};
use banter::duplex::gemini::GeminiLive;
use banter::duplex::openai::OpenAiRealtime;
use banter::duplex::{DuplexProvider, Protocol, SocketDuplex};
use banter::net::{Dial, Endpoint, SocketClient};
use banter::session::call::{CallChunk, DuplexCall};
use banter::types::Secret;
use banter::{EventKind, SessionClock};
use serde_json::{Value, json};

pub(crate) type Failed = Box<dyn Error>;

/// A way to a model that hears and speaks for itself.
pub(crate) struct Line {
    pub(crate) provider: Arc<dyn DuplexProvider>,
    /// The mock, which knows what it was told.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests look at it"))]
    pub(crate) services: Option<Arc<Services>>,
}

impl Line {
    /// The service, `openai` or `gemini`, if its key is in the environment; `--model NAME` says
    /// which model. Else a mock of it that follows this script.
    pub(crate) fn chosen(service: &str, script: Value) -> Result<Self, Failed> {
        let variable = format!("{}_API_KEY", service.to_uppercase());
        let Some(key) = std::env::var(&variable).ok().filter(|key| !key.is_empty()) else {
            return Self::mock(service, script);
        };
        let arguments: Vec<_> = std::env::args().skip(1).collect();
        let [flag, model] = &arguments[..] else {
            return Err(format!("{variable} is set: say which model, by --model NAME").into());
        };
        if flag != "--model" {
            return Err(format!("there is no {flag}; --model").into());
        }
        let base = match service {
            "gemini" => "https://generativelanguage.googleapis.com",
            _ => "https://api.openai.com/v1",
        };
        let protocol = protocol(service, Endpoint::new(base, Some(Secret::new(key)))?, model)?;
        Ok(Self::over(protocol, Arc::new(SocketClient::new()?), None))
    }

    /// A mock of the service, without a network.
    pub(crate) fn mock(service: &str, script: Value) -> Result<Self, Failed> {
        let services = Arc::new(Services::new(Profile::Realistic.delays(), 1));
        services.script(CALLER, serde_json::from_value(script)?);
        let dial = DuplexMock::new(Arc::clone(&services), SessionClock::live());
        let endpoint = Endpoint::new("https://mock/v1", Some(Secret::new(CALLER)))?;
        let protocol = protocol(service, endpoint, "mock")?;
        Ok(Self::over(protocol, Arc::new(dial), Some(services)))
    }

    fn over(
        protocol: Arc<dyn Protocol>,
        dial: Arc<dyn Dial>,
        services: Option<Arc<Services>>,
    ) -> Self {
        Self { provider: Arc::new(SocketDuplex::new(protocol, dial)), services }
    }
}

fn protocol(service: &str, at: Endpoint, model: &str) -> Result<Arc<dyn Protocol>, Failed> {
    Ok(match service {
        "gemini" => {
            Arc::new(GeminiLive::new(at, serde_json::from_value(json!({ "model": model }))?))
        }
        _ => {
            let transcription = json!({ "model": "gpt-4o-mini-transcribe" });
            let options = json!({ "model": model, "transcription": transcription });
            Arc::new(OpenAiRealtime::new(at, serde_json::from_value(options)?))
        }
    })
}

/// Says what is in a file, as fast as it is taken.
pub(crate) async fn say(call: &DuplexCall, file: &str) -> Result<(), Failed> {
    Ok(call.send_chunk(&WavReader::open(file)?.read_all()?).await?)
}

/// Takes what comes until an answer is over, or the call: the agent's voice. Who says what is
/// written to `to`.
pub(crate) async fn answer(call: &mut DuplexCall, to: &mut impl Write) -> Result<Vec<i16>, Failed> {
    let (mut voice, mut words) = (Vec::new(), String::new());
    while let Some(chunk) = call.response().await {
        match chunk {
            CallChunk::Sound(sound) => voice.extend_from_slice(sound.samples()),
            CallChunk::Transcript { text, is_final: true, .. } => writeln!(to, "user:  {text}")?,
            CallChunk::Text { text, .. } => words += &text,
            CallChunk::Ended { outcome, .. } => {
                let cut = if outcome == "interrupted" { " (interrupted)" } else { "" };
                writeln!(to, "agent: {}{cut}", words.trim())?;
                return Ok(voice);
            }
            CallChunk::Event(event) => match event.kind {
                EventKind::ToolCalled { name, .. } => writeln!(to, "       ({name})")?,
                EventKind::TurnFailed { error, .. } => return Err(error.into()),
                _ => {}
            },
            _ => {}
        }
    }
    match call.error() {
        Some(error) => Err(error.to_string().into()),
        None => Ok(voice),
    }
}

/// Whose script and log it is at the mock.
pub(crate) const CALLER: &str = "example";
