//! The real network, as far as this machine: servers that say what a test tells them to.

mod guarded;
mod http;
mod socket;

use std::future::Future;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// A server that does nothing by itself.
struct Server(TcpListener);

impl Server {
    async fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    fn host(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    async fn accept(&self) -> Peer {
        let (socket, _) = soon(self.0.accept()).await.unwrap();
        Peer { socket, read: Vec::new() }
    }
}

/// The client's connection, seen from the server.
struct Peer {
    socket: TcpStream,
    read: Vec<u8>,
}

impl Peer {
    /// What came, up to and with `end`.
    async fn read_to(&mut self, end: &str) -> String {
        loop {
            let at = self.read.windows(end.len()).position(|bytes| bytes == end.as_bytes());
            if let Some(at) = at {
                let rest = self.read.split_off(at + end.len());
                let read = std::mem::replace(&mut self.read, rest);
                return String::from_utf8(read).unwrap();
            }
            let count = soon(self.socket.read_buf(&mut self.read)).await.unwrap();
            assert!(count > 0, "the client is gone; it said {:?}", self.text());
        }
    }

    async fn read_head(&mut self) -> String {
        self.read_to("\r\n\r\n").await
    }

    async fn say(&mut self, text: &str) {
        soon(self.socket.write_all(text.as_bytes())).await.unwrap();
    }

    /// Returns when the client has closed the connection.
    async fn read_to_the_end(mut self) {
        while soon(self.socket.read_buf(&mut self.read)).await.is_ok_and(|count| count > 0) {}
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.read).into_owned()
    }
}

/// What must come while the test is still waited for.
async fn soon<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(10), future).await.expect("nothing for 10 s")
}
