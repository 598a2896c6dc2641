//! `banter mock-server`.

use std::io::{self, Write, stdout};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::Ending;
use super::end::End;
use crate::bench::machine;
use crate::bench::remote::LISTENING;
use crate::bench::services::duplex::{Mishap, Protocol};
use crate::bench::services::{Overrides, Profile, Risk, Services};
use crate::server::mock::{Mock, Tls};

/// Serve mock services: a recogniser, a model and a synthesizer with known delays.
///
/// They speak OpenAI's protocol, for any number of callers. Beside them there are models that hear
/// and speak for themselves: OpenAI's Realtime protocol at .../v1/realtime, and Gemini Live. What a
/// caller hears can be scripted, answers and calls can go wrong, and a log says when each request
/// came and each piece was sent. The first line on the standard output tells the address, the last
/// one how many requests and calls there were. Ctrl-C ends it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct MockServer {
    /// How long the services take: `zero` is no delay; `fast` is 10 ms everywhere; `realistic` is
    /// 150 ms to the words, 200 ms to the first token and then 30 ms each, 80 ms to the first
    /// sound and then 100 ms of sound every 50 ms; `long` is the same with answers of 11 s.
    #[arg(long, default_value_t, value_parser = profile())]
    profile: Profile,
    /// The port; any free one by default.
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    port: u16,
    /// The address to listen at. Nobody is asked for a true key: keep it on this machine.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Decides what happens by chance: the same seed, the same chances.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What goes wrong by chance: a fault and its probability, for one service if it is named, as
    /// in `429=0.05` or `llm/cut=0.01`. May be given several times.
    #[arg(long, value_name = "[SERVICE/]FAULT=PROBABILITY")]
    fault: Vec<Risk>,
    /// Take calls in this protocol only, `openai` or `gemini`; in both by default.
    #[arg(long, value_name = "PROTOCOL", value_parser = protocol())]
    duplex: Vec<Protocol>,
    /// What goes wrong by chance with calls: a moment, how many milliseconds later, a fault and its
    /// probability, as in `first_audio+200/cut=0.05`. May be given several times.
    #[arg(long, value_name = "MOMENT[+MS]/FAULT=PROBABILITY")]
    duplex_fault: Vec<Mishap>,
    /// Serve over TLS as well, on the same port, with the certificate in this PEM file: Gemini's own
    /// client speaks nothing else.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's key, in a PEM file.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    #[command(flatten)]
    delays: DelayFlags,
    /// Run on this core alone (Linux).
    #[arg(long, value_name = "CORE")]
    pin: Option<usize>,
    /// End when the standard input ends.
    #[arg(long)]
    until_eof: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Instead of the profile's")]
struct DelayFlags {
    /// From the end of a recording to its words.
    #[arg(long, value_name = "MS")]
    stt_ms: Option<u32>,
    /// From the request to the model's first token.
    #[arg(long, value_name = "MS")]
    first_token_ms: Option<u32>,
    /// From each token to the next.
    #[arg(long, value_name = "MS")]
    token_ms: Option<u32>,
    /// How many tokens an answer has that is not scripted.
    #[arg(long, value_name = "COUNT")]
    tokens: Option<usize>,
    /// From the text to the first sound.
    #[arg(long, value_name = "MS")]
    first_byte_ms: Option<u32>,
    /// How much sound comes in a piece.
    #[arg(long, value_name = "MS")]
    chunk_ms: Option<u32>,
    /// From each piece of sound to the next.
    #[arg(long, value_name = "MS")]
    chunk_every_ms: Option<u32>,
    /// What a scenario's tools take. No service here runs any.
    #[arg(long, value_name = "MS", hide = true)]
    tool_ms: Option<u32>,
    /// By which part each delay varies, either way: 0.1 is 10 %. 0 by default.
    #[arg(long, value_name = "PART")]
    jitter: Option<f64>,
}

impl MockServer {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        if let Some(core) = self.pin {
            machine::pin(&[core]).with_context(|| format!("cannot run on core {core} alone"))?;
        }
        if let Err(error) = machine::raise_open_files() {
            tracing::warn!(%error, "there may be too few connections for many callers");
        }
        let delays = self.profile.delays().with(&self.delays.overrides())?;
        let services = Services::new(delays, self.seed);
        let services = self.fault.iter().copied().fold(services, Services::with_risk);
        let services = self.duplex_fault.iter().cloned().fold(services, Services::with_mishap);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the runtime")?;
        runtime.block_on(self.serve(Arc::new(services)))
    }

    async fn serve(&self, services: Arc<Services>) -> anyhow::Result<Ending> {
        let address = SocketAddr::new(self.host, self.port);
        let mock = Mock::bind(address, Arc::clone(&services)).await;
        let mut mock = mock.with_context(|| format!("cannot listen at {address}"))?;
        if !self.duplex.is_empty() {
            mock = mock.with_protocols(self.duplex.clone());
        }
        if let (Some(certificate), Some(key)) = (&self.tls_cert, &self.tls_key) {
            mock = mock.with_tls(Tls::from_files(certificate, key)?);
        }
        let mut end = End::new(self.until_eof)?;
        tell(&format!("{LISTENING}{}", mock.url()))?;
        let mut ending = Ending::Done;
        mock.serve(async { ending = end.comes().await }).await;
        // Whoever has started it may be gone.
        let _unheard = tell(&format!("served {} requests", services.served()));
        Ok(ending)
    }
}

impl DelayFlags {
    fn overrides(&self) -> Overrides {
        Overrides {
            stt_ms: self.stt_ms,
            first_token_ms: self.first_token_ms,
            token_ms: self.token_ms,
            tokens: self.tokens,
            first_byte_ms: self.first_byte_ms,
            chunk_ms: self.chunk_ms,
            chunk_every_ms: self.chunk_every_ms,
            tool_ms: self.tool_ms,
            jitter: self.jitter,
        }
    }
}

fn tell(line: &str) -> io::Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

fn profile() -> impl TypedValueParser<Value = Profile> {
    PossibleValuesParser::new(Profile::NAMES).try_map(|name| name.parse::<Profile>())
}

fn protocol() -> impl TypedValueParser<Value = Protocol> {
    PossibleValuesParser::new(Protocol::NAMES).try_map(|name| name.parse::<Protocol>())
}

const EXAMPLES: &str = r#"Examples:
  banter mock-server --port 8090
  banter mock-server --profile fast --first-token-ms 300 --jitter 0.1 --fault 429=0.05

  URL=http://127.0.0.1:8090/v1
  curl -N $URL/chat/completions -H 'Authorization: Bearer me' -d '{
    "model": "any", "stream": true, "messages": [{"role": "user", "content": "Hello"}]}'
  curl $URL/audio/transcriptions -H 'Authorization: Bearer me' -F model=any -F file=@speech.wav
  curl $URL/audio/speech -H 'Authorization: Bearer me' -d '{
    "model": "any", "voice": "any", "input": "Hello", "response_format": "wav"}' > hello.wav

What the caller "me" is told from now on, a fault, and when it was told what:
  curl "http://127.0.0.1:8090/script?caller=me" -d '{
    "heard": ["What time is it?"], "answers": [{"tool": "clock"}, "It is noon."],
    "faults": [{"service": "tts", "request": 1, "fault": "cut:0.3"}]}'
  curl $URL/chat/completions -H 'x-banter-fault: 429' -d '{}'
  curl "http://127.0.0.1:8090/log?caller=me&clear=true"

Calls over a WebSocket, with the same words and answers; wss:// with --tls-cert and --tls-key:
  ws://127.0.0.1:8090/v1/realtime?model=any
  ws://127.0.0.1:8090/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent
  curl "http://127.0.0.1:8090/script?caller=me" -d '{
    "answers": ["It is noon."], "duplex": {"faults": [
      {"call": 1, "at": "first_audio", "after_ms": 200, "fault": "cut"}]}}'

Faults of requests: a status (429, or 429:2 to come back after 2 s), cut, cut:0.3, stall, stall:0.3,
malformed, slow:3.
Faults of calls: cut, close:1011, silent, refuse:3000, stall:2000, duplicate, reorder, malformed,
unknown, error:server_error, fail:server_error, incomplete:content_filter, unheard, go_away:5000,
expire; at open, ready, speech_started, turn_ended, response_begun, first_audio, audio, tool_called,
tool_answered or response_over."#;
