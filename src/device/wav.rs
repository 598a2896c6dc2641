//! Files in place of devices.

use std::path::Path;

use super::{CapturePort, DeviceError, Microphone, RenderPort, Running, Speaker};
use crate::audio::{SampleRate, WavReader, WavWriter};
use crate::time::SessionTime;

/// A WAV file that is heard as if it were spoken now.
#[derive(Debug)]
pub struct WavMicrophone {
    reader: WavReader,
}

impl WavMicrophone {
    /// Opens the file.
    ///
    /// # Errors
    ///
    /// When it is no WAV file that can be read; the error names what is wrong.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, DeviceError> {
        Ok(Self { reader: WavReader::open(path.as_ref())? })
    }
}

impl Microphone for WavMicrophone {
    fn rate(&self) -> SampleRate {
        self.reader.rate()
    }

    fn start(self: Box<Self>, port: CapturePort) -> Result<Box<dyn Running>, DeviceError> {
        Ok(Box::new(Capturing { reader: self.reader, port: Some(port), moved: 0 }))
    }
}

#[derive(Debug)]
struct Capturing {
    reader: WavReader,
    /// `None` once the file has ended.
    port: Option<CapturePort>,
    moved: u64,
}

impl Running for Capturing {
    fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError> {
        let rate = self.reader.rate();
        let mut block = [0; BLOCK];
        while let Some(port) = &mut self.port {
            let due = due(rate, self.moved, now, block.len());
            if due == 0 {
                break;
            }
            let read = self.reader.read(&mut block[..due])?;
            port.push(&block[..read]);
            self.moved += read as u64;
            if read == 0 {
                self.port = None;
            }
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), DeviceError> {
        Ok(())
    }
}

/// A WAV file that gets what would be heard.
#[derive(Debug)]
pub struct WavSpeaker {
    writer: WavWriter,
    rate: SampleRate,
}

impl WavSpeaker {
    /// Creates the file: mono, 16 bit.
    ///
    /// # Errors
    ///
    /// When it cannot be created.
    pub fn create(path: impl AsRef<Path>, rate: SampleRate) -> Result<Self, DeviceError> {
        Ok(Self { writer: WavWriter::create(path.as_ref(), rate, 1)?, rate })
    }
}

impl Speaker for WavSpeaker {
    fn rate(&self) -> SampleRate {
        self.rate
    }

    fn start(self: Box<Self>, port: RenderPort) -> Result<Box<dyn Running>, DeviceError> {
        Ok(Box::new(Playing { writer: Ok(self.writer), port, moved: 0 }))
    }
}

#[derive(Debug)]
struct Playing {
    /// The error once it has failed: the call goes on unheard.
    writer: Result<WavWriter, DeviceError>,
    port: RenderPort,
    moved: u64,
}

impl Running for Playing {
    fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError> {
        let mut block = [0; BLOCK];
        loop {
            let due = render(&mut self.port, &mut self.moved, &mut block, now);
            if due == 0 {
                return Ok(());
            }
            if let Ok(writer) = &mut self.writer
                && let Err(error) = writer.write(&block[..due])
            {
                // Dropping the writer leaves the file readable up to here.
                self.writer = Err(error.into());
            }
        }
    }

    fn finish(self: Box<Self>) -> Result<(), DeviceError> {
        Ok(self.writer?.finish()?)
    }
}

/// Plays the samples due until `now`, one block of them at most, and says how many.
pub(super) fn render(
    port: &mut RenderPort,
    moved: &mut u64,
    block: &mut [i16],
    now: SessionTime,
) -> usize {
    let rate = port.rate();
    let due = due(rate, *moved, now, block.len());
    if due > 0 {
        port.fill(&mut block[..due], SessionTime::ZERO + rate.duration(*moved));
        *moved += due as u64;
    }
    due
}

/// How many samples are due until `now`, of which `moved` were moved.
fn due(rate: SampleRate, moved: u64, now: SessionTime, most: usize) -> usize {
    let until = rate.samples(now.since(SessionTime::ZERO));
    usize::try_from(until.saturating_sub(moved)).unwrap_or(most).min(most)
}

/// More than the samples of one tick at any usual rate.
const BLOCK: usize = 512;
