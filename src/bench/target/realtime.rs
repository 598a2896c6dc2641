//! An agent that speaks OpenAI's Realtime protocol over a WebSocket.
//!
//! It hears by its own voice detector. When it says that the user speaks, what it said and was not
//! played yet is dropped, as its clients do.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Request;
use serde_json::{Value, json};

use super::{Heard, Hearing, Line, Saying, TargetError};
use crate::audio::SampleRate;
use crate::net::{Connection, Dial, DialLimits, Endpoint, EndpointError, SocketMessage};
use crate::types::Secret;

/// A connection to such an agent.
#[derive(Debug)]
pub struct RealtimeLine {
    connection: Connection,
    /// What the agent says may quote its key.
    endpoint: Endpoint,
}

impl RealtimeLine {
    /// Connects to the agent at `base`, such as `https://api.openai.com/v1`, and asks `model` to
    /// answer aloud when its detector has heard `silence_ms` of silence.
    ///
    /// # Errors
    ///
    /// When the address cannot be used, or nobody answers there.
    pub async fn connect(
        dial: &dyn Dial,
        base: &str,
        key: Option<Secret>,
        model: &str,
        silence_ms: u64,
    ) -> Result<Self, TargetError> {
        let base = base.replacen("ws", "http", usize::from(base.starts_with("ws")));
        let endpoint = Endpoint::new(&base, key)?;
        let request = endpoint.get(&format!("realtime?model={model}"));
        let request: Request<()> =
            request.body(()).map_err(|_| EndpointError::Address(base.clone()))?;
        let connection = dial.dial(request, DialLimits::default()).await?;
        let format = json!({ "type": "audio/pcm", "rate": VOICE.hz() });
        let detection = json!({ "type": "server_vad", "silence_duration_ms": silence_ms });
        let session = json!({
            "type": "realtime",
            "output_modalities": ["audio"],
            "audio": {
                "input": { "format": format, "turn_detection": detection },
                "output": { "format": format },
            },
        });
        let line = Self { connection, endpoint };
        line.send(&json!({ "type": "session.update", "session": session })).await?;
        Ok(line)
    }

    async fn send(&self, event: &Value) -> Result<(), TargetError> {
        Ok(self.connection.outgoing.send(SocketMessage::Text(event.to_string())).await?)
    }

    fn protocol(&self, problem: &str) -> TargetError {
        let problem = self.endpoint.presentable(problem);
        TargetError::Protocol { host: self.endpoint.host().to_owned(), problem }
    }

    /// What the ear gets of an event, if anything.
    fn read(&self, text: &str) -> Result<Option<Heard>, TargetError> {
        let event: Value = serde_json::from_str(text)
            .map_err(|error| self.protocol(&format!("an event is no JSON: {error}")))?;
        match event["type"].as_str().unwrap_or_default() {
            "response.output_audio.delta" | "response.audio.delta" => {
                let sound = STANDARD.decode(event["delta"].as_str().unwrap_or_default());
                let sound = sound.map_err(|error| self.protocol(&format!("its sound: {error}")))?;
                let (pairs, _) = sound.as_chunks::<2>();
                let samples = pairs.iter().copied().map(i16::from_le_bytes).collect();
                Ok(Some(Heard::Sound(samples)))
            }
            "input_audio_buffer.speech_started" => Ok(Some(Heard::Clear)),
            "error" => {
                let message = event["error"]["message"].as_str().unwrap_or_default();
                let problem = self.endpoint.presentable(message);
                Err(TargetError::Told { host: self.endpoint.host().to_owned(), problem })
            }
            _ => Ok(None),
        }
    }
}

impl Line for RealtimeLine {
    fn said_rate(&self) -> SampleRate {
        VOICE
    }

    fn heard_rate(&self) -> SampleRate {
        VOICE
    }

    fn say<'a>(&'a mut self, samples: &'a [i16]) -> Saying<'a> {
        let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let audio = STANDARD.encode(bytes);
        Box::pin(async move {
            self.send(&json!({ "type": "input_audio_buffer.append", "audio": audio })).await
        })
    }

    fn hear(&mut self) -> Hearing<'_> {
        Box::pin(async {
            loop {
                match self.connection.incoming.receive().await.transpose()? {
                    None => return Ok(None),
                    Some(SocketMessage::Binary(_)) => {}
                    Some(SocketMessage::Text(text)) => {
                        if let Some(heard) = self.read(&text)? {
                            return Ok(Some(heard));
                        }
                    }
                }
            }
        })
    }
}

const VOICE: SampleRate = SampleRate::new(24_000).unwrap();

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> (RealtimeLine, crate::net::Far) {
        let (connection, far) = Connection::pair("host", DialLimits::default());
        let key = Some(Secret::new("sk-secret"));
        let endpoint = Endpoint::new("http://host", key).unwrap();
        (RealtimeLine { connection, endpoint }, far)
    }

    #[tokio::test]
    async fn sound_goes_and_comes_as_base64() {
        let (mut line, mut far) = line();
        line.say(&[1, -1]).await.unwrap();
        let Some(SocketMessage::Text(sent)) = far.receive().await else { panic!("no text") };
        let sent: Value = serde_json::from_str(&sent).unwrap();
        assert_eq!(sent, json!({ "type": "input_audio_buffer.append", "audio": "AQD//w==" }));

        for event in [
            json!({ "type": "session.created" }),
            json!({ "type": "response.output_audio.delta", "delta": "AQD//w==" }),
            json!({ "type": "input_audio_buffer.speech_started" }),
        ] {
            assert!(far.send(SocketMessage::Text(event.to_string())).await);
        }
        assert_eq!(line.hear().await.unwrap(), Some(Heard::Sound(vec![1, -1])));
        assert_eq!(line.hear().await.unwrap(), Some(Heard::Clear));
    }

    #[tokio::test]
    async fn an_error_of_the_agent_says_so_without_the_key() {
        let (mut line, far) = line();
        let message = "no such model for sk-secret";
        let error = json!({ "type": "error", "error": { "message": message } });
        assert!(far.send(SocketMessage::Text(error.to_string())).await);
        let error = line.hear().await.unwrap_err().to_string();
        assert_eq!(error, "host tells of an error: no such model for [secret]");
    }
}
