//! What a message shows, in the words of Gemini's interface.

use std::borrow::Cow;

use super::wire::{Blob, File, What};
use crate::providers::capabilities::ALL_MEDIA;
use crate::providers::shown::{self, Showing};
use crate::types::{Media, MediaKind, MediaSource};

/// The kinds of media that a message may carry.
pub(super) const KINDS: &[MediaKind] = ALL_MEDIA;

/// What one of the media is told as.
///
/// # Errors
///
/// When the protocol has no words for it: what to do instead.
pub(super) fn part(media: &Media) -> Result<What<'_>, String> {
    if let MediaSource::Url(file_uri) = &media.source {
        return Ok(What::FileData(File { mime_type: &media.mime, file_uri }));
    }
    let bytes = SHOWING.bytes(media)?;
    let mime_type = match shown::format(media, bytes) {
        Some(format) if format.is_text() => {
            let text = shown::text(media, bytes)?;
            return Ok(What::Text(match &media.name {
                Some(name) => format!("{name}:\n\n{text}").into(),
                None => Cow::Borrowed(text),
            }));
        }
        Some(format) if takes(media.kind, format.name) => format.mime,
        other => return Err(SHOWING.refused(media, other, formats(media.kind))),
    };
    if bytes.len() > LARGEST {
        let what = "has over 14 MiB, more than a request to Gemini may hold";
        let instead = "upload it to Gemini's files, and give its address";
        return Err(shown::cannot(media, what, instead));
    }
    Ok(What::InlineData(Blob { mime_type, data: shown::base64(bytes) }))
}

fn takes(kind: MediaKind, name: &str) -> bool {
    let names: &[&str] = match kind {
        MediaKind::Image => &["png", "jpeg", "webp"],
        MediaKind::Audio => &["wav", "mp3", "aac", "ogg", "opus", "flac", "m4a"],
        MediaKind::Video => &["mp4", "webm", "mov", "avi"],
        MediaKind::Document => &["pdf"],
    };
    names.contains(&name)
}

fn formats(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Image => "PNG, JPEG and WebP",
        MediaKind::Audio => "WAV, MP3, AAC, M4A, Ogg, Opus and FLAC",
        MediaKind::Video => "MP4, WebM, MOV and AVI",
        MediaKind::Document => "PDF and plain text",
    }
}

const SHOWING: Showing = Showing { protocol: "Gemini's messages", fetches: "always" };
/// A request may have 20 MB, and what is sent in it grows by a third.
const LARGEST: usize = 14 << 20;
