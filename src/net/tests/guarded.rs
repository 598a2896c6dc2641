//! A client that goes no further than it should.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::Request;
use tokio::join;

use super::{Server, soon};
use crate::net::guarded::{Addresses, GuardedClient, Reach, Resolve};
use crate::net::{Body, Http, NetError};

/// Gives each time the next of these answers, and the last for ever.
#[derive(Debug)]
struct Names {
    answers: Vec<Vec<IpAddr>>,
    asked: AtomicUsize,
}

impl Names {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let read = |answer: &&[&str]| answer.iter().map(|one| one.parse().unwrap()).collect();
        Arc::new(Self { answers: answers.iter().map(read).collect(), asked: AtomicUsize::new(0) })
    }
}

impl Resolve for Names {
    fn resolve(&self, _host: &str) -> Addresses {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let answer = self.answers[number.min(self.answers.len() - 1)].clone();
        Box::pin(std::future::ready(Ok(answer)))
    }
}

async fn ask(client: &GuardedClient, address: &str) -> Result<u16, NetError> {
    let request = Request::get(address).body(Body::empty()).unwrap();
    soon(client.send(request)).await.map(|answer| answer.status().as_u16())
}

#[tokio::test]
async fn an_address_that_is_not_public_is_refused_however_it_is_written() {
    let client = GuardedClient::new(Reach::Public).unwrap();
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.0.0.1.",
        "169.254.169.254",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "[64:ff9b::7f00:1]",
        "localhost",
    ] {
        let refused = ask(&client, &format!("http://{host}:9/")).await.unwrap_err().to_string();
        assert!(refused.ends_with("its address is not one of the public network"), "{refused}");
    }
}

#[tokio::test]
async fn one_address_that_is_not_public_among_those_of_a_name_is_enough() {
    let names = Names::new(&[&["9.9.9.9", "10.0.0.1"]]);
    let client = GuardedClient::resolving(Reach::Public, names.clone()).unwrap();
    let refused = ask(&client, "http://example.com/").await.unwrap_err();
    let expected = "cannot reach example.com: its address is not one of the public network";
    assert_eq!(refused.to_string(), expected);
    assert_eq!(names.asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_name_is_looked_up_once_and_the_connection_goes_there() {
    let server = Server::new().await;
    // Whoever asked a second time would be led elsewhere.
    let names = Names::new(&[&["127.0.0.1"], &["9.9.9.9"]]);
    let client = GuardedClient::resolving(Reach::Private, names.clone()).unwrap();
    let port = server.host().rsplit_once(':').unwrap().1.to_owned();
    let served = async {
        let mut peer = server.accept().await;
        assert!(peer.read_head().await.contains(&format!("host: example.com:{port}\r\n")));
        peer.say("HTTP/1.1 204 No Content\r\n\r\n").await;
    };
    let address = format!("http://example.com:{port}/");
    let ((), answer) = join!(served, ask(&client, &address));
    assert_eq!((answer, names.asked.load(Ordering::Relaxed)), (Ok(204), 1));
}
