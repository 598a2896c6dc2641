//! Why a call does not take something.

use crate::audio::ResampleError;
use crate::error::Recovery;
use crate::media::VideoConfigError;
use crate::session::WishError;
use crate::session::attach::AttachError;

/// Why a call does not take something, or does not begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The call is over, or its sound is.
    #[error("the call is over; begin another")]
    Over,
    /// A second of sound waits.
    #[error("a second of sound waits to be heard; wait for `send_chunk`")]
    Full,
    /// More was wished for than the session has come to.
    #[error("the session has 16 wishes to see to; try again soon")]
    Busy,
    /// The sound's rate cannot be changed to the call's.
    #[error(transparent)]
    Rate(#[from] ResampleError),
    /// The call's speaker plays no such rate.
    #[error("a call cannot speak at {0} Hz; choose from 4000 to 96000")]
    Speaks(u32),
    /// The settings for video make no sense.
    #[error(transparent)]
    Video(#[from] VideoConfigError),
    /// Frames are to be made smaller, and nobody can.
    #[error("this program was built without the feature `image`; set no size, or `resize = false`")]
    NoResizing,
    /// The model sees nothing in this call.
    #[error(
        "{model} sees nothing in a call; open it in ASM mode (`open_asm`) with a provider that takes \
         pictures, or send them in writing"
    )]
    Blind {
        /// Who answers.
        model: String,
    },
    /// Neither the bytes nor their MIME type are those of an image.
    #[error("`{mime}` is no picture; send a JPEG or a PNG")]
    NoPicture {
        /// What it is said to be.
        mime: String,
    },
    /// The picture cannot be sent.
    #[error(transparent)]
    Picture(#[from] AttachError),
    /// Video that is encoded across frames.
    #[error("no provider takes encoded video (`{mime}`); send its key frames as JPEG or PNG")]
    Encoded {
        /// What it is said to be.
        mime: String,
    },
}

impl CallError {
    /// What to do about it.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        match self {
            Self::Full | Self::Busy => Recovery::RetryAfter(SOON),
            Self::Picture(error) => error.recovery(),
            _ => Recovery::AskUser,
        }
    }
}

impl From<WishError> for CallError {
    fn from(error: WishError) -> Self {
        match error {
            WishError::Over => Self::Over,
            WishError::Busy => Self::Busy,
        }
    }
}

/// A tenth of the sound that may wait has been heard by then.
const SOON: std::time::Duration = std::time::Duration::from_millis(100);
