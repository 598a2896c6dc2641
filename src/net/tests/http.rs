use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use http::{Request, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::join;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::{Peer, Server, soon};
use crate::error::Recovery;
use crate::net::client::{builder, kept_alive, proxies};
use crate::net::{Body, Endpoint, Http, HttpClient, Incoming, Limits, NetError};
use crate::types::Secret;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const KEY: &str = "sk-very-secret";
/// Kinds of frames of HTTP/2.
const HEADERS: u8 = 1;
const PING: u8 = 6;

/// Reads no variable: these tests are the same behind a proxy.
fn client() -> HttpClient {
    HttpClient::behind(Vec::new()).unwrap()
}

fn endpoint(server: &Server) -> Endpoint {
    Endpoint::new(&format!("http://{}/v1", server.host()), Some(Secret::new(KEY))).unwrap()
}

async fn ask(client: &HttpClient, there: &Endpoint) -> Result<Incoming, NetError> {
    send(client, there, Body::Whole("question".into()), Limits::default()).await
}

async fn send(
    client: &HttpClient,
    there: &Endpoint,
    body: Body,
    limits: Limits,
) -> Result<Incoming, NetError> {
    let request = there.post("ask").body(body).unwrap();
    Ok(soon(there.send(client, request, limits)).await?.into_body())
}

async fn all(mut answer: Incoming) -> Result<String, NetError> {
    let mut text = String::new();
    while let Some(piece) = soon(answer.next()).await {
        text += std::str::from_utf8(&piece?).unwrap();
    }
    Ok(text)
}

/// The refusal that `said` becomes.
async fn refusal(said: &[&str]) -> NetError {
    let (client, server) = (client(), Server::new().await);
    let served = async {
        let mut peer = server.accept().await;
        peer.read_to("question").await;
        for piece in said {
            peer.say(piece).await;
        }
    };
    let there = endpoint(&server);
    let ((), answer) = join!(served, ask(&client, &there));
    answer.err().expect("a refusal")
}

#[tokio::test]
async fn a_second_request_comes_on_the_connection_of_the_first() {
    let (client, server) = (client(), Server::new().await);
    let there = endpoint(&server);
    let served = async {
        let mut peer = server.accept().await;
        for _ in 0..2 {
            let head = peer.read_to("question").await;
            assert!(head.starts_with("POST /v1/ask HTTP/1.1\r\n"), "{head}");
            assert!(head.contains(&format!("authorization: Bearer {KEY}\r\n")), "{head}");
            peer.say(OK).await;
        }
    };
    let asked = async {
        for _ in 0..2 {
            assert_eq!(all(ask(&client, &there).await.unwrap()).await.unwrap(), "ok");
        }
    };
    join!(served, asked);
}

#[tokio::test]
async fn the_first_request_finds_a_warmed_connection_ready() {
    let (client, server) = (client(), Server::new().await);
    let there = endpoint(&server);
    let served = async {
        let mut peer = server.accept().await;
        assert!(peer.read_head().await.starts_with("HEAD /v1 HTTP/1.1\r\n"));
        // As OpenAI's does; it is no answer to anything.
        peer.say("HTTP/1.1 404 Not Found\r\ncontent-length: 20\r\n\r\n").await;
        assert!(peer.read_to("question").await.starts_with("POST /v1/ask HTTP/1.1\r\n"));
        peer.say(OK).await;
    };
    let asked = async {
        there.warm(&client).await;
        assert_eq!(all(ask(&client, &there).await.unwrap()).await.unwrap(), "ok");
    };
    join!(served, asked);
}

/// Speaks HTTP/2 by hand: answers each request, and no question whether it lives. Returns whether
/// there was one when the client closes the connection.
async fn answers_but_does_not_live(mut socket: TcpStream) -> bool {
    let (settings, acknowledged) = ([0, 0, 0, 4, 0, 0, 0, 0, 0], [0, 0, 0, 4, 1, 0, 0, 0, 0]);
    socket.write_all(&[settings, acknowledged].concat()).await.unwrap();
    let mut preface = [0; 24];
    socket.read_exact(&mut preface).await.unwrap();
    assert_eq!(&preface, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    let (mut head, mut was_asked) = ([0; 9], false);
    while socket.read_exact(&mut head).await.is_ok() {
        let mut rest = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
        socket.read_exact(&mut rest).await.unwrap();
        match head[3] {
            HEADERS => {
                // All of the answer: its status is 200.
                let answer = [&[0, 0, 1, HEADERS, 5], &head[5..], &[0x88]].concat();
                socket.write_all(&answer).await.unwrap();
            }
            PING => was_asked = true,
            _ => {}
        }
    }
    was_asked
}

#[tokio::test]
async fn a_kept_connection_that_died_is_found_out_without_a_request() {
    let (server, short) = (Server::new().await, Duration::from_millis(50));
    let fast = builder(Vec::new()).http2_prior_knowledge();
    let client = HttpClient::built(kept_alive(fast, short, short)).unwrap();
    let there = endpoint(&server);
    let served = async { soon(answers_but_does_not_live(server.accept().await.socket)).await };
    let asked = async { assert_eq!(all(ask(&client, &there).await.unwrap()).await.unwrap(), "") };
    let (was_asked, ()) = join!(served, asked);
    assert!(was_asked);
}

#[tokio::test]
async fn a_request_is_heard_before_it_has_ended() {
    let (client, server) = (client(), Server::new().await);
    let there = endpoint(&server);
    let (pieces, body) = mpsc::channel(1);
    let body = stream::unfold(body, |mut body: mpsc::Receiver<Bytes>| async {
        Some((body.recv().await?, body))
    });
    let served = async {
        let mut peer = server.accept().await;
        pieces.send("first".into()).await.unwrap();
        let head = peer.read_to("first\r\n").await;
        assert!(head.contains("transfer-encoding: chunked\r\n"), "{head}");
        pieces.send("last".into()).await.unwrap();
        peer.read_to("last\r\n").await;
        drop(pieces);
        peer.read_to("0\r\n\r\n").await;
        peer.say(OK).await;
    };
    let sent = send(&client, &there, Body::Stream(Box::pin(body)), Limits::default());
    let ((), answer) = join!(served, sent);
    assert_eq!(all(answer.unwrap()).await.unwrap(), "ok");
}

/// A server that has begun to answer, and what came of it so far.
async fn begun() -> (Peer, Incoming) {
    let (client, server) = (client(), Server::new().await);
    let there = endpoint(&server);
    let served = async {
        let mut peer = server.accept().await;
        peer.read_to("question").await;
        peer.say("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nfirst").await;
        peer
    };
    let limits = Limits { piece: Duration::from_millis(200), ..Limits::default() };
    let question = Body::Whole("question".into());
    let (peer, answer) = join!(served, send(&client, &there, question, limits));
    let mut answer = answer.unwrap();
    assert_eq!(soon(answer.next()).await, Some(Ok("first".into())));
    (peer, answer)
}

#[tokio::test]
async fn an_answer_is_heard_before_it_has_ended() {
    let (mut peer, answer) = begun().await;
    peer.say("after").await;
    assert_eq!(all(answer).await.unwrap(), "after");
}

#[tokio::test]
async fn a_server_that_dies_in_the_middle_of_its_answer_has_broken_off() {
    let (peer, answer) = begun().await;
    drop(peer);
    let error = all(answer).await.unwrap_err();
    assert!(matches!(error, NetError::BrokeOff { .. }), "{error:?}");
}

#[tokio::test]
async fn a_server_that_stops_in_the_middle_of_its_answer_is_given_up() {
    let (_peer, answer) = begun().await;
    let error = all(answer).await.unwrap_err();
    assert!(matches!(error, NetError::TimedOut { .. }), "{error:?}");
}

#[tokio::test]
async fn a_server_hears_that_nobody_wants_the_rest_of_its_answer() {
    let (peer, answer) = begun().await;
    drop(answer);
    peer.read_to_the_end().await;
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_and_hears_of_it() {
    let (client, server) = (client(), Server::new().await);
    let there = endpoint(&server);
    let limits = Limits { head: Duration::from_millis(200), ..Limits::default() };
    let served = async { server.accept().await.read_to_the_end().await };
    let asked = send(&client, &there, Body::Whole("question".into()), limits);
    let ((), answer) = join!(served, asked);
    let (host, limit) = (server.host(), limits.head);
    assert_eq!(answer.err(), Some(NetError::TimedOut { host, limit }));
}

#[tokio::test]
async fn where_nobody_listens_nobody_is_reached() {
    let server = Server::new().await;
    let there = endpoint(&server);
    drop(server);
    let error = ask(&client(), &there).await.err().unwrap();
    assert!(
        matches!(&error, NetError::Unreachable { host, reason }
            if host == there.host() && reason.contains("refused")),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_refusal_does_not_quote_the_key() {
    let said = [
        "HTTP/1.1 401 Unauthorized\r\nconnection: close\r\n\r\n",
        "{\"error\": {\"message\": \"no such key: sk-very",
        "-secret\"}}",
    ];
    let error = refusal(&said).await;
    assert!(!format!("{error} {error:?}").contains("very"), "{error:?}");
    assert!(error.to_string().ends_with("401 Unauthorized: no such key: [secret]"), "{error}");
}

#[tokio::test]
async fn a_service_says_when_to_come_back() {
    let said = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 2\r\ncontent-length: 0\r\n\r\n";
    let NetError::Refused { status, retry_after, .. } = refusal(&[said]).await else {
        panic!("no refusal");
    };
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(retry_after, Some(Duration::from_secs(2)));
}

#[tokio::test]
async fn only_the_code_says_that_an_account_is_empty() {
    let refused = async |said: &str| {
        let (length, head) = (said.len(), "HTTP/1.1 429 Too Many Requests\r\nretry-after: 2\r\n");
        refusal(&[&format!("{head}content-length: {length}\r\n\r\n{said}")]).await
    };
    for said in [
        r#"{"error": {"message": "no more: sk-very-secret", "code": "insufficient_quota"}}"#,
        r#"{"error": {"message": "no more: sk-very-secret", "type": "insufficient_quota"}}"#,
        r#"{"message": "no more: sk-very-secret", "code": "insufficient_quota"}"#,
    ] {
        let error = refused(said).await;
        assert!(matches!(error, NetError::OutOfCredit { .. }), "{error:?}");
        assert_eq!(error.recovery(), Recovery::AskUser);
        assert!(error.to_string().contains("refuses: no more: [secret]; top up"), "{error}");
    }
    for said in [
        r#"{"error": {"message": "your quota for this minute is used up", "code": "rate_limit"}}"#,
        "insufficient_quota",
    ] {
        let error = refused(said).await;
        assert_eq!(error.recovery(), Recovery::RetryAfter(Duration::from_secs(2)), "{error}");
    }
}

#[test]
fn an_address_that_is_wrong_is_quoted_without_what_may_be_secret() {
    for (address, shown) in [
        ("http://me:hush@host/v1", "http://…@host/v1"),
        ("http://me:hu@sh@host", "http://…@host"),
        ("me:hush@host", "…@host"),
        ("https://host/v1?api-key=hush", "https://host/v1?…"),
        ("https://hu?sh@host?key=hush#hush", "https://…@host?…"),
        ("host?hush", "host?…"),
        ("local host", "local host"),
    ] {
        let error = Endpoint::new(address, None).unwrap_err();
        let told = error.to_string();
        assert!(told.starts_with(&format!("\"{shown}\" is no address")), "{told}");
        assert!(!format!("{error:?}").contains("hush"), "{error:?}");
    }
}

#[tokio::test]
async fn the_key_does_not_follow_a_redirect() {
    let elsewhere = Server::new().await;
    let moved = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://{}/\r\ncontent-length: 0\r\n\r\n",
        elsewhere.host()
    );
    let error = refusal(&[&moved]).await;
    let status = StatusCode::TEMPORARY_REDIRECT;
    assert!(matches!(error, NetError::Refused { status: s, .. } if s == status), "{error:?}");
    assert!(elsewhere.0.accept().now_or_never().is_none(), "it was followed");
}

#[tokio::test]
async fn a_proxy_is_for_other_machines_only() {
    let (server, proxy) = (Server::new().await, Server::new().await);
    let address = format!("http://{}", proxy.host());
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        let proxies = proxies(|name| (name == variable).then(|| address.clone())).unwrap();
        let client = HttpClient::behind(proxies).unwrap();
        let port = server.0.local_addr().unwrap().port();
        for (uri, asked) in [
            (format!("http://127.0.0.1:{port}/"), &server),
            (format!("http://localhost:{port}/"), &server),
            ("http://elsewhere.invalid/".to_owned(), &proxy),
        ] {
            let served = async {
                let mut peer = asked.accept().await;
                peer.read_head().await;
                peer.say(OK).await;
            };
            let request = Request::get(uri).body(Body::empty()).unwrap();
            let ((), answer) = join!(served, soon(client.send(request)));
            assert_eq!(all(answer.unwrap().into_body()).await.unwrap(), "ok");
        }
    }
}

#[test]
fn a_proxy_without_an_address_is_named_but_not_shown() {
    let error = proxies(|name| (name == "HTTPS_PROXY").then(|| "http://me:sesame@".to_owned()));
    let error = error.unwrap_err().to_string();
    let expected =
        "cannot reach any host: HTTPS_PROXY is no address of a proxy; correct or unset it";
    assert_eq!(error, expected);
    assert!(proxies(|_| Some(" ".to_owned())).unwrap().is_empty());
}
