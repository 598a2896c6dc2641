//! Server-sent events: the pieces of an answer's body become the data of its events.

use std::pin::Pin;

use eventsource_stream::{EventStream, EventStreamError};
use futures_util::{Stream, StreamExt, stream};

use super::{Incoming, NetError};

/// The data of events as they come; ends with the body or with the first error.
pub type Events = Pin<Box<dyn Stream<Item = Result<String, NetError>> + Send>>;

/// The data of the events in `body`, which comes from `host`. Names, ids, comments and an event
/// that was not finished are left out.
///
/// An event of over 1 MiB, and what is not UTF-8, are errors.
#[must_use]
pub fn events(body: Incoming, host: &str) -> Events {
    let checked = stream::unfold(Some((body, Check::new(host))), |state| async move {
        let (mut body, mut check) = state?;
        let text = match body.next().await {
            Some(Ok(piece)) => check.take(&piece),
            Some(Err(error)) => Err(error),
            None => return Some((check.end().map(|()| String::new()), None)),
        };
        let rest = text.is_ok().then_some((body, check));
        Some((text, rest))
    });
    let host = host.to_owned();
    let data = EventStream::new(Box::pin(checked)).map(move |event| match event {
        Ok(event) => Ok(event.data),
        Err(EventStreamError::Transport(error)) => Err(error),
        Err(error) => Err(nonsense(&host, error.to_string())),
    });
    Box::pin(data)
}

/// What the parser of events leaves to others: it keeps whatever does not end, looks at a line anew
/// with each piece of it, notices bytes that are not UTF-8 at the very end only, and panics at a byte
/// order mark.
struct Check {
    host: String,
    /// The first bytes of a character whose last ones are still to come.
    begun: Vec<u8>,
    /// The same of a line.
    unended: String,
    started: bool,
    last: u8,
    line: usize,
    event: usize,
}

impl Check {
    fn new(host: &str) -> Self {
        let host = host.to_owned();
        let (begun, unended) = (Vec::new(), String::new());
        Self { host, begun, unended, started: false, last: 0, line: 0, event: 0 }
    }

    fn take(&mut self, piece: &[u8]) -> Result<String, NetError> {
        let mut bytes = std::mem::take(&mut self.begun);
        bytes.extend_from_slice(piece);
        if let Err(error) = std::str::from_utf8(&bytes) {
            if error.error_len().is_some() {
                return Err(self.not_utf8());
            }
            self.begun = bytes.split_off(error.valid_up_to());
        }
        let text = String::from_utf8(bytes).map_err(|_| self.not_utf8())?;
        text.bytes().for_each(|byte| self.count(byte));
        if self.event > LONGEST_EVENT {
            return Err(NetError::TooLong { host: self.host.clone(), limit: LONGEST_EVENT });
        }
        if self.started {
            return Ok(self.whole_lines(&text));
        }
        // Until something else has come, the next piece may begin with a mark as well.
        let text = text.trim_start_matches(BYTE_ORDER_MARK);
        self.started = !text.is_empty();
        Ok(self.whole_lines(text))
    }

    /// The lines that end here. No event does in the rest.
    fn whole_lines(&mut self, text: &str) -> String {
        let (whole, rest) = text.split_at(text.rfind(['\r', '\n']).map_or(0, |at| at + 1));
        let mut lines = String::new();
        if !whole.is_empty() {
            lines = std::mem::take(&mut self.unended);
            lines.push_str(whole);
        }
        self.unended.push_str(rest);
        lines
    }

    /// Counts the bytes of an event: it ends with an empty line.
    fn count(&mut self, byte: u8) {
        match (self.last, byte) {
            (b'\r', b'\n') => {}
            (_, b'\r' | b'\n') => {
                if self.line == 0 {
                    self.event = 0;
                }
                self.line = 0;
            }
            _ => {
                self.line += 1;
                self.event += 1;
            }
        }
        self.last = byte;
    }

    fn end(&self) -> Result<(), NetError> {
        if self.begun.is_empty() { Ok(()) } else { Err(self.not_utf8()) }
    }

    fn not_utf8(&self) -> NetError {
        nonsense(&self.host, "it is not UTF-8".to_owned())
    }
}

fn nonsense(host: &str, reason: String) -> NetError {
    NetError::Nonsense { host: host.to_owned(), reason }
}

/// Far above any event of a service, and little beside the memory of a session.
const LONGEST_EVENT: usize = 1 << 20;
/// Some servers begin with it.
const BYTE_ORDER_MARK: char = '\u{feff}';

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::time::SessionClock;

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
                    retry: 10\n\ndata: [DONE]\n\ndata: unfinished";
        let expected = ["{\"é\":\n1}", "🎉", "[DONE]"].map(|data| Ok(data.to_owned()));
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

    /// A server that sends a line in tiny pieces must not keep a core busy.
    #[tokio::test]
    async fn a_line_costs_as_much_as_it_is_long_however_it_comes() {
        let event = format!("data: {}\n\n", "x".repeat(LONGEST_EVENT / 2));
        let pieces = event.as_bytes().chunks(7).map(<[u8]>::to_vec);
        let clock = SessionClock::live();
        let began = clock.now();
        assert_eq!(read(body(pieces)).await[0].as_ref().unwrap().len(), LONGEST_EVENT / 2);
        // Looked at anew with each piece, it would take minutes.
        let took = clock.now().since(began);
        assert!(took < std::time::Duration::from_secs(10), "{took:?}");
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
}
