//! Where the user's voice comes from, and where the agent's goes to.

use std::path::{Path, PathBuf};

use anyhow::bail;

use super::Speed;
use crate::device::cpal::{CpalMicrophone, CpalSpeaker};
use crate::device::{Microphone, NullSpeaker, Speaker, WavMicrophone, WavSpeaker};

/// A device or a file that stands in for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Place {
    /// A device, by id or name; the default one if none is named.
    Live(Option<String>),
    /// A WAV file.
    File(PathBuf),
}

impl Place {
    /// What `--input` or `--output` names: a file if it looks like one, else a device.
    pub(in crate::cli) fn new(named: Option<&str>) -> Self {
        match named {
            Some(name) if is_file(name) => Self::File(name.into()),
            name => Self::Live(name.map(str::to_owned)),
        }
    }

    pub(in crate::cli) fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Live(_) => None,
        }
    }
}

/// The two ends of a conversation.
pub(super) struct Sound {
    pub(super) microphone: Box<dyn Microphone>,
    pub(super) speaker: Box<dyn Speaker>,
    /// What the user should know of it.
    pub(super) notices: Vec<String>,
}

/// Opens both ends. Without a speaker the agent is not heard, which is told.
pub(super) fn open(input: &Place, output: Option<&Place>, speed: Speed) -> anyhow::Result<Sound> {
    let microphone: Box<dyn Microphone> = match input {
        Place::File(path) => Box::new(WavMicrophone::open(path)?),
        Place::Live(_) if speed == Speed::Max => {
            bail!("a microphone cannot be hurried: --speed max needs --input FILE.wav")
        }
        Place::Live(name) => Box::new(CpalMicrophone::open(name.as_deref())?),
    };
    let rate = microphone.rate();
    let mut notices = Vec::new();
    let speaker: Box<dyn Speaker> = match output {
        Some(Place::File(path)) => Box::new(WavSpeaker::create(path, rate)?),
        None if speed == Speed::Max => Box::new(NullSpeaker(rate)),
        Some(Place::Live(_)) if speed == Speed::Max => {
            bail!("a speaker cannot be hurried: --speed max needs --output FILE.wav, or none")
        }
        Some(Place::Live(name)) => Box::new(CpalSpeaker::open(name.as_deref())?),
        None => match CpalSpeaker::open(None) {
            Ok(speaker) => Box::new(speaker),
            Err(error) => {
                notices.push(format!("the agent is not heard: {error}"));
                Box::new(NullSpeaker(rate))
            }
        },
    };
    Ok(Sound { microphone, speaker, notices })
}

fn is_file(name: &str) -> bool {
    let path = Path::new(name);
    let wav = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("wav"));
    wav || name.contains(['/', '\\']) || path.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_file_is_one() {
        for file in ["user.wav", "USER.WAV", "recordings/today", "./x"] {
            assert_eq!(Place::new(Some(file)), Place::File(file.into()));
        }
        for device in ["default", "plughw:CARD=PCH,DEV=0", "USB Headset"] {
            assert_eq!(Place::new(Some(device)), Place::Live(Some(device.to_owned())));
        }
        assert_eq!(Place::new(None), Place::Live(None));
    }
}
