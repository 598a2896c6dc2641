//! Live microphones and speakers, through cpal.
//!
//! The audio threads own their end of a ring, atomics and buffers that were allocated before:
//! they never wait for the session, and never allocate.

mod choice;
mod health;
mod list;
mod microphone;
mod speaker;

pub use self::list::{DeviceInfo, inputs, outputs};
pub use self::microphone::CpalMicrophone;
pub use self::speaker::CpalSpeaker;

use std::time::Duration;

use ::cpal::traits::DeviceTrait;
use ::cpal::{BufferSize, StreamConfig};

use self::choice::Choice;
use self::list::Found;
use super::{DeviceError, Kind};
use crate::audio::SampleRate;

/// A device that was chosen, and how it is to be opened.
#[derive(Clone, Debug)]
struct Chosen {
    device: ::cpal::Device,
    name: String,
    choice: Choice,
    wanted: Wanted,
}

/// Which device the user wants, however often it is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    Default,
    /// By id or name.
    Named(String),
}

impl Chosen {
    /// Finds the device and asks it how it likes to run.
    fn open(kind: Kind, name: Option<&str>) -> Result<Self, DeviceError> {
        let found = list::find(kind, name)?;
        let wanted = match name {
            Some(name) => Wanted::Named(name.to_owned()),
            None if found.is_default() => Wanted::Default,
            // There was no default: this one is meant from now on.
            None => Wanted::Named(found.id()),
        };
        Self::of(kind, found, wanted)
    }

    /// The same device once more, if it is there.
    fn again(kind: Kind, wanted: &Wanted) -> Result<Self, DeviceError> {
        let found = match wanted {
            Wanted::Default => list::find_default(kind)?,
            Wanted::Named(name) => list::find_again(kind, name)?,
        };
        Self::of(kind, found, wanted.clone())
    }

    /// The default in place of one that was named.
    fn substitute(kind: Kind, wanted: &Wanted) -> Option<Result<Self, DeviceError>> {
        let Wanted::Named(_) = wanted else { return None };
        let found = list::find_default(kind);
        Some(found.and_then(|found| Self::of(kind, found, wanted.clone())))
    }

    fn of(kind: Kind, Found { device, name }: Found, wanted: Wanted) -> Result<Self, DeviceError> {
        let choice = choose(&device, kind, WANTED).map_err(|error| failed(kind, &name, &error))?;
        Ok(Self { device, name, choice, wanted })
    }
}

/// The best way to run a device, at this rate if it can.
fn choose(device: &::cpal::Device, kind: Kind, rate: SampleRate) -> Result<Choice, ::cpal::Error> {
    let ranges: Vec<_> = match kind {
        Kind::Microphone => device.supported_input_configs()?.collect(),
        Kind::Speaker => device.supported_output_configs()?.collect(),
    };
    choice::best(&ranges, kind, rate).ok_or_else(|| ::cpal::ErrorKind::UnsupportedConfig.into())
}

/// The ways to open a device at the first of these rates that it takes, the best first: with a
/// buffer of 10 ms, else with whatever it likes. What a device offers is not always what it takes.
fn plans(device: &::cpal::Device, kind: Kind, rates: &[SampleRate]) -> Vec<(Choice, StreamConfig)> {
    let mut choices = Vec::new();
    for choice in rates.iter().filter_map(|&rate| choose(device, kind, rate).ok()) {
        if !choices.contains(&choice) {
            choices.push(choice);
        }
    }
    let with_buffers = |choice: Choice| {
        let frames = u32::try_from(choice.rate.samples(BUFFER)).unwrap_or(u32::MAX);
        [BufferSize::Fixed(frames), BufferSize::Default].map(|buffer_size| {
            let (channels, sample_rate) = (choice.channels, choice.rate.hz());
            (choice, StreamConfig { channels, sample_rate, buffer_size })
        })
    };
    choices.into_iter().flat_map(with_buffers).collect()
}

/// An error of cpal, with what to do about it.
fn failed(kind: Kind, name: &str, error: &::cpal::Error) -> DeviceError {
    use ::cpal::ErrorKind;
    let problem = match error.kind() {
        ErrorKind::DeviceBusy => "is in use: close what uses it, or choose another".to_owned(),
        ErrorKind::PermissionDenied => {
            "may not be opened: join the group `audio`, or choose another".to_owned()
        }
        ErrorKind::DeviceNotAvailable | ErrorKind::HostUnavailable => {
            "is gone: connect it again, or choose another".to_owned()
        }
        _ => format!("failed ({error}): choose another"),
    };
    DeviceError::Failed { kind, name: name.to_owned(), problem }
}

/// A stream that ran, and has nothing but errors now.
fn broken(kind: Kind, name: &str, error: &::cpal::Error) -> DeviceError {
    let problem = format!("is gone or broken ({error}): connect it again, or choose another");
    DeviceError::Failed { kind, name: name.to_owned(), problem }
}

/// A device that says nothing of its delay, or nonsense.
fn sane(delay: Duration) -> Duration {
    delay.min(LONGEST_DELAY)
}

/// Most devices run at it by themselves, and all that the engines need lies below.
const WANTED: SampleRate = match SampleRate::new(48_000) {
    Some(rate) => rate,
    None => SampleRate::SPEECH,
};

/// Short enough for an interruption, long enough for a busy machine.
const BUFFER: Duration = Duration::from_millis(10);

/// What is between a callback and the air is less than this, or a mistake.
const LONGEST_DELAY: Duration = Duration::from_millis(500);
