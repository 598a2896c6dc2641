//! WAV files: read as mono, written as 16 bits.
//!
//! [`WavReader`] streams any rate, any number of channels (averaged), 8, 16, 24 and 32-bit integers
//! and 32-bit floats. [`WavWriter`] keeps the header true about once a second, so that a recording
//! can be read up to then whatever ends the program or fills the disk.
//!
//! It knows no compressed sound, no 64-bit or big-endian variant, no file beyond 4 GiB and no pipe.

mod header;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use read::WavReader;
pub use write::WavWriter;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::Recovery;

/// What went wrong with which file.
#[derive(Debug, thiserror::Error)]
#[error("{}: {fault}", path.display())]
pub struct WavError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong.
    pub fault: WavFault,
}

impl WavError {
    /// What to do about it: the file or the place for it must change.
    #[must_use]
    pub const fn recovery(&self) -> Recovery {
        Recovery::AskUser
    }

    fn at(path: &Path) -> impl FnOnce(WavFault) -> Self {
        move |fault| Self { path: path.to_owned(), fault }
    }
}

/// What is wrong with a WAV file.
#[derive(Debug, thiserror::Error)]
pub enum WavFault {
    /// The file cannot be opened or read.
    #[error("cannot be read: {0}")]
    Read(io::Error),
    /// A folder, a pipe or a device.
    #[error("not a regular file; give the path of a WAV file")]
    NotAFile,
    /// Nothing in it.
    #[error("the file is empty")]
    Empty,
    /// Some other kind of file.
    #[error("not a WAV file: it begins with \"{0}\", not with \"RIFF\" and \"WAVE\"")]
    NotWav(String),
    /// The file ends before its sound begins.
    #[error("the header is cut off: the file ends before its sound begins")]
    HeaderCut,
    /// The parts of the header contradict each other.
    #[error("the header is damaged: {0}")]
    Header(&'static str),
    /// A true WAV file in an encoding that is not read.
    #[error("{0} is not supported; convert the file to 16-bit PCM")]
    Unsupported(String),
    /// The sound is shorter than the header says.
    #[error(
        "the sound is cut off: the header promises {expected} bytes, the file has {found}; \
         the copy was broken off, or its writer never filled in the length"
    )]
    DataCut {
        /// Bytes of sound by the header.
        expected: u64,
        /// Bytes of sound in the file.
        found: u64,
    },
    /// The file cannot be created, or not with this rate and these channels.
    #[error("cannot be created: {0}")]
    Create(io::Error),
    /// A write failed, a full disk for example. The writer takes no more.
    #[error("cannot be written: {reason}; the first {:.3} s are kept and can be read", kept.as_secs_f64())]
    Write {
        /// What the system says.
        reason: io::Error,
        /// How much of the sound is in the file.
        kept: Duration,
    },
    /// The samples do not make up whole frames. Nothing of them was written.
    #[error("{samples} samples cannot be shared out among {channels} channels")]
    PartialFrame {
        /// Samples given.
        samples: usize,
        /// Channels of the file.
        channels: u16,
    },
    /// The samples do not fit into the file any more. Nothing of them was written.
    #[error("full: a WAV file holds at most 4 GiB; start another file")]
    TooLong,
}
