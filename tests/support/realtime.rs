//! A voice agent behind OpenAI's Realtime protocol, with a delay that is known.
//!
//! It is what such a service is to a client: it wants a key, it hears by a voice detector of its
//! own (by energy), it sends its answer faster than it is spoken, and it tells when the user speaks
//! over it. It understands nothing, and answers with a tone.

use std::net::SocketAddr;
use std::time::Duration;

use banter::time::{SessionClock, SessionTime};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

/// The key that it wants.
pub(crate) const KEY: &str = "sk-of-the-realtime-tests";

/// From the end of the user's turn to its first sound.
pub(crate) const DELAY: Duration = Duration::from_millis(300);

/// What it does with the turns that it hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Answers each with a tone of this length.
    Answers(Duration),
    /// Hears and says nothing.
    Silent,
    /// Hangs up in the middle of its second answer.
    HangsUp,
    /// Is gone in the middle of its second answer, without a goodbye.
    Vanishes,
    /// Says that it has no such model, and quotes the key.
    Complains,
}

/// The agent. Dropping it ends it.
pub(crate) struct Agent {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Agent {
    pub(crate) async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                // One after the other: a test makes one call at a time.
                if let Ok(socket) = accept_hdr_async(stream, admit).await {
                    Call::new(socket, manner).serve().await;
                }
            }
        });
        Self { address, serving }
    }

    /// What a client is given as the address.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Who has the key may talk with its model. A refusal quotes what was sent, as some services do.
#[expect(clippy::result_large_err, reason = "the callback's type is not ours")]
fn admit(request: &Request, response: Response) -> Result<Response, ErrorResponse> {
    let sent = request.headers().get("authorization").map_or("", |key| key.to_str().unwrap());
    let (status, message) = if request.uri() != "/v1/realtime?model=gpt-realtime" {
        (404, format!("no such path: {}", request.uri()))
    } else if sent != format!("Bearer {KEY}") {
        (401, format!("Incorrect API key provided: {}", sent.trim_start_matches("Bearer ")))
    } else {
        return Ok(response);
    };
    let body = json!({ "error": { "message": message, "type": "invalid_request_error" } });
    let mut refusal = ErrorResponse::new(Some(body.to_string()));
    *refusal.status_mut() = status.try_into().unwrap();
    Err(refusal)
}

struct Call {
    socket: WebSocketStream<TcpStream>,
    manner: Manner,
    clock: SessionClock,
    detector: Detector,
    /// When the next answer begins.
    due: Option<SessionTime>,
    answers: usize,
}

/// Why a call ends.
struct Over;

impl Call {
    fn new(socket: WebSocketStream<TcpStream>, manner: Manner) -> Self {
        let (clock, detector) = (SessionClock::live(), Detector::default());
        Self { socket, manner, clock, detector, due: None, answers: 0 }
    }

    async fn serve(mut self) {
        self.tell(json!({ "type": "session.created", "session": { "type": "realtime" } })).await;
        while self.step().await.is_ok() {}
    }

    async fn step(&mut self) -> Result<(), Over> {
        let due = self.due.unwrap_or(SessionTime::from_nanos(u64::MAX));
        tokio::select! {
            biased;
            () = self.clock.sleep_until(due), if self.due.is_some() => {
                self.due = None;
                self.answer().await
            }
            message = self.socket.next() => match message {
                Some(Ok(Message::Text(text))) => {
                    self.hear(&serde_json::from_str(text.as_str()).unwrap()).await;
                    Ok(())
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => Err(Over),
                Some(Ok(_)) => Ok(()),
            },
        }
    }

    async fn hear(&mut self, event: &Value) {
        match event["type"].as_str().unwrap() {
            "session.update" => self.update(&event["session"]).await,
            "input_audio_buffer.append" => {
                let sound = STANDARD.decode(event["audio"].as_str().unwrap()).unwrap();
                let samples = sound.chunks_exact(2).map(|two| i16::from_le_bytes([two[0], two[1]]));
                for found in self.detector.hear(samples) {
                    self.turn(found).await;
                }
            }
            other => panic!("a client of the protocol does not send {other}"),
        }
    }

    /// The form of the protocol, as its present version has it.
    async fn update(&mut self, session: &Value) {
        if self.manner == Manner::Complains {
            let message = format!("The model does not exist for the key {KEY}.");
            let error = json!({ "type": "invalid_request_error", "message": message });
            return self.tell(json!({ "type": "error", "error": error })).await;
        }
        assert_eq!(
            (&session["type"], &session["output_modalities"]),
            (&json!("realtime"), &json!(["audio"]))
        );
        let format = json!({ "type": "audio/pcm", "rate": RATE });
        let audio = &session["audio"];
        assert_eq!((&audio["input"]["format"], &audio["output"]["format"]), (&format, &format));
        let detection = &audio["input"]["turn_detection"];
        assert_eq!(detection["type"], "server_vad");
        self.detector.silence = detection["silence_duration_ms"].as_u64().unwrap();
        self.tell(json!({ "type": "session.updated", "session": session })).await;
    }

    async fn turn(&mut self, found: Found) {
        match found {
            Found::Speech(at) => {
                // Its detector interrupts.
                self.due = None;
                let started = "input_audio_buffer.speech_started";
                self.tell(json!({ "type": started, "audio_start_ms": at })).await;
            }
            Found::Silence(at) => {
                let stopped = "input_audio_buffer.speech_stopped";
                self.tell(json!({ "type": stopped, "audio_end_ms": at })).await;
                self.tell(json!({ "type": "input_audio_buffer.committed" })).await;
                if self.manner != Manner::Silent {
                    self.tell(json!({ "type": "response.created" })).await;
                    self.due = Some(self.clock.now() + DELAY);
                }
            }
        }
    }

    async fn answer(&mut self) -> Result<(), Over> {
        self.answers += 1;
        let length = match self.manner {
            Manner::Answers(length) => length,
            _ => Duration::from_secs(1),
        };
        let ends = self.answers == 2;
        for _ in 0..length.as_millis() / 100 {
            let tone = (0..RATE / 10).map(|n| if n / 60 % 2 == 0 { 4_000_i16 } else { -4_000 });
            let sound: Vec<u8> = tone.flat_map(i16::to_le_bytes).collect();
            let delta = STANDARD.encode(sound);
            self.tell(json!({ "type": "response.output_audio.delta", "delta": delta })).await;
            if ends && self.manner == Manner::HangsUp {
                self.socket.close(None).await.unwrap();
                return Ok(());
            }
            if ends && self.manner == Manner::Vanishes {
                return Err(Over);
            }
        }
        self.tell(json!({ "type": "response.output_audio.done" })).await;
        self.tell(json!({ "type": "response.done", "response": { "status": "completed" } })).await;
        Ok(())
    }

    async fn tell(&mut self, event: Value) {
        // Who has hung up is noticed by the next message.
        let _in_vain = self.socket.send(Message::text(event.to_string())).await;
    }
}

/// Finds speech by its energy, in the sound's own time.
#[derive(Default)]
struct Detector {
    /// That ends speech, in ms.
    silence: u64,
    frame: Vec<i16>,
    /// Frames so far, and the first and last loud one of what is being spoken.
    frames: u64,
    loud: u64,
    last: Option<u64>,
}

/// In ms of the sound.
enum Found {
    Speech(u64),
    Silence(u64),
}

impl Detector {
    fn hear(&mut self, samples: impl Iterator<Item = i16>) -> Vec<Found> {
        let mut found = Vec::new();
        for sample in samples {
            self.frame.push(sample);
            if self.frame.len() == RATE * FRAME_MS as usize / 1000 {
                let loud = self.frame.iter().any(|sample| sample.unsigned_abs() >= LOUD);
                self.frame.clear();
                found.extend(self.judge(loud));
            }
        }
        found
    }

    fn judge(&mut self, loud: bool) -> Option<Found> {
        self.frames += 1;
        let now = self.frames * FRAME_MS;
        if loud {
            self.loud += 1;
            let speaks = self.last.is_some();
            if speaks || self.loud == START {
                self.last = Some(now);
            }
            return (!speaks && self.loud == START).then(|| Found::Speech(now - START * FRAME_MS));
        }
        self.loud = 0;
        let last = self.last?;
        (now - last >= self.silence).then(|| {
            self.last = None;
            Found::Silence(last)
        })
    }
}

/// Of the sound, both ways.
const RATE: usize = 24_000;

const FRAME_MS: u64 = 10;

/// Loud frames in a row that are speech.
const START: u64 = 5;

/// -50 dBFS, as in the labels.
const LOUD: u16 = 104;
