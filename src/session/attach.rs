//! Media for a message: from files, from bytes, or from where a provider fetches them itself.
//!
//! ```no_run
//! use banter::session::attach::{self, ImageFit};
//! use banter::types::{Detail, Message};
//!
//! # async fn example() -> Result<(), attach::AttachError> {
//! let photo = attach::image_file("photo.jpg").await?.with_detail(Detail::High);
//! let message = Message::user("Who is this?").with(photo);
//! let message = attach::fit(message, &ImageFit::auto()).await?;
//! # drop(message);
//! # Ok(())
//! # }
//! ```
//!
//! Files are read, and images made to fit, on a thread where that may take its time. What is
//! attached is known by its first bytes, whatever its name or its MIME type says
//! ([`Format::detect`]). A file has at most 256 MiB. An address is not looked at: what a
//! provider makes of it, it says itself.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::error::Recovery;
use crate::media::{Fit, Format, ImageError};
use crate::types::{Media, MediaKind, MediaSource, Message};

/// The image in the file at `path`.
///
/// # Errors
///
/// When the file cannot be read, is empty, has more than 256 MiB or is no image that is known.
pub async fn image_file(path: impl AsRef<Path>) -> Result<Media, AttachError> {
    file_of(Some(MediaKind::Image), path.as_ref()).await
}

/// The sound in the file at `path`.
///
/// # Errors
///
/// As those of [`image_file`].
pub async fn audio_file(path: impl AsRef<Path>) -> Result<Media, AttachError> {
    file_of(Some(MediaKind::Audio), path.as_ref()).await
}

/// The film in the file at `path`.
///
/// # Errors
///
/// As those of [`image_file`].
pub async fn video_file(path: impl AsRef<Path>) -> Result<Media, AttachError> {
    file_of(Some(MediaKind::Video), path.as_ref()).await
}

/// The document in the file at `path`.
///
/// # Errors
///
/// As those of [`image_file`].
pub async fn document_file(path: impl AsRef<Path>) -> Result<Media, AttachError> {
    file_of(Some(MediaKind::Document), path.as_ref()).await
}

/// Whatever is in the file at `path`.
///
/// # Errors
///
/// As those of [`image_file`], and when it is nothing that is known.
pub async fn file(path: impl AsRef<Path>) -> Result<Media, AttachError> {
    file_of(None, path.as_ref()).await
}

/// The image in these bytes. `mime` counts where they do not tell what they are.
///
/// # Errors
///
/// When there are none, or they are no image, or `mime` is no MIME type.
pub fn image_data(bytes: impl Into<Bytes>, mime: &str) -> Result<Media, AttachError> {
    data_of(MediaKind::Image, bytes.into(), mime)
}

/// The sound in these bytes.
///
/// # Errors
///
/// As those of [`image_data`].
pub fn audio_data(bytes: impl Into<Bytes>, mime: &str) -> Result<Media, AttachError> {
    data_of(MediaKind::Audio, bytes.into(), mime)
}

/// The film in these bytes.
///
/// # Errors
///
/// As those of [`image_data`].
pub fn video_data(bytes: impl Into<Bytes>, mime: &str) -> Result<Media, AttachError> {
    data_of(MediaKind::Video, bytes.into(), mime)
}

/// The document in these bytes.
///
/// # Errors
///
/// As those of [`image_data`].
pub fn document_data(bytes: impl Into<Bytes>, mime: &str) -> Result<Media, AttachError> {
    data_of(MediaKind::Document, bytes.into(), mime)
}

/// The image at an address that the provider fetches.
///
/// # Errors
///
/// When the address begins with neither `https://` nor `http://`.
pub fn image_url(url: impl Into<String>) -> Result<Media, AttachError> {
    url_of(MediaKind::Image, url.into())
}

/// The sound at an address that the provider fetches.
///
/// # Errors
///
/// As those of [`image_url`].
pub fn audio_url(url: impl Into<String>) -> Result<Media, AttachError> {
    url_of(MediaKind::Audio, url.into())
}

/// The film at an address that the provider fetches.
///
/// # Errors
///
/// As those of [`image_url`].
pub fn video_url(url: impl Into<String>) -> Result<Media, AttachError> {
    url_of(MediaKind::Video, url.into())
}

/// The document at an address that the provider fetches.
///
/// # Errors
///
/// As those of [`image_url`].
pub fn document_url(url: impl Into<String>) -> Result<Media, AttachError> {
    url_of(MediaKind::Document, url.into())
}

/// Whether images are made smaller before a model looks at them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImageFit {
    /// They are sent as they are: the default.
    #[default]
    Off,
    /// They are made to fit this.
    To(Fit),
}

impl ImageFit {
    /// At most 1,024 pixels wide and high, as JPEG of quality 85 or as PNG.
    #[must_use]
    pub fn auto() -> Self {
        Self::To(Fit::default())
    }
}

/// Makes the images of a message fit; those that do, and those at an address, stay as they are.
///
/// # Errors
///
/// When an image cannot be read, or the program was built without the feature `image`.
pub async fn fit(message: Message, how: &ImageFit) -> Result<Message, AttachError> {
    let ImageFit::To(fit) = *how else { return Ok(message) };
    let is_here = |media: &Media| {
        media.kind == MediaKind::Image && matches!(media.source, MediaSource::Bytes(_))
    };
    if !message.media.iter().any(is_here) {
        return Ok(message);
    }
    blocking(move || {
        let mut message = message;
        for (number, media) in (1..).zip(&mut message.media) {
            if is_here(media) {
                fit_one(media, number, &fit)?;
            }
        }
        Ok(message)
    })
    .await
}

/// Why something cannot be attached.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttachError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}; check the path", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is a folder, a pipe or a device.
    #[error("{} is no regular file; attach a file", path.display())]
    NoFile {
        /// What it is that was named.
        path: PathBuf,
    },
    /// It would fill the memory, and no model takes it.
    #[error("{what} has more than {} MiB; make it smaller, or give its address", MOST >> 20)]
    TooLarge {
        /// What was to be attached.
        what: String,
    },
    /// There is nothing in it.
    #[error("{what} is empty; attach something else")]
    Empty {
        /// What was to be attached.
        what: String,
    },
    /// It is nothing that is known.
    #[error(
        "it is not known what {what} is; give its bytes with their MIME type, or convert it to \
         one of: {}",
        known()
    )]
    Unknown {
        /// What was to be attached.
        what: String,
    },
    /// It is something else.
    #[error("{what} is {found}, which is of the kind `{kind}`; attach it as that")]
    OtherKind {
        /// What was to be attached.
        what: String,
        /// Its format.
        found: &'static str,
        /// What that is.
        kind: MediaKind,
    },
    /// It is no MIME type.
    #[error("`{mime}` is no MIME type; give one such as `image/png`")]
    NoMime {
        /// What was given.
        mime: String,
    },
    /// It is no address that a provider fetches.
    #[error("`{url}` is no address that a provider fetches; begin it with https://")]
    NoAddress {
        /// What was given.
        url: String,
    },
    /// The image cannot be made to fit.
    #[error("{what} cannot be made to fit: {source}")]
    Image {
        /// Which one.
        what: String,
        /// Why.
        source: ImageError,
    },
    /// The program cannot handle images.
    #[error("this program was built without the feature `image`; send images as they are")]
    NoImages,
    /// The thread that did it is gone.
    #[error("the work on {what} broke off; try again")]
    BrokeOff {
        /// What was to be attached.
        what: String,
    },
}

impl AttachError {
    /// What to do about it: something else must be attached.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        Recovery::AskUser
    }
}

async fn file_of(kind: Option<MediaKind>, path: &Path) -> Result<Media, AttachError> {
    let path = path.to_owned();
    blocking(move || {
        let bytes = read(&path)?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let what = path.display().to_string();
        let format = Format::detect(name.as_deref(), &bytes);
        let format = format.ok_or_else(|| AttachError::Unknown { what: what.clone() })?;
        of_kind(kind, format, &what)?;
        let media = Media::bytes(format.kind, format.mime, bytes);
        Ok(Media { name, ..media })
    })
    .await
}

fn read(path: &Path) -> Result<Vec<u8>, AttachError> {
    let unreadable = |source| AttachError::Unreadable { path: path.to_owned(), source };
    // Before it is opened: to open a pipe means to wait for who writes into it.
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    let what = || path.display().to_string();
    if !metadata.is_file() {
        return Err(AttachError::NoFile { path: path.to_owned() });
    }
    if metadata.len() > MOST {
        return Err(AttachError::TooLarge { what: what() });
    }
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    // It may grow meanwhile.
    file.take(MOST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    match bytes.len() as u64 {
        0 => Err(AttachError::Empty { what: what() }),
        size if size > MOST => Err(AttachError::TooLarge { what: what() }),
        _ => Ok(bytes),
    }
}

fn data_of(kind: MediaKind, bytes: Bytes, mime: &str) -> Result<Media, AttachError> {
    let what = || format!("the {kind}");
    if bytes.is_empty() {
        return Err(AttachError::Empty { what: what() });
    }
    if bytes.len() as u64 > MOST {
        return Err(AttachError::TooLarge { what: what() });
    }
    if !mime.split_once('/').is_some_and(|(of, name)| !of.is_empty() && !name.is_empty()) {
        return Err(AttachError::NoMime { mime: mime.to_owned() });
    }
    // A text may begin as an image does; that it is a text is said here.
    let said = Format::of_mime(mime).filter(|said| said.kind == kind && said.is_text());
    let Some(format) = said.or_else(|| Format::of_bytes(&bytes)) else {
        return Ok(Media::bytes(kind, mime, bytes));
    };
    of_kind(Some(kind), format, &what())?;
    let mime = if said.is_some() { mime } else { format.mime };
    Ok(Media::bytes(kind, mime, bytes))
}

fn url_of(kind: MediaKind, url: String) -> Result<Media, AttachError> {
    let path = ["https://", "http://"].iter().find_map(|scheme| url.strip_prefix(scheme));
    let Some(path) = path.filter(|path| !path.is_empty()) else {
        return Err(AttachError::NoAddress { url });
    };
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let path = path.split_once('/').map_or("", |(_, path)| path);
    let format = Format::of_name(path).filter(|format| format.kind == kind);
    let mime = format.map_or_else(|| any(kind).to_owned(), |format| format.mime.to_owned());
    Ok(Media::url(kind, mime, url))
}

/// The MIME type of what is not known but for its kind.
fn any(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Image => "image/*",
        MediaKind::Audio => "audio/*",
        MediaKind::Video => "video/*",
        MediaKind::Document => "application/octet-stream",
    }
}

fn of_kind(wanted: Option<MediaKind>, format: Format, what: &str) -> Result<(), AttachError> {
    match wanted {
        Some(wanted) if wanted != format.kind => {
            let (what, found) = (what.to_owned(), format.name);
            Err(AttachError::OtherKind { what, found, kind: format.kind })
        }
        _ => Ok(()),
    }
}

#[cfg(feature = "image")]
fn fit_one(media: &mut Media, number: usize, fit: &Fit) -> Result<(), AttachError> {
    let MediaSource::Bytes(bytes) = &media.source else { return Ok(()) };
    let resized = crate::media::resize(bytes, fit).map_err(|source| {
        let what = media.name.clone().unwrap_or_else(|| format!("image {number} of the message"));
        AttachError::Image { what, source }
    })?;
    if resized.changed {
        resized.mime.clone_into(&mut media.mime);
        media.source = MediaSource::Bytes(resized.bytes);
    }
    Ok(())
}

#[cfg(not(feature = "image"))]
fn fit_one(_: &mut Media, _: usize, _: &Fit) -> Result<(), AttachError> {
    Err(AttachError::NoImages)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AttachError> + Send + 'static,
) -> Result<T, AttachError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_gone| Err(AttachError::BrokeOff { what: "media".to_owned() }))
}

fn known() -> String {
    Format::all().iter().map(|format| format.name).collect::<Vec<_>>().join(", ")
}

/// The largest file, in bytes: 256 MiB.
const MOST: u64 = 256 << 20;

/// The program in the page on media compiles.
#[cfg(doctest)]
#[doc = include_str!("../../docs/media.md")]
struct Page;

#[cfg(test)]
mod tests;
