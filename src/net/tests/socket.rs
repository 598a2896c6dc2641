use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http::Request;
use tokio::join;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, accept_async};

use super::{Server, soon};
use crate::net::client::proxies;
use crate::net::{Connection, Dial, DialLimits, Endpoint, NetError, SocketClient, SocketMessage};
use crate::types::Secret;

type Socket = WebSocketStream<TcpStream>;

const KEY: &str = "sk-very-secret";

fn client() -> SocketClient {
    SocketClient::behind(Vec::new()).unwrap()
}

/// Short, for those who wait for the end of them.
fn limits() -> DialLimits {
    let short = Duration::from_millis(200);
    DialLimits { open: short, alive: short, close: short, size: 1_000, ..DialLimits::default() }
}

fn request(server: &Server) -> Request<()> {
    let key = Some(Secret::new(KEY));
    let there = Endpoint::new(&format!("http://{}/v1", server.host()), key).unwrap();
    there.get("live?model=m").body(()).unwrap()
}

fn text(text: &str) -> SocketMessage {
    SocketMessage::Text(text.to_owned())
}

/// A connection of which both ends are in the test's hands.
async fn open(limits: DialLimits) -> (Connection, Socket) {
    let server = Server::new().await;
    let dialled = async { client().dial(request(&server), limits).await };
    let accepted = async { accept_async(server.accept().await.socket).await };
    let (near, far) = soon(async { join!(dialled, accepted) }).await;
    (near.unwrap(), far.unwrap())
}

async fn next(near: &mut Connection) -> Option<Result<SocketMessage, NetError>> {
    soon(near.incoming.receive()).await
}

async fn heard(far: &mut Socket) -> Message {
    soon(far.next()).await.unwrap().unwrap()
}

/// What becomes of an attempt that a server answers with `said`.
async fn answered(said: &str) -> NetError {
    let server = Server::new().await;
    let served = async {
        let mut peer = server.accept().await;
        let head = peer.read_head().await.to_lowercase();
        assert!(head.starts_with("get /v1/live?model=m http/1.1\r\n"), "{head}");
        assert!(head.contains(&format!("authorization: bearer {KEY}\r\n")), "{head}");
        assert!(head.contains("upgrade: websocket\r\n"), "{head}");
        peer.say(said).await;
    };
    let client = client();
    let ((), answer) = join!(served, client.dial(request(&server), DialLimits::default()));
    answer.unwrap_err()
}

#[tokio::test]
async fn text_and_bytes_go_both_ways() {
    let (mut near, mut far) = open(DialLimits::default()).await;
    for message in [text("{\"é\": 1}"), SocketMessage::Binary(vec![0, 255].into()), text("")] {
        near.outgoing.send(message.clone()).await.unwrap();
        let echo = heard(&mut far).await;
        assert_eq!(echo.is_text(), matches!(message, SocketMessage::Text(_)));
        soon(far.send(echo)).await.unwrap();
        assert_eq!(next(&mut near).await, Some(Ok(message)));
    }
}

#[tokio::test]
async fn both_sides_may_speak_before_either_listens() {
    const COUNT: usize = 2_000;
    let (near, far) = open(DialLimits::default()).await;
    let (mut sink, mut stream) = far.split();
    let Connection { outgoing, mut incoming } = near;
    let long = "x".repeat(10_000);
    let sent = async {
        for _ in 0..COUNT {
            outgoing.send(text(&long)).await.unwrap();
            sink.send(Message::text(long.as_str())).await.unwrap();
        }
    };
    let received = async {
        for _ in 0..COUNT {
            assert_eq!(incoming.receive().await, Some(Ok(text(&long))));
            assert!(stream.next().await.unwrap().unwrap().is_text());
        }
    };
    soon(async { join!(sent, received) }).await;
}

#[tokio::test]
async fn a_ping_is_answered_while_nobody_does_anything() {
    let (_near, mut far) = open(DialLimits::default()).await;
    soon(far.send(Message::Ping("there?".into()))).await.unwrap();
    assert_eq!(heard(&mut far).await, Message::Pong("there?".into()));
}

#[tokio::test]
async fn a_silent_service_that_is_there_is_not_given_up() {
    let (mut near, mut far) = open(limits()).await;
    // Reading answers pings. Three of them took longer than a dead service would be waited for.
    for _ in 0..3 {
        assert!(heard(&mut far).await.is_ping());
    }
    soon(far.send(Message::text("here"))).await.unwrap();
    assert_eq!(next(&mut near).await, Some(Ok(text("here"))));
}

#[tokio::test]
async fn a_service_that_answers_no_ping_is_given_up() {
    let (mut near, _deaf) = open(limits()).await;
    let error = next(&mut near).await.unwrap().unwrap_err();
    let limit = 2 * limits().alive;
    assert!(matches!(error, NetError::TimedOut { limit: l, .. } if l == limit), "{error:?}");
    assert_eq!(next(&mut near).await, None);
    assert!(near.outgoing.send(text("late")).await.is_err());
}

#[tokio::test]
async fn what_was_sent_before_the_end_still_arrives() {
    // So long that only the agreement can be the end.
    let limits = DialLimits { close: Duration::from_secs(60), ..DialLimits::default() };
    let (near, mut far) = open(limits).await;
    for number in 0..10 {
        near.outgoing.send(text(&number.to_string())).await.unwrap();
    }
    let listened = async {
        for number in 0..10 {
            assert_eq!(heard(&mut far).await, Message::text(number.to_string()));
        }
        assert!(heard(&mut far).await.is_close());
        assert!(soon(far.next()).await.is_none());
        far
    };
    // Although the server has not hung up.
    let ((), _far) = join!(soon(near.close()), listened);
}

#[tokio::test]
async fn a_connection_that_is_dropped_is_closed() {
    let (near, mut far) = open(DialLimits::default()).await;
    drop(near);
    assert!(heard(&mut far).await.is_close());

    let (Connection { outgoing, incoming }, mut far) = open(DialLimits::default()).await;
    drop(incoming);
    assert!(heard(&mut far).await.is_close());
    drop(outgoing);
}

#[tokio::test]
async fn a_service_that_does_not_agree_to_close_is_left() {
    let (near, far) = open(limits()).await;
    soon(near.close()).await;
    let mut socket = far.into_inner();
    // Its end of the connection is at the end, too.
    let mut rest = Vec::new();
    soon(tokio::io::AsyncReadExt::read_to_end(&mut socket, &mut rest)).await.unwrap();
}

#[tokio::test]
async fn a_service_may_close_and_says_why_unless_it_is_content() {
    for (code, reason) in [
        (1000, None),
        (1001, None),
        (1008, Some("1008, no such key: [secret]")),
        (4000, Some("4000, no such key: [secret]")),
    ] {
        let (mut near, mut far) = open(DialLimits::default()).await;
        soon(far.send(Message::text("last"))).await.unwrap();
        let said = format!("no such key: {KEY}").into();
        soon(far.close(Some(CloseFrame { code: code.into(), reason: said }))).await.unwrap();
        assert_eq!(next(&mut near).await, Some(Ok(text("last"))));
        let ended = async { while let Some(Ok(_)) = far.next().await {} };
        let (end, ()) = join!(next(&mut near), soon(ended));
        let host = near.outgoing.host().to_owned();
        let reason = reason.map(ToOwned::to_owned);
        assert_eq!(end, reason.map(|reason| Err(NetError::BrokeOff { host, reason })));
        assert_eq!(next(&mut near).await, None);
    }
}

#[tokio::test]
async fn a_service_that_dies_has_broken_off() {
    let (mut near, far) = open(DialLimits::default()).await;
    drop(far);
    let error = next(&mut near).await.unwrap().unwrap_err();
    assert!(matches!(error, NetError::BrokeOff { .. }), "{error:?}");
    let error = near.outgoing.send(text("late")).await.unwrap_err();
    assert!(matches!(error, NetError::BrokeOff { .. }), "{error:?}");
}

#[tokio::test]
async fn a_message_that_is_too_long_is_the_end() {
    let (mut near, mut far) = open(limits()).await;
    let long = "x".repeat(limits().size);
    soon(far.send(Message::text(long.as_str()))).await.unwrap();
    assert_eq!(next(&mut near).await, Some(Ok(text(&long))));
    soon(far.send(Message::text(long + "x"))).await.unwrap();
    let error = next(&mut near).await.unwrap().unwrap_err();
    assert!(matches!(error, NetError::TooLong { limit: 1_000, .. }), "{error:?}");
}

#[tokio::test]
async fn a_refusal_has_its_status_and_reason_but_not_the_key() {
    let body = format!("{{\"error\": {{\"message\": \"no such key: {KEY}\"}}}}");
    let length = body.len();
    let head = format!("HTTP/1.1 401 Unauthorized\r\ncontent-length: {length}\r\n\r\n");
    let error = answered(&(head + &body)).await;
    assert!(!format!("{error:?}").contains("very"), "{error:?}");
    assert!(error.to_string().ends_with("401 Unauthorized: no such key: [secret]"), "{error}");
}

#[tokio::test]
async fn what_is_no_websocket_is_nonsense() {
    let upgrade = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                   sec-websocket-accept: anything\r\n\r\n";
    let error = answered(upgrade).await;
    assert!(matches!(error, NetError::Nonsense { .. }), "{error:?}");
}

#[tokio::test]
async fn an_address_of_something_else_is_not_dialled() {
    let request = Request::get("ftp://there/").body(()).unwrap();
    let error = client().dial(request, limits()).await.unwrap_err();
    assert!(error.to_string().ends_with("begins with wss:// or ws://"), "{error}");
}

#[tokio::test]
async fn a_page_in_its_place_is_a_refusal() {
    let error = answered("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await;
    assert!(error.to_string().ends_with("200 OK: hello"), "{error}");
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_and_hears_of_it() {
    let (client, server) = (client(), Server::new().await);
    let served = async { server.accept().await.read_to_the_end().await };
    let ((), answer) = join!(served, client.dial(request(&server), limits()));
    let (host, limit) = (server.host(), limits().open);
    assert_eq!(answer.unwrap_err(), NetError::TimedOut { host, limit });
}

#[tokio::test]
async fn where_nobody_listens_nobody_is_reached() {
    let server = Server::new().await;
    let request = request(&server);
    drop(server);
    let error = client().dial(request, DialLimits::default()).await.unwrap_err();
    assert!(matches!(error, NetError::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn the_way_to_other_machines_leads_through_the_proxy() {
    let proxy = Server::new().await;
    let address = format!("http://{}", proxy.host());
    let proxies = proxies(|name| (name == "HTTPS_PROXY").then(|| address.clone())).unwrap();
    let client = SocketClient::behind(proxies).unwrap();
    let served = async {
        let mut peer = proxy.accept().await;
        let head = peer.read_head().await;
        assert!(head.starts_with("CONNECT elsewhere.invalid:443 HTTP/1.1\r\n"), "{head}");
    };
    let request = Request::get("wss://elsewhere.invalid/").body(()).unwrap();
    let ((), answer) = join!(served, client.dial(request, DialLimits::default()));
    assert!(matches!(answer.unwrap_err(), NetError::Unreachable { .. }));
}
