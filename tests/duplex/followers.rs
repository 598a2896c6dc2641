//! A model that is lost for good, and who goes on.

use banter::EventKind;
use banter::net::NetError;
use http::StatusCode;
use serde_json::json;

use crate::world::{MOMENTS, latency, two_turns};

/// Cut, and refused from then on: the budget of connections is used up, and engines one after the other
/// go on.
#[tokio::test(start_paused = true)]
async fn wherever_it_is_lost_for_good_others_go_on_with_the_call() {
    for (moment, after_ms, there) in MOMENTS
        .iter()
        .flat_map(|moment| [(*moment, 150, false), (*moment, 0, true)])
        .filter(|(moment, _, there)| *there || *moment != "speech_started")
    {
        let world = two_turns();
        let mut world = if there { world.there() } else { world };
        world.script["duplex"] = json!({"faults": [
            {"call": 1, "at": moment, "nth": 1, "after_ms": after_ms, "fault": "cut"},
        ]});
        world.connections = 1;
        world.others = Some((["one", "two"], ["By the others.", "By the others."]));
        let told = world.call().await;
        let case = format!("{moment}+{after_ms}, there: {there}: {:#?}", told.said());
        let changed = told.count(|kind| matches!(kind, EventKind::ModeChanged { .. }));
        assert_eq!((changed, told.calls.len()), (1, 1), "{case}");
        let said = told.said();
        let users = said.iter().filter(|line| line.starts_with("user: "));
        assert_eq!(users.count(), 2, "{case}");
        assert_eq!(said.last().unwrap(), "assistant: By the others.", "{case}");
        // Words of what it had begun to answer are its own to tell.
        let answered = said[1].starts_with("assistant: Hello");
        assert!(answered || !case.contains("[speech"), "{case}");
        let ended = |kind: &EventKind| matches!(kind, EventKind::TurnEnded { .. });
        assert_eq!(told.count(ended), 2, "{case}");
        let responses = told.events.iter().filter_map(|event| event.response);
        assert!(responses.is_sorted(), "{case}");
        let failed = |kind: &EventKind| matches!(kind, EventKind::TurnFailed { .. });
        let cut = matches!((moment, after_ms), ("first_audio", _) | ("response_begun", 150));
        assert!(told.count(failed) <= usize::from(cut), "{case}");
    }
}

/// Whom the provider does not know is not tried twice.
#[tokio::test(start_paused = true)]
async fn a_provider_that_refuses_at_the_first_knock_is_followed_at_once() {
    for by_gemini in [false, true] {
        let world = two_turns();
        let mut world = if by_gemini { world.by_gemini() } else { world };
        world.connections = 0;
        world.refused = |host| NetError::Refused {
            host,
            status: StatusCode::UNAUTHORIZED,
            message: "no such key".to_owned(),
            retry_after: None,
            details: Box::default(),
        };
        world.others = Some((["one", "two"], ["One.", "Two."]));
        let told = world.call().await;
        assert_eq!(told.said(), ["user: one", "assistant: One.", "user: two", "assistant: Two."]);
        let first = told.events.iter().find(|e| matches!(e.kind, EventKind::ModeChanged { .. }));
        assert!(first.unwrap().at.as_millis() < 500.0, "{first:?}");
        let latencies = told.events.iter().filter_map(latency);
        assert_eq!(latencies.count(), 2);
    }
}
