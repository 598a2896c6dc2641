//! Whole calls in virtual time: a person, a session with the true clients, and mock services
//! behind a network that costs nothing.

mod network;

use std::sync::Arc;
use std::time::Duration;

use self::network::Network;
use super::call::{Call, Record, engines, tools};
use super::figures::{Group, Turn};
use super::measure::{Check, Spoke, barge_ins, checks, lost, turns};
use super::person::Person;
use super::scenario::Scenario;
use super::services::{Log, Profile, Services};
use crate::net::Http;
use crate::session::SessionConfig;
use crate::time::SessionClock;
use crate::turn::Endpoint;

/// What is left of a scenario that was played.
struct Played {
    scenario: Scenario,
    record: Record,
    log: Log,
}

impl Played {
    async fn of(name: &str, profile: Profile) -> Self {
        Self::play(Scenario::named(name).unwrap(), profile).await
    }

    async fn play(scenario: Scenario, profile: Profile) -> Self {
        let delays = scenario.services.delays(Some(profile)).unwrap();
        let services = Arc::new(Services::new(delays, 1));
        services.script(CALLER, scenario.services.script.clone());
        let clock = SessionClock::live();
        let http: Arc<dyn Http> = Arc::new(Network::new(Arc::clone(&services), clock.clone()));
        let tools = tools(&scenario.services.script, delays.tool);
        let engines = engines(
            &http,
            "http://services.test/v1",
            CALLER,
            (Box::new(crate::vad::Earshot::new()), tools),
        )
        .unwrap();
        let mut config = SessionConfig::default();
        config.turn.endpoint = Endpoint::Fixed;
        let config = scenario.agent.apply(config);
        let person = Person::new(scenario.utterances().await.unwrap())
            .greeted(scenario.is_greeted())
            .clocked_by(Arc::new(move || clock.now().as_nanos()));
        let call = Call::new(engines, config, person).with_tools_of(delays.tool);
        if let Some(greeting) = &scenario.agent.greeting {
            call.greet(greeting).unwrap();
        }
        let record = call.run().await.unwrap();
        Self { scenario, record, log: services.log(CALLER) }
    }

    fn turns(&self) -> Vec<Turn> {
        turns(&self.record, &self.log, &self.scenario.name)
    }

    fn failed(&self) -> Vec<Check> {
        let mut checks = checks(&self.scenario, &self.record, Spoke::Clauses);
        assert!(!checks.is_empty());
        checks.retain(|check| !check.ok);
        checks
    }
}

#[tokio::test(start_paused = true)]
async fn every_built_in_scenario_goes_as_expected() {
    for scenario in Scenario::built_in().unwrap() {
        let turns = scenario.turns.iter();
        let answered = turns.filter(|turn| turn.expect.reply_within_ms.is_some()).count();
        let played = Played::play(scenario, Profile::Realistic).await;
        let name = &played.scenario.name;
        assert_eq!(played.failed(), [], "{name}");
        let turns = played.turns();
        assert_eq!((turns.len(), lost(&played.record)), (answered, 0), "{name}");
        for turn in turns {
            assert!(turn.labelled && turn.residual_ms.abs() < 0.01, "{name}: {turn:#?}");
            // The detector may end speech early, too. What is left are steps of the drive.
            let own = turn.overhead_ms.unwrap() - turn.gaps.unwrap()[1];
            assert!((-0.01..20.0).contains(&own), "{name}: {own} ms of {turn:#?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_services_own_time_is_what_they_were_told_to_take() {
    let played = Played::of("question", Profile::Realistic).await;
    let turns = played.turns();
    let group = Group::of("question", &turns);
    assert_eq!(group.gaps[0].1.p99, 800.0);
    for turn in &turns {
        let services = turn.services.unwrap();
        assert_eq!((services.stt_ms, services.tts_ms), (150.0, 80.0));
        // 200 ms to the first of nine tokens to the first pause, and the space after it.
        let tokens = (services.llm_ms - 200.0) / 30.0;
        assert!((1.0..=20.0).contains(&tokens) && tokens.fract() == 0.0, "{services:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_tool_is_a_part_of_the_model_s_time() {
    let played = Played::of("tool", Profile::Zero).await;
    let turns = played.turns();
    assert_eq!(turns[0].services.unwrap().llm_ms, 500.0);
    assert!(turns[0].overhead_ms.unwrap() < 60.0);
}

#[tokio::test(start_paused = true)]
async fn an_interruption_is_timed_from_its_first_sample() {
    let played = Played::of("barge_in", Profile::Fast).await;
    let interruptions = barge_ins(&played.record);
    assert_eq!(interruptions.iter().map(|it| it.index).collect::<Vec<_>>(), [1, 2]);
    for interruption in interruptions {
        assert!((200.0..700.0).contains(&interruption.decision_ms), "{interruption:?}");
        assert!((0.0..=20.0).contains(&interruption.silence_ms), "{interruption:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_as_expected_is_told() {
    let mut scenario = Scenario::named("noise").unwrap();
    scenario.turns[0].expect.heard = Some("how far is the sun".to_owned());
    scenario.turns[0].expect.reply_within_ms = Some(900);
    scenario.turns[1].expect.interrupted = Some(true);
    scenario.turns[1].expect.hold_within_ms = Some(100);
    scenario.turns[2].expect.no_turn = false;
    scenario.turns[2].expect.reply_within_ms = Some(5_000);
    let played = Played::play(scenario, Profile::Realistic).await;
    let failed: Vec<_> = played.failed().into_iter().map(|it| (it.turn, it.what)).collect();
    let told = [
        (Some(0), "reply within 900 ms"),
        (Some(0), "heard \"how far is the sun\""),
        (Some(1), "silent within 100 ms"),
        (Some(1), "interrupts"),
        (Some(2), "reply within 5000 ms"),
    ];
    assert_eq!(failed, told.map(|(turn, what)| (turn, what.to_owned())));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_fails_costs_a_turn() {
    let text = "[services]\nfaults = [{ service = 'llm', request = 1, fault = '401' }]\n\
                [[turn]]\nwav = 'sentences/01.wav'\nexpect = { reply_within_ms = 3000 }";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("refused.toml");
    std::fs::write(&path, text).unwrap();
    let played = Played::play(Scenario::load(&path).unwrap(), Profile::Zero).await;
    assert!(played.turns().is_empty(), "the apology is no answer");
    assert_eq!(played.failed().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_can_be_stopped_and_is_measured_all_the_same() {
    let scenario = Scenario::named("question").unwrap();
    let services = Arc::new(Services::new(Profile::Zero.delays(), 1));
    let clock = SessionClock::live();
    let http: Arc<dyn Http> = Arc::new(Network::new(services, clock.clone()));
    let engines = engines(
        &http,
        "http://services.test/v1",
        CALLER,
        (Box::new(crate::vad::Earshot::new()), tools(&scenario.services.script, Duration::ZERO)),
    )
    .unwrap();
    let person = Person::new(scenario.utterances().await.unwrap());
    let call = Call::new(engines, SessionConfig::default(), person);
    let handle = call.handle();
    let call = call.watched_by(Box::new(move |event| {
        if matches!(event.kind, crate::events::EventKind::Latency(_)) {
            handle.stop();
        }
    }));
    let record = call.run().await.unwrap();
    let turns = turns(&record, &Log::default(), "question");
    assert_eq!((turns.len(), turns[0].overhead_ms, record.person.unsaid()), (1, None, 2));
}

const CALLER: &str = "caller";
