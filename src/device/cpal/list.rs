//! The devices that there are, as a user wants to see them.

use std::collections::HashSet;

use cpal::traits::{DeviceTrait, HostTrait};
use cpal::{Device, SupportedStreamConfigRange};

use crate::device::{DeviceError, Kind};

/// A microphone or speaker that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Its name, for people.
    pub name: String,
    /// Its id, the same at every start.
    pub id: String,
    /// Whether it is used where none is named.
    pub is_default: bool,
    /// The lowest and the highest rate, in Hz.
    pub rates: (u32, u32),
    /// The fewest and the most channels.
    pub channels: (u16, u16),
}

/// The microphones. It opens each for a moment.
///
/// # Errors
///
/// When the system's sound cannot be asked.
pub fn inputs() -> Result<Vec<DeviceInfo>, DeviceError> {
    list(Kind::Microphone)
}

/// The speakers. It opens each for a moment.
///
/// # Errors
///
/// When the system's sound cannot be asked.
pub fn outputs() -> Result<Vec<DeviceInfo>, DeviceError> {
    list(Kind::Speaker)
}

/// A device that was asked for.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) device: Device,
    pub(super) name: String,
}

impl Found {
    fn new(device: Device) -> Self {
        Self { name: name_of(&device), device }
    }

    pub(super) fn id(&self) -> String {
        bare_id(&self.device)
    }

    /// Whether it is what the system has for whoever names none.
    pub(super) fn is_default(&self) -> bool {
        let host = cpal::default_host();
        [Kind::Microphone, Kind::Speaker]
            .into_iter()
            .filter_map(|kind| default(&host, kind))
            .any(|device| bare_id(&device) == self.id())
    }
}

/// The default device, or the one of this id or name. A part of a name will do, if only one
/// device has it.
pub(super) fn find(kind: Kind, name: Option<&str>) -> Result<Found, DeviceError> {
    let Some(wanted) = name else {
        return find_default(kind).or_else(|none| {
            let first = usable(&cpal::default_host(), kind).into_iter().next();
            first.map(Found::new).ok_or(none)
        });
    };
    look_up(kind, wanted).or_else(|which| {
        let there = list(kind)?;
        if there.is_empty() {
            return Err(DeviceError::None { kind });
        }
        let there: Vec<_> =
            there.into_iter().map(|info| format!("{} ({})", info.name, info.id)).collect();
        let (name, there) = (wanted.to_owned(), there.join(", "));
        Err(DeviceError::Unknown { kind, which, name, there })
    })
}

/// The default device, if it can be opened.
pub(super) fn find_default(kind: Kind) -> Result<Found, DeviceError> {
    hush();
    default(&cpal::default_host(), kind)
        .filter(|device| offered(device, kind).is_some())
        .map(Found::new)
        .ok_or(DeviceError::None { kind })
}

/// A device that was found before by this id or name. Without a look at all the others, which
/// would open each.
pub(super) fn find_again(kind: Kind, wanted: &str) -> Result<Found, DeviceError> {
    look_up(kind, wanted).map_err(|_which| {
        let problem = "is gone: connect it again, or choose another".to_owned();
        DeviceError::Failed { kind, name: wanted.to_owned(), problem }
    })
}

fn look_up(kind: Kind, wanted: &str) -> Result<Found, &'static str> {
    hush();
    let host = cpal::default_host();
    let all: Vec<_> = of_kind(&host, kind).chain(default(&host, kind)).collect();
    if let Some(device) = all.iter().find(|device| has_id(device, wanted)) {
        return Ok(Found::new(device.clone()));
    }
    let names = all.iter().filter(|device| !is_internal(&bare_id(device)));
    let mut names: Vec<_> = names.map(|device| Found::new(device.clone())).collect();
    let at = pick(names.iter().map(|found| found.name.as_str()), wanted)?;
    Ok(names.swap_remove(at))
}

/// Which of the names is meant: the same in any case, else the only one with such a part.
fn pick<'a>(
    names: impl Iterator<Item = &'a str> + Clone,
    wanted: &str,
) -> Result<usize, &'static str> {
    let wanted = wanted.to_lowercase();
    let lower = names.map(str::to_lowercase).enumerate();
    if let Some((at, _)) = lower.clone().find(|(_, name)| *name == wanted) {
        return Ok(at);
    }
    let mut parts = lower.filter(|(_, name)| !wanted.is_empty() && name.contains(&wanted));
    match (parts.next(), parts.next()) {
        (Some((at, _)), None) => Ok(at),
        (None, _) => Err("no"),
        (Some(_), Some(_)) => Err("more than one"),
    }
}

fn list(kind: Kind) -> Result<Vec<DeviceInfo>, DeviceError> {
    hush();
    let host = cpal::default_host();
    let default = default(&host, kind).map(|device| bare_id(&device));
    let infos = usable(&host, kind).into_iter().filter_map(|device| {
        let ranges = offered(&device, kind)?;
        let rates = |hz: fn(&SupportedStreamConfigRange) -> u32| ranges.iter().map(hz);
        let channels = || ranges.iter().map(SupportedStreamConfigRange::channels);
        let id = bare_id(&device);
        Some(DeviceInfo {
            name: name_of(&device),
            is_default: default.as_ref() == Some(&id),
            id,
            rates: (
                rates(SupportedStreamConfigRange::min_sample_rate).min()?,
                rates(SupportedStreamConfigRange::max_sample_rate).max()?,
            ),
            channels: (channels().min()?, channels().max()?),
        })
    });
    Ok(infos.collect())
}

/// The devices that can be opened, the default first. Those that ALSA's set-up has for itself
/// are left out, and so is every second name of the same device.
fn usable(host: &cpal::Host, kind: Kind) -> Vec<Device> {
    let mut seen = HashSet::new();
    default(host, kind)
        .into_iter()
        .chain(of_kind(host, kind))
        .filter(|device| {
            let id = bare_id(device);
            !is_internal(&id) && seen.insert(id)
        })
        .filter(|device| offered(device, kind).is_some())
        .collect()
}

/// Keeps ALSA from writing to the standard error, on this thread and from now on: it complains of
/// each device that is not there, which is what it was asked.
fn hush() {
    #[cfg(target_os = "linux")]
    let _loud_otherwise = alsa::Output::local_error_handler();
}

fn of_kind(host: &cpal::Host, kind: Kind) -> impl Iterator<Item = Device> {
    let all = host.devices().into_iter().flatten();
    all.filter(move |device| match kind {
        Kind::Microphone => device.supports_input(),
        Kind::Speaker => device.supports_output(),
    })
}

fn default(host: &cpal::Host, kind: Kind) -> Option<Device> {
    match kind {
        Kind::Microphone => host.default_input_device(),
        Kind::Speaker => host.default_output_device(),
    }
}

/// What the device offers; `None` if nothing, or if it does not open.
fn offered(device: &Device, kind: Kind) -> Option<Vec<SupportedStreamConfigRange>> {
    let ranges: Vec<_> = match kind {
        Kind::Microphone => device.supported_input_configs().ok()?.collect(),
        Kind::Speaker => device.supported_output_configs().ok()?.collect(),
    };
    (!ranges.is_empty()).then_some(ranges)
}

fn name_of(device: &Device) -> String {
    device.description().map_or_else(|_| bare_id(device), |described| described.name().to_owned())
}

/// The id without the host's name before it: there is one host.
fn bare_id(device: &Device) -> String {
    device.id().map(|id| id.id().to_owned()).unwrap_or_default()
}

fn has_id(device: &Device, wanted: &str) -> bool {
    device.id().is_ok_and(|id| id.id() == wanted || id.to_string() == wanted)
}

/// A name of ALSA's for something that is no device of its own: a converter, a mixer's inside, a
/// part of a surround set-up, or the bare hardware behind a `plughw` that converts.
fn is_internal(id: &str) -> bool {
    let (plugin, card) = id.split_once(':').unwrap_or((id, ""));
    let by_number = card.strip_prefix("CARD=").is_some_and(|card| card.starts_with(DIGITS));
    INTERNAL.contains(&plugin)
        || plugin.starts_with("surround")
        || (plugin == "plughw" && by_number)
}

const DIGITS: [char; 10] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];

const INTERNAL: &[&str] = &[
    "null",
    "lavrate",
    "samplerate",
    "speexrate",
    "speex",
    "jack",
    "oss",
    "upmix",
    "vdownmix",
    "hw",
    "sysdefault",
    "front",
    "rear",
    "center_lfe",
    "side",
    "iec958",
    "spdif",
    "hdmi",
    "dmix",
    "dsnoop",
    "modem",
    "phoneline",
    "usbstream",
    "a52encode",
    "dca",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_or_a_part_that_only_one_has() {
        let names = ["USB Headset, Audio", "HDA Intel, Analog", "HDA Intel, Digital", "HDA"];
        let pick = |wanted| pick(names.into_iter(), wanted);
        assert_eq!(pick("hda intel, analog"), Ok(1));
        assert_eq!(pick("headset"), Ok(0));
        assert_eq!(pick("hda"), Ok(3), "a whole name is meant, whoever else contains it");
        assert_eq!(pick("intel"), Err("more than one"));
        assert_eq!(pick("bluetooth"), Err("no"));
        assert_eq!(pick(""), Err("no"));
    }

    #[test]
    fn what_is_no_device_is_hidden() {
        for id in ["null", "hw:CARD=PCH,DEV=0", "surround51:CARD=PCH,DEV=0", "plughw:CARD=0,DEV=0"]
        {
            assert!(is_internal(id), "{id}");
        }
        for id in ["default", "pulse", "pipewire", "plughw:CARD=PCH,DEV=0", "bluealsa"] {
            assert!(!is_internal(id), "{id}");
        }
    }
}
