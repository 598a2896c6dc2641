//! `banter devices`.

use std::io::{Write, stdout};

use clap::Args;

use super::Ending;
use crate::device::cpal::{DeviceInfo, inputs, outputs};

/// List the microphones and speakers.
///
/// What stands in brackets, or any part of a name, can be given to `--input` and `--output`.
#[derive(Debug, Args)]
pub(super) struct Devices {}

impl Devices {
    #[expect(clippy::unused_self, reason = "as every command")]
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let (microphones, speakers) = (inputs()?, outputs()?);
        let mut out = stdout().lock();
        if microphones.is_empty() && speakers.is_empty() {
            writeln!(out, "{NONE}")?;
            return Ok(Ending::Done);
        }
        list(&mut out, "Microphones (--input)", &microphones)?;
        list(&mut out, "Speakers (--output)", &speakers)?;
        Ok(Ending::Done)
    }
}

fn list(out: &mut impl Write, title: &str, devices: &[DeviceInfo]) -> std::io::Result<()> {
    writeln!(out, "{title}:")?;
    if devices.is_empty() {
        writeln!(out, "  none")?;
    }
    devices.iter().try_for_each(|device| writeln!(out, "  {}", line(device)))
}

fn line(device: &DeviceInfo) -> String {
    let rates = match device.rates {
        (..=8_000, 96_000..) => "any rate".to_owned(),
        rates => range(rates, |hz| format!("{} kHz", f64::from(hz) / 1e3)),
    };
    let channels = range(device.channels, |count| format!("{count} ch"));
    let default = if device.is_default { ", default" } else { "" };
    format!("{} [{}]  {rates}, {channels}{default}", device.name, device.id)
}

fn range<T: Copy + PartialEq + std::fmt::Display>(
    (least, most): (T, T),
    show: impl Fn(T) -> String,
) -> String {
    match least == most {
        true => show(least),
        false => format!("{} to {}", show(least), show(most)),
    }
}

const NONE: &str = "There is no sound device on this machine.
WAV files do instead: banter talk --input FILE.wav --output FILE.wav";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_a_line() {
        let device = DeviceInfo {
            name: "HDA Intel, Analog".to_owned(),
            id: "plughw:CARD=PCH,DEV=0".to_owned(),
            is_default: true,
            rates: (44_100, 192_000),
            channels: (2, 2),
        };
        let expected =
            "HDA Intel, Analog [plughw:CARD=PCH,DEV=0]  44.1 kHz to 192 kHz, 2 ch, default";
        assert_eq!(line(&device), expected);
    }
}
