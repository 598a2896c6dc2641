//! What is answered, and what of it is taken.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

async fn answer(text: &'static str) -> (Server, HttpCall) {
    let server = Server::new(move |_| text.to_owned()).await;
    let call = HttpCall::get(server.url("/"));
    (server, call)
}

async fn of(kind: &str, body: &str, call: impl Fn(HttpCall) -> HttpCall) -> ToolResult {
    let text = said("200 OK", kind, body);
    let server = Server::new(move |_| text.clone()).await;
    told(call(HttpCall::get(server.url("/"))), json!({})).await
}

#[tokio::test]
async fn an_answer_is_json_or_text() {
    for (kind, body, expected) in [
        ("application/json; charset=utf-8", "{\"a\": [1]}", "{\"a\":[1]}"),
        ("application/problem+json", "[]", "[]"),
        ("text/html", "<p>1</p>", "<p>1</p>"),
        ("text/plain", "{\"a\":  1}", "{\"a\":  1}"),
    ] {
        assert_eq!(of(kind, body, |call| call).await.content, expected, "{kind}");
    }
    let wrong = of("application/json", "<p>", |call| call).await;
    assert!(wrong.is_error && wrong.content.contains("api.test is no JSON: "), "{wrong:?}");
    let (_server, call) = answer(
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-encoding: gzip\r\n\r\n\u{1f}\u{8b}",
    )
    .await;
    let told = refused(call, json!({})).await;
    assert!(told.ends_with("is packed by gzip, which nobody asked for"), "{told}");
    let (_server, call) = answer("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert_eq!(answered(call, json!({})).await, "{\"status\":204}");
}

#[tokio::test]
async fn a_part_of_it_is_picked() {
    let body = "{\"items\": [{\"name\": \"tea\"}]}";
    let picked = of("application/json", body, |call| call.pick("/items/0/name")).await;
    assert_eq!(picked.content, "tea");
    let nothing = of("application/json", body, |call| call.pick("/items/1")).await;
    assert!(nothing.is_error && nothing.content.ends_with("has nothing at `/items/1`"));
}

#[tokio::test]
async fn a_refusal_is_told_as_far_as_anybody_reads() {
    let page = said("503 Service Unavailable", "text/html", &"é".repeat(4_000));
    let server = Server::new(move |_| page.clone()).await;
    let told = refused(HttpCall::get(server.url("/")), json!({})).await;
    let expected =
        format!("`ask` failed: api.test answers with 503 Service Unavailable: {}", "é".repeat(250));
    assert_eq!(told, expected);
}

#[tokio::test]
async fn an_answer_without_end_is_read_no_further_than_its_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sent);
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        read(&mut socket).await;
        socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n").await.unwrap();
        let piece = vec![b'x'; 64 << 10];
        // A gibibyte, as far as anybody takes it.
        for _ in 0..16_384 {
            if socket.write_all(&piece).await.is_err() {
                return;
            }
            counted.fetch_add(piece.len(), Ordering::Relaxed);
        }
    });
    let call =
        HttpCall::get(format!("http://api.test:{port}/")).time_limit(Duration::from_secs(60));
    let told = refused(call, json!({})).await;
    assert!(told.ends_with("has more than 1048576 bytes; ask for less"), "{told}");
    server.await.unwrap();
    // What the system holds on the way is some MiB.
    let sent = sent.load(Ordering::Relaxed);
    assert!(sent < 64 << 20, "{sent} bytes were taken");
}

#[tokio::test]
async fn a_length_beyond_the_limit_is_not_read_at_all() {
    let (_server, call) = answer("HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n").await;
    let told = refused(call, json!({})).await;
    assert!(told.ends_with("has more than 1048576 bytes; ask for less"), "{told}");
}

#[tokio::test]
async fn headers_without_end_end_the_answer() {
    let endless = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "x".repeat(4 << 20));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(10_000));
    for head in [endless, many] {
        let server = Server::new(move |_| head.clone()).await;
        let told = refused(HttpCall::get(server.url("/")), json!({})).await;
        assert!(told.starts_with("`ask` failed: the connection to api.test"), "{told}");
    }
}

#[tokio::test]
async fn who_says_nothing_more_is_waited_for_no_longer_than_the_limit() {
    let limit = Duration::from_millis(200);
    for said in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nslow"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            read(&mut socket).await;
            socket.write_all(said.as_bytes()).await.unwrap();
            // Until the client has gone.
            let _gone = socket.read(&mut [0]).await;
        });
        let call = HttpCall::get(format!("http://api.test:{port}/")).time_limit(limit);
        assert_eq!(refused(call, json!({})).await, "`ask` gave no answer within 200ms");
        server.await.unwrap();
    }
}
