//! Pictures, sound, films and documents that a message carries.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// A picture, sound, film or document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Media {
    /// What it is.
    pub kind: MediaKind,
    /// Its MIME type, such as `image/png`.
    pub mime: String,
    /// Where its bytes are.
    pub source: MediaSource,
    /// How closely a model is to look at a picture; the provider's own choice by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Detail>,
    /// The name of its file, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Media {
    /// Media of `kind` whose bytes are here.
    #[must_use]
    pub fn bytes(kind: MediaKind, mime: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        Self::new(kind, mime, MediaSource::Bytes(bytes.into()))
    }

    /// Media of `kind` that the provider fetches itself.
    #[must_use]
    pub fn url(kind: MediaKind, mime: impl Into<String>, url: impl Into<String>) -> Self {
        Self::new(kind, mime, MediaSource::Url(url.into()))
    }

    /// The same, to be looked at so closely.
    #[must_use]
    pub fn with_detail(mut self, detail: Detail) -> Self {
        self.detail = Some(detail);
        self
    }

    /// The same under this name.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    fn new(kind: MediaKind, mime: impl Into<String>, source: MediaSource) -> Self {
        Self { kind, mime: mime.into(), source, detail: None, name: None }
    }
}

/// What media are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MediaKind {
    /// A picture.
    Image,
    /// Sound.
    Audio,
    /// A film.
    Video,
    /// Text with a layout, such as PDF.
    Document,
}

impl fmt::Display for MediaKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Image => "image",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Document => "document",
        })
    }
}

/// Where the bytes of media are.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MediaSource {
    /// Here; in base64 where they are written.
    #[serde(with = "base64_bytes")]
    Bytes(Bytes),
    /// At an address that the provider fetches.
    Url(String),
    /// In the store of the conversation's media, under this name.
    Stored(MediaRef),
}

/// Bytes are counted, not printed.
impl fmt::Debug for MediaSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Url(url) => write!(f, "Url({url:?})"),
            Self::Stored(name) => write!(f, "Stored({name:?})"),
        }
    }
}

/// What media are called in a store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediaRef {
    /// The SHA-256 of the bytes, in hexadecimal digits.
    pub sha256: String,
    /// How many bytes there are.
    pub size: u64,
}

/// How closely a model looks at a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Detail {
    /// At a small copy: cheap.
    Low,
    /// At all of it.
    High,
    /// As the provider sees fit.
    Auto,
}

mod base64_bytes {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &Bytes, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Bytes, D::Error> {
        let text = String::deserialize(from)?;
        STANDARD.decode(text).map(Bytes::from).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_are_written_and_read_with_their_bytes_and_printed_without() {
        let picture = Media::bytes(MediaKind::Image, "image/png", vec![0, 255, 7])
            .with_detail(Detail::Low)
            .with_name("dot.png");

        let written = serde_json::to_string(&picture).unwrap();

        let expected = r#"{"kind":"image","mime":"image/png","source":{"bytes":"AP8H"},"detail":"low","name":"dot.png"}"#;
        assert_eq!(written, expected);
        assert_eq!(serde_json::from_str::<Media>(&written).unwrap(), picture);
        assert!(format!("{picture:?}").contains("3 bytes"));
        assert!(serde_json::from_str::<Media>(&written.replace("AP8H", "?")).is_err());
    }
}
