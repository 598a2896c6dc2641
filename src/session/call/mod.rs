//! A call whose sound a program moves itself: what it sends is heard, and what the agent says
//! comes back in pieces.
//!
//! ```text
//!  send_chunk ─▶ resampled ═ 1 s ═▶ microphone ─▶ ┐
//!  send_text, trigger_start, send_frame ────────▶ │ Session, in a task of its own
//!  response() ◀═ 1 s of sound, events ═ speaker ◀─┘
//! ```
//!
//! It is the same for both modes: [`Conversation::open_duplex`](crate::Conversation::open_duplex)
//! opens a session of engines one after the other, `open_asm` one with a model that hears and
//! speaks for itself, and [`Session::start`] makes a call of either.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use banter::session::Voice;
//! use banter::session::call::{CallChunk, CallConfig};
//! use banter::{AudioChunk, Conversation, SampleRate, SessionConfig};
//! use banter::{providers, stt::mock::MockTranscriber, tts::MockSynthesizer, vad};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
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
//! let mut call = session.start(CallConfig::default())?;
//!
//! let input = call.input();
//! tokio::spawn(async move {
//!     // 2 s from a telephone line: of any rate, as fast as you like.
//!     let sound = AudioChunk::new(vec![0; 16_000], SampleRate::new(8_000).unwrap());
//!     input.send_chunk(&sound).await.expect("somebody hears it");
//!     input.close().await; // what was said is answered, then the call ends
//! });
//! let (mut words, mut heard) = (String::new(), Duration::ZERO);
//! while let Some(chunk) = call.response().await {
//!     match chunk {
//!         CallChunk::Text { text, .. } => words.push_str(&text),
//!         CallChunk::Sound(sound) => heard += sound.duration(), // play it
//!         CallChunk::Clear => {} // the user interrupts: forget what you have not played
//!         _ => {}
//!     }
//! }
//! assert_eq!(words, "You said: good morning");
//! assert!(heard > Duration::from_millis(500));
//! assert!(call.error().is_none());
//! # Ok(())
//! # }
//! ```
//!
//! **Pace.** Sound leaves as it does for a caller over a socket: the first of it at once, then at
//! the pace of speech, at most 60 ms ahead of it. So an interruption cuts the agent off where the
//! user is, and the history ends at the word that was heard.
//!
//! **Whoever takes too little** is told, and loses no sound: while a second of it waits, the agent's
//! voice is held back, as if the speaker were gone. [`CallChunk::Behind`] says for how long, and a
//! `warning` comes once. An answer that nobody takes for two minutes and a half has failed. When the
//! [`DuplexCall`] is dropped the call ends.
//!
//! It opens no devices and encodes nothing: [`audio::codec`](crate::audio::codec) has G.711 and Opus.

mod chunk;
mod error;
mod input;
mod microphone;
mod speaker;
mod video;

use std::sync::Arc;

use tokio::sync::watch;

pub use self::chunk::CallChunk;
pub use self::error::CallError;
pub use self::input::CallInput;
use self::speaker::Responses;
pub(super) use self::video::Sees;
pub use self::video::{ImageFrame, VideoChunk};
use super::{Pace, Session, SessionError, SessionHandle, Summary};
use crate::audio::{AudioChunk, Resampler, SampleRate};
use crate::media::VideoConfig;
use crate::time::SessionClock;

/// What the sound and the frames of a call are like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CallConfig {
    /// The rate at which the user is heard: 16 kHz by default. Sound of another rate is resampled.
    pub hears: SampleRate,
    /// The rate of the sound that the agent gives: 24 kHz by default, at most 96 kHz.
    pub speaks: SampleRate,
    /// How much the model is shown of a video.
    pub video: VideoConfig,
}

impl Default for CallConfig {
    fn default() -> Self {
        let speaks = const { SampleRate::new(24_000).unwrap() };
        Self { hears: SampleRate::SPEECH, speaks, video: VideoConfig::default() }
    }
}

/// A call whose sound a program moves itself. Dropping it ends the call.
#[derive(Debug)]
pub struct DuplexCall {
    input: CallInput,
    responses: Responses,
    handle: SessionHandle,
    outcome: watch::Receiver<Option<Ended>>,
}

/// How a call ended.
type Ended = Result<Arc<Summary>, Arc<SessionError>>;

impl Session {
    /// Holds the conversation in a task of its own, with a program in place of devices. Must be
    /// called within a Tokio runtime.
    ///
    /// # Errors
    ///
    /// When a setting of the call cannot work. One of the session's that cannot ends the call, and
    /// [`DuplexCall::error`] has it.
    pub fn start(self, config: CallConfig) -> Result<DuplexCall, CallError> {
        let CallConfig { hears, speaks, video } = config;
        Resampler::new(hears, SampleRate::SPEECH)?;
        if !(4_000..=96_000).contains(&speaks.hz()) {
            return Err(CallError::Speaks(speaks.hz()));
        }
        let (handle, events, bus) = (self.handle(), self.subscribe(), self.weak_bus());
        let clock = SessionClock::live();
        let shown = (handle.clone(), clock.clone(), bus.clone());
        let (eye, showing) = video::video(video, self.sees(), shown.0, shown.1, shown.2)?;
        let (voice, microphone) = microphone::microphone(hears);
        let (speaker, telling, responses) = speaker::speaker(speaks, bus, clock);
        let (ended, outcome) = watch::channel(None);
        let input = CallInput::new(voice, eye, handle.clone());
        let hold = async move {
            let run = self.run(Box::new(microphone), Box::new(speaker), Pace::Live);
            let summary = tokio::select! {
                biased;
                summary = Box::pin(run) => summary,
                // Nobody sees frames of a session that is over.
                never = showing.run() => match never {},
            };
            ended.send_replace(Some(summary.map(Arc::new).map_err(Arc::new)));
        };
        tokio::spawn(async move { tokio::join!(hold, telling.follow(events)) });
        Ok(DuplexCall { input, responses, handle, outcome })
    }
}

impl DuplexCall {
    /// What goes into the call, for other tasks.
    #[must_use]
    pub fn input(&self) -> CallInput {
        self.input.clone()
    }

    /// As [`CallInput::send_chunk`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn send_chunk(&self, sound: &AudioChunk) -> Result<(), CallError> {
        self.input.send_chunk(sound).await
    }

    /// As [`CallInput::send_text`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn send_text(&self, text: impl Into<Arc<str>>) -> Result<(), CallError> {
        self.input.send_text(text)
    }

    /// As [`CallInput::trigger_start`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn trigger_start(&self, text: impl Into<Arc<str>>) -> Result<(), CallError> {
        self.input.trigger_start(text)
    }

    /// As [`CallInput::send_frame`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn send_frame(&self, frame: ImageFrame) -> Result<(), CallError> {
        self.input.send_frame(frame)
    }

    /// As [`CallInput::send_video_chunk`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn send_video_chunk(&self, chunk: VideoChunk) -> Result<(), CallError> {
        self.input.send_video_chunk(chunk)
    }

    /// What comes out of the call next; `None` when it is over and all was taken. Cancel-safe.
    pub async fn response(&mut self) -> Option<CallChunk> {
        self.responses.next().await
    }

    /// Resolves when the call is over: there may still be something to be taken.
    pub fn done(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut outcome = self.outcome.clone();
        // Who dies is done as well.
        async move { drop(outcome.wait_for(Option::is_some).await) }
    }

    /// Why the call has failed, once it is over, if it has.
    #[must_use]
    pub fn error(&self) -> Option<Arc<SessionError>> {
        self.ended().and_then(Result::err)
    }

    /// A handle to the session: what it says, its devices, its end.
    #[must_use]
    pub fn handle(&self) -> &SessionHandle {
        &self.handle
    }

    /// As [`CallInput::close`].
    pub async fn close(&self) {
        self.input.close().await;
    }

    /// As [`CallInput::stop`].
    pub fn stop(&self) {
        self.input.stop();
    }

    /// Waits until the call is over, and gives what is left of it. What is still said is heard by
    /// nobody. It does not end the call: [`close`](Self::close) or [`stop`](Self::stop) do.
    ///
    /// # Errors
    ///
    /// Why the call has failed.
    pub async fn finish(mut self) -> Result<Arc<Summary>, Arc<SessionError>> {
        self.responses.close();
        self.done().await;
        self.ended().unwrap_or_else(|| Err(broke_off()))
    }

    fn ended(&self) -> Option<Ended> {
        let ended = self.outcome.borrow().clone();
        ended.or_else(|| self.outcome.has_changed().err().map(|_gone| Err(broke_off())))
    }
}

impl Drop for DuplexCall {
    fn drop(&mut self) {
        self.handle.stop();
    }
}

fn broke_off() -> Arc<SessionError> {
    Arc::new(SessionError::BrokeOff("its task has died".to_owned()))
}

/// The program in the page on models that speak for themselves compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/asm.md")]
struct Page;
