mod folder;
mod with_media;

use std::sync::Arc;

use tokio::time::advance;

use super::*;
use crate::state::{Mode, TurnRecord};
use crate::time::UtcTime;
use crate::types::{Media, MediaKind};

fn picture(bytes: usize) -> Media {
    Media::bytes(MediaKind::Image, "image/png", vec![7; bytes]).with_name("dot.png")
}

fn turn(media: Vec<Media>) -> Entry {
    let message = Message { media, ..Message::user("look") };
    Entry::Turn(TurnRecord::new(UtcTime::from_millis(0), Mode::Text, vec![message]))
}

fn amended(media: Vec<Media>) -> Entry {
    let Entry::Turn(record) = turn(media) else { panic!("it is a turn") };
    Entry::Amended { turn: 0, record }
}

#[test]
fn media_are_called_by_their_hash() {
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(name_of(b""), MediaRef { sha256: empty.to_owned(), size: 0 });
    assert_eq!(name_of(b"abc").sha256[..8], *"ba7816bf");
}

#[tokio::test]
async fn large_media_are_kept_once_and_come_back() {
    let store = MemoryMedia::default();
    let url = Media::url(MediaKind::Image, "image/png", "https://example.com/dot.png");
    for entry in [turn, amended] {
        let whole = entry(vec![picture(10), url.clone(), picture(LARGE), picture(LARGE)]);
        let light = externalize(whole.clone(), &store, LARGE).await.unwrap();
        // What is small, or elsewhere already, stays as it is.
        let stored = Media { source: MediaSource::Stored(name_of(&[7; LARGE])), ..picture(0) };
        assert_eq!(light, entry(vec![picture(10), url.clone(), stored.clone(), stored]));
        assert_eq!(named(&light).count(), 2);
        assert_eq!(internalize(light, &store).await.unwrap(), whole);
    }
    assert_eq!(store.count(), 1);
    let other = Entry::Cleared { at: UtcTime::from_millis(0) };
    assert_eq!(externalize(other.clone(), &store, 0).await.unwrap(), other);
}

#[tokio::test]
async fn media_that_are_not_there_are_told() {
    let store = MemoryMedia::default();
    let name = name_of(b"gone");
    let lost = store.get(&name).await.unwrap_err();
    assert_eq!(
        lost,
        StateError::Lost { name: name.sha256.clone(), place: "media in memory".into() }
    );
    let missing = Media { source: MediaSource::Stored(name), ..picture(0) };
    assert_eq!(internalize(turn(vec![missing]), &store).await, Err(lost));
}

#[tokio::test(start_paused = true)]
async fn memory_keeps_what_was_put_last() {
    let store = MemoryMedia::default();
    let put = async |byte: u8| {
        advance(Duration::from_secs(1)).await;
        store.put(Bytes::from(vec![byte; 100 << 20])).await.unwrap()
    };
    let (one, two) = (put(1).await, put(2).await);
    put(1).await;
    let three = put(3).await;
    assert!(store.get(&one).await.is_ok() && store.get(&three).await.is_ok());
    assert!(store.get(&two).await.is_err());
    assert_eq!(store.older(Duration::ZERO).await.unwrap(), std::slice::from_ref(&one));
    assert!(store.delete(&one).await.unwrap() && !store.delete(&one).await.unwrap());
}
