//! The stages of a conversation: where engines and pipeline meet.
//!
//! ```text
//!  microphone ▶ resample ▶ audio_turn ▶ stt                     listening
//!  response   ▶ context ▶ provider ▶ validate ▶ tts ▶ playout ▶ speaker    speaking
//! ```
//!
//! Each stage also tells the session small [`Fact`]s; without a session, [`Facts::none`] drops
//! them.

mod anchor;
mod audio_turn;
mod context;
mod debug;
mod duplex;
mod end_judge;
mod facts;
mod merge;
mod playout;
mod provider;
mod resample;
mod router;
mod stt;
mod tts;
mod validate;

pub use audio_turn::{AudioTurn, TurnCommand};
pub use context::{ContextConfig, ContextStage};
pub use debug::Debug;
pub use duplex::{AnswerTo, Duplex, DuplexCommand, DuplexFact, DuplexModel};
pub use facts::{Fact, Facts, Fault, Mark};
pub use merge::Merge;
pub use playout::{Playout, PlayoutCommand};
pub use provider::{LateResult, LateResults, MissingTools, ProviderStage};
pub use resample::Resample;
pub use router::Router;
pub use stt::Stt;
pub use tts::Tts;
pub use validate::Validate;
