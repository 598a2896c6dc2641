//! A server of calls, and a client that calls it.

use std::process::Stdio;
use std::time::Duration;

use banter::time::{SessionClock, SessionTime};
use futures_util::{SinkExt, StreamExt};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::process::{Child, ChildStdout, Command};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// `banter serve --pcm` in a process of its own.
pub(crate) struct Server {
    child: Child,
    output: BufReader<ChildStdout>,
    /// And port.
    pub(crate) address: String,
    _home: TempDir,
}

impl Server {
    pub(crate) async fn start(arguments: &[&str]) -> Self {
        // Nobody's own settings count here.
        let home = TempDir::new().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_banter"));
        command.args(["serve", "--pcm", "--listen", "127.0.0.1:0", "--until-eof"]).args(arguments);
        command.env("HOME", home.path()).env_remove("XDG_CONFIG_HOME").current_dir(home.path());
        command.env_remove("OPENAI_API_KEY").env_remove("OPENAI_BASE_URL");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        within(output.read_line(&mut line)).await.unwrap();
        let address = line.trim().strip_prefix("listening on ws://").unwrap();
        let address = address.strip_suffix("/ws").unwrap().to_owned();
        Self { child, output, address, _home: home }
    }

    /// Sends a request such as `GET /health`; the status and the JSON of the answer.
    pub(crate) async fn ask(&self, request: &str) -> (u16, Value) {
        let (status, body) = self.page(request).await;
        (status, serde_json::from_str(&body).unwrap_or_else(|_| panic!("no JSON: {body}")))
    }

    /// The same with the body as it is.
    pub(crate) async fn page(&self, request: &str) -> (u16, String) {
        within(async {
            let mut socket = TcpStream::connect(&self.address).await.unwrap();
            let request =
                format!("{request} HTTP/1.1\r\nHost: banter\r\nConnection: close\r\n\r\n");
            socket.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            socket.read_to_string(&mut answer).await.unwrap();
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            (status, body.to_owned())
        })
        .await
    }

    pub(crate) async fn health(&self) -> Value {
        self.ask("GET /health").await.1
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    /// What it says at its end, and its exit code.
    pub(crate) async fn wait(mut self) -> (String, Option<i32>) {
        within(async {
            let mut said = String::new();
            self.output.read_to_string(&mut said).await.unwrap();
            (said, self.child.wait().await.unwrap().code())
        })
        .await
    }
}

/// A client with a call.
#[derive(Debug)]
pub(crate) struct Caller {
    socket: WebSocketStream<TcpStream>,
    clock: SessionClock,
}

/// What a client got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) samples: usize,
    pub(crate) loudest: u16,
    pub(crate) clears: usize,
}

/// Why there was no call.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
    pub(crate) error: Value,
}

impl Caller {
    pub(crate) async fn connect(server: &Server, sid: &str) -> Self {
        Self::connect_at(server, &format!("/ws?sid={sid}")).await
    }

    /// The same with a path of one's own. A server that is busy, as the machine may be, is asked again.
    pub(crate) async fn connect_at(server: &Server, path: &str) -> Self {
        let clock = SessionClock::live();
        within(async {
            loop {
                match Self::try_connect(server, path).await {
                    Ok(caller) => return caller,
                    Err(refused) if refused.error["code"] == "busy" => {
                        clock.sleep_until(clock.now() + Duration::from_millis(100)).await;
                    }
                    Err(refused) => panic!("{refused:?}"),
                }
            }
        })
        .await
    }

    pub(crate) async fn try_connect(server: &Server, path: &str) -> Result<Self, Refused> {
        // A client that does not read is full soon.
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(16 << 10).unwrap();
        let socket = within(socket.connect(server.address.parse().unwrap())).await.unwrap();
        let url = format!("ws://{}{path}", server.address);
        match within(client_async(url, socket)).await {
            Ok((socket, _answer)) => Ok(Self { socket, clock: SessionClock::live() }),
            Err(Error::Http(answer)) => {
                let retry_after = answer.headers().get("retry-after");
                let retry_after = retry_after.map(|value| value.to_str().unwrap().to_owned());
                let body = answer.body().clone().unwrap_or_default();
                let body: Value = serde_json::from_slice(&body).unwrap();
                let error = body["error"].clone();
                Err(Refused { status: answer.status().as_u16(), retry_after, error })
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Speaks in real time, in frames of so many bytes. Returns when it began.
    pub(crate) async fn say(&mut self, samples: &[i16], frame: usize) -> SessionTime {
        let begun = self.clock.now();
        let sound = bytes(samples);
        for (number, piece) in sound.chunks(frame).enumerate() {
            // A frame is there when its last sample was spoken.
            let spoken = Duration::from_secs_f64(((number + 1) * frame) as f64 / 32_000.0);
            self.clock.sleep_until(begun + spoken).await;
            self.socket.send(Message::binary(piece.to_vec())).await.unwrap();
        }
        begun
    }

    /// Says something of its sound: `speech_started` or `speech_ended`.
    #[allow(dead_code, reason = "not every test has a voice detector of its own")]
    pub(crate) async fn signal(&mut self, name: &str) {
        let text = serde_json::json!({ "type": name }).to_string();
        self.socket.send(Message::text(text)).await.unwrap();
    }

    /// All at once.
    pub(crate) async fn send(&mut self, samples: &[i16]) {
        self.socket.send(Message::binary(bytes(samples))).await.unwrap();
    }

    /// Speaks to the end, and takes what comes meanwhile.
    #[allow(dead_code, reason = "not every test speaks over the agent")]
    pub(crate) async fn say_over(&mut self, samples: &[i16]) {
        let begun = self.clock.now();
        let sound = bytes(samples);
        let (mut frames, mut heard) = (sound.chunks(640).zip(1_u64..), Heard::default());
        let mut next = frames.next();
        within(async {
            while let Some((frame, number)) = next {
                let due = begun + Duration::from_millis(20 * number);
                tokio::select! {
                    biased;
                    message = self.socket.next() => heard.take(&message.unwrap().unwrap()),
                    () = self.clock.sleep_until(due) => {
                        self.socket.send(Message::binary(frame.to_vec())).await.unwrap();
                        next = frames.next();
                    }
                }
            }
        })
        .await;
    }

    /// Speaks until the agent's sound is cleared. How many samples of it came before.
    pub(crate) async fn say_until_cleared(&mut self, samples: &[i16]) -> usize {
        let begun = self.clock.now();
        let (mut heard, mut sent) = (Heard::default(), 0);
        let sound = bytes(samples);
        let mut frames = sound.chunks(640);
        within(async {
            while heard.clears == 0 {
                let next = begun + Duration::from_millis(20 * (sent + 1));
                tokio::select! {
                    biased;
                    message = self.socket.next() => heard.take(&message.unwrap().unwrap()),
                    () = self.clock.sleep_until(next) => {
                        sent += 1;
                        if let Some(frame) = frames.next() {
                            self.socket.send(Message::binary(frame.to_vec())).await.unwrap();
                        }
                    }
                }
            }
            heard.samples
        })
        .await
    }

    /// Listens until there were at least so many samples, and half a second longer. Returns when
    /// the first came.
    pub(crate) async fn listen(&mut self, samples: usize) -> (SessionTime, Heard) {
        let (first, mut heard) = self.hear(samples).await;
        let more = async {
            loop {
                heard.take(&self.socket.next().await.unwrap().unwrap());
            }
        };
        self.clock.timeout(Duration::from_millis(500), more).await;
        (first, heard)
    }

    /// Listens until there were at least so many samples.
    pub(crate) async fn hear(&mut self, samples: usize) -> (SessionTime, Heard) {
        let mut heard = Heard::default();
        let mut first = None;
        within(async {
            while heard.samples < samples {
                heard.take(&self.socket.next().await.unwrap().unwrap());
                if heard.samples > 0 {
                    first.get_or_insert(self.clock.now());
                }
            }
        })
        .await;
        (first.unwrap(), heard)
    }

    /// Listens until the server closes, and with what code.
    pub(crate) async fn listen_to_the_end(mut self) -> (Heard, Option<u16>) {
        let mut heard = Heard::default();
        within(async {
            loop {
                match self.socket.next().await {
                    Some(Ok(Message::Close(frame))) => {
                        return (heard, frame.map(|frame| frame.code.into()));
                    }
                    Some(Ok(message)) => heard.take(&message),
                    None | Some(Err(_)) => return (heard, None),
                }
            }
        })
        .await
    }

    /// Is gone without a goodbye.
    pub(crate) fn vanish(self) {
        drop(self);
    }
}

impl Heard {
    fn take(&mut self, message: &Message) {
        match message {
            Message::Binary(sound) => {
                assert!(sound.len() <= 960 && sound.len() % 2 == 0, "{} bytes", sound.len());
                let samples = sound.chunks(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
                self.samples += sound.len() / 2;
                let loudest = samples.map(i16::unsigned_abs).max().unwrap_or(0);
                self.loudest = self.loudest.max(loudest);
            }
            Message::Text(text) => {
                assert_eq!(text.as_str(), r#"{"type":"clear"}"#);
                self.clears += 1;
            }
            _ => {}
        }
    }
}

fn bytes(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

/// What should happen soon; far longer than it takes even on a busy machine.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    let clock = SessionClock::live();
    clock.timeout(LIMIT, future).await.unwrap_or_else(|| panic!("it did not happen in {LIMIT:?}"))
}

const LIMIT: Duration = Duration::from_secs(60);
