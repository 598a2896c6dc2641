//! The call as a stereo file: the user left, the agent right, on one timeline.

use std::path::Path;

use crate::audio::{ResampleError, Resampler, SampleRate, WavError, WavWriter};

/// Writes what the microphone heard and what the speaker played, side by side.
///
/// Sample `n` of either side is `n` samples after the session's start. The header is kept true
/// about once a second, so that the file can be read up to then whatever happens.
#[derive(Debug)]
pub struct Recorder {
    writer: WavWriter,
    user: Side,
    agent: Side,
    frames: Vec<i16>,
}

#[derive(Debug)]
struct Side {
    resampler: Resampler,
    /// What the other side has not caught up with.
    samples: Vec<i16>,
}

impl Recorder {
    /// A recording at the microphone's rate.
    ///
    /// # Errors
    ///
    /// [`RecordError`] when the file cannot be created.
    pub fn create(path: &Path, user: SampleRate, agent: SampleRate) -> Result<Self, RecordError> {
        let side = |from| {
            Resampler::new(from, user).map(|resampler| Side { resampler, samples: Vec::new() })
        };
        let (left, right) = (side(user)?, side(agent)?);
        let writer = WavWriter::create(path, user, 2)?;
        Ok(Self { writer, user: left, agent: right, frames: Vec::new() })
    }

    /// The next samples of the microphone.
    ///
    /// # Errors
    ///
    /// As [`agent`](Self::agent).
    pub fn user(&mut self, samples: &[i16]) -> Result<(), RecordError> {
        let Side { resampler, samples: to } = &mut self.user;
        resampler.process(samples, to);
        self.write()
    }

    /// The next samples of the speaker, silence included.
    ///
    /// # Errors
    ///
    /// [`RecordError`] when the file cannot be written. It can be read up to there.
    pub fn agent(&mut self, samples: &[i16]) -> Result<(), RecordError> {
        let Side { resampler, samples: to } = &mut self.agent;
        resampler.process(samples, to);
        self.write()
    }

    /// Writes what is left, the shorter side filled up with silence, and closes the file.
    ///
    /// # Errors
    ///
    /// As [`agent`](Self::agent).
    pub fn finish(mut self) -> Result<(), RecordError> {
        for Side { resampler, samples } in [&mut self.user, &mut self.agent] {
            resampler.flush(samples);
        }
        let length = self.user.samples.len().max(self.agent.samples.len());
        self.user.samples.resize(length, 0);
        self.agent.samples.resize(length, 0);
        self.write()?;
        Ok(self.writer.finish()?)
    }

    fn write(&mut self) -> Result<(), RecordError> {
        let both = self.user.samples.len().min(self.agent.samples.len());
        self.frames.clear();
        let user = self.user.samples.drain(..both);
        let agent = self.agent.samples.drain(..both);
        self.frames.extend(user.zip(agent).flat_map(|(user, agent)| [user, agent]));
        if self.frames.is_empty() {
            return Ok(());
        }
        Ok(self.writer.write(&self.frames)?)
    }
}

/// A call could not be recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file.
    #[error(transparent)]
    Wav(#[from] WavError),
    /// The rates.
    #[error(transparent)]
    Resample(#[from] ResampleError),
}
