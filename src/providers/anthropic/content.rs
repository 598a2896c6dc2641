//! What a message shows, in the words of Anthropic's interface.

use super::wire::{Block, Source};
use crate::providers::shown::{self, Showing};
use crate::types::{Media, MediaKind, MediaSource};

/// The kinds of media that a message may carry.
pub(super) const KINDS: &[MediaKind] = &[MediaKind::Image, MediaKind::Document];

/// What one of the media is told as.
///
/// # Errors
///
/// When the protocol has no words for it: what to do instead.
pub(super) fn block(media: &Media) -> Result<Block<'_>, String> {
    match (media.kind, &media.source) {
        (MediaKind::Image, MediaSource::Url(url)) => {
            Ok(Block::Image { source: Source::Url { url } })
        }
        (MediaKind::Image, _) => image(media),
        (MediaKind::Document, MediaSource::Url(url)) if is_pdf(&media.mime) => {
            Ok(Block::Document { source: Source::Url { url }, title: media.name.as_deref() })
        }
        (MediaKind::Document, _) => document(media),
        (MediaKind::Audio, _) => {
            let what = "is sound, of which Anthropic's messages know nothing";
            Err(shown::cannot(media, what, "send what is said"))
        }
        (MediaKind::Video, _) => {
            let what = "is a film, of which Anthropic's messages know nothing";
            Err(shown::cannot(media, what, "send pictures"))
        }
    }
}

fn image(media: &Media) -> Result<Block<'_>, String> {
    let bytes = SHOWING.bytes(media)?;
    match shown::format(media, bytes) {
        Some(format) if IMAGES.contains(&format.mime) => {
            let source = Source::Base64 { media_type: format.mime, data: shown::base64(bytes) };
            Ok(Block::Image { source })
        }
        other => Err(SHOWING.refused(media, other, "JPEG, PNG, GIF and WebP")),
    }
}

fn document(media: &Media) -> Result<Block<'_>, String> {
    let bytes = SHOWING.bytes(media)?;
    let title = media.name.as_deref();
    match shown::format(media, bytes) {
        Some(format) if is_pdf(format.mime) => {
            let source = Source::Base64 { media_type: format.mime, data: shown::base64(bytes) };
            Ok(Block::Document { source, title })
        }
        Some(format) if format.is_text() => {
            let source =
                Source::Text { media_type: "text/plain", data: shown::text(media, bytes)? };
            Ok(Block::Document { source, title })
        }
        other => Err(SHOWING.refused(media, other, "PDF and plain text")),
    }
}

fn is_pdf(mime: &str) -> bool {
    mime == "application/pdf"
}

const IMAGES: &[&str] = &["image/jpeg", "image/png", "image/gif", "image/webp"];
const SHOWING: Showing =
    Showing { protocol: "Anthropic's messages", fetches: "of images and PDF only" };
