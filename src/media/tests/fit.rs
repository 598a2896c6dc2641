#![cfg(feature = "image")]

use std::io::Cursor;

use bytes::Bytes;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

use crate::media::{Fit, ImageError, Resized, describe, dimensions, resize};
use crate::types::{Media, MediaKind};

/// Small enough for tests, which are not optimised.
fn small() -> Fit {
    Fit { max_width: 128, max_height: 128, ..Fit::default() }
}

/// Left half red, right half blue, with a little noise, which is hard to pack.
fn picture(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let noise = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)).to_be_bytes()[1] / 8;
        if x < width / 2 { Rgb([224 + noise, noise, noise]) } else { Rgb([noise, noise, 224]) }
    })
}

fn file(image: impl Into<DynamicImage>, format: ImageFormat) -> Bytes {
    let mut file = Cursor::new(Vec::new());
    image.into().write_to(&mut file, format).unwrap();
    file.into_inner().into()
}

fn jpeg(width: u32, height: u32) -> Bytes {
    file(picture(width, height), ImageFormat::Jpeg)
}

/// The same JPEG, to be turned as EXIF says.
fn turned(jpeg: &[u8], orientation: u8) -> Bytes {
    let exif = [
        b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0",
        &[orientation][..],
        b"\0\0\0\0\0\0",
    ]
    .concat();
    let length = (exif.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], b"\xff\xe1", &length, &exif, &jpeg[2..]].concat().into()
}

fn read(resized: &Resized) -> RgbaImage {
    let image = image::load_from_memory(&resized.bytes).unwrap().into_rgba8();
    assert_eq!(image.dimensions(), (resized.width, resized.height));
    image
}

fn size(resized: &Resized) -> (u32, u32) {
    (resized.width, resized.height)
}

#[test]
fn a_large_image_is_made_to_fit_with_its_proportions() {
    for ((width, height), expected) in [
        ((256, 128), (128, 64)),
        ((150, 300), (64, 128)),
        ((129, 129), (128, 128)),
        ((300, 1), (128, 1)),
    ] {
        let resized = resize(&jpeg(width, height), &small()).unwrap();
        assert_eq!((size(&resized), resized.mime), (expected, "image/jpeg"));
        assert!(resized.changed);
        read(&resized);
    }
    let image = read(&resize(&jpeg(1100, 550), &Fit::default()).unwrap());
    assert_eq!(image.dimensions(), (1024, 512));
    let (left, right) = (image.get_pixel(100, 256).0, image.get_pixel(900, 256).0);
    assert!(left[0] > 200 && left[2] < 60 && right[2] > 200 && right[0] < 60);
}

#[test]
fn a_small_image_is_left_as_it_is() {
    for (format, mime) in [
        (ImageFormat::Png, "image/png"),
        (ImageFormat::Jpeg, "image/jpeg"),
        (ImageFormat::WebP, "image/webp"),
        (ImageFormat::Gif, "image/gif"),
        (ImageFormat::Bmp, "image/bmp"),
    ] {
        let small = file(picture(64, 32), format);
        let resized = resize(&small, &Fit::default()).unwrap();
        assert_eq!((&resized.bytes, resized.mime, resized.changed), (&small, mime, false));
        assert_eq!(size(&resized), (64, 32));
    }
    let exact = jpeg(128, 128);
    assert_eq!(resize(&exact, &small()).unwrap().bytes, exact);
}

#[test]
fn every_format_is_read() {
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif, ImageFormat::Bmp] {
        let large = file(picture(200, 100), format);
        let resized = resize(&large, &small()).unwrap();
        assert_eq!((size(&resized), resized.mime), ((128, 64), "image/jpeg"));
    }
}

#[test]
fn the_same_image_has_the_same_result() {
    let large = jpeg(200, 150);
    let fit = Fit { max_bytes: Some(2_000), ..small() };
    assert_eq!(resize(&large, &fit), resize(&large, &fit));
}

#[test]
fn a_photograph_is_upright_as_its_exif_data_say() {
    let fit = Fit { max_width: 100, max_height: 100, ..Fit::default() };
    // Red lies on the left; turned by 90 degrees clockwise, above.
    let upright = resize(&turned(&jpeg(400, 200), 6), &fit).unwrap();
    assert_eq!(size(&upright), (50, 100));
    let image = read(&upright);
    assert!(image.get_pixel(25, 10).0[0] > 200 && image.get_pixel(25, 90).0[2] > 200);

    let over = read(&resize(&turned(&jpeg(400, 200), 3), &fit).unwrap());
    assert!(over.get_pixel(10, 25).0[2] > 200 && over.get_pixel(90, 25).0[0] > 200);

    // It is measured upright as well: this one fits as it is.
    let tall = Fit { max_width: 200, max_height: 400, ..Fit::default() };
    let photo = turned(&jpeg(400, 200), 6);
    let left = resize(&photo, &tall).unwrap();
    assert_eq!((size(&left), left.bytes), ((200, 400), photo));
}

#[test]
fn transparency_is_kept_and_its_mere_possibility_is_not() {
    let clear = RgbaImage::from_pixel(150, 150, Rgba([9, 9, 9, 0]));
    let kept = resize(&file(clear, ImageFormat::Png), &small()).unwrap();
    assert_eq!((kept.mime, read(&kept).get_pixel(5, 5).0[3]), ("image/png", 0));

    let opaque = RgbaImage::from_pixel(150, 150, Rgba([9, 9, 9, 255]));
    let written = resize(&file(opaque, ImageFormat::Png), &small()).unwrap();
    assert_eq!(written.mime, "image/jpeg");
}

#[test]
fn an_image_is_written_worse_and_then_smaller_until_it_has_few_enough_bytes() {
    let large = jpeg(200, 200);
    let free = resize(&large, &small()).unwrap();
    let most = free.bytes.len() * 2 / 3;
    let worse = resize(&large, &Fit { max_bytes: Some(most), ..small() }).unwrap();
    assert!(worse.bytes.len() <= most && size(&worse) == (128, 128), "{:?}", size(&worse));
    let smaller = resize(&large, &Fit { max_bytes: Some(1_200), ..small() }).unwrap();
    assert!(smaller.bytes.len() <= 1_200 && smaller.width < 128, "{:?}", size(&smaller));
    read(&smaller);
    // Also one that is small enough in pixels, and one that is no JPEG.
    let heavy = file(picture(120, 120), ImageFormat::Bmp);
    let light = resize(&heavy, &Fit { max_bytes: Some(20_000), ..small() }).unwrap();
    assert!(light.bytes.len() <= 20_000 && size(&light) == (120, 120), "{:?}", size(&light));

    let error = resize(&large, &Fit { max_bytes: Some(10), ..small() }).unwrap_err();
    assert_eq!(error, ImageError::TooSmall { most: 10 });
}

#[test]
fn an_image_that_would_fill_the_memory_is_not_read() {
    let gif = Bytes::from_static(
        b"GIF89a\xff\xff\xff\xff\x80\0\0\0\0\0\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\x02\x01\0\0;",
    );
    let (width, height) = (65_535, 65_535);
    let refused = resize(&gif, &Fit::default()).unwrap_err();
    assert_eq!(refused, ImageError::TooManyPixels { width, height });
    assert!(refused.to_string().contains("65535 x 65535 pixels, more than the 100 million"));

    // 30,000 x 30,000 pixels, of which there is nothing.
    let mut bmp = b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    bmp.extend(30_000_u32.to_le_bytes().repeat(2));
    bmp.extend([1, 0, 24, 0]);
    bmp.extend([0; 24]);
    let refused = resize(&bmp.into(), &Fit::default()).unwrap_err();
    assert!(matches!(refused, ImageError::TooManyPixels { width: 30_000, .. }), "{refused:?}");
}

#[test]
fn what_is_no_image_or_damaged_is_told() {
    let error = |bytes: &[u8]| {
        resize(&Bytes::copy_from_slice(bytes), &Fit::default()).unwrap_err().to_string()
    };
    assert!(error(b"").contains("no PNG, JPEG, GIF, WebP or BMP"), "{}", error(b""));
    assert!(error(b"%PDF-1.7").contains("no PNG"), "{}", error(b"%PDF-1.7"));
    let png = file(picture(1100, 4), ImageFormat::Png);
    for length in [10, 40, png.len() / 2] {
        let error = error(&png[..length]);
        assert!(error.starts_with("the png cannot be read: "), "{length}: {error}");
    }
    assert!(error(b"\xff\xd8\xff\xe0 no more").starts_with("the jpeg cannot be read"));
}

#[test]
fn images_are_measured_without_reading_their_pixels() {
    let png = file(picture(640, 480), ImageFormat::Png);
    assert_eq!(dimensions(&png[..60]).unwrap(), (640, 480));
    let image = Media::bytes(MediaKind::Image, "image/png", png);
    assert_eq!(describe(&[image]), "1 image (640 x 480 PNG)");
}
