//! Images made to fit: as large as a model looks at them, and no larger.

use bytes::Bytes;

/// How large an image may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fit {
    /// Its width in pixels: 1,024 by default.
    pub max_width: u32,
    /// Its height in pixels: 1,024 by default.
    pub max_height: u32,
    /// The quality of a JPEG that is written, from 1 to 100: 85 by default.
    pub quality: u8,
    /// Its size in bytes; any by default.
    pub max_bytes: Option<usize>,
}

impl Default for Fit {
    fn default() -> Self {
        Self { max_width: 1024, max_height: 1024, quality: 85, max_bytes: None }
    }
}

/// An image that fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resized {
    /// The file.
    pub bytes: Bytes,
    /// Its MIME type.
    pub mime: &'static str,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
    /// Whether it is another file than before.
    pub changed: bool,
}

/// Why an image was not made to fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// It is in no format that is read.
    #[error("it is no PNG, JPEG, GIF, WebP or BMP; convert it to one")]
    Unknown,
    /// It is damaged.
    #[error("the {format} cannot be read: {reason}; export it again")]
    Broken {
        /// What it begins as.
        format: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// It would take too much memory.
    #[error("it has {width} x {height} pixels, more than the {} million that are read; make it smaller", MOST_PIXELS / 1_000_000)]
    TooManyPixels {
        /// Its width.
        width: u32,
        /// Its height.
        height: u32,
    },
    /// It cannot be made that small.
    #[error("it cannot be made to fit {most} bytes; allow more")]
    TooSmall {
        /// The limit.
        most: usize,
    },
    /// It cannot be written.
    #[error("it cannot be written: {reason}")]
    Unwritten {
        /// What is wrong.
        reason: String,
    },
}

/// A hundred million: what is read takes at most 512 MiB.
const MOST_PIXELS: u64 = 100_000_000;

#[cfg(feature = "image")]
pub use work::{dimensions, resize};

#[cfg(feature = "image")]
mod work {
    use std::io::Cursor;

    use bytes::Bytes;
    use image::codecs::jpeg::JpegEncoder;
    use image::codecs::png::PngEncoder;
    use image::imageops::FilterType;
    use image::metadata::Orientation;
    use image::{DynamicImage, ImageDecoder, ImageReader, Limits};

    use super::{Fit, ImageError, MOST_PIXELS, Resized};
    use crate::media::Format;

    /// Makes an image fit. Its proportions are kept, and it is never enlarged; one that fits is
    /// left as it is, byte by byte.
    ///
    /// What is written is upright, whatever the EXIF data of the original say, and has none: a PNG
    /// if a pixel of it is transparent, else a JPEG. Of a moving image only the first picture is
    /// kept. If that has more than [`Fit::max_bytes`], a JPEG is written worse, down to a quality of
    /// 40, and then the image smaller, down to 32 pixels. The same image has the same result.
    ///
    /// It computes, for some tenths of a second if the image is large.
    ///
    /// # Errors
    ///
    /// When the image cannot be read, has more than 100 million pixels or cannot be made that
    /// small.
    pub fn resize(bytes: &Bytes, fit: &Fit) -> Result<Resized, ImageError> {
        let (mut decoder, format) = decoder(bytes)?;
        let broken = |error: image::ImageError| broken(format, &error);
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let (width, height) = upright(decoder.dimensions(), orientation);
        let small = fit.max_bytes.is_none_or(|most| bytes.len() <= most);
        if small && width <= fit.max_width && height <= fit.max_height {
            let (bytes, mime) = (bytes.clone(), format.mime);
            return Ok(Resized { bytes, mime, width, height, changed: false });
        }
        let mut image = DynamicImage::from_decoder(decoder).map_err(broken)?;
        image.apply_orientation(orientation);
        smallest(image, within(width, height, fit), fit)
    }

    /// The width and height of an image in pixels, as it is to be looked at.
    ///
    /// # Errors
    ///
    /// When it is no image that is read, or damaged at its beginning.
    pub fn dimensions(bytes: &[u8]) -> Result<(u32, u32), ImageError> {
        let (mut decoder, _) = decoder(bytes)?;
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        Ok(upright(decoder.dimensions(), orientation))
    }

    /// Reads what stands before the pixels.
    fn decoder(bytes: &[u8]) -> Result<(impl ImageDecoder, Format), ImageError> {
        let format = Format::of_bytes(bytes).ok_or(ImageError::Unknown)?;
        let known = image::ImageFormat::from_mime_type(format.mime);
        let known = known.filter(image::ImageFormat::reading_enabled).ok_or(ImageError::Unknown)?;
        let mut reader = ImageReader::with_format(Cursor::new(bytes), known);
        let mut limits = Limits::default();
        limits.max_alloc = Some(MOST_MEMORY);
        reader.limits(limits);
        let decoder = reader.into_decoder().map_err(|error| broken(format, &error))?;
        let (width, height) = decoder.dimensions();
        let pixels = u64::from(width) * u64::from(height);
        if pixels > MOST_PIXELS || decoder.total_bytes() > MOST_MEMORY {
            return Err(ImageError::TooManyPixels { width, height });
        }
        if pixels == 0 {
            let (format, reason) = (format.name, "it has no pixels".to_owned());
            return Err(ImageError::Broken { format, reason });
        }
        Ok((decoder, format))
    }

    fn upright((width, height): (u32, u32), orientation: Orientation) -> (u32, u32) {
        match orientation {
            Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH => (height, width),
            _ => (width, height),
        }
    }

    /// Without transparency, if nothing is transparent.
    fn flat(image: DynamicImage) -> DynamicImage {
        if image.color().has_alpha() {
            let image = image.into_rgba8();
            if image.pixels().any(|pixel| pixel.0[3] < u8::MAX) {
                return DynamicImage::ImageRgba8(image);
            }
            return DynamicImage::ImageRgb8(DynamicImage::ImageRgba8(image).into_rgb8());
        }
        DynamicImage::ImageRgb8(image.into_rgb8())
    }

    /// The largest of these proportions that fits.
    fn within(width: u32, height: u32, fit: &Fit) -> (u32, u32) {
        let ratio = |most: u32, is: u32| f64::from(most.max(1)) / f64::from(is);
        let ratio = ratio(fit.max_width, width).min(ratio(fit.max_height, height)).min(1.0);
        scaled((width, height), ratio)
    }

    fn scaled((width, height): (u32, u32), ratio: f64) -> (u32, u32) {
        let one = |is: u32| ((f64::from(is) * ratio).round() as u32).max(1);
        (one(width), one(height))
    }

    /// Written better and larger first, until it has few enough bytes.
    fn smallest(image: DynamicImage, size: (u32, u32), fit: &Fit) -> Result<Resized, ImageError> {
        let most = fit.max_bytes.unwrap_or(usize::MAX);
        let (mut size, mut quality) = (size, fit.quality.clamp(1, 100));
        let mut image = flat(exactly(image, size));
        loop {
            let (bytes, mime) = written(&image, quality)?;
            if bytes.len() <= most {
                let ((width, height), bytes) = (size, bytes.into());
                return Ok(Resized { bytes, mime, width, height, changed: true });
            }
            if mime == JPEG && quality > WORST {
                quality = quality.saturating_sub(15).max(WORST);
                continue;
            }
            if size.0.max(size.1) <= SMALLEST {
                return Err(ImageError::TooSmall { most });
            }
            size = scaled(size, 0.75);
            image = exactly(image, size);
        }
    }

    fn exactly(image: DynamicImage, (width, height): (u32, u32)) -> DynamicImage {
        match (image.width(), image.height()) == (width, height) {
            true => image,
            false => image.resize_exact(width, height, FilterType::Lanczos3),
        }
    }

    fn written(image: &DynamicImage, quality: u8) -> Result<(Vec<u8>, &'static str), ImageError> {
        let mut bytes = Vec::new();
        let (written, mime) = match image.color().has_alpha() {
            true => (image.write_with_encoder(PngEncoder::new(&mut bytes)), PNG),
            false => {
                let encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
                (image.write_with_encoder(encoder), JPEG)
            }
        };
        written.map_err(|error| ImageError::Unwritten { reason: error.to_string() })?;
        Ok((bytes, mime))
    }

    fn broken(format: Format, error: &image::ImageError) -> ImageError {
        ImageError::Broken { format: format.name, reason: error.to_string() }
    }

    const JPEG: &str = "image/jpeg";
    const PNG: &str = "image/png";
    /// Enough for [`MOST_PIXELS`] with four bytes each, and what reading them takes.
    const MOST_MEMORY: u64 = 512 << 20;
    /// Below this quality, a smaller image shows more.
    const WORST: u8 = 40;
    /// In pixels. Less shows nothing.
    const SMALLEST: u32 = 32;
}
