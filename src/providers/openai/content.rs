//! What a message says and shows, in the words of the chat completions interface.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::wire::{AudioData, Content, FileData, ImageAddress, Part};
use crate::media::Format;
use crate::types::{Media, MediaKind, MediaSource, Message};

/// The kinds of media that a message may carry.
pub(super) const KINDS: &[MediaKind] = &[MediaKind::Image, MediaKind::Audio, MediaKind::Document];

/// What a user says: a text alone, or its parts. In an earlier message than the one that is to be
/// answered, a note takes the place of what cannot be said: it was refused when it was new, and
/// must not be for ever.
///
/// # Errors
///
/// When the protocol has no words for it: what to do instead.
pub(super) fn content(message: &Message, earlier: bool) -> Result<Content<'_>, String> {
    if message.media.is_empty() {
        return Ok(Content::Text(Cow::Borrowed(&message.text)));
    }
    let text = (!message.text.is_empty()).then(|| Part::Text { text: (&message.text).into() });
    let media = message.media.iter().map(|media| match part(media) {
        // Whoever keeps a store must look into it, also for what is old.
        Err(_) if earlier && !matches!(media.source, MediaSource::Stored(_)) => Ok(note(media)),
        said => said,
    });
    let parts: Result<Vec<_>, String> = text.map(Ok).into_iter().chain(media).collect();
    parts.map(Content::Parts)
}

fn note(media: &Media) -> Part<'_> {
    let name = media.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
    Part::Text { text: format!("[{}{name}, which was not shown to you]", media.kind).into() }
}

fn part(media: &Media) -> Result<Part<'_>, String> {
    match media.kind {
        MediaKind::Image => image(media),
        MediaKind::Audio => audio(media),
        MediaKind::Document => document(media),
        MediaKind::Video => {
            Err(cannot(media, "is a film, of which chat completions know nothing", "send pictures"))
        }
    }
}

fn image(media: &Media) -> Result<Part<'_>, String> {
    let url = match &media.source {
        MediaSource::Url(url) => Cow::Borrowed(&**url),
        _ => Cow::Owned(data_uri(&media.mime, bytes(media)?)),
    };
    Ok(Part::ImageUrl { image_url: ImageAddress { url, detail: media.detail } })
}

fn audio(media: &Media) -> Result<Part<'_>, String> {
    let bytes = bytes(media)?;
    let format = match format(media, bytes) {
        Some(format) if ["wav", "mp3"].contains(&format.name) => format.name,
        other => {
            let found = other.map_or(&*media.mime, |format| format.name);
            let what = format!("is {found}, and chat completions take WAV and MP3");
            return Err(cannot(media, &what, "convert it"));
        }
    };
    Ok(Part::InputAudio { input_audio: AudioData { data: STANDARD.encode(bytes), format } })
}

/// A PDF is sent as a file, a text as a text: there is no other way.
fn document(media: &Media) -> Result<Part<'_>, String> {
    let bytes = bytes(media)?;
    match format(media, bytes) {
        Some(format) if format.name == "pdf" => {
            let filename = media.name.as_deref().unwrap_or("document.pdf");
            let file_data = data_uri(format.mime, bytes);
            Ok(Part::File { file: FileData { filename, file_data } })
        }
        Some(format) if format.is_text() => {
            let Ok(text) = std::str::from_utf8(bytes) else {
                return Err(cannot(media, "is a text that is not UTF-8", "convert it"));
            };
            let text = match &media.name {
                Some(name) => format!("{name}:\n\n{text}").into(),
                None => text.into(),
            };
            Ok(Part::Text { text })
        }
        other => {
            let found = other.map_or(&*media.mime, |format| format.name);
            let what = format!("is {found}, and chat completions take PDF and plain text");
            Err(cannot(media, &what, "convert it"))
        }
    }
}

fn bytes(media: &Media) -> Result<&Bytes, String> {
    match &media.source {
        MediaSource::Bytes(bytes) => Ok(bytes),
        MediaSource::Url(_) => Err(cannot(
            media,
            "is given by its address, which chat completions take of images only",
            "fetch it, and attach its bytes",
        )),
        MediaSource::Stored(_) => {
            Err(cannot(media, "is a reference to a store", "put its bytes into the message"))
        }
    }
}

/// Its bytes count, whatever is said of them, unless they are of another kind.
fn format(media: &Media, bytes: &[u8]) -> Option<Format> {
    let found = Format::detect(media.name.as_deref(), bytes);
    found.filter(|found| found.kind == media.kind).or_else(|| Format::of_mime(&media.mime))
}

fn data_uri(mime: &str, bytes: &[u8]) -> String {
    let mut uri = format!("data:{mime};base64,");
    STANDARD.encode_string(bytes, &mut uri);
    uri
}

fn cannot(media: &Media, what: &str, instead: &str) -> String {
    let name = media.name.as_ref().map(|name| format!(" `{name}`")).unwrap_or_default();
    format!("the {}{name} {what}; {instead}", media.kind)
}
