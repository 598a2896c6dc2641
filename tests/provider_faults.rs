//! What becomes of each failure of a model's service, over real sockets: the table of
//! `docs/providers.md`. Every vendor's client meets every failure, and hangs up on answers that nobody
//! wants any more.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use banter::net::{Endpoint, Http, HttpClient, Limits};
use banter::providers::retry::{Retries, RetryPolicy};
use banter::providers::{
    Anthropic, Gemini, OpenAi, OpenAiResponses, Provider, ProviderError, ProviderErrorKind,
    ProviderEvent, ProviderRequest, RetryAdvice,
};
use banter::types::{Message, Secret};
use futures_util::StreamExt;
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use ProviderErrorKind::{
    Failed, Network, Overloaded, Protocol, RateLimited, TimedOut, Unauthorized,
};

const DOC: &str = include_str!("../docs/providers.md");

/// A failure, each time that the service is asked, and what becomes of it.
struct Fault {
    name: &'static str,
    of: Way,
    /// What kind of error it is; none if there is an answer all the same.
    kind: Option<ProviderErrorKind>,
    /// Whether whoever may ask once more does.
    again: bool,
}

/// What goes wrong.
#[derive(Clone, Copy)]
enum Way {
    /// Nobody listens there.
    Refused,
    /// There is no such host.
    NoHost,
    /// What listens there speaks no TLS.
    NoTls,
    /// It refuses, with this status and these fields of the head.
    Status(u16, &'static str),
    /// The connection breaks off, before or behind the first words.
    Cut { spoken: bool },
    /// Nothing more comes, before or behind the first words.
    Stall { spoken: bool },
    /// This comes in place of an answer: its type, and its text.
    Instead(&'static str, &'static str),
    /// A line that does not end for 10 MiB.
    LongLine,
    /// An event that nobody knows comes first.
    UnknownEvent,
}

fn faults() -> Vec<Fault> {
    let fault = |name, of, kind, again| Fault { name, of, kind, again };
    let failed = |name, of, kind| fault(name, of, Some(kind), true);
    vec![
        failed("the connection is refused", Way::Refused, Network),
        failed("there is no such host", Way::NoHost, Network),
        failed("TLS fails", Way::NoTls, Network),
        fault("401", Way::Status(401, ""), Some(Unauthorized), false),
        failed("429", Way::Status(429, ""), RateLimited),
        failed("429, `Retry-After: 1`", Way::Status(429, "retry-after: 1\r\n"), RateLimited),
        fault(
            "429, `Retry-After: 60`",
            Way::Status(429, "retry-after: 60\r\n"),
            Some(RateLimited),
            false,
        ),
        failed("500", Way::Status(500, ""), Failed),
        failed("503", Way::Status(503, ""), Overloaded),
        failed("529", Way::Status(529, ""), Overloaded),
        failed("cut before the first words", Way::Cut { spoken: false }, Network),
        fault("cut behind the first words", Way::Cut { spoken: true }, Some(Network), false),
        fault("silent before the first words", Way::Stall { spoken: false }, Some(TimedOut), false),
        fault("silent behind the first words", Way::Stall { spoken: true }, Some(TimedOut), false),
        failed(
            "a web page in place of an answer",
            Way::Instead("text/html", "<html>Sign in to the Wi-Fi</html>"),
            Protocol,
        ),
        failed(
            "an event that is no JSON",
            Way::Instead("text/event-stream", "data: {\"choices\": [\n\n"),
            Protocol,
        ),
        failed("a line of 10 MiB", Way::LongLine, Protocol),
        fault("an event that nobody knows", Way::UnknownEvent, None, false),
    ]
}

#[tokio::test]
async fn each_failure_ends_as_it_is_written_with_every_vendor() {
    let faults = faults();
    let all = faults.iter().flat_map(|fault| VENDORS.map(|vendor| meet(fault, vendor)));
    let wrong: Vec<String> = join_all(all).await.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_table_in_the_docs_is_this_one() {
    let rows = faults().iter().map(row).collect::<String>();
    assert!(DOC.contains(&rows), "docs/providers.md should have\n{rows}");
}

#[tokio::test]
async fn an_answer_that_nobody_wants_any_more_is_hung_up_on_at_once_by_every_client() {
    for vendor in VENDORS {
        for spoken in [false, true] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = format!("http://{}/v1", listener.local_addr().unwrap());
            let (tell, asked) = tokio::sync::oneshot::channel();
            let serving = tokio::spawn(async move {
                let (mut socket, _) = listener.accept().await.unwrap();
                read_request(&mut socket).await.unwrap();
                let begun = answer(Way::Stall { spoken }, vendor);
                socket.write_all(begun.as_bytes()).await.unwrap();
                tell.send(()).unwrap();
                // It says no more, and hears that nobody is there.
                socket.read(&mut [0; 1]).await
            });
            let model = vendor.client(&address, Way::UnknownEvent);
            let messages = vec![Message::user("Hello?")];
            let mut stream = model.stream(ProviderRequest { messages, ..Default::default() });
            if spoken {
                let words = Some(Ok(ProviderEvent::TextDelta("Hello".to_owned())));
                assert_eq!(stream.next().await, words, "{vendor:?}");
            } else {
                tokio::select! {
                    event = stream.next() => panic!("{vendor:?} said nothing, but {event:?}"),
                    begun = asked => begun.unwrap(),
                }
            }

            drop(stream);

            let heard = tokio::time::timeout(LIMIT, serving).await;
            let gone = matches!(heard.unwrap().unwrap(), Ok(0) | Err(_));
            assert!(gone, "{vendor:?}, spoken: {spoken}");
        }
    }
}

fn row(fault: &Fault) -> String {
    let kind = fault.kind.map_or_else(|| "none".to_owned(), |kind| format!("`{kind:?}`"));
    let again = if fault.again { "yes" } else { "no" };
    let heard = match fault.of {
        Way::UnknownEvent => "the answer",
        _ if spoken(fault.of) => "the first words, once",
        _ => "nothing",
    };
    format!("| {} | {kind} | {again} | {heard} |\n", fault.name)
}

fn spoken(way: Way) -> bool {
    matches!(way, Way::Cut { spoken: true } | Way::Stall { spoken: true })
}

/// What is not as it is written.
async fn meet(fault: &Fault, vendor: Vendor) -> Option<String> {
    let service = Service::start(fault.of, vendor).await;
    let model = vendor.client(&service.address(), fault.of);
    let retries =
        Retries::new(RetryPolicy { first: Duration::from_millis(1), ..RetryPolicy::default() });
    let messages = vec![Message::user("Hello?")];
    let request = ProviderRequest { messages, ..ProviderRequest::default() };

    let mut stream = retries.stream(model, request);
    let (mut said, mut error) = (String::new(), None);
    let all = async {
        while let Some(event) = stream.next().await {
            match event {
                Ok(ProviderEvent::TextDelta(text)) => said.push_str(&text),
                Ok(_) => {}
                Err(failure) => error = Some(failure),
            }
        }
    };
    tokio::time::timeout(LIMIT, all).await.unwrap();

    let expected = match fault.of {
        Way::UnknownEvent => "Hello you.",
        way if spoken(way) => "Hello",
        _ => "",
    };
    // Where nobody listens, nobody counts.
    let asked = match fault.of {
        Way::Refused | Way::NoHost => 0,
        _ => 1 + usize::from(fault.again),
    };
    let kind = error.as_ref().map(|error| error.kind);
    let right = said == expected
        && kind == fault.kind
        && service.asked() == asked
        && error.as_ref().is_none_or(|error| is_told(error, fault.of));
    let told = || {
        let (name, asked) = (fault.name, service.asked());
        format!("{name}, {vendor:?}: {error:?}, after {said:?}, asked {asked} times")
    };
    (!right).then(told)
}

/// It has its status, its advice, and no key.
fn is_told(error: &ProviderError, way: Way) -> bool {
    let status = error.status.map(u16::from);
    let (right, advice) = match way {
        Way::Status(expected, head) => {
            let seconds = head.trim_end().rsplit(' ').next().unwrap().parse().ok();
            (status == Some(expected), seconds.map_or(RetryAdvice::None, after))
        }
        _ => (status.is_none(), RetryAdvice::None),
    };
    right && error.advice == advice && !format!("{error} {error:?}").contains(KEY)
}

fn after(seconds: u64) -> RetryAdvice {
    RetryAdvice::After(Duration::from_secs(seconds))
}

#[derive(Clone, Copy, Debug)]
enum Vendor {
    OpenAi,
    Responses,
    Anthropic,
    Gemini,
}

const VENDORS: [Vendor; 4] = [Vendor::OpenAi, Vendor::Responses, Vendor::Anthropic, Vendor::Gemini];

impl Vendor {
    fn client(self, base: &str, way: Way) -> Arc<dyn Provider> {
        let http: Arc<dyn Http> = Arc::new(HttpClient::new().unwrap());
        let endpoint = Endpoint::new(base, Some(Secret::new(KEY))).unwrap();
        // What stalls is given up soon; what works is not.
        let wait = match way {
            Way::Stall { .. } => Duration::from_secs(2),
            _ => LIMIT,
        };
        let limits = Limits { head: wait, piece: wait, ..Limits::default() };
        match self {
            Self::OpenAi => Arc::new(OpenAi::new(http, endpoint, "m").with_limits(limits)),
            Self::Responses => {
                Arc::new(OpenAiResponses::new(http, endpoint, "m").with_limits(limits))
            }
            Self::Anthropic => Arc::new(Anthropic::new(http, endpoint, "m").with_limits(limits)),
            Self::Gemini => Arc::new(Gemini::new(http, endpoint, "m").with_limits(limits)),
        }
    }

    /// The events of the first words.
    fn first_words(self) -> &'static str {
        match self {
            Self::OpenAi => "data: {\"choices\":[{\"delta\":{\"content\":\"Hello\"}}]}\n\n",
            Self::Responses => {
                "event: response.output_text.delta\n\
                data: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"Hello\"}\n\n"
            }
            Self::Anthropic => {
                "event: message_start\n\
                data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":3}}}\n\n\
                event: content_block_start\n\
                data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n\
                event: content_block_delta\n\
                data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hello\"}}\n\n"
            }
            Self::Gemini => {
                "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"Hello\"}]}}]}\n\n"
            }
        }
    }

    /// The events of the rest.
    fn rest(self) -> &'static str {
        match self {
            Self::OpenAi => {
                "data: {\"choices\":[{\"delta\":{\"content\":\" you.\"},\"finish_reason\":\"stop\"}]}\n\n\
                data: [DONE]\n\n"
            }
            Self::Responses => {
                "data: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\" you.\"}\n\n\
                data: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\"}}\n\n"
            }
            Self::Anthropic => {
                "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" you.\"}}\n\n\
                data: {\"type\":\"content_block_stop\",\"index\":0}\n\n\
                data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":2}}\n\n\
                data: {\"type\":\"message_stop\"}\n\n"
            }
            Self::Gemini => {
                "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\" you.\"}]},\"finishReason\":\"STOP\"}]}\n\n"
            }
        }
    }
}

/// A service that goes wrong each time that it is asked. Dropping it ends it.
struct Service {
    way: Way,
    port: u16,
    asked: Arc<AtomicUsize>,
    serving: tokio::task::JoinHandle<()>,
}

impl Service {
    async fn start(way: Way, vendor: Vendor) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let serving = tokio::spawn(async move {
            if matches!(way, Way::Refused) {
                return;
            }
            while let Ok((socket, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(serve(socket, way, vendor));
            }
        });
        Self { way, port, asked, serving }
    }

    fn address(&self) -> String {
        let port = self.port;
        match self.way {
            // RFC 2606: there never is such a host.
            Way::NoHost => "http://nowhere.invalid/v1".to_owned(),
            Way::NoTls => format!("https://127.0.0.1:{port}/v1"),
            _ => format!("http://127.0.0.1:{port}/v1"),
        }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// One exchange. Whoever hangs up early is not missed.
async fn serve(mut socket: TcpStream, way: Way, vendor: Vendor) {
    let Some(()) = read_request(&mut socket).await else { return };
    let _gone = socket.write_all(answer(way, vendor).as_bytes()).await;
    match way {
        Way::LongLine => {
            let piece = vec![b'x'; 1 << 20];
            for _ in 0..10 {
                if socket.write_all(&piece).await.is_err() {
                    return;
                }
            }
        }
        Way::Stall { .. } => pending().await,
        _ => {}
    }
    let _gone = socket.shutdown().await;
}

/// What is written before the way of the failure is taken.
fn answer(way: Way, vendor: Vendor) -> String {
    let events = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n";
    let whole =
        |head: &str, body: &str| format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    match way {
        Way::Refused | Way::NoHost => String::new(),
        Way::NoTls => "HTTP/1.1 400 Bad Request\r\n\r\n".to_owned(),
        Way::Status(status, head) => {
            let head = format!(
                "HTTP/1.1 {status} No\r\ncontent-type: application/json\r\nconnection: close\r\n{head}"
            );
            whole(&head, &format!("{{\"error\":{{\"message\":\"no, {KEY}\"}}}}"))
        }
        // More is promised than comes.
        Way::Cut { spoken } | Way::Stall { spoken } => {
            let words = if spoken { vendor.first_words() } else { "" };
            format!("{events}content-length: 100000\r\n\r\n{words}")
        }
        Way::Instead(kind, text) => {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nconnection: close\r\n");
            whole(&head, text)
        }
        Way::LongLine => format!("{events}\r\ndata: "),
        Way::UnknownEvent => {
            let unknown = "event: weather\ndata: {\"type\":\"weather\",\"object\":\"weather\"}\n\n";
            whole(events, &format!("{unknown}{}{}", vendor.first_words(), vendor.rest()))
        }
    }
}

/// Reads a request to its end; nothing if there is none.
async fn read_request(socket: &mut TcpStream) -> Option<()> {
    let mut read = Vec::new();
    loop {
        let mut piece = [0; 4_096];
        let count = socket.read(&mut piece).await.ok().filter(|count| *count > 0)?;
        read.extend_from_slice(&piece[..count]);
        // What wants TLS begins with a byte of its own.
        if read[0] == 0x16 {
            return Some(());
        }
        let text = String::from_utf8_lossy(&read).to_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            return Some(());
        }
    }
}

const KEY: &str = "sk-of-the-tests";

/// Far more than any of it needs.
const LIMIT: Duration = Duration::from_secs(30);
