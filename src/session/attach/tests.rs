use std::fs;

use tempfile::TempDir;

use super::*;
use crate::types::Detail;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const PDF: &[u8] = b"%PDF-1.7";

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

#[tokio::test]
async fn files_are_attached_as_what_they_are() {
    let wav = b"RIFF\0\0\0\0WAVE";
    let mp4 = b"\0\0\0\x20ftypisom\0\0\0\0isommp41";
    let files: &[(&str, &[u8])] =
        &[("a.png", PNG), ("b.wav", wav), ("c.mp4", mp4), ("d.pdf", PDF), ("e.md", b"# hi")];
    let folder = folder(files);
    let at = |name: &str| folder.path().join(name);

    let image = image_file(at("a.png")).await.unwrap();
    let expected = Media::bytes(MediaKind::Image, "image/png", PNG).with_name("a.png");
    assert_eq!(image, expected);
    assert_eq!(audio_file(at("b.wav")).await.unwrap().mime, "audio/wav");
    assert_eq!(video_file(at("c.mp4")).await.unwrap().mime, "video/mp4");
    assert_eq!(document_file(at("d.pdf")).await.unwrap().mime, "application/pdf");
    for ((name, _), mime) in
        files.iter().zip(["image/png", "audio/wav", "video/mp4", "application/pdf"])
    {
        assert_eq!(file(at(name)).await.unwrap().mime, mime, "{name}");
    }
    assert_eq!(file(at("e.md")).await.unwrap().mime, "text/markdown");
}

#[tokio::test]
async fn what_cannot_be_attached_says_why_and_what_to_do() {
    let folder = folder(&[("empty.png", b""), ("odd.xyz", b"\0\x01\x02"), ("d.png", PDF)]);
    let at = |name: &str| folder.path().join(name);
    fs::File::create(at("large.png")).unwrap().set_len(MOST + 1).unwrap();
    for (name, expected) in [
        ("missing.png", "missing.png: No such file or directory (os error 2); check the path"),
        ("", " is no regular file; attach a file"),
        ("empty.png", "empty.png is empty; attach something else"),
        ("large.png", "large.png has more than 256 MiB; make it smaller, or give its address"),
        ("d.png", "d.png is pdf, which is of the kind `document`; attach it as that"),
        ("odd.xyz", "odd.xyz is; give its bytes with their MIME type, or convert it to one of:"),
    ] {
        let error = image_file(at(name)).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.recovery(), Recovery::AskUser);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_pipe_that_nobody_writes_into_is_not_waited_for() {
    let folder = folder(&[]);
    let pipe = folder.path().join("pipe.png");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let error = image_file(&pipe).await.unwrap_err();
    assert!(matches!(error, AttachError::NoFile { .. }), "{error}");
}

#[test]
fn bytes_are_known_by_themselves_and_else_by_what_is_said_of_them() {
    assert_eq!(image_data(PNG, "image/jpeg").unwrap().mime, "image/png");
    assert_eq!(image_data(&b"\0\x01"[..], "image/x-odd").unwrap().mime, "image/x-odd");
    let text = document_data(&b"BMW"[..], "text/plain; charset=utf-8").unwrap();
    assert_eq!((text.kind, &*text.mime), (MediaKind::Document, "text/plain; charset=utf-8"));
    assert!(matches!(audio_data(PNG, "audio/wav"), Err(AttachError::OtherKind { .. })));
    assert!(matches!(video_data(&b""[..], "video/mp4"), Err(AttachError::Empty { .. })));
    assert!(matches!(image_data(PNG, "png"), Err(AttachError::NoMime { .. })));
    assert!(matches!(image_data(PNG, "/"), Err(AttachError::NoMime { .. })));
}

#[test]
fn an_address_is_not_looked_at_but_for_its_ending() {
    let photo = image_url("https://there.png/a/photo.JPG?size=3.png#x").unwrap();
    let photo = photo.with_detail(Detail::Low);
    assert_eq!((&*photo.mime, photo.detail), ("image/jpeg", Some(Detail::Low)));
    assert_eq!(image_url("https://there.png").unwrap().mime, "image/*");
    assert_eq!(audio_url("http://there/a.png").unwrap().mime, "audio/*");
    assert_eq!(video_url("http://there/a.webm").unwrap().mime, "video/webm");
    assert_eq!(document_url("http://there/a").unwrap().mime, "application/octet-stream");
    for wrong in ["photo.jpg", "file:///etc/passwd", "https://", ""] {
        let error = image_url(wrong).unwrap_err().to_string();
        assert!(error.contains("begin it with https://"), "{error}");
    }
}

#[cfg(feature = "image")]
mod fitted {
    use std::io::Cursor;

    use image::{ImageFormat, RgbImage};

    use super::super::*;

    fn png(width: u32, height: u32) -> Media {
        let mut file = Cursor::new(Vec::new());
        RgbImage::new(width, height).write_to(&mut file, ImageFormat::Png).unwrap();
        Media::bytes(MediaKind::Image, "image/png", file.into_inner()).with_name("a.png")
    }

    fn message() -> Message {
        let far = image_url("https://there/a.png").unwrap();
        let sound = Media::bytes(MediaKind::Audio, "audio/wav", vec![1]);
        Message::user("Look.").with(png(1500, 30)).with(far).with(sound).with(png(8, 8))
    }

    #[tokio::test]
    async fn images_are_made_to_fit_and_all_else_stays() {
        let before = message();
        let after = fit(before.clone(), &ImageFit::auto()).await.unwrap();
        assert_eq!(crate::media::describe(&after.media[..1]), "1 image (1024 x 20 JPEG)");
        assert_eq!(after.media[0].mime, "image/jpeg");
        assert_eq!((after.text, &after.media[1..]), (before.text, &before.media[1..]));
        assert_eq!(fit(message(), &ImageFit::default()).await.unwrap(), message());
    }

    #[tokio::test]
    async fn an_image_that_cannot_be_read_is_named() {
        let broken = Media::bytes(MediaKind::Image, "image/png", &b"\x89PNG\r\n\x1a\n"[..]);
        let message = Message::user("Look.").with(broken.with_name("b.png"));
        let error = fit(message, &ImageFit::auto()).await.unwrap_err().to_string();
        assert!(
            error.starts_with("b.png cannot be made to fit: the png cannot be read"),
            "{error}"
        );
    }
}
