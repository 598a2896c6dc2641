//! Streams a WAV file as mono.

use std::fs::{self, File};
use std::io::{BufReader, Cursor, Read, Seek};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::header::Header;
use super::{WavError, WavFault};
use crate::audio::{AudioChunk, SampleRate};

/// Reads a WAV file as mono 16-bit sound.
#[derive(Debug)]
pub struct WavReader<R = BufReader<File>> {
    path: PathBuf,
    input: R,
    header: Header,
    /// Frames not read yet.
    left: u64,
    block: Vec<u8>,
}

impl WavReader {
    /// Opens `path` and reads its header.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is damaged, is cut off or is in an encoding that is not
    /// supported: the error says which.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, WavError> {
        let path = path.as_ref();
        let file = open(path).map_err(WavError::at(path))?;
        Self::over(BufReader::new(file), path)
    }
}

impl<'a> WavReader<Cursor<&'a [u8]>> {
    /// Reads a file that is in memory. Errors call it `name`.
    ///
    /// # Errors
    ///
    /// As those of [`open`](WavReader::open).
    pub fn in_memory(name: impl AsRef<Path>, bytes: &'a [u8]) -> Result<Self, WavError> {
        Self::over(Cursor::new(bytes), name.as_ref())
    }
}

impl<R: Read + Seek> WavReader<R> {
    pub(super) fn over(mut input: R, path: &Path) -> Result<Self, WavError> {
        let header = Header::read(&mut input).map_err(WavError::at(path))?;
        let frame = header.frame_bytes();
        let block = vec![0; (BLOCK / frame).max(1) * frame];
        Ok(Self { path: path.to_owned(), input, left: header.frames, header, block })
    }

    /// Samples per second.
    #[must_use]
    pub const fn rate(&self) -> SampleRate {
        self.header.rate
    }

    /// Mono samples in the file, read or not.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.header.frames
    }

    /// Whether there is no sound in the file.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.header.frames == 0
    }

    /// How long the file lasts.
    #[must_use]
    pub const fn duration(&self) -> Duration {
        self.header.rate.duration(self.header.frames)
    }

    /// Fills `out` with the next mono samples. Gives how many there were: fewer than `out` holds
    /// only at the end of the file, and 0 from then on.
    ///
    /// # Errors
    ///
    /// When the file cannot be read (any more).
    pub fn read(&mut self, out: &mut [i16]) -> Result<usize, WavError> {
        let frame = self.header.frame_bytes();
        let mut done = 0;
        while done < out.len() && self.left > 0 {
            let frames = (self.block.len() / frame).min(out.len() - done).min(clamp(self.left));
            let block = &mut self.block[..frames * frame];
            self.input
                .read_exact(block)
                .map_err(WavFault::Read)
                .map_err(WavError::at(&self.path))?;
            for (out, frame) in out[done..].iter_mut().zip(block.chunks_exact(frame)) {
                *out = mono(&self.header, frame);
            }
            done += frames;
            self.left -= frames as u64;
        }
        Ok(done)
    }

    /// The rest of the file in memory: two bytes for each sample.
    ///
    /// # Errors
    ///
    /// When the file cannot be read (any more).
    pub fn read_all(&mut self) -> Result<AudioChunk, WavError> {
        // As much as the file itself at the most: the header was held against its true length.
        let mut samples = vec![0; clamp(self.left)];
        self.read(&mut samples)?;
        Ok(AudioChunk::new(samples, self.rate()))
    }
}

/// Looks before it opens, since opening a pipe waits for the other end.
fn open(path: &Path) -> Result<File, WavFault> {
    if !fs::metadata(path).map_err(WavFault::Read)?.is_file() {
        return Err(WavFault::NotAFile);
    }
    File::open(path).map_err(WavFault::Read)
}

/// The average of the channels.
fn mono(header: &Header, frame: &[u8]) -> i16 {
    let samples = frame.chunks_exact(header.encoding.bytes());
    let sum: i32 = samples.map(|bytes| i32::from(header.encoding.decode(bytes))).sum();
    (sum / i32::from(header.channels.get())) as i16
}

fn clamp(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// Bytes read at once.
const BLOCK: usize = 8_192;
