//! Writes a WAV file that can be read at any time.

use std::fmt;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use hound::{SampleFormat, WavSpec};

use super::{WavError, WavFault};
use crate::audio::SampleRate;

/// Writes 16-bit sound to a WAV file.
///
/// The header is brought up to date with every second of sound, at an error, at the end, and when
/// the writer is dropped. A program that is killed loses at most the last second; a machine that
/// loses power may lose more, since nothing is forced to the disk.
pub struct WavWriter<W: Write + Seek = File> {
    path: PathBuf,
    rate: SampleRate,
    channels: u16,
    output: hound::WavWriter<W>,
    /// Samples of all channels that the header knows of.
    declared: u32,
    /// Samples of all channels that fit.
    room: u32,
    failed: bool,
}

impl WavWriter {
    /// Creates the file, or empties it.
    ///
    /// # Errors
    ///
    /// When the file cannot be created, there are no channels, or a WAV header cannot state so
    /// high a rate for so many channels.
    pub fn create(
        path: impl AsRef<Path>,
        rate: SampleRate,
        channels: u16,
    ) -> Result<Self, WavError> {
        let path = path.as_ref();
        let file = check(rate, channels)
            .and_then(|()| File::create(path))
            .map_err(WavFault::Create)
            .map_err(WavError::at(path))?;
        Self::over(file, path, rate, channels)
    }
}

impl<W: Write + Seek> WavWriter<W> {
    pub(super) fn over(
        output: W,
        path: &Path,
        rate: SampleRate,
        channels: u16,
    ) -> Result<Self, WavError> {
        let spec = WavSpec {
            channels,
            sample_rate: rate.hz(),
            bits_per_sample: 16,
            sample_format: SampleFormat::Int,
        };
        let output = hound::WavWriter::new(output, spec)
            .and_then(|mut output| output.flush().map(|()| output))
            .map_err(|error| WavFault::Create(reason(error)))
            .map_err(WavError::at(path))?;
        let path = path.to_owned();
        Ok(Self { path, rate, channels, output, declared: 0, room: MAX_SAMPLES, failed: false })
    }

    /// Appends `samples`, the channels interleaved.
    ///
    /// # Errors
    ///
    /// When the disk is full or fails: what was written before stays readable, and the writer
    /// takes no more. When the file would pass 4 GiB, or the samples are not whole frames: none of
    /// them is written.
    pub fn write(&mut self, samples: &[i16]) -> Result<(), WavError> {
        self.append(samples).map_err(WavError::at(&self.path))
    }

    /// Brings the header up to date and closes the file.
    ///
    /// # Errors
    ///
    /// When that fails: the file can be read up to the last second before.
    pub fn finish(mut self) -> Result<(), WavError> {
        self.declare().map_err(WavError::at(&self.path))
    }

    fn append(&mut self, samples: &[i16]) -> Result<(), WavFault> {
        if !samples.len().is_multiple_of(self.channels.into()) {
            return Err(WavFault::PartialFrame { samples: samples.len(), channels: self.channels });
        }
        if self.failed {
            return Err(self.failure(io::Error::other("an earlier write failed")));
        }
        let count = u32::try_from(samples.len()).map_err(|_| WavFault::TooLong)?;
        if count > self.room - self.output.len() {
            return Err(WavFault::TooLong);
        }
        let mut block = self.output.get_i16_writer(count);
        for &sample in samples {
            block.write_sample(sample);
        }
        if let Err(error) = block.flush() {
            // Part of the block may be in the file. The header must not count it.
            self.failed = true;
            let _ = self.declare();
            return Err(self.failure(reason(error)));
        }
        if u64::from(self.output.len() - self.declared) >= self.second() {
            self.declare()?;
        }
        Ok(())
    }

    fn declare(&mut self) -> Result<(), WavFault> {
        match self.output.flush() {
            Ok(()) => {
                self.declared = self.output.len();
                Ok(())
            }
            Err(error) => {
                self.failed = true;
                Err(self.failure(reason(error)))
            }
        }
    }

    fn failure(&self, reason: io::Error) -> WavFault {
        let frames = self.declared / u32::from(self.channels);
        WavFault::Write { reason, kept: self.rate.duration(frames.into()) }
    }

    /// Samples of all channels in a second.
    fn second(&self) -> u64 {
        u64::from(self.rate.hz()) * u64::from(self.channels)
    }
}

impl<W: Write + Seek> fmt::Debug for WavWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WavWriter({}, {} samples)", self.path.display(), self.output.len())
    }
}

/// The header states the bytes of a frame in 16 bits and of a second in 32 bits.
fn check(rate: SampleRate, channels: u16) -> io::Result<()> {
    let fits = channels.checked_mul(2).and_then(|frame| rate.hz().checked_mul(frame.into()));
    match fits {
        Some(1..) => Ok(()),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{channels} channels at {rate} do not fit into a WAV header"),
        )),
    }
}

fn reason(error: hound::Error) -> io::Error {
    match error {
        hound::Error::IoError(error) => error,
        other => io::Error::other(other),
    }
}

/// The length of the whole file, less 8 bytes, is stated in 32 bits too; headers have 68 at most.
const MAX_SAMPLES: u32 = (u32::MAX - 68) / 2;

#[cfg(test)]
impl<W: Write + Seek> WavWriter<W> {
    pub(super) const fn with_room(mut self, samples: u32) -> Self {
        self.room = samples;
        self
    }
}
