//! A live microphone.

use std::sync::Arc;

use cpal::traits::{DeviceTrait, StreamTrait};
use cpal::{FromSample, InputCallbackInfo, SampleFormat, SizedSample, Stream};

use super::choice::Choice;
use super::health::{Closing, Health, Home, Lent, Watch, lend};
use super::{Chosen, Wanted, failed, plans, sane};
use crate::audio::SampleRate;
use crate::device::{CapturePort, DeviceError, Finder, Kind, Microphone, Running};
use crate::time::{SessionClock, SessionTime};

/// A microphone of this machine. All its channels are mixed into one.
///
/// Its samples come by the wall's clock: it is of no use to a session at [`Pace::Max`].
///
/// [`Pace::Max`]: crate::session::Pace::Max
#[derive(Debug)]
pub struct CpalMicrophone(Chosen);

impl CpalMicrophone {
    /// Opens the default microphone, or that of an id or name. A part of the name will do, in
    /// any case, if only one has it.
    ///
    /// # Errors
    ///
    /// When there is none, or none of that name; the error says which there are.
    pub fn open(name: Option<&str>) -> Result<Self, DeviceError> {
        Chosen::open(Kind::Microphone, name).map(Self)
    }
}

/// Looks for the microphone that the user wanted.
#[derive(Debug)]
struct Again(Wanted);

impl Finder<dyn Microphone> for Again {
    fn chosen(&self) -> Result<Box<dyn Microphone>, DeviceError> {
        let chosen = Chosen::again(Kind::Microphone, &self.0)?;
        Ok(Box::new(CpalMicrophone(chosen)))
    }

    fn substitute(&self) -> Option<Result<Box<dyn Microphone>, DeviceError>> {
        let chosen = Chosen::substitute(Kind::Microphone, &self.0)?;
        Some(chosen.map(|chosen| Box::new(CpalMicrophone(chosen)) as _))
    }
}

impl Microphone for CpalMicrophone {
    fn name(&self) -> String {
        self.0.name.clone()
    }

    fn rate(&self) -> SampleRate {
        self.0.choice.rate
    }

    fn finder(&self) -> Option<Arc<dyn Finder<dyn Microphone>>> {
        Some(Arc::new(Again(self.0.wanted.clone())))
    }

    fn start(
        self: Box<Self>,
        port: CapturePort,
        clock: &SessionClock,
    ) -> Result<Box<dyn Running>, DeviceError> {
        let Self(Chosen { device, name, choice, .. }) = *self;
        let mut port = Some(port);
        let mut error = cpal::ErrorKind::UnsupportedConfig.into();
        for (choice, config) in plans(&device, Kind::Microphone, &[choice.rate]) {
            let Some(next) = port.take() else { break };
            let (lent, home) = lend(next);
            let health = Arc::<Health>::default();
            let capturing = Capturing {
                port: lent,
                clock: clock.clone(),
                health: Arc::clone(&health),
                choice,
                mono: Vec::with_capacity(BLOCK),
            };
            let built = build(&device, config, choice.format, capturing, Arc::clone(&health));
            match built.and_then(|stream| stream.play().map(|()| stream)) {
                Ok(stream) => {
                    let watch = Watch::new(health, Kind::Microphone, name);
                    return Ok(Box::new(Live { stream: Closing::new(stream), _home: home, watch }));
                }
                Err(refused) => (port, error) = (home.take(), refused),
            }
        }
        Err(failed(Kind::Microphone, &name, &error))
    }
}

struct Live {
    stream: Closing,
    /// A device that is lost drops its closure, which must not look like the end of the sound.
    _home: Home<CapturePort>,
    watch: Watch,
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").field("watch", &self.watch).finish_non_exhaustive()
    }
}

impl Running for Live {
    fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError> {
        self.watch.look(now)
    }

    fn finish(self: Box<Self>) -> Result<(), DeviceError> {
        drop(self.stream);
        Ok(())
    }

    fn xruns(&self) -> u64 {
        self.watch.xruns()
    }

    fn has_begun(&self) -> bool {
        self.watch.has_begun()
    }
}

/// What the audio thread owns.
struct Capturing {
    port: Lent<CapturePort>,
    clock: SessionClock,
    health: Arc<Health>,
    choice: Choice,
    mono: Vec<i16>,
}

impl Capturing {
    /// The callback: whatever its size, it is handed over block by block.
    fn take<T: SizedSample>(&mut self, data: &[T], info: &InputCallbackInfo)
    where
        f32: FromSample<T>,
        i16: FromSample<T>,
    {
        let now = self.clock.now();
        self.health.called(now);
        let channels = usize::from(self.choice.channels.max(1));
        let times = info.timestamp();
        let age = sane(times.callback.saturating_duration_since(times.capture));
        let first = now - age;
        let Some(port) = self.port.port() else { return };
        let mut done = 0;
        for block in data.chunks(BLOCK * channels) {
            self.mono.clear();
            self.mono.extend(block.chunks_exact(channels).map(mix));
            done += self.mono.len() as u64;
            port.push_at(&self.mono, (first + self.choice.rate.duration(done)).min(now));
        }
    }
}

/// The average of a frame's channels. One channel stays as it is, to the bit.
fn mix<T: SizedSample>(frame: &[T]) -> i16
where
    f32: FromSample<T>,
    i16: FromSample<T>,
{
    if let [only] = frame {
        return i16::from_sample_(*only);
    }
    let sum: f32 = frame.iter().map(|&sample| f32::from_sample_(sample)).sum();
    <i16 as FromSample<f32>>::from_sample_(sum / frame.len() as f32)
}

fn build(
    device: &cpal::Device,
    config: cpal::StreamConfig,
    format: SampleFormat,
    capturing: Capturing,
    health: Arc<Health>,
) -> Result<Stream, cpal::Error> {
    match format {
        SampleFormat::I16 => build_of::<i16>(device, config, capturing, health),
        SampleFormat::F32 => build_of::<f32>(device, config, capturing, health),
        SampleFormat::I32 => build_of::<i32>(device, config, capturing, health),
        SampleFormat::U16 => build_of::<u16>(device, config, capturing, health),
        SampleFormat::U8 => build_of::<u8>(device, config, capturing, health),
        _ => Err(cpal::ErrorKind::UnsupportedConfig.into()),
    }
}

fn build_of<T: SizedSample>(
    device: &cpal::Device,
    config: cpal::StreamConfig,
    mut capturing: Capturing,
    health: Arc<Health>,
) -> Result<Stream, cpal::Error>
where
    f32: FromSample<T>,
    i16: FromSample<T>,
{
    device.build_input_stream(
        config,
        move |data: &[T], info: &InputCallbackInfo| capturing.take(data, info),
        move |error| health.tell(error),
        None,
    )
}

/// Frames that are handed over at once.
const BLOCK: usize = 512;
