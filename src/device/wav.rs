//! Files in place of devices.

use std::path::Path;
use std::time::Duration;

use super::{
    CapturePort, Comes, DeviceError, Kind, Microphone, Refused, RenderPort, Rendering, Running,
    Speaker,
};
use crate::audio::{Resampler, SampleRate, WavReader, WavWriter};
use crate::time::{SessionClock, SessionTime};

/// A WAV file that is heard as if it were spoken now.
#[derive(Debug)]
pub struct WavMicrophone {
    reader: WavReader,
    name: String,
}

impl WavMicrophone {
    /// Opens the file.
    ///
    /// # Errors
    ///
    /// When it is no WAV file that can be read; the error names what is wrong.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, DeviceError> {
        let path = path.as_ref();
        Ok(Self { reader: WavReader::open(path)?, name: path.display().to_string() })
    }
}

impl Microphone for WavMicrophone {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn rate(&self) -> SampleRate {
        self.reader.rate()
    }

    fn start(
        self: Box<Self>,
        port: CapturePort,
        _clock: &SessionClock,
    ) -> Result<Box<dyn Running>, DeviceError> {
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
            let due = due(rate, self.moved, now.since(port.origin()), block.len());
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

    fn comes(&self) -> Comes {
        Comes::OnTime
    }
}

/// A WAV file that gets what would be heard.
#[derive(Debug)]
pub struct WavSpeaker {
    writer: WavWriter,
    rate: SampleRate,
    name: String,
}

impl WavSpeaker {
    /// Creates the file: mono, 16 bit.
    ///
    /// # Errors
    ///
    /// When it cannot be created.
    pub fn create(path: impl AsRef<Path>, rate: SampleRate) -> Result<Self, DeviceError> {
        let path = path.as_ref();
        let writer = WavWriter::create(path, rate, 1)?;
        Ok(Self { writer, rate, name: path.display().to_string() })
    }
}

impl Speaker for WavSpeaker {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn rate(&self) -> SampleRate {
        self.rate
    }

    fn start(
        self: Box<Self>,
        port: RenderPort,
        _clock: &SessionClock,
    ) -> Result<Box<dyn Rendering>, Box<Refused>> {
        match Resampler::new(port.rate(), self.rate) {
            Ok(resampler) => {
                let (writer, written) = (Ok(self.writer), Vec::new());
                Ok(Box::new(Playing { writer, resampler, written, port, moved: 0 }))
            }
            Err(error) => {
                let problem = error.to_string();
                let error = DeviceError::Failed { kind: Kind::Speaker, name: self.name, problem };
                Err(Box::new(Refused { port, error }))
            }
        }
    }
}

#[derive(Debug)]
struct Playing {
    /// The error once it has failed: the call goes on unheard.
    writer: Result<WavWriter, DeviceError>,
    /// From the port's rate to the file's.
    resampler: Resampler,
    written: Vec<i16>,
    port: RenderPort,
    moved: u64,
}

impl Rendering for Playing {
    fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError> {
        let mut block = [0; BLOCK];
        loop {
            let due = render(&mut self.port, &mut self.moved, &mut block, now);
            if due == 0 {
                return Ok(());
            }
            self.written.clear();
            self.resampler.process(&block[..due], &mut self.written);
            if let Ok(writer) = &mut self.writer
                && let Err(error) = writer.write(&self.written)
            {
                // Dropping the writer leaves the file readable up to here.
                self.writer = Err(error.into());
            }
        }
    }

    fn finish(self: Box<Self>) -> (RenderPort, Result<(), DeviceError>) {
        let Self { writer, mut resampler, mut written, port, .. } = *self;
        let finished = writer.and_then(|mut writer| {
            written.clear();
            resampler.flush(&mut written);
            writer.write(&written)?;
            Ok(writer.finish()?)
        });
        (port, finished)
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
    let origin = port.origin();
    let due = due(rate, *moved, now.since(origin), block.len());
    if due > 0 {
        let at = |moved: u64| origin + rate.duration(moved);
        let early = port.pass_silence(&mut block[..due], at(*moved));
        if early < due {
            port.fill(&mut block[early..due], at(*moved + early as u64));
        }
        *moved += due as u64;
    }
    due
}

/// How many samples are due after so long, of which `moved` were moved.
fn due(rate: SampleRate, moved: u64, since: Duration, most: usize) -> usize {
    let until = rate.samples(since);
    usize::try_from(until.saturating_sub(moved)).unwrap_or(most).min(most)
}

/// More than the samples of one tick at any usual rate.
const BLOCK: usize = 512;
