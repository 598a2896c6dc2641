//! What a program puts into a call.

use std::sync::Arc;

use super::microphone::Voice;
use super::video::{Eye, ImageFrame, VideoChunk};
use super::{CallError, SessionHandle};
use crate::audio::AudioChunk;

/// What goes into a call. Cloning gives another, for any task.
#[derive(Clone, Debug)]
pub struct CallInput {
    voice: Voice,
    eye: Eye,
    handle: SessionHandle,
}

impl CallInput {
    pub(super) const fn new(voice: Voice, eye: Eye, handle: SessionHandle) -> Self {
        Self { voice, eye, handle }
    }

    /// Sends sound of the user's: of any rate, in pieces of any length, at any pace. It is heard at
    /// the pace of speech; while a second of it waits, so does this. What does not come is silence,
    /// after 60 ms. One task at a time sends sound.
    ///
    /// # Errors
    ///
    /// [`CallError::Over`] when nobody hears any more, [`CallError::Rate`] when the rate is below
    /// 4 kHz or above 384 kHz.
    pub async fn send_chunk(&self, sound: &AudioChunk) -> Result<(), CallError> {
        self.voice.send(sound).await
    }

    /// The same without a wait: all of it, or nothing. More than 0.9 s never fits.
    ///
    /// # Errors
    ///
    /// As those of [`send_chunk`](Self::send_chunk), and [`CallError::Full`] when there is no room
    /// for all of it.
    pub fn try_send_chunk(&self, sound: &AudioChunk) -> Result<(), CallError> {
        self.voice.try_send(sound)
    }

    /// Takes `text` as a turn of the user. It interrupts the agent, as a spoken one does.
    ///
    /// # Errors
    ///
    /// [`CallError::Over`], or [`CallError::Busy`] after 16 of them at once.
    pub fn send_text(&self, text: impl Into<Arc<str>>) -> Result<(), CallError> {
        Ok(self.handle.hear(text)?)
    }

    /// Has the agent speak first: `text` is an instruction for it, such as "Greet the candidate, then
    /// ask the first question". See [`SessionHandle::trigger_start`].
    ///
    /// # Errors
    ///
    /// [`CallError::Over`], or [`CallError::Busy`] after 16 wishes at once.
    pub fn trigger_start(&self, text: impl Into<Arc<str>>) -> Result<(), CallError> {
        Ok(self.handle.trigger_start(text)?)
    }

    /// Shows the model a frame of a camera or a screen: at once, or, if frames come more often than
    /// [`VideoConfig::frames_per_second`](crate::media::VideoConfig), as soon as one is due. It
    /// never waits: a newer frame takes the place of one that does. Frames are no part of the
    /// history.
    ///
    /// # Errors
    ///
    /// [`CallError::Blind`] where the model sees nothing, [`CallError::NoPicture`] where the frame is
    /// no image that is known. One that turns out to be damaged when it is made smaller is a
    /// `warning`.
    pub fn send_frame(&self, frame: ImageFrame) -> Result<(), CallError> {
        self.eye.show(frame)
    }

    /// The same with a piece of video: a key frame that is an image is a frame.
    ///
    /// # Errors
    ///
    /// As those of [`send_frame`](Self::send_frame), and [`CallError::Encoded`] for a piece that is
    /// no image by itself: no provider takes one.
    pub fn send_video_chunk(&self, chunk: VideoChunk) -> Result<(), CallError> {
        self.eye.show_chunk(chunk)
    }

    /// How many frames came too soon, and were never shown.
    #[must_use]
    pub fn frames_dropped(&self) -> u64 {
        self.eye.dropped()
    }

    /// Ends the user's sound: what was said is answered, then the call ends. Waits until there is
    /// room to say so.
    pub async fn close(&self) {
        self.voice.end().await;
    }

    /// Ends the call soon: what is said is cut off, and everything is written.
    pub fn stop(&self) {
        self.handle.stop();
    }
}
