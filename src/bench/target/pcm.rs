//! A plain socket: `GET /ws?sid=ID`; s16le mono, 16 kHz to the agent and 24 kHz from it, in
//! binary messages of any size; the text `{"type":"clear"}` takes back what was not played yet.

use bytes::Bytes;
use http::Request;
use serde_json::Value;

use super::{Heard, Hearing, Line, Saying, TargetError};
use crate::audio::SampleRate;
use crate::net::{Connection, Dial, DialLimits, Endpoint, EndpointError, SocketMessage};

/// A connection to an agent behind a plain socket.
#[derive(Debug)]
pub struct PcmLine {
    connection: Connection,
    /// Half of a sample, whose other half comes with the next message.
    half: Option<u8>,
}

impl PcmLine {
    /// Connects to the agent at `url`, such as `http://127.0.0.1:8080` or `ws://…/ws`, as the
    /// caller `sid`.
    ///
    /// # Errors
    ///
    /// When the address cannot be used or nobody answers there.
    pub async fn connect(dial: &dyn Dial, url: &str, sid: &str) -> Result<Self, TargetError> {
        let request = request(url, sid)?;
        let connection = dial.dial(request, DialLimits::default()).await?;
        Ok(Self { connection, half: None })
    }

    /// Samples of a message; a sample may be cut in half by its end.
    fn samples(&mut self, bytes: &[u8]) -> Vec<i16> {
        let bytes: Vec<u8> = self.half.take().into_iter().chain(bytes.iter().copied()).collect();
        let (pairs, rest) = bytes.as_chunks::<2>();
        self.half = rest.first().copied();
        pairs.iter().copied().map(i16::from_le_bytes).collect()
    }
}

fn request(url: &str, sid: &str) -> Result<Request<()>, TargetError> {
    let url = url.replacen("ws", "http", usize::from(url.starts_with("ws")));
    let base = url.trim_end_matches('/').trim_end_matches("/ws");
    let request = Endpoint::new(base, None)?.get(&format!("ws?sid={sid}"));
    request.body(()).map_err(|_| EndpointError::Address(base.to_owned()).into())
}

impl Line for PcmLine {
    fn said_rate(&self) -> SampleRate {
        SampleRate::SPEECH
    }

    fn heard_rate(&self) -> SampleRate {
        VOICE
    }

    fn say<'a>(&'a mut self, samples: &'a [i16]) -> Saying<'a> {
        let bytes: Bytes = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        Box::pin(async { Ok(self.connection.outgoing.send(SocketMessage::Binary(bytes)).await?) })
    }

    fn hear(&mut self) -> Hearing<'_> {
        Box::pin(async {
            loop {
                match self.connection.incoming.receive().await.transpose()? {
                    None => return Ok(None),
                    Some(SocketMessage::Binary(bytes)) => {
                        return Ok(Some(Heard::Sound(self.samples(&bytes))));
                    }
                    Some(SocketMessage::Text(text)) if is_clear(&text) => {
                        return Ok(Some(Heard::Clear));
                    }
                    // Other agents tell more: it is not for the ear.
                    Some(SocketMessage::Text(_)) => {}
                }
            }
        })
    }
}

fn is_clear(text: &str) -> bool {
    serde_json::from_str(text).is_ok_and(|message: Value| message["type"] == "clear")
}

const VOICE: SampleRate = SampleRate::new(24_000).unwrap();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_added_once_whatever_the_scheme() {
        let uri = |url| request(url, "a-1").map(|request| request.uri().to_string());
        for url in ["http://host:1", "http://host:1/", "ws://host:1/ws", "http://host:1/ws/"] {
            assert_eq!(uri(url).unwrap(), "http://host:1/ws?sid=a-1", "{url}");
        }
        assert_eq!(uri("wss://host/agent").unwrap(), "https://host/agent/ws?sid=a-1");
        assert!(uri("host:1").is_err());
    }

    #[tokio::test]
    async fn sound_comes_in_messages_of_any_size_and_clear_between_them() {
        let (connection, far) = Connection::pair("host", DialLimits::default());
        let mut line = PcmLine { connection, half: None };
        for message in [
            SocketMessage::Binary(Bytes::from_static(&[1, 0, 2])),
            SocketMessage::Text("{\"type\":\"transcript\"}".to_owned()),
            SocketMessage::Text("{ \"type\": \"clear\" }".to_owned()),
            SocketMessage::Binary(Bytes::from_static(&[0, 3, 0])),
        ] {
            assert!(far.send(message).await);
        }
        drop(far);
        assert_eq!(line.hear().await.unwrap(), Some(Heard::Sound(vec![1])));
        assert_eq!(line.hear().await.unwrap(), Some(Heard::Clear));
        assert_eq!(line.hear().await.unwrap(), Some(Heard::Sound(vec![2, 3])));
        assert_eq!(line.hear().await.unwrap(), None);
    }
}
