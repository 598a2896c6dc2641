use crate::media::Format;
use crate::types::MediaKind;

/// The beginnings of files, as the formats' specifications have them.
fn beginnings() -> Vec<(&'static str, Vec<u8>)> {
    let boxed = |brand: &[u8]| [b"\0\0\0\x20ftyp", brand, b"\0\0\0\0isommp41"].concat();
    let ebml = |doctype: &[u8]| {
        let mut file = [b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82", doctype].concat();
        file.resize(300, 0);
        file
    };
    let zipped = |part: &[u8]| {
        let mut file = b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec();
        file.extend([part.len() as u8, 0, 0, 0]);
        file.extend(part);
        file
    };
    let ogg = |codec: &[u8]| [b"OggS\0\x02", &[0; 22][..], codec, &[1; 20]].concat();
    vec![
        ("png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec()),
        ("jpeg", b"\xff\xd8\xff\xe0\0\x10JFIF".to_vec()),
        ("gif", b"GIF89a\x01\0\x01\0".to_vec()),
        ("webp", b"RIFF\x24\0\0\0WEBPVP8 ".to_vec()),
        ("bmp", b"BM\x46\0\0\0\0\0\0\0".to_vec()),
        ("wav", super::wav(1)),
        ("mp3", b"ID3\x04\0\0\0\0\0\0".to_vec()),
        ("mp3", b"\xff\xfb\x90\x64".to_vec()),
        ("ogg", ogg(b"\x01vorbis")),
        ("opus", ogg(b"OpusHead")),
        ("flac", b"fLaC\0\0\0\x22".to_vec()),
        ("m4a", boxed(b"M4A ")),
        ("mp4", boxed(b"isom")),
        ("webm", ebml(b"\x84webm")),
        ("mkv", ebml(b"\x88matroska")),
        ("mov", boxed(b"qt  ")),
        ("avi", b"RIFF\x24\0\0\0AVI LIST".to_vec()),
        ("pdf", b"%PDF-1.7\n".to_vec()),
        ("html", b"<!DOCTYPE html><html>".to_vec()),
        ("docx", zipped(b"word/document.xml")),
    ]
}

#[test]
fn files_are_known_by_their_first_bytes_whatever_they_are_called() {
    for (name, bytes) in beginnings() {
        for called in [None, Some("photo.png"), Some("noname"), Some("film.mp4")] {
            let found = Format::detect(called, &bytes).map(|format| format.name);
            assert_eq!(found, Some(name), "called {called:?}");
        }
    }
}

#[test]
fn texts_are_known_by_their_names() {
    for (name, expected) in [
        ("notes.txt", "txt"),
        ("/home/me/README.MD", "md"),
        ("page.htm", "html"),
        ("a.b.csv", "csv"),
        ("data.json", "json"),
    ] {
        // `BM` begins an image, too.
        let found = Format::detect(Some(name), "BMW, Grüezi".as_bytes()).unwrap();
        assert_eq!((found.name, found.kind), (expected, MediaKind::Document), "{name}");
    }
    let long = "é".repeat(5_000);
    assert_eq!(Format::detect(Some("a.txt"), long.as_bytes()).unwrap().name, "txt");
    assert_eq!(Format::detect(Some("a.txt"), b"\x89PNG\r\n\x1a\n").unwrap().name, "png");
    assert_eq!(Format::detect(None, b"hello"), None);
    assert_eq!(Format::detect(Some("hello"), b"hello"), None);
}

#[test]
fn a_name_is_believed_only_where_bytes_could_say_nothing() {
    // Sound and films may begin in more ways than are known; images may not.
    assert_eq!(Format::detect(Some("a.mp3"), b"\xff\xe3\x18\xc4").unwrap().name, "mp3");
    let parts = b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x04\0\0\0a.bc";
    assert_eq!(Format::detect(Some("a.docx"), parts).unwrap().name, "docx");
    assert_eq!(Format::detect(Some("a.pdf"), parts), None);
    assert_eq!(Format::detect(Some("a.png"), b"hello"), None);
    assert_eq!(Format::detect(Some("a.mp4"), b"MZ\x90\0\x03\0"), None);
}

#[test]
fn each_format_is_found_by_its_names_and_mime_types() {
    for format in Format::all() {
        assert_eq!(Format::of_name(&format!("x.{}", format.name)), Some(*format));
        assert_eq!(Format::of_mime(format.mime), Some(*format));
        assert!(format.is_called(format.name), "{format:?}");
    }
    assert_eq!(Format::of_name("x.JPG").unwrap().name, "jpeg");
    assert_eq!(Format::of_mime("Audio/X-WAV").unwrap().name, "wav");
    assert_eq!(Format::of_mime("text/plain; charset=utf-8").unwrap().name, "txt");
    assert_eq!(Format::of_name("x.ogg").unwrap().name, "ogg");
    assert!(Format::of_mime("audio/opus").unwrap().is_called("ogg"));
    assert_eq!(Format::of_name("x.exe"), None);
    assert_eq!(Format::of_name("png"), None);
    assert_eq!(Format::of_mime("image/x-made-up"), None);
}
