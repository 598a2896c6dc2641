//! Banter is a real-time voice agent: it answers fast, stops the instant you speak, and never
//! goes silent.
//!
//! A [`Session`] holds a conversation by voice. It takes four engines behind four traits, a
//! microphone and a speaker, and tells what happens as [`Event`]s:
//!
//! ```text
//! Microphone ─▶ Vad ─▶ Transcriber ─▶ Provider ⇄ Tool        Session: turns, responses, history
//! Speaker    ◀──────── Synthesizer ◀─────┘                   └─▶ Event, Event, …
//! ```
//!
//! Sound comes from and goes to live devices ([`device::cpal`]) or WAV files. The engines that are
//! built in need neither a key nor a network; better ones are services that speak OpenAI's
//! protocol ([`stt::OpenAiTranscriber`], [`providers::OpenAi`], [`tts::OpenAiSynthesizer`]).
//! [`config::Factory`] makes either as settings say. A conversation in writing is a
//! [`session::TextSession`].
//!
//! # The first program
//!
//! It runs on test doubles: the voice detector, the recogniser and the model follow a script,
//! the synthesizer whistles. With [`Pace::Max`] time leaps over all waiting. For a program with
//! real engines and a tool of its own see `examples/voice_agent.rs`.
//!
//! ```
//! use std::sync::Arc;
//!
//! use banter::device::{NullMicrophone, NullSpeaker};
//! use banter::stt::mock::MockTranscriber;
//! use banter::tts::MockSynthesizer;
//! use banter::{Engines, EventKind, Pace, SampleRate, Session, SessionConfig, providers, vad};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let engines = Engines {
//!     // Half a second of silence, then half a second of speech, then silence.
//!     vad: Box::new(vad::Scripted::new(&(".".repeat(25) + &"s".repeat(25)))),
//!     transcriber: Arc::new(MockTranscriber::new(["good morning"])),
//!     provider: providers::by_name("mock")?,
//!     synthesizer: Arc::new(MockSynthesizer::default()),
//!     tools: Arc::default(),
//! };
//! let session = Session::new(engines, SessionConfig::default());
//! let (mut events, stop) = (session.subscribe(), session.handle());
//! let mut said = String::new();
//! let watch = async {
//!     while let Some(Ok(event)) = events.next().await {
//!         match event.kind {
//!             EventKind::ResponseText { text } => said += &text,
//!             EventKind::ResponseEnded { .. } => stop.stop(),
//!             _ => {}
//!         }
//!     }
//! };
//! let microphone = Box::new(NullMicrophone(SampleRate::SPEECH));
//! let speaker = Box::new(NullSpeaker(SampleRate::SPEECH));
//! let (summary, ()) = tokio::join!(session.run(microphone, speaker, Pace::Max), watch);
//!
//! assert_eq!(said, "You said: good morning");
//! assert_eq!(summary?.turns, 1);
//! # Ok(())
//! # }
//! ```
//!
//! # Making it yours
//!
//! - An engine: implement [`Vad`], [`Transcriber`], [`Provider`] or [`Synthesizer`], and put it
//!   into [`Engines`].
//! - A tool: [`FunctionTool`], or implement [`Tool`].
//! - A device: implement [`Microphone`] or [`Speaker`].
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
//! | [`stt`], [`providers`], [`tts`], [`tools`], [`events`], [`state`], [`net`] | traits, the engines behind them, and doubles for tests; what happens; what is kept; the way to services |
//! | [`turn`], [`vad`], [`text`], [`pack`], [`context`], [`media`] | pure cores: who has the floor, voice detectors, what can be spoken, prompts, what of a long conversation is sent, what is shown |
//! | [`time`], [`ids`], [`error`], [`types`], [`audio`] | vocabulary |
//!
//! # Features
//!
//! | feature | default | gives | needs |
//! |---|---|---|---|
//! | `bench` | yes | [`mod@bench`], [`sim`] | |
//! | `cli` | yes | the program `banter`; brings `bench`, `cpal`, `net` and `server` | |
//! | `cpal` | yes | live microphones and speakers | `libasound2` |
//! | `image` | yes | [`media::resize`]: images that fit | |
//! | `net` | yes | [`net::HttpClient`], [`net::SocketClient`], the network behind engines that are services | |
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
pub mod error;
pub mod events;
pub mod ids;
pub mod media;
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

pub use audio::{AudioChunk, SampleRate};
pub use device::{Microphone, Speaker};
pub use error::Recovery;
pub use events::{Event, EventKind, EventLog, Latency, Subscription};
pub use pipeline::{Element, Payload, Pipeline, PipelineBuilder, Stage, Transform};
pub use providers::Provider;
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
