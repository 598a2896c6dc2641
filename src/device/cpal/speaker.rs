//! A live speaker.

use std::sync::Arc;

use cpal::traits::{DeviceTrait, StreamTrait};
use cpal::{FromSample, OutputCallbackInfo, SampleFormat, SizedSample, Stream};

use super::choice::Choice;
use super::health::{Closing, Health, Home, Lent, Watch, lend};
use super::{Chosen, Wanted, failed, plans, sane};
use crate::audio::{Resampler, SampleRate};
use crate::device::{
    DeviceError, Finder, Instants, Kind, Refused, RenderPort, Rendering, Speaker, waiting_port,
};
use crate::time::{SessionClock, SessionTime};

/// A speaker of this machine. All its channels play the same.
///
/// It plays by the wall's clock: it is of no use to a session at [`Pace::Max`].
///
/// [`Pace::Max`]: crate::session::Pace::Max
#[derive(Debug)]
pub struct CpalSpeaker(Chosen);

impl CpalSpeaker {
    /// Opens the default speaker, or that of an id or name. A part of the name will do, in any
    /// case, if only one has it.
    ///
    /// # Errors
    ///
    /// When there is none, or none of that name; the error says which there are.
    pub fn open(name: Option<&str>) -> Result<Self, DeviceError> {
        Chosen::open(Kind::Speaker, name).map(Self)
    }
}

/// Looks for the speaker that the user wanted.
#[derive(Debug)]
struct Again(Wanted);

impl Finder<dyn Speaker> for Again {
    fn chosen(&self) -> Result<Box<dyn Speaker>, DeviceError> {
        let chosen = Chosen::again(Kind::Speaker, &self.0)?;
        Ok(Box::new(CpalSpeaker(chosen)))
    }

    fn substitute(&self) -> Option<Result<Box<dyn Speaker>, DeviceError>> {
        let chosen = Chosen::substitute(Kind::Speaker, &self.0)?;
        Some(chosen.map(|chosen| Box::new(CpalSpeaker(chosen)) as _))
    }
}

impl Speaker for CpalSpeaker {
    fn name(&self) -> String {
        self.0.name.clone()
    }

    fn rate(&self) -> SampleRate {
        self.0.choice.rate
    }

    fn finder(&self) -> Option<Arc<dyn Finder<dyn Speaker>>> {
        Some(Arc::new(Again(self.0.wanted.clone())))
    }

    fn start(
        self: Box<Self>,
        port: RenderPort,
        clock: &SessionClock,
    ) -> Result<Box<dyn Rendering>, Box<Refused>> {
        let Self(Chosen { device, name, choice, .. }) = *self;
        let (rate, mut port) = (port.rate(), port);
        let mut problem = cpal::ErrorKind::UnsupportedConfig.into();
        for (choice, config) in plans(&device, Kind::Speaker, &[rate, choice.rate, CD]) {
            let Ok(resampler) = Resampler::new(rate, choice.rate) else { continue };
            let (lent, home) = lend(port);
            let health = Arc::<Health>::default();
            let playing = Playing {
                port: lent,
                supply: Supply::new(resampler, rate, choice.rate),
                clock: clock.clone(),
                health: Arc::clone(&health),
                choice,
            };
            let built = build(&device, config, choice.format, playing, Arc::clone(&health));
            let watch = Watch::new(health, Kind::Speaker, name.clone());
            let mut live = Box::new(Live { stream: None, home, rate, watch });
            match built.and_then(|stream| stream.play().map(|()| stream)) {
                Ok(stream) => {
                    live.stream = Some(Closing::new(stream));
                    return Ok(live);
                }
                Err(error) => match live.finish() {
                    (home, Ok(())) => (port, problem) = (home, error),
                    (port, Err(error)) => return Err(Box::new(Refused { port, error })),
                },
            }
        }
        Err(Box::new(Refused { port, error: failed(Kind::Speaker, &name, &problem) }))
    }
}

struct Live {
    stream: Option<Closing>,
    home: Home<RenderPort>,
    rate: SampleRate,
    watch: Watch,
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").field("watch", &self.watch).finish_non_exhaustive()
    }
}

impl Rendering for Live {
    fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError> {
        self.watch.look(now)
    }

    fn finish(mut self: Box<Self>) -> (RenderPort, Result<(), DeviceError>) {
        drop(self.stream.take());
        match self.home.take() {
            Some(port) => (port, Ok(())),
            // What it had to play is lost with it: a port that waits for ever stands in.
            None => {
                let problem = "does not let go of its sound".to_owned();
                let name = self.watch.name().to_owned();
                let error = DeviceError::Failed { kind: Kind::Speaker, name, problem };
                (waiting_port(self.rate).0, Err(error))
            }
        }
    }

    fn xruns(&self) -> u64 {
        self.watch.xruns()
    }

    fn has_begun(&self) -> bool {
        self.watch.has_begun()
    }
}

/// What the audio thread owns.
struct Playing {
    port: Lent<RenderPort>,
    supply: Supply,
    clock: SessionClock,
    health: Arc<Health>,
    choice: Choice,
}

impl Playing {
    /// The callback: whatever its size, it is filled block by block.
    fn give<T: SizedSample + FromSample<i16>>(
        &mut self,
        data: &mut [T],
        info: &OutputCallbackInfo,
    ) {
        let ran = self.clock.now();
        self.health.called(ran);
        let channels = usize::from(self.choice.channels.max(1));
        let times = info.timestamp();
        let delay = sane(times.playback.saturating_duration_since(times.callback));
        let Some(port) = self.port.port() else { return };
        let mut done = 0;
        for part in data.chunks_mut(BLOCK * channels) {
            let in_air = ran + delay + self.choice.rate.duration(done);
            let frames = part.len() / channels;
            let mono = self.supply.next(port, frames, Instants { ran, in_air });
            for (frame, &sample) in part.chunks_exact_mut(channels).zip(mono) {
                frame.fill(T::from_sample_(sample));
            }
            done += frames as u64;
        }
    }
}

/// Takes sound from the port at the device's rate.
struct Supply {
    resampler: Resampler,
    from: SampleRate,
    to: SampleRate,
    /// What the port gave.
    block: [i16; BLOCK],
    /// What the device has not had yet, after so many samples that it has.
    ready: Vec<i16>,
    given: usize,
}

impl Supply {
    fn new(resampler: Resampler, from: SampleRate, to: SampleRate) -> Self {
        let most = BLOCK * (to.hz() as usize).div_ceil(from.hz() as usize) + 2 * BLOCK;
        let (block, ready) = ([0; BLOCK], Vec::with_capacity(most));
        Self { resampler, from, to, block, ready, given: 0 }
    }

    /// The next samples, at most a block of them. Allocates nothing.
    fn next(&mut self, port: &mut RenderPort, count: usize, instants: Instants) -> &[i16] {
        let count = count.min(BLOCK);
        if self.from == self.to {
            port.fill(&mut self.block[..count], instants);
            return &self.block[..count];
        }
        self.ready.drain(..self.given);
        while self.ready.len() < count {
            let missing = self.to.duration((count - self.ready.len()) as u64);
            let ask = (self.from.samples(missing) as usize + 1).min(BLOCK);
            let later = self.to.duration(self.ready.len() as u64) + self.resampler.delay();
            let in_air = instants.in_air + later;
            port.fill(&mut self.block[..ask], Instants { in_air, ..instants });
            self.resampler.process(&self.block[..ask], &mut self.ready);
        }
        self.given = count;
        &self.ready[..count]
    }
}

fn build(
    device: &cpal::Device,
    config: cpal::StreamConfig,
    format: SampleFormat,
    playing: Playing,
    health: Arc<Health>,
) -> Result<Stream, cpal::Error> {
    match format {
        SampleFormat::I16 => build_of::<i16>(device, config, playing, health),
        SampleFormat::F32 => build_of::<f32>(device, config, playing, health),
        SampleFormat::I32 => build_of::<i32>(device, config, playing, health),
        SampleFormat::U16 => build_of::<u16>(device, config, playing, health),
        SampleFormat::U8 => build_of::<u8>(device, config, playing, health),
        _ => Err(cpal::ErrorKind::UnsupportedConfig.into()),
    }
}

fn build_of<T: SizedSample + FromSample<i16>>(
    device: &cpal::Device,
    config: cpal::StreamConfig,
    mut playing: Playing,
    health: Arc<Health>,
) -> Result<Stream, cpal::Error> {
    device.build_output_stream(
        config,
        move |data: &mut [T], info: &OutputCallbackInfo| playing.give(data, info),
        move |error| health.tell(error),
        None,
    )
}

/// Frames that are filled at once.
const BLOCK: usize = 512;

/// What a device takes that takes neither the session's rate nor its own.
const CD: SampleRate = match SampleRate::new(44_100) {
    Some(rate) => rate,
    None => SampleRate::SPEECH,
};
