use std::time::Duration;

use bytes::BytesMut;
use futures_util::StreamExt;

use super::*;
use crate::bench::services::{Delays, Profile};
use crate::sim::fault::{Fault, Faults};
use crate::sim::link::Link;
use crate::sim::mode::Mode;

const CALL: Duration = Duration::from_secs(60);

fn network(link: Link, faults: Vec<Fault>, seed: u64) -> SimNetwork {
    with(
        Profile::Zero.delays(),
        Weather::new(&Faults::These(faults), link, seed, (Mode::Vad, CALL)),
    )
}

fn with(delays: Delays, weather: Weather) -> SimNetwork {
    let services = Arc::new(Services::new(delays, 1));
    SimNetwork::new(services, weather, SessionClock::live(), Journal::default())
}

fn post(path: &str, body: Body) -> Request<Body> {
    Request::post(format!("http://services.test/v1/{path}")).body(body).unwrap()
}

fn speech() -> Request<Body> {
    let body = r#"{"model":"m","voice":"v","input":"Hello there!","response_format":"pcm"}"#;
    post("audio/speech", Body::Whole(body.into()))
}

/// The whole answer.
async fn read(answer: Response<Incoming>) -> Result<Bytes, NetError> {
    let mut body = answer.into_body();
    let mut all = BytesMut::new();
    while let Some(piece) = body.next().await {
        all.extend_from_slice(&piece?);
    }
    Ok(all.freeze())
}

fn ms(network: &SimNetwork) -> f64 {
    network.now().as_millis()
}

#[tokio::test(start_paused = true)]
async fn on_one_machine_an_answer_takes_what_the_service_takes() {
    let weather = Weather::new(&Faults::None, Link::LOOPBACK, 1, (Mode::Vad, CALL));
    let network = with(Profile::Realistic.delays(), weather);
    let answer = network.send(speech()).await.unwrap();
    assert_eq!((answer.status(), ms(&network)), (StatusCode::OK, 80.0));
    // 12 characters sound for 720 ms: eight pieces, each 50 ms after the one before.
    assert_eq!(read(answer).await.unwrap().len(), 720 * 48);
    assert_eq!(ms(&network), 430.0);
}

#[tokio::test(start_paused = true)]
async fn a_request_travels_there_and_back_and_a_connection_is_made_once() {
    let latency = Duration::from_millis(20);
    let network = network(Link { latency, ..Link::LOOPBACK }, vec![], 1);
    read(network.send(speech()).await.unwrap()).await.unwrap();
    assert_eq!(ms(&network), 80.0, "a round trip to connect, and one to ask");
    read(network.send(speech()).await.unwrap()).await.unwrap();
    assert_eq!(ms(&network), 120.0, "the connection was open");
    tokio::time::advance(KEPT).await;
    let before = ms(&network);
    read(network.send(speech()).await.unwrap()).await.unwrap();
    assert_eq!(ms(&network) - before, 80.0, "it was closed meanwhile");
}

#[tokio::test(start_paused = true)]
async fn a_body_is_taken_at_the_speed_of_the_link() {
    let link = Link { bandwidth: Some(10_000), ..Link::LOOPBACK };
    let network = network(link, vec![], 1);
    let clock = network.0.clock.clone();
    let taken = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&taken);
    let pieces = stream::iter(0..3).map(move |_| {
        notes.lock().unwrap().push(clock.now().as_millis());
        Bytes::from_static(&[0; 1_000])
    });
    let request = post("nowhere", Body::Stream(Box::pin(pieces)));
    let answer = network.send(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    assert_eq!(*taken.lock().unwrap(), [0.0, 100.0, 200.0], "a piece when the one before has left");
    assert!(ms(&network) > 300.0);
}

/// What becomes of many exchanges, as a list of errors and `None`.
async fn fates(fault: Fault) -> (SimNetwork, Vec<Option<NetError>>) {
    let network = network(Link::LOOPBACK, vec![fault], 3);
    let mut fates = Vec::new();
    for _ in 0..100 {
        fates.push(match network.send(speech()).await {
            Ok(answer) => read(answer).await.err(),
            Err(error) => Some(error),
        });
    }
    (network, fates)
}

#[tokio::test(start_paused = true)]
async fn some_connections_break_off() {
    let (_, fates) = fates(Fault::Cut).await;
    let broken = fates.iter().flatten().count();
    assert!((5..40).contains(&broken), "{broken}");
    assert!(fates.iter().flatten().all(|error| matches!(error, NetError::BrokeOff { .. })));
}

#[tokio::test(start_paused = true)]
async fn some_exchanges_stall_and_go_on() {
    let (network, fates) = fates(Fault::Stall).await;
    assert!(fates.iter().all(Option::is_none), "the client has no limits here");
    assert!(ms(&network) > 5_000.0);
}

#[tokio::test(start_paused = true)]
async fn some_requests_are_refused_with_or_without_advice() {
    let network = network(Link::LOOPBACK, vec![Fault::Refuse], 3);
    let (mut refused, mut advised) = (0, 0);
    for _ in 0..100 {
        let answer = network.send(speech()).await.unwrap();
        refused += u32::from(matches!(answer.status().as_u16(), 429 | 500 | 503));
        advised += u32::from(answer.headers().contains_key(RETRY_AFTER));
    }
    assert!(0 < advised && advised < refused && refused < 50, "{advised} of {refused}");
}

#[tokio::test(start_paused = true)]
async fn in_an_outage_nobody_is_reached_and_later_again() {
    let network = network(Link::LOOPBACK, vec![Fault::Unreachable], 3);
    let mut reached = Vec::new();
    while ms(&network) < 90_000.0 {
        // Each on a connection of its own.
        network.0.idle.lock().unwrap().clear();
        reached.push(network.send(speech()).await.is_ok());
        tokio::time::advance(Duration::from_millis(100)).await;
    }
    reached.dedup();
    assert_eq!(reached, [true, false, true]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_dropped_ends_the_exchange() {
    let weather = Weather::new(&Faults::None, Link::LOOPBACK, 1, (Mode::Vad, CALL));
    let network = with(Profile::Realistic.delays(), weather);
    drop(network.send(speech()).await.unwrap());
    let last = network.0.journal.take().pop().unwrap().2;
    assert!(matches!(last, Happening::Over { how: How::Dropped, .. }), "{last:?}");
    assert!(network.0.idle.lock().unwrap().is_empty(), "such a connection is of no use");
}
