//! Whatever comes, however it is cut.

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use proptest::prelude::*;

use super::*;

fn body<P: Into<Bytes>>(pieces: impl IntoIterator<Item = P>) -> Incoming {
    let pieces: Vec<_> = pieces.into_iter().map(|piece| Ok(piece.into())).collect();
    Box::pin(stream::iter(pieces))
}

async fn read(body: Incoming) -> Vec<Result<String, NetError>> {
    events(body, "there").collect().await
}

#[tokio::test]
async fn an_exchange_reads_the_same_wherever_it_is_split() {
    let text = "\u{feff}: hello\r\n\r\nevent: a\ndata: {\"é\":\ndata:1}\n\nid: 7\r\ndata: 🎉\r\n\r\n\
                retry: 10\n\ndata: [DONE]\n\ndata: without an end";
    let expected = ["{\"é\":\n1}", "🎉", "[DONE]", "without an end"];
    let expected = expected.map(|data| Ok(data.to_owned()));
    for at in 0..=text.len() {
        let (head, tail) = text.as_bytes().split_at(at);
        let parts = [head, tail].map(<[u8]>::to_vec);
        assert_eq!(read(body(parts)).await, expected, "split at {at}");
    }
    let single = text.bytes().map(|byte| vec![byte]);
    assert_eq!(read(body(single)).await, expected);
}

#[tokio::test]
async fn byte_order_marks_are_left_out_however_many_and_wherever_split() {
    for marks in 0..=3 {
        let text = "\u{feff}".repeat(marks) + "data: a\n\ndata: \u{feff}b\n\n";
        let expected = ["a", "\u{feff}b"].map(|data| Ok(data.to_owned()));
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let bytes = text.as_bytes();
                let parts = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                let read = read(body(parts.map(<[u8]>::to_vec))).await;
                assert_eq!(read, expected, "{marks} marks, split at {first} and {second}");
            }
        }
        let single = text.bytes().map(|byte| vec![byte]);
        assert_eq!(read(body(single)).await, expected, "{marks} marks, byte by byte");
    }
}

#[tokio::test]
async fn what_is_not_utf_8_is_an_error_and_the_end() {
    for pieces in [
        vec![&b"data: a\n\n"[..], b"data: \xff\n\n", b"data: b\n\n"],
        vec![b"data: a\n\ndata: \xf0\x9f"],
    ] {
        let read = read(body(pieces)).await;
        assert_eq!(read.len(), 2, "{read:?}");
        assert_eq!(read[0], Ok("a".to_owned()));
        let error = read[1].clone().unwrap_err();
        assert!(matches!(error, NetError::Nonsense { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn an_event_without_an_end_is_given_up() {
    for line in ["data: more\n", "more", "data: more\r\n"] {
        let piece = Bytes::from(line.repeat((100 << 10) / line.len()));
        let endless = stream::iter(std::iter::repeat_n(Ok(piece), 1_000));
        let read = read(Box::pin(endless)).await;
        let limit = LONGEST_EVENT;
        assert_eq!(read, [Err(NetError::TooLong { host: "there".to_owned(), limit })]);
    }
}

#[tokio::test]
async fn many_events_may_be_longer_than_one() {
    let event = format!("data: {}\n\n", "x".repeat(LONGEST_EVENT / 2));
    assert_eq!(read(body(vec![event; 4])).await.len(), 4);
}

#[tokio::test]
async fn a_broken_connection_shows_after_what_came_before() {
    let broken = NetError::BrokeOff { host: "there".to_owned(), reason: "gone".to_owned() };
    let pieces = [Ok(Bytes::from("data: a\n\n")), Err(broken.clone())];
    let read = read(Box::pin(stream::iter(pieces))).await;
    assert_eq!(read, [Ok("a".to_owned()), Err(broken)]);
}

#[tokio::test]
async fn an_event_is_given_with_the_line_that_ends_it_whatever_ends_lines() {
    for end in ["\n", "\r", "\r\n"] {
        let pieces = [Ok(Bytes::from(format!("data: a{end}{end}")))];
        let mut events = events(Box::pin(stream::iter(pieces).chain(stream::pending())), "there");
        assert_eq!(events.next().await, Some(Ok("a".to_owned())), "{end:?}");
    }
}

#[tokio::test]
async fn an_event_may_be_as_long_as_the_limit_and_not_a_byte_longer() {
    for (length, fits) in [(LONGEST_EVENT - 6, true), (LONGEST_EVENT - 5, false)] {
        let text = format!("data: a\n\ndata: {}\n\ndata: b\n\n", "x".repeat(length));
        for piece in [text.len(), 1 << 16, 1_000] {
            let read = read(body(text.as_bytes().chunks(piece).map(<[u8]>::to_vec))).await;
            assert_eq!(read.len(), if fits { 3 } else { 2 }, "in pieces of {piece}");
            assert_eq!(read[0], Ok("a".to_owned()));
            assert_eq!(read.iter().all(Result::is_ok), fits);
        }
    }
}

/// A line, and what it is to the event: nothing, or a piece of its data.
fn any_line() -> impl Strategy<Value = (String, Option<String>)> {
    let text = "[^\r\n]{0,12}";
    prop_oneof![
        3 => text.prop_map(|text| (format!("data: {text}"), Some(text))),
        1 => "[^\r\n ][^\r\n]{0,9}".prop_map(|text| (format!("data:{text}"), Some(text))),
        1 => Just(("data".to_owned(), Some(String::new()))),
        1 => text.prop_map(|text| (format!(":{text}"), None)),
        1 => ("(event|id|retry|datum|Data| data)", text)
            .prop_map(|(name, text)| (format!("{name}: {text}"), None)),
        1 => "[^\r\n:]{1,9}".prop_filter_map("a field", |junk| {
            (junk != "data" && !junk.starts_with('\u{feff}')).then_some((junk, None))
        }),
    ]
}

fn any_end() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("\n"), Just("\r"), Just("\r\n")]
}

/// Cuts at these places, wherever they are.
fn cut(bytes: &[u8], places: &[prop::sample::Index]) -> Vec<Vec<u8>> {
    let mut cuts: Vec<_> = places.iter().map(|place| place.index(bytes.len() + 1)).collect();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|cut| bytes[cut[0]..cut[1]].to_vec()).collect()
}

fn places() -> impl Strategy<Value = Vec<prop::sample::Index>> {
    prop::collection::vec(any::<prop::sample::Index>(), 0..12)
}

fn now<T>(future: impl Future<Output = T>) -> T {
    futures_util::FutureExt::now_or_never(future).expect("nothing is waited for")
}

proptest! {
    #[test]
    fn whatever_events_are_written_they_are_read_however_they_are_cut(
        events in prop::collection::vec(
            (prop::collection::vec((any_line(), any_end()), 0..5), any_end()), 0..6,
        ),
        has_end in any::<bool>(),
        places in places(),
    ) {
        let (mut text, mut expected) = (String::new(), Vec::new());
        for (lines, end) in &events {
            let mut data: Vec<&str> = Vec::new();
            for ((line, piece), end) in lines {
                text += line;
                text += end;
                data.extend(piece.as_deref());
            }
            // A CR and a LF would be one end.
            if text.ends_with('\r') && *end == "\n" {
                text.push('\n');
            }
            text += end;
            if !data.is_empty() {
                expected.push(Ok(data.join("\n")));
            }
        }
        if !has_end {
            let length = text.trim_end_matches(['\r', '\n']).len();
            text.truncate(length);
        }
        prop_assert_eq!(now(read(body(cut(text.as_bytes(), &places)))), expected, "{:?}", text);
    }

    #[test]
    fn whatever_bytes_come_they_are_read_alike_however_they_are_cut(
        bytes in prop::collection::vec(
            prop_oneof![
                4 => Just(b'\n'), 2 => Just(b'\r'), 2 => Just(b':'), 2 => Just(b' '),
                1 => Just(0xef), 1 => Just(0xbb), 1 => Just(0xbf), 3 => any::<u8>(),
                8 => prop::sample::select(b"data".to_vec()),
            ],
            0..200,
        ),
        places in places(),
    ) {
        let whole = now(read(body([bytes.clone()])));
        prop_assert_eq!(&now(read(body(cut(&bytes, &places)))), &whole);
        let single = bytes.iter().map(|byte| vec![*byte]);
        prop_assert_eq!(&now(read(body(single))), &whole);
        // An error is the end.
        let errors = whole.iter().filter(|event| event.is_err()).count();
        prop_assert!(errors == 0 || (errors == 1 && whole.last().is_some_and(Result::is_err)));
    }

    /// What it keeps of endless lines that belong to no event.
    #[test]
    fn it_keeps_no_more_than_an_event(
        lines in prop::collection::vec("(:|id: |event: |x)[a-z]{0,300}", 1..30),
        pieces in 1usize..2_000,
    ) {
        let mut parser = Parser::default();
        let mut events: VecDeque<Result<String, NetError>> = VecDeque::new();
        let text = lines.join("\n").repeat(3);
        for piece in text.as_bytes().chunks(pieces) {
            prop_assert_eq!(parser.read(piece, &mut events), Ok(()));
            prop_assert!(parser.held() <= 1_000);
        }
        prop_assert!(events.is_empty());
    }
}
