use serde_json::{Value, json};

use super::pdf::three_pages;
use super::wav;
use crate::media::{MediaRefused, Rule, Unchecked, check, with_default_detail};
use crate::pack;
use crate::types::{Detail, Media, MediaKind, MediaRef, MediaSource, Message};

fn rules(rules: Value) -> pack::Media {
    serde_json::from_value(rules).unwrap()
}

fn image(bytes: impl Into<Vec<u8>>) -> Media {
    Media::bytes(MediaKind::Image, "image/png", bytes.into())
}

fn sound(seconds: u32) -> Media {
    Media::bytes(MediaKind::Audio, "audio/wav", wav(seconds))
}

fn shown(media: impl IntoIterator<Item = Media>) -> Message {
    media.into_iter().fold(Message::user("look"), Message::with)
}

/// Why the message is refused.
fn refused(message: &Message, of: Value) -> String {
    check(message, &rules(of)).unwrap_err().to_string()
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const JPEG: &[u8] = b"\xff\xd8\xff\xe0";
const TWO_MIB: usize = 2 << 20;

#[test]
fn what_a_prompt_does_not_limit_is_taken() {
    let message = shown([image(PNG), sound(9)]);
    for of in [
        json!({ "enabled": true }),
        json!({ "enabled": true, "supported_types": ["audio", "image"], "image": {} }),
        json!({ "enabled": true, "image": { "max_size_mb": 1, "max_images_per_msg": 1,
            "allowed_formats": ["png"], "require_caption": true },
            "audio": { "max_duration_sec": 9 } }),
    ] {
        assert_eq!(check(&message, &rules(of.clone())), Ok(vec![]), "{of}");
    }
    // A message without media has nothing to be refused.
    assert_eq!(check(&Message::user("hi"), &rules(json!({ "enabled": false }))), Ok(vec![]));
}

#[test]
fn each_rule_refuses_and_says_what_was_found_what_is_allowed_and_what_to_do() {
    let limit = |kind: &str, limits: Value| json!({ "enabled": true, kind: limits });
    let heavy = image([PNG, &vec![0; TWO_MIB]].concat()).with_name("a.png");
    let disguised = image(JPEG);
    let document =
        Media::bytes(MediaKind::Document, "application/pdf", three_pages()).with_name("a.pdf");
    for (message, of, expected) in [
        (
            shown([image(PNG)]),
            json!({ "enabled": false }),
            "this prompt takes text only; say it in words, or set `media.enabled`",
        ),
        (
            shown([image(PNG)]),
            json!({ "enabled": true, "supported_types": ["audio", "video"] }),
            "takes audio, video only, not images; leave it out, or name `image`",
        ),
        (
            shown([image(PNG), sound(1), image(PNG)]),
            limit("image", json!({ "max_images_per_msg": 1 })),
            "there are 2 images, and this prompt takes 1 in a message; leave some out",
        ),
        (
            shown([sound(1), disguised]),
            limit("image", json!({ "allowed_formats": ["png", "webp"] })),
            "the image (number 2 of the message's media) is jpeg, and this prompt takes png, webp",
        ),
        (
            shown([heavy]),
            limit("image", json!({ "max_size_mb": 2 })),
            "`a.png` has 2.1 MiB, and this prompt takes 2; make it smaller",
        ),
        (
            shown([sound(3)]),
            limit("audio", json!({ "max_duration_sec": 2 })),
            "lasts 3 s, and this prompt takes 2 s; cut it",
        ),
        (
            shown([document]),
            limit("document", json!({ "max_pages": 2 })),
            "`a.pdf` has 3 pages, and this prompt takes 2; leave some out",
        ),
        (
            Message::user(" ").with(image(PNG)),
            limit("image", json!({ "require_caption": true })),
            "has no caption, and this prompt wants one; say something with it",
        ),
        (
            shown([sound(3)]),
            limit("audio", json!({ "require_metadata": true })),
            "has no title, and this prompt wants one; name it",
        ),
    ] {
        let said = refused(&message, of);
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn limits_are_reached_but_not_passed() {
    let mut exact = PNG.to_vec();
    exact.resize(TWO_MIB, 0);
    let of = rules(json!({ "enabled": true, "image": { "max_size_mb": 2 } }));
    assert_eq!(check(&shown([image(exact.clone())]), &of), Ok(vec![]));
    exact.push(0);
    let (what, found) = ("the image (number 1 of the message's media)".to_owned(), 2_097_153);
    let refused = MediaRefused::Size { what, found, most: 2 };
    assert_eq!(check(&shown([image(exact)]), &of), Err(refused));
}

#[test]
fn formats_go_by_their_names_in_files() {
    let of = |formats: &[&str]| {
        rules(json!({ "enabled": true,
        "image": { "allowed_formats": formats }, "audio": { "allowed_formats": formats } }))
    };
    assert!(check(&shown([image(JPEG)]), &of(&["jpg"])).is_ok());
    let opus = Media::bytes(MediaKind::Audio, "audio/opus", vec![0; 9]);
    assert!(check(&shown([opus.clone()]), &of(&["opus"])).is_ok());
    assert!(check(&shown([opus]), &of(&["OGG"])).is_ok());
    let heic = Media::bytes(MediaKind::Image, "image/heic", vec![0; 9]);
    assert!(check(&shown([heic.clone()]), &of(&["heic"])).is_ok());
    assert!(check(&shown([heic]), &of(&["png"])).is_err());
}

#[test]
fn what_cannot_be_known_is_told_and_not_guessed() {
    let all = rules(json!({ "enabled": true,
        "image": { "max_size_mb": 1, "allowed_formats": ["png"] },
        "audio": { "max_duration_sec": 1 },
        "document": { "max_pages": 1, "max_size_mb": 1 } }));
    let far = Media::url(MediaKind::Image, "image/*", "https://there/a").with_name("far");
    let mp3 = Media::bytes(MediaKind::Audio, "audio/mpeg", vec![0; 9]).with_name("a.mp3");
    let pdf = Media::bytes(MediaKind::Document, "application/pdf", &b"%PDF-1.7"[..]);
    let pdf = pdf.with_name("a.pdf");

    let found = check(&shown([far, mp3, pdf]), &all).unwrap();

    let expected = [
        ("`far`", Rule::Format),
        ("`far`", Rule::Size),
        ("`a.mp3`", Rule::Length),
        ("`a.pdf`", Rule::Pages),
    ];
    let expected = expected.map(|(what, rule)| Unchecked { what: what.to_owned(), rule });
    assert_eq!(found, expected);
    assert_eq!(found[2].to_string(), "`a.mp3`: its length is not known and was not checked");

    // The size of what is stored is known, wherever it is.
    let stored = MediaRef { sha256: "0".repeat(64), size: 3 << 20 };
    let stored = Media { source: MediaSource::Stored(stored), ..image(PNG) };
    assert!(matches!(check(&shown([stored]), &all), Err(MediaRefused::Size { .. })));
}

#[test]
fn images_are_looked_at_as_the_prompt_says_unless_they_say_it_themselves() {
    let message = shown([image(PNG), image(PNG).with_detail(Detail::High), sound(1)]);
    let low = rules(json!({ "enabled": true, "image": { "default_detail": "low" } }));
    let details =
        |message: Message| message.media.iter().map(|media| media.detail).collect::<Vec<_>>();
    let expected = [Some(Detail::Low), Some(Detail::High), None];
    assert_eq!(details(with_default_detail(message.clone(), &low)), expected);
    let silent = rules(json!({ "enabled": true }));
    assert_eq!(with_default_detail(message.clone(), &silent), message);
}
