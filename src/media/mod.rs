//! What a message may show or play: its format, whether a prompt takes it, and images made to fit.
//!
//! ```text
//! bytes, name ─▶ Format::detect        what it is
//! Message     ─▶ check                 whether a prompt of a pack takes it
//! image       ─▶ resize                as large as a model looks at it
//! ```
//!
//! ```
//! use banter::media::{self, Format};
//! use banter::types::{Media, MediaKind, Message};
//!
//! let format = Format::detect(Some("photo.png"), b"\xff\xd8\xff\xe0").expect("a known one");
//! assert_eq!(format.mime, "image/jpeg");
//!
//! let photo = Media::bytes(format.kind, format.mime, &b"\xff\xd8\xff\xe0"[..]);
//! let message = Message::user("Who is this?").with(photo);
//! let rules = serde_json::from_str(r#"{ "enabled": true, "supported_types": ["audio"] }"#)?;
//! let refused = media::check(&message, &rules).unwrap_err();
//! assert!(refused.to_string().contains("takes audio only"), "{refused}");
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! It opens no file and fetches nothing: that does [`session::attach`](crate::session::attach). It
//! knows sound and films from their outside only, but for WAV.

mod check;
mod fit;
mod format;
mod pdf;
mod video;

pub use check::{MediaRefused, Rule, Unchecked, check, with_default_detail};
pub use fit::{Fit, ImageError, Resized};
#[cfg(feature = "image")]
pub use fit::{dimensions, resize};
pub use format::Format;
pub use video::{FrameLimit, VideoConfig, VideoConfigError};

use std::fmt::Write as _;

use crate::types::{Media, MediaKind, MediaSource};

/// The media in a few words, as `1 image (640 x 480 PNG)`; empty if there are none.
#[must_use]
pub fn describe(media: &[Media]) -> String {
    let kinds = [MediaKind::Image, MediaKind::Audio, MediaKind::Video, MediaKind::Document];
    let told = kinds.iter().filter_map(|&kind| {
        let those: Vec<_> = media.iter().filter(|media| media.kind == kind).collect();
        let noun = match (kind, those.len()) {
            (_, 0) => return None,
            (MediaKind::Audio, 1) => "recording".to_owned(),
            (MediaKind::Audio, _) => "recordings".to_owned(),
            (_, 1) => kind.to_string(),
            _ => format!("{kind}s"),
        };
        let each: Vec<_> = those.iter().map(|media| one(media)).collect();
        Some(format!("{} {noun} ({})", those.len(), each.join(", ")))
    });
    told.collect::<Vec<_>>().join(" and ")
}

fn one(media: &Media) -> String {
    let format = match &media.source {
        MediaSource::Bytes(bytes) => Format::detect(media.name.as_deref(), bytes),
        MediaSource::Url(_) | MediaSource::Stored(_) => None,
    };
    let format = format.or_else(|| Format::of_mime(&media.mime));
    let mut told = String::new();
    #[cfg(feature = "image")]
    if let (MediaKind::Image, MediaSource::Bytes(bytes)) = (media.kind, &media.source)
        && let Ok((width, height)) = dimensions(bytes)
    {
        let _infallible = write!(told, "{width} x {height} ");
    }
    if let Some(length) = check::duration(media) {
        let _infallible = write!(told, "{:.1} s of ", length.as_secs_f64());
    }
    told + &format.map_or_else(|| media.mime.clone(), |format| format.name.to_uppercase())
}

#[cfg(test)]
mod tests;
