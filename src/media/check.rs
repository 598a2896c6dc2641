//! Whether a prompt of a pack takes the media of a message.

use std::fmt;
use std::time::Duration;

use super::{Format, pdf};
use crate::audio::WavReader;
use crate::pack;
use crate::types::{Detail, Media, MediaKind, MediaSource, Message};

/// Holds the media of `message` against what a prompt says of them.
///
/// A prompt that says nothing (no `media` in the pack) has no rules: there is nothing to check
/// then, and its model decides. Likewise, what `rules` do not name is not limited.
///
/// Formats are those of the bytes where they tell. Sizes are in MiB. The length is known of WAV, the
/// number of pages of a PDF that tells it in plain, and of what stands at an address nothing: such a
/// rule is not guessed at, but given back as [`Unchecked`].
///
/// # Errors
///
/// With the first rule that is broken, and what to do about it.
pub fn check(message: &Message, rules: &pack::Media) -> Result<Vec<Unchecked>, MediaRefused> {
    if message.media.is_empty() {
        return Ok(Vec::new());
    }
    if !rules.enabled {
        return Err(MediaRefused::Disabled);
    }
    images(&message.media, rules)?;
    let mut unchecked = Vec::new();
    for (number, media) in (1..).zip(&message.media) {
        supported(media.kind, rules)?;
        let Some(limits) = rules.limits.get(&media.kind.to_string()) else { continue };
        let one = One { media, limits, message, what: what(media, number) };
        for rule in [One::format, One::size, One::length, One::pages] {
            unchecked.extend(rule(&one)?);
        }
        one.words()?;
    }
    Ok(unchecked)
}

/// The message with images that are looked at as closely as the prompt says, where they do not say
/// it themselves.
#[must_use]
pub fn with_default_detail(mut message: Message, rules: &pack::Media) -> Message {
    let image = rules.limits.get("image");
    let detail = match image.and_then(|limits| limits.default_detail.as_deref()) {
        Some("low") => Detail::Low,
        Some("high") => Detail::High,
        Some("auto") => Detail::Auto,
        _ => return message,
    };
    let images = message.media.iter_mut().filter(|media| media.kind == MediaKind::Image);
    images.for_each(|image| {
        image.detail.get_or_insert(detail);
    });
    message
}

/// A rule that could not be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unchecked {
    /// Which of the media.
    pub what: String,
    /// The rule.
    pub rule: Rule,
}

impl fmt::Display for Unchecked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, rule } = self;
        match rule {
            Rule::Format => write!(f, "{what}: its format is not known and was not checked"),
            Rule::Size => write!(f, "{what}: its size is not known and was not checked"),
            Rule::Length => write!(f, "{what}: its length is not known and was not checked"),
            Rule::Pages => {
                write!(f, "{what}: how many pages it has is not known and was not checked")
            }
        }
    }
}

/// A rule for what is in media.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// `allowed_formats`.
    Format,
    /// `max_size_mb`.
    Size,
    /// `max_duration_sec`.
    Length,
    /// `max_pages`.
    Pages,
}

/// Why a prompt does not take a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MediaRefused {
    /// It takes no media at all.
    #[error(
        "this prompt takes text only; say it in words, or set `media.enabled` of the prompt in \
         its pack"
    )]
    Disabled,
    /// It does not take this kind.
    #[error(
        "this prompt takes {} only, not {}; leave it out, or name `{kind}` in `media.supported_types`",
        supported.join(", "), plural(*kind)
    )]
    Kind {
        /// What was found.
        kind: MediaKind,
        /// What is taken.
        supported: Vec<String>,
    },
    /// It takes fewer images.
    #[error("there are {found} images, and this prompt takes {most} in a message; leave some out")]
    Images {
        /// So many were found.
        found: usize,
        /// So many are taken.
        most: u32,
    },
    /// It does not take this format.
    #[error("{what} is {found}, and this prompt takes {}; convert it", allowed.join(", "))]
    Format {
        /// Which of the media.
        what: String,
        /// What it is.
        found: String,
        /// What is taken.
        allowed: Vec<String>,
    },
    /// It is too large.
    #[error(
        "{what} has {} MiB, and this prompt takes {most}; make it smaller",
        mib(*found)
    )]
    Size {
        /// Which of the media.
        what: String,
        /// Its size in bytes.
        found: u64,
        /// The limit in MiB.
        most: u32,
    },
    /// It lasts too long.
    #[error(
        "{what} lasts {} s, and this prompt takes {most} s; cut it",
        found.as_secs_f64()
    )]
    Length {
        /// Which of the media.
        what: String,
        /// How long it is.
        found: Duration,
        /// The limit in seconds.
        most: u32,
    },
    /// It has too many pages.
    #[error("{what} has {found} pages, and this prompt takes {most}; leave some out")]
    Pages {
        /// Which of the media.
        what: String,
        /// So many it says that it has.
        found: u32,
        /// So many are taken.
        most: u32,
    },
    /// It needs words beside it.
    #[error("{what} has no caption, and this prompt wants one; say something with it")]
    Caption {
        /// Which of the media.
        what: String,
    },
    /// It needs a name.
    #[error("{what} has no title, and this prompt wants one; name it (`Media::with_name`)")]
    Metadata {
        /// Which of the media.
        what: String,
    },
}

fn images(media: &[Media], rules: &pack::Media) -> Result<(), MediaRefused> {
    let found = media.iter().filter(|media| media.kind == MediaKind::Image).count();
    match rules.limits.get("image").and_then(|limits| limits.max_images_per_msg) {
        Some(most) if found > most as usize => Err(MediaRefused::Images { found, most }),
        _ => Ok(()),
    }
}

fn supported(kind: MediaKind, rules: &pack::Media) -> Result<(), MediaRefused> {
    match &rules.supported_types {
        Some(types) if !types.contains(&kind.to_string()) => {
            Err(MediaRefused::Kind { kind, supported: types.clone() })
        }
        _ => Ok(()),
    }
}

/// One of the media, and what is said of its kind.
struct One<'a> {
    media: &'a Media,
    limits: &'a pack::MediaLimits,
    message: &'a Message,
    what: String,
}

type Outcome = Result<Option<Unchecked>, MediaRefused>;

impl One<'_> {
    fn format(&self) -> Outcome {
        let Some(allowed) = &self.limits.allowed_formats else { return Ok(None) };
        let found = format(self.media);
        let fits = |name: &String| match &found {
            Found::Known(format) => format.is_called(name),
            Found::Told(told) => told.eq_ignore_ascii_case(name),
            Found::Unknown => false,
        };
        let found = match &found {
            Found::Unknown => return Ok(Some(self.unchecked(Rule::Format))),
            _ if allowed.iter().any(fits) => return Ok(None),
            Found::Known(format) => format.name.to_owned(),
            Found::Told(told) => told.clone(),
        };
        Err(MediaRefused::Format { what: self.what.clone(), found, allowed: allowed.clone() })
    }

    fn size(&self) -> Outcome {
        let Some(most) = self.limits.max_size_mb else { return Ok(None) };
        let found = match &self.media.source {
            MediaSource::Bytes(bytes) => bytes.len() as u64,
            MediaSource::Stored(stored) => stored.size,
            MediaSource::Url(_) => return Ok(Some(self.unchecked(Rule::Size))),
        };
        match found > u64::from(most) * MIB {
            true => Err(MediaRefused::Size { what: self.what.clone(), found, most }),
            false => Ok(None),
        }
    }

    fn length(&self) -> Outcome {
        let Some(most) = self.limits.max_duration_sec else { return Ok(None) };
        let Some(found) = duration(self.media) else {
            return Ok(Some(self.unchecked(Rule::Length)));
        };
        match found > Duration::from_secs(most.into()) {
            true => Err(MediaRefused::Length { what: self.what.clone(), found, most }),
            false => Ok(None),
        }
    }

    fn pages(&self) -> Outcome {
        let Some(most) = self.limits.max_pages else { return Ok(None) };
        let found = match &self.media.source {
            MediaSource::Bytes(bytes) => pdf::pages(bytes),
            MediaSource::Url(_) | MediaSource::Stored(_) => None,
        };
        match found {
            Some(found) if found > most => {
                Err(MediaRefused::Pages { what: self.what.clone(), found, most })
            }
            Some(_) => Ok(None),
            None => Ok(Some(self.unchecked(Rule::Pages))),
        }
    }

    fn words(&self) -> Result<(), MediaRefused> {
        let what = || self.what.clone();
        if self.limits.require_caption && self.message.text.trim().is_empty() {
            return Err(MediaRefused::Caption { what: what() });
        }
        if self.limits.require_metadata && self.media.name.is_none() {
            return Err(MediaRefused::Metadata { what: what() });
        }
        Ok(())
    }

    fn unchecked(&self, rule: Rule) -> Unchecked {
        Unchecked { what: self.what.clone(), rule }
    }
}

enum Found {
    Known(Format),
    /// As its MIME type calls it.
    Told(String),
    Unknown,
}

fn format(media: &Media) -> Found {
    let format = match &media.source {
        MediaSource::Bytes(bytes) => Format::detect(media.name.as_deref(), bytes),
        MediaSource::Url(_) | MediaSource::Stored(_) => None,
    };
    let told = media.mime.split_once('/').map_or("", |(_, told)| told);
    match format.or_else(|| Format::of_mime(&media.mime)) {
        Some(format) => Found::Known(format),
        None if ["", "*", "octet-stream"].contains(&told) => Found::Unknown,
        None => Found::Told(told.to_owned()),
    }
}

/// How long it lasts, where that can be read: a WAV.
pub(super) fn duration(media: &Media) -> Option<Duration> {
    match &media.source {
        MediaSource::Bytes(bytes) if media.kind == MediaKind::Audio => {
            Some(WavReader::in_memory("sound", bytes).ok()?.duration())
        }
        _ => None,
    }
}

/// By its name, or by its place in the message.
fn what(media: &Media, number: usize) -> String {
    match &media.name {
        Some(name) => format!("`{name}`"),
        None => format!("the {} (number {number} of the message's media)", media.kind),
    }
}

fn plural(kind: MediaKind) -> String {
    match kind {
        MediaKind::Audio => "audio".to_owned(),
        other => format!("{other}s"),
    }
}

/// In MiB, to a tenth.
fn mib(bytes: u64) -> f64 {
    (bytes as f64 / MIB as f64 * 10.0).ceil() / 10.0
}

const MIB: u64 = 1 << 20;
