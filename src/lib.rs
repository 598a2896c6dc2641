//! Banter is a real-time voice agent: it answers fast, stops the instant you speak, and never
//! goes silent.
//!
//! A [`Conversation`] talks with a language model, in writing and by voice, with one memory for
//! both. What the model is told comes from a prompt pack, or from you in plain words. By voice it
//! is a [`Session`], which takes a microphone, a speaker and three more engines behind traits, and
//! tells what happens as [`Event`]s:
//!
//! ```text
//! Conversation ─ send, stream ─▶ Response          instructions, variables, tools, history, store
//!     └ open_duplex ─▶ Session ─▶ Event, Event, …
//! Microphone ─▶ Vad ─▶ Transcriber ─▶ Provider ⇄ Tool
//! Speaker    ◀──────── Synthesizer ◀─────┘
//! ```
//!
//! # In writing
//!
//! ```
//! # use banter::{Conversation, providers};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let conversation = Conversation::open("examples/packs/hello.json", "greeter")
//!     .provider(providers::by_name("scripted")?) // without this line: what OPENAI_API_KEY opens
//!     .start().await?;
//! let response = conversation.send("How much is two plus three?").await?;
//! assert_eq!(response.text(), "It is five.");
//! # Ok(())
//! # }
//! ```
//!
//! `docs/conversations.md` tells the rest: streams, variables, tools, keeping, resuming, forking.
//!
//! # By voice
//!
//! This runs on test doubles: the voice detector, the recogniser and the model follow a script,
//! the synthesizer whistles. With [`Pace::Max`] time leaps over all waiting. For real engines, a
//! pack and a tool see `examples/voice_agent.rs`; for live devices [`device::cpal`].
//!
//! ```
//! use std::sync::Arc;
//!
//! use banter::device::{NullMicrophone, NullSpeaker};
//! use banter::session::Voice;
//! use banter::{Conversation, EventKind, Pace, SampleRate, SessionConfig};
//! use banter::{providers, stt::mock::MockTranscriber, tts::MockSynthesizer, vad};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let conversation = Conversation::plain("You answer in one short sentence.")
//!     .provider(providers::by_name("mock")?)
//!     .start().await?;
//! let voice = Voice {
//!     // Half a second of silence, then half a second of speech, then silence.
//!     vad: Box::new(vad::Scripted::new(&(".".repeat(25) + &"s".repeat(25)))),
//!     transcriber: Arc::new(MockTranscriber::new(["good morning"])),
//!     synthesizer: Arc::new(MockSynthesizer::default()),
//! };
//! let session = conversation.open_duplex(voice, SessionConfig::default()).await?;
//! let (mut events, stop) = (session.subscribe(), session.handle());
//! let watch = async {
//!     while let Some(Ok(event)) = events.next().await {
//!         if let EventKind::ResponseEnded { .. } = event.kind { stop.stop() }
//!     }
//! };
//! let microphone = Box::new(NullMicrophone(SampleRate::SPEECH));
//! let speaker = Box::new(NullSpeaker(SampleRate::SPEECH));
//! let (summary, ()) = tokio::join!(session.run(microphone, speaker, Pace::Max), watch);
//!
//! assert_eq!(summary?.turns, 1);
//! assert_eq!(conversation.messages()[1].text, "You said: good morning");
//! # Ok(())
//! # }
//! ```
//!
//! The engines that are built in need neither a key nor a network; better ones are services that
//! speak OpenAI's protocol ([`stt::OpenAiTranscriber`], [`providers::OpenAi`],
//! [`tts::OpenAiSynthesizer`]). [`config::Factory`] makes either as settings say.
//!
//! # Making it yours
//!
//! - What the model is told: a [`pack`], with variables of your own
//!   ([`pack::VariableProvider`]). Where it is kept: a [`state::StateStore`]. How much of a long
//!   conversation is sent: [`stages::ContextConfig`].
//! - An engine: implement [`Vad`], [`Transcriber`], [`Provider`] or [`Synthesizer`].
//! - A tool: [`FunctionTool`], or implement [`Tool`].
//! - A device: implement [`Microphone`] or [`Speaker`]; or move the sound yourself, by
//!   [`Session::start`].
//! - A step of a pipeline: implement [`Transform`] if it only computes, [`Stage`] if it waits.
//!   A [`Session`] has a fixed pipeline; for other ones use [`pipeline`] by itself, as
//!   `examples/custom_stage.rs` does.
//! - Who may talk when: [`TurnConfig`] and [`BargeIn`].
//! - What happens from outside: [`SessionHandle`] has the agent say something, takes typed turns,
//!   presses the key to talk, mutes, exchanges devices, hangs up.
//! - What is said when an engine fails: [`SessionConfig::apology`].
//!
//! # Modules
//!
//! The rows are layers; a module knows its own row and those below it.
//!
//! | modules | what they hold |
//! |---|---|
//! | `cli`, [`server`] | the program `banter`; what others connect to |
//! | [`mod@bench`], [`sim`] | measured calls, and simulated ones |
//! | [`session`] | a conversation: the owner of turns, responses and history |
//! | [`config`] | settings and where they come from |
//! | [`stages`] | the steps of a conversation: where engines and pipeline meet |
//! | [`pipeline`], [`device`] | stages connected by bounded edges; microphones and speakers |
//! | [`stt`], [`providers`], [`tts`], [`tools`], [`events`], [`state`], [`models`], [`net`] | traits, the engines behind them, and doubles for tests; what happens; what is kept; models that do not come with the crate; the way to services |
//! | [`turn`], [`vad`], [`text`], [`pack`], [`context`], [`media`], [`validators`] | pure cores: who has the floor, voice detectors, what can be spoken, prompts, what of a long conversation is sent, what is shown, what may be said |
//! | [`time`], [`ids`], [`error`], [`types`], [`audio`] | vocabulary |
//!
//! # Features
//!
//! | feature | default | gives | needs |
//! |---|---|---|---|
//! | `bench` | yes | [`mod@bench`], [`sim`] | |
//! | `cli` | yes | the program `banter`; brings `bench`, `cpal`, `mcp`, `models`, `net`, `onnx` and `server` | |
//! | `cpal` | yes | live microphones and speakers | `libasound2` |
//! | `image` | yes | [`media::resize`]: images that fit | |
//! | `mcp` | yes | [`tools::mcp`]: tools of MCP servers; brings `net` | |
//! | `models` | yes | `models::Fetcher`: models that do not come with the crate; brings `net` | |
//! | `minijinja` | yes | templates of packs that name that engine: conditions, loops | |
//! | `net` | yes | [`net::HttpClient`], [`net::SocketClient`], the network behind engines that are services | |
//! | `onnx` | yes | `models::onnx`: the detector [`vad::Silero`] | when it runs: the ONNX Runtime and a model |
//! | `opus` | no | [`audio::codec`] with Opus, beside G.711 | CMake, a C compiler |
//! | `pocketsphinx` | yes | `stt::pocketsphinx`, the embedded recogniser | `libpocketsphinx`, its model `en-us` |
//! | `redis` | no | `state::RedisStore`, conversations on a server | |
//! | `server` | yes | [`server`]: mock services, sessions over a socket | |
//! | `sqlite` | yes | [`state::SqliteStore`], conversations in a database | a C compiler |
//! | `webrtc-vad` | yes | `vad::WebRtc`, a second voice detector | a C compiler |

pub mod audio;
#[cfg(feature = "bench")]
pub mod bench;
#[cfg(feature = "cli")]
pub mod cli;
pub mod config;
pub mod context;
pub mod device;
pub mod dsp;
pub mod duplex;
pub mod error;
pub mod events;
pub mod hooks;
pub mod ids;
pub mod media;
pub mod models;
pub mod net;
pub mod pack;
pub mod pipeline;
pub mod providers;
#[cfg(feature = "server")]
pub mod server;
pub mod session;
#[cfg(feature = "bench")]
pub mod sim;
pub mod stages;
pub mod state;
pub mod stt;
pub mod text;
pub mod time;
pub mod tools;
pub mod tts;
pub mod turn;
pub mod types;
pub mod vad;
pub mod validators;

pub use audio::{AudioChunk, SampleRate};
pub use device::{Microphone, Speaker};
pub use error::Recovery;
pub use events::{Event, EventKind, EventLog, Latency, Subscription};
pub use pipeline::{Element, Payload, Pipeline, PipelineBuilder, Stage, Transform};
pub use providers::Provider;
pub use session::{Chunk, Conversation, ConversationError, Response};
pub use session::{Engines, Pace, Session, SessionConfig, SessionError, SessionHandle, Summary};
pub use stt::Transcriber;
pub use time::{SessionClock, SessionTime};
pub use tools::{FunctionTool, Tool, ToolRegistry};
pub use tts::Synthesizer;
pub use turn::{BargeIn, TurnConfig};
pub use types::{Message, ToolDescriptor};
pub use vad::Vad;

#[cfg(test)]
#[path = "../tests/support/lacking.rs"]
mod lacking;

/// The program in the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../docs/conversations.md")]
struct Conversations;

#[cfg(all(doctest, feature = "net"))]
#[doc = include_str!("../docs/tools.md")]
struct Tools;
