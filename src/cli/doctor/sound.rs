//! Whether a microphone and a speaker can be had.

use crate::cli::talk::sound::Place;
use crate::device::cpal::{CpalMicrophone, CpalSpeaker};
use crate::device::{DeviceError, Kind, Microphone, Speaker, WavMicrophone};

use super::trouble::Trouble;

/// Opens the microphone or the file that is named, else the default microphone.
pub(super) async fn microphone(named: Option<&str>) -> Result<(String, ()), Trouble> {
    match Place::new(named) {
        Place::File(path) => match WavMicrophone::open(&path) {
            Ok(_) => Ok((path.display().to_string(), ())),
            Err(error) => Err(Trouble::new(error, "name another file with --input")),
        },
        Place::Live(name) => {
            opened(Kind::Microphone, move || {
                CpalMicrophone::open(name.as_deref()).map(|device| device.name())
            })
            .await
        }
    }
}

/// Opens the speaker that is named, else the default one. A file is not touched.
pub(super) async fn speaker(named: Option<&str>) -> Result<(String, ()), Trouble> {
    match Place::new(named) {
        Place::File(path) => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            match folder.filter(|folder| !folder.is_dir()) {
                None => Ok((path.display().to_string(), ())),
                Some(folder) => Err(Trouble::new(
                    format_args!("there is no folder {}", folder.display()),
                    "name another file with --output",
                )),
            }
        }
        Place::Live(name) => {
            opened(Kind::Speaker, move || {
                CpalSpeaker::open(name.as_deref()).map(|device| device.name())
            })
            .await
        }
    }
}

/// A sound server may let its callers wait.
async fn opened(
    kind: Kind,
    open: impl FnOnce() -> Result<String, DeviceError> + Send + 'static,
) -> Result<(String, ()), Trouble> {
    match tokio::task::spawn_blocking(open).await {
        Ok(Ok(name)) => Ok((name, ())),
        Ok(Err(error)) => Err(trouble(kind, &error)),
        Err(error) => Err(Trouble::new(error, "choose another: `banter devices` lists them")),
    }
}

fn trouble(kind: Kind, error: &DeviceError) -> Trouble {
    let flag = if kind == Kind::Microphone { "--input" } else { "--output" };
    match error {
        DeviceError::None { kind } => Trouble::new(
            format_args!("there is no {kind} on this machine"),
            format_args!("connect one, or give a file: {flag} FILE.wav"),
        ),
        other => Trouble::new(
            other,
            format_args!("choose another with {flag}: `banter devices` lists them"),
        ),
    }
}
