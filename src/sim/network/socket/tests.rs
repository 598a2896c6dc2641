use std::time::Duration;

use super::*;
use crate::bench::services::duplex::Protocol;
use crate::bench::services::{Profile, Services};
use crate::net::SocketMessage;
use crate::sim::fault::{Fault, Faults};
use crate::sim::journal::{Journal, Who};
use crate::sim::link::Link;
use crate::sim::mode::Mode;
use crate::sim::weather::{Break, Weather};
use crate::time::SessionClock;

const ASM: Mode = Mode::Asm(Protocol::OpenAi);

/// A network on which this may happen, and its journal.
fn network(link: Link, faults: Vec<Fault>, seed: u64) -> (SimNetwork, Journal) {
    let call = (ASM, Duration::from_secs(60));
    let weather = Weather::new(&Faults::These(faults), link, seed, call);
    let services = std::sync::Arc::new(Services::new(Profile::Zero.delays(), 1));
    let journal = Journal::default();
    (SimNetwork::new(services, weather, SessionClock::live(), journal.clone()), journal)
}

/// The first network whose first socket fares so.
fn faring(fault: Fault, so: impl Fn(SocketTrouble) -> bool) -> (SimNetwork, Journal) {
    let networks = (0..500).map(|seed| network(Link::LOOPBACK, vec![fault], seed));
    let mut networks = networks.filter(|(network, _)| so(network.0.weather.socket(0)));
    networks.next().unwrap()
}

async fn dial(network: &SimNetwork) -> Result<Connection, NetError> {
    let request = Request::get("wss://there/v1/realtime?model=m").body(()).unwrap();
    let limits = DialLimits { alive: Duration::from_secs(5), ..DialLimits::default() };
    network.dial(request, limits).await
}

async fn next(connection: &mut Connection) -> Option<Result<String, NetError>> {
    connection.incoming.receive().await.map(|message| {
        message.map(|message| match message {
            SocketMessage::Text(text) => text,
            SocketMessage::Binary(_) => String::new(),
        })
    })
}

/// All that comes, to the end.
async fn rest(connection: &mut Connection) -> (usize, Option<NetError>) {
    let mut count = 0;
    loop {
        match next(connection).await {
            Some(Ok(_)) => count += 1,
            Some(Err(error)) => return (count, Some(error)),
            None => return (count, None),
        }
    }
}

fn ms(network: &SimNetwork) -> f64 {
    network.now().as_millis()
}

fn ends(journal: &Journal) -> Vec<How> {
    let over = |(_, who, what)| match what {
        Happening::Over { how, .. } if who == Who::Network => Some(how),
        _ => None,
    };
    journal.take().into_iter().filter_map(over).collect()
}

#[tokio::test(start_paused = true)]
async fn it_opens_in_two_round_trips_and_messages_take_one() {
    let latency = Duration::from_millis(20);
    let (network, journal) = network(Link { latency, ..Link::LOOPBACK }, vec![], 1);
    let mut call = dial(&network).await.unwrap();
    assert_eq!(ms(&network), 80.0);
    let created = next(&mut call).await.unwrap().unwrap();
    assert!(created.contains("session.created"), "{created}");
    assert_eq!(ms(&network), 100.0);
    next(&mut call).await.unwrap().unwrap();
    let update = r#"{"type":"session.update","session":{"type":"realtime"}}"#;
    call.outgoing.send(SocketMessage::Text(update.to_owned())).await.unwrap();
    let updated = next(&mut call).await.unwrap().unwrap();
    assert!(updated.contains("session.updated"), "{updated}");
    assert_eq!(ms(&network), 140.0);
    call.close().await;
    assert_eq!(ms(&network), 180.0, "the goodbye is answered");
    assert_eq!(ends(&journal), [How::Dropped]);
}

#[tokio::test(start_paused = true)]
async fn messages_leave_one_after_the_other_at_the_speed_of_the_link() {
    let link = Link { bandwidth: Some(1_000), ..Link::LOOPBACK };
    let (network, _) = network(link, vec![], 1);
    let call = dial(&network).await.unwrap();
    let before = ms(&network);
    // The socket holds one, and the queue before it 16: the next one waits.
    for _ in 0..18 {
        call.outgoing.send(SocketMessage::Text("x".repeat(992))).await.unwrap();
    }
    assert!((1_000.0..1_100.0).contains(&(ms(&network) - before)), "{}", ms(&network) - before);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_cut_ends_with_an_error_when_the_weather_has_it() {
    let cut = |trouble: SocketTrouble| matches!(trouble.breaks, Some((_, Break::Cut)));
    let (network, journal) = faring(Fault::Cut, cut);
    let (after, _) = network.0.weather.socket(0).breaks.unwrap();
    let mut call = dial(&network).await.unwrap();
    let (_, error) = rest(&mut call).await;
    assert!(matches!(error, Some(NetError::BrokeOff { .. })), "{error:?}");
    assert_eq!(ms(&network), after.as_secs_f64() * 1e3);
    assert_eq!(ends(&journal), [How::Cut]);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_half_open_is_noticed_when_a_ping_is_not_answered() {
    let silent = |trouble: SocketTrouble| matches!(trouble.breaks, Some((_, Break::Silent)));
    let (network, journal) = faring(Fault::Silent, silent);
    let (after, _) = network.0.weather.socket(0).breaks.unwrap();
    let mut call = dial(&network).await.unwrap();
    let (_, error) = rest(&mut call).await;
    assert!(matches!(error, Some(NetError::TimedOut { .. })), "{error:?}");
    let noticed = ms(&network) - after.as_secs_f64() * 1e3;
    assert!((5_000.0..=10_000.0).contains(&noticed), "after {noticed} ms");
    assert_eq!(ends(&journal), [How::Silent]);
}

#[tokio::test(start_paused = true)]
async fn a_stall_is_outlived_if_it_is_shorter_than_a_ping_is_waited_for() {
    let (short, long) = (Duration::from_secs(4), Duration::from_secs(11));
    let stalls = |fits: fn(Duration, Duration) -> bool, limit: Duration| {
        faring(Fault::Stall, |trouble| match trouble.breaks {
            Some((_, Break::Stalled(length))) => fits(length, limit),
            _ => false,
        })
    };
    let (network, _) = stalls(|length, limit| length < limit, short);
    let mut call = dial(&network).await.unwrap();
    let minute = tokio::time::timeout(Duration::from_secs(60), rest(&mut call)).await;
    assert!(minute.is_err(), "it was given up: {minute:?}");
    let (network, _) = stalls(|length, limit| length > limit, long);
    let mut call = dial(&network).await.unwrap();
    let (_, error) = rest(&mut call).await;
    assert!(matches!(error, Some(NetError::TimedOut { .. })), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_service_refuses_with_what_the_weather_says() {
    let (network, journal) = faring(Fault::Refuse, |trouble| trouble.refused.is_some());
    let (expected, advice) = network.0.weather.socket(0).refused.unwrap();
    let error = dial(&network).await.unwrap_err();
    let NetError::Refused { status, retry_after, .. } = error else { panic!("{error:?}") };
    assert_eq!((status.as_u16(), retry_after), (expected, advice));
    assert_eq!(ends(&journal), [How::Whole]);
}

#[tokio::test(start_paused = true)]
async fn on_a_link_that_loses_everything_nothing_opens() {
    let (network, journal) = network(Link { loss: 1.0, ..Link::LOOPBACK }, vec![], 1);
    let error = dial(&network).await.unwrap_err();
    assert!(matches!(error, NetError::BrokeOff { .. }), "{error:?}");
    assert_eq!(ends(&journal), [How::Cut]);
}
