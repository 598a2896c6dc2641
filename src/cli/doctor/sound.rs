//! Whether a microphone and a speaker work.

use std::fmt::Display;
use std::time::Duration;

use super::trouble::Trouble;
use crate::audio::level::peak_dbfs;
use crate::cli::talk::sound::Place;
use crate::device::cpal::{CpalMicrophone, CpalSpeaker};
use crate::device::{
    Capture, DeviceError, Kind, Microphone, Running, Speaker, WavMicrophone, capture_port,
};
use crate::time::SessionClock;

/// Listens for a moment by the microphone that is named, else by the default one. A file is
/// opened.
pub(super) async fn microphone(named: Option<&str>) -> Result<(String, ()), Trouble> {
    let name = match Place::new(named) {
        Place::Live(name) => name,
        Place::File(path) => {
            let opened = WavMicrophone::open(&path);
            opened.map_err(|error| Trouble::new(error, "name another file with --input"))?;
            return Ok((path.display().to_string(), ()));
        }
    };
    let start = move || {
        let microphone = CpalMicrophone::open(name.as_deref())?;
        let (name, clock) = (microphone.name(), SessionClock::live());
        let (port, capture) = capture_port(microphone.rate());
        let running = Box::new(microphone).start(port, &clock)?;
        Ok((name, Listening { running, capture, clock }))
    };
    let (name, listening) = waited_for(Kind::Microphone, start).await?;
    let peak = listening.peak().await.map_err(|error| trouble(Kind::Microphone, &error))?;
    match peak {
        // Some microphones give nothing while nobody speaks.
        Some(i16::MIN..=SILENT) => Ok((format!("{name}; silent just now: is it muted?"), ())),
        Some(peak) => Ok((format!("{name}; its loudest sound just now: {peak} dB"), ())),
        None => Err(Trouble::new(
            format_args!("the microphone `{name}` gives no sound"),
            another(Kind::Microphone),
        )),
    }
}

/// Opens the speaker that is named, else the default one. A file is not touched.
pub(super) async fn speaker(named: Option<&str>) -> Result<(String, ()), Trouble> {
    let name = match Place::new(named) {
        Place::Live(name) => name,
        Place::File(path) => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            return match folder.filter(|folder| !folder.is_dir()) {
                None => Ok((path.display().to_string(), ())),
                Some(folder) => Err(Trouble::new(
                    format_args!("there is no folder {}", folder.display()),
                    "name another file with --output",
                )),
            };
        }
    };
    let open = move || CpalSpeaker::open(name.as_deref()).map(|speaker| speaker.name());
    waited_for(Kind::Speaker, open).await.map(|name| (name, ()))
}

/// A microphone in motion.
struct Listening {
    running: Box<dyn Running>,
    capture: Capture,
    clock: SessionClock,
}

impl Listening {
    /// The peak of the first moment of sound in dBFS; `None` if none comes.
    async fn peak(mut self) -> Result<Option<i16>, DeviceError> {
        let wanted = self.capture.rate().samples(MOMENT) as usize;
        let until = self.clock.now() + PATIENCE;
        loop {
            let now = self.clock.now();
            self.running.advance(now)?;
            if let Some(samples) = self.capture.take(wanted) {
                return Ok(Some(peak_dbfs(&samples).round() as i16));
            }
            if now >= until {
                return Ok(None);
            }
            self.clock.sleep(LOOK).await;
        }
    }
}

/// A sound server may let its callers wait.
async fn waited_for<T: Send + 'static>(
    kind: Kind,
    open: impl FnOnce() -> Result<T, DeviceError> + Send + 'static,
) -> Result<T, Trouble> {
    match tokio::task::spawn_blocking(open).await {
        Ok(opened) => opened.map_err(|error| trouble(kind, &error)),
        Err(error) => Err(Trouble::new(error, another(kind))),
    }
}

fn trouble(kind: Kind, error: &DeviceError) -> Trouble {
    match error {
        DeviceError::None { .. } => Trouble::new(
            format_args!("there is no {kind} on this machine"),
            format_args!("connect one, or give a file: {} FILE.wav", flag(kind)),
        ),
        other => Trouble::new(other, another(kind)),
    }
}

fn another(kind: Kind) -> impl Display {
    format!("choose another with {}: `banter devices` lists them", flag(kind))
}

fn flag(kind: Kind) -> &'static str {
    match kind {
        Kind::Microphone => "--input",
        Kind::Speaker => "--output",
    }
}

/// A room is never as silent as this, in dBFS.
const SILENT: i16 = -90;

/// How much is listened to.
const MOMENT: Duration = Duration::from_millis(300);

/// A headset without wires may take a second to wake up.
const PATIENCE: Duration = Duration::from_secs(4);

/// How often is looked whether sound has come.
const LOOK: Duration = Duration::from_millis(20);
