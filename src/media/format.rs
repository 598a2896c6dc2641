//! The formats of images, sound, films and documents, by name, by MIME type and by first bytes.

use crate::types::MediaKind::{self, Audio, Document, Image, Video};

/// A format that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// What it is called, such as `png`.
    pub name: &'static str,
    /// What is stored in it.
    pub kind: MediaKind,
    /// Its MIME type.
    pub mime: &'static str,
    /// What else it is called; names of files end so as well.
    others: &'static [&'static str],
    /// Other MIME types in use for it.
    mimes: &'static [&'static str],
}

impl Format {
    /// The format of a file with this name and these bytes. Its first bytes count, whatever its
    /// name says; where they say nothing, as in a text, its name counts.
    #[must_use]
    pub fn detect(name: Option<&str>, bytes: &[u8]) -> Option<Self> {
        let named = name.and_then(Self::of_name);
        // Two letters of a text may look like the beginning of an image.
        if named.is_some_and(|named| named.is_text()) && is_plain(bytes) {
            return named;
        }
        match infer::get(bytes).map(|found| found.mime_type()) {
            Some(ZIP) => named.filter(|named| named.name == "docx"),
            Some(mime) => Self::of_mime(mime),
            None => named.filter(|named| named.is_text() || SHY.contains(&named.name)),
        }
    }

    /// The format of files with such a name, by its ending.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let ending = name.rsplit(['/', '\\']).next()?.rsplit_once('.')?.1;
        FORMATS.iter().copied().find(|format| format.is_called(ending))
    }

    /// The format with this MIME type; parameters do not matter.
    #[must_use]
    pub fn of_mime(mime: &str) -> Option<Self> {
        let mime = mime.split(';').next().unwrap_or(mime).trim().to_ascii_lowercase();
        let is = |format: &Self| format.mime == mime || format.mimes.contains(&&*mime);
        FORMATS.iter().copied().find(is)
    }

    /// The format that begins with these bytes.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        Self::of_mime(infer::get(bytes)?.mime_type())
    }

    /// All that are known.
    #[must_use]
    pub fn all() -> &'static [Self] {
        FORMATS
    }

    /// Whether it goes by this name, as `jpg` and `jpeg` do.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        let name = name.trim_start_matches('.');
        self.name.eq_ignore_ascii_case(name)
            || self.others.iter().any(|other| other.eq_ignore_ascii_case(name))
    }

    /// Whether it is plain text, which can be read as it is.
    #[must_use]
    pub fn is_text(&self) -> bool {
        TEXTS.contains(&self.name)
    }
}

/// Whether they are text, as far as a look at their beginning tells.
fn is_plain(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(HEAD)];
    let text = match std::str::from_utf8(head) {
        Ok(_) => true,
        // A letter that is cut at the end of the head is no fault.
        Err(error) => error.error_len().is_none() && bytes.len() > HEAD,
    };
    text && !head.contains(&0)
}

/// As much of a text as is looked at.
const HEAD: usize = 4 << 10;
const TEXTS: &[&str] = &["txt", "md", "html", "csv", "json"];
/// Formats of which some files begin with nothing that is known.
const SHY: &[&str] = &["mp3", "aac", "mp4", "m4a", "mov"];
/// What a document may look like whose parts stand in an order of their own.
const ZIP: &str = "application/zip";

const fn of(
    name: &'static str,
    kind: MediaKind,
    mime: &'static str,
    others: &'static [&'static str],
    mimes: &'static [&'static str],
) -> Format {
    Format { name, kind, mime, others, mimes }
}

const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

/// The MIME types are those of IANA's register, where it has one.
const FORMATS: &[Format] = &[
    of("png", Image, "image/png", &[], &[]),
    of("jpeg", Image, "image/jpeg", &["jpg"], &["image/jpg"]),
    of("gif", Image, "image/gif", &[], &[]),
    of("webp", Image, "image/webp", &[], &[]),
    of("bmp", Image, "image/bmp", &[], &["image/x-ms-bmp"]),
    of("wav", Audio, "audio/wav", &["wave"], &["audio/x-wav", "audio/wave", "audio/vnd.wave"]),
    of("mp3", Audio, "audio/mpeg", &[], &["audio/mp3"]),
    of("ogg", Audio, "audio/ogg", &["oga"], &["application/ogg"]),
    // Opus lies in a file of Ogg: whoever takes Ogg takes it.
    of("opus", Audio, "audio/opus", &["ogg"], &[]),
    of("flac", Audio, "audio/flac", &[], &["audio/x-flac"]),
    of("m4a", Audio, "audio/mp4", &[], &["audio/m4a", "audio/x-m4a"]),
    of("aac", Audio, "audio/aac", &[], &[]),
    of("mp4", Video, "video/mp4", &["m4v"], &["video/x-m4v"]),
    of("webm", Video, "video/webm", &[], &[]),
    of("mov", Video, "video/quicktime", &["qt"], &[]),
    of("mkv", Video, "video/matroska", &[], &["video/x-matroska"]),
    of("avi", Video, "video/x-msvideo", &[], &[]),
    of("pdf", Document, "application/pdf", &[], &[]),
    of("txt", Document, "text/plain", &["text"], &[]),
    of("md", Document, "text/markdown", &["markdown"], &[]),
    of("html", Document, "text/html", &["htm"], &[]),
    of("csv", Document, "text/csv", &[], &[]),
    of("json", Document, "application/json", &[], &[]),
    of("docx", Document, DOCX, &[], &[]),
];
