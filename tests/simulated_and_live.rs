//! A call goes as it is simulated: the same events, at the same times.
//!
//! A test binary of its own: Cargo runs them one after the other, so that no other test takes the
//! processor from the call in real time.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

#[path = "support/lacking.rs"]
mod lacking;
#[path = "support/processor.rs"]
mod processor;

use std::sync::Arc;

use banter::Event;
use banter::bench::call::{self, Call};
use banter::bench::person::Person;
use banter::bench::scenario::Scenario;
use banter::bench::services::Services;
use banter::net::{Http, HttpClient};
use banter::server::mock::Mock;
use banter::sim::{self, Options, Play};
use banter::vad::by_name;
use tokio::sync::oneshot;

use crate::processor::processor;

#[test]
fn a_call_goes_in_real_time_as_it_is_simulated() {
    let mut scenario = Scenario::named("question").unwrap();
    scenario.turns.truncate(2);
    let play = Play::of(&scenario).unwrap();
    let simulated = sim::run(&play, &Options::default()).unwrap();
    assert_eq!(simulated.broken, []);

    let before = processor();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let live = runtime.block_on(live(&play));
    let idle = processor().idle_since(&before);

    let name = |event: &Event| serde_json::to_value(event).unwrap()["type"].clone();
    let whats = |events: &[Event]| -> Vec<_> {
        events.iter().map(|event| (name(event), event.turn, event.response)).collect()
    };
    assert_eq!(whats(&simulated.events), whats(&live));
    // When other programs take the processor, what happens is still the same, but not when.
    if idle < 0.6 {
        let why = format!("the processors were idle for {:.0} % of the time", idle * 100.0);
        return lacking::lacking("idle-processor", &why);
    }
    let gaps = simulated.events.iter().zip(&live).map(|(simulated, live)| {
        let gap = (simulated.at.as_millis() - live.at.as_millis()).abs();
        (gap, name(live))
    });
    let mut gaps: Vec<_> = gaps.collect();
    gaps.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (most, furthest) = (&gaps[gaps.len() * 9 / 10], gaps.last().unwrap());
    println!("nine of ten are as close as {most:?}; the furthest apart: {furthest:?}");
    assert!(most.0 <= CLOSE && furthest.0 <= STALLED, "{gaps:?}");
}

/// The events of the same call over sockets, in real time.
async fn live(play: &Play) -> Vec<Event> {
    let services = Arc::new(Services::new(play.delays, Options::default().seed));
    services.script(CALLER, play.script.clone());
    let mock = Mock::bind("127.0.0.1:0".parse().unwrap(), services).await.unwrap();
    let url = mock.url();
    let (end, ended) = oneshot::channel::<()>();
    let serving = tokio::spawn(mock.serve(async {
        let _told = ended.await;
    }));
    let http: Arc<dyn Http> = Arc::new(HttpClient::new().unwrap());
    let tools = call::tools(&play.script, play.delays.tool);
    let engines = call::engines(&http, &url, CALLER, (by_name(&play.vad).unwrap(), tools)).unwrap();
    let person = Person::new(play.utterances.clone()).with_patience(play.patience);
    let call = Call::new(engines, play.config.clone(), person);
    let record = call.run().await.unwrap();
    drop(end);
    serving.await.unwrap();
    record.events
}

const CALLER: &str = "person";
/// In milliseconds.
const CLOSE: f64 = 30.0;
/// In milliseconds: a machine may stop for a moment, and lose the time of what comes then.
const STALLED: f64 = 150.0;
