//! What a message shows, whatever protocol tells it: what a codec asks of media before it sends
//! them.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use crate::media::Format;
use crate::types::{Media, MediaSource, Message, Role};

/// What a protocol takes, and what errors call it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Showing {
    /// In the plural: `chat completions`.
    pub(super) protocol: &'static str,
    /// Which media it fetches itself: `of images only`.
    pub(super) fetches: &'static str,
}

impl Showing {
    /// The bytes, which must be here.
    pub(super) fn bytes(self, media: &Media) -> Result<&Bytes, String> {
        match &media.source {
            MediaSource::Bytes(bytes) => Ok(bytes),
            MediaSource::Url(_) => {
                let Self { protocol, fetches } = self;
                let what = format!("is given by its address, which {protocol} take {fetches}");
                Err(cannot(media, &what, "fetch it, and attach its bytes"))
            }
            MediaSource::Stored(_) => {
                Err(cannot(media, "is a reference to a store", "put its bytes into the message"))
            }
        }
    }

    /// It has a format that the protocol does not take.
    pub(super) fn refused(self, media: &Media, found: Option<Format>, takes: &str) -> String {
        let found = found.map_or(&*media.mime, |format| format.name);
        let what = format!("is {found}, and {} take {takes}", self.protocol);
        cannot(media, &what, "convert it")
    }
}

/// What one of the media is told as. Where it is shown earlier than in the message that is to be
/// answered, a note takes the place of what cannot be said: it was refused when it was new, and must
/// not be for ever.
///
/// # Errors
///
/// When the protocol has no words for it: what to do instead.
pub(super) fn part_or_note<'a, P>(
    media: &'a Media,
    earlier: bool,
    text: impl Fn(Cow<'a, str>) -> P,
    part: impl Fn(&'a Media) -> Result<P, String>,
) -> Result<P, String> {
    match part(media) {
        // Whoever keeps a store must look into it, also for what is old.
        Err(_) if earlier && !matches!(media.source, MediaSource::Stored(_)) => {
            Ok(text(Cow::Owned(note(media))))
        }
        said => said,
    }
}

/// Which message is to be answered: those before it are told as what was.
pub(super) fn answered(messages: &[Message]) -> usize {
    messages.iter().rposition(|message| message.role == Role::User).unwrap_or(0)
}

/// Only users show media.
///
/// # Errors
///
/// When somebody else does: what to do instead.
pub(super) fn check(message: &Message) -> Result<(), String> {
    if message.role == Role::User || message.media.is_empty() {
        return Ok(());
    }
    Err("only what the user says may show media here; leave them out of other messages".to_owned())
}

/// The format. Its bytes count, whatever is said of them, unless they are of another kind.
pub(super) fn format(media: &Media, bytes: &[u8]) -> Option<Format> {
    let found = Format::detect(media.name.as_deref(), bytes);
    found.filter(|found| found.kind == media.kind).or_else(|| Format::of_mime(&media.mime))
}

/// A document that is a text.
pub(super) fn text<'a>(media: &Media, bytes: &'a [u8]) -> Result<&'a str, String> {
    let wrong = |_| cannot(media, "is a text that is not UTF-8", "convert it");
    std::str::from_utf8(bytes).map_err(wrong)
}

pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub(super) fn data_uri(mime: &str, bytes: &[u8]) -> String {
    let mut uri = format!("data:{mime};base64,");
    STANDARD.encode_string(bytes, &mut uri);
    uri
}

/// A medium that is not for this protocol: what it is, and what to do instead.
pub(super) fn cannot(media: &Media, what: &str, instead: &str) -> String {
    let name = media.name.as_ref().map(|name| format!(" `{name}`")).unwrap_or_default();
    format!("the {}{name} {what}; {instead}", media.kind)
}

fn note(media: &Media) -> String {
    let name = media.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
    format!("[{}{name}, which was not shown to you]", media.kind)
}
