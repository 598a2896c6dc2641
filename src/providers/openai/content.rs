//! What a message says and shows, in the words of the chat completions interface.

use std::borrow::Cow;

use super::wire::{AudioData, Content, FileData, ImageAddress, Part};
use crate::providers::shown::{self, Showing};
use crate::types::{Media, MediaKind, MediaSource, Message};

/// The kinds of media that a message may carry.
pub(super) const KINDS: &[MediaKind] = &[MediaKind::Image, MediaKind::Audio, MediaKind::Document];

/// What a user says: a text alone, or its parts.
///
/// # Errors
///
/// When the protocol has no words for it: what to do instead.
pub(super) fn content(message: &Message, earlier: bool) -> Result<Content<'_>, String> {
    if message.media.is_empty() {
        return Ok(Content::Text(Cow::Borrowed(&message.text)));
    }
    let text = |text| Part::Text { text };
    let said = (!message.text.is_empty()).then(|| Ok(text(Cow::Borrowed(&*message.text))));
    let shown = message.media.iter().map(|media| shown::part_or_note(media, earlier, text, part));
    let parts: Result<Vec<_>, String> = said.into_iter().chain(shown).collect();
    parts.map(Content::Parts)
}

fn part(media: &Media) -> Result<Part<'_>, String> {
    match media.kind {
        MediaKind::Image => image(media),
        MediaKind::Audio => audio(media),
        MediaKind::Document => document(media),
        MediaKind::Video => {
            let what = "is a film, of which chat completions know nothing";
            Err(shown::cannot(media, what, "send pictures"))
        }
    }
}

fn image(media: &Media) -> Result<Part<'_>, String> {
    let url = match &media.source {
        MediaSource::Url(url) => Cow::Borrowed(&**url),
        _ => Cow::Owned(shown::data_uri(&media.mime, SHOWING.bytes(media)?)),
    };
    Ok(Part::ImageUrl { image_url: ImageAddress { url, detail: media.detail } })
}

fn audio(media: &Media) -> Result<Part<'_>, String> {
    let bytes = SHOWING.bytes(media)?;
    let format = match shown::format(media, bytes) {
        Some(format) if ["wav", "mp3"].contains(&format.name) => format.name,
        other => return Err(SHOWING.refused(media, other, "WAV and MP3")),
    };
    Ok(Part::InputAudio { input_audio: AudioData { data: shown::base64(bytes), format } })
}

/// A PDF is sent as a file, a text as a text: there is no other way.
fn document(media: &Media) -> Result<Part<'_>, String> {
    let bytes = SHOWING.bytes(media)?;
    match shown::format(media, bytes) {
        Some(format) if format.name == "pdf" => {
            let filename = media.name.as_deref().unwrap_or("document.pdf");
            let file_data = shown::data_uri(format.mime, bytes);
            Ok(Part::File { file: FileData { filename, file_data } })
        }
        Some(format) if format.is_text() => {
            let text = shown::text(media, bytes)?;
            let text = match &media.name {
                Some(name) => format!("{name}:\n\n{text}").into(),
                None => text.into(),
            };
            Ok(Part::Text { text })
        }
        other => Err(SHOWING.refused(media, other, "PDF and plain text")),
    }
}

const SHOWING: Showing = Showing { protocol: "chat completions", fetches: "of images only" };
