//! Over [`DuplexMock`].

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use serde_json::{Value, json};

use super::super::{CallEnd, DuplexMock};
use super::services;
use crate::bench::services::Profile;
use crate::net::{Connection, Dial, DialLimits, NetError, SocketMessage};
use crate::time::SessionClock;

fn mock(script: Value) -> DuplexMock {
    let services = services(Profile::Realistic.delays(), script);
    DuplexMock::new(services, SessionClock::live())
}

async fn dial(mock: &DuplexMock) -> Result<Connection, NetError> {
    let request =
        Request::get("wss://mock/v1/realtime?model=m").header("authorization", "Bearer me");
    mock.dial(request.body(()).unwrap(), DialLimits::default()).await
}

/// What comes until the end, and how it ends.
async fn rest(call: &mut Connection) -> (Vec<String>, Option<NetError>) {
    let mut kinds = Vec::new();
    loop {
        match call.incoming.receive().await {
            Some(Ok(SocketMessage::Text(text))) => {
                let event: Value = serde_json::from_str(&text).unwrap();
                kinds.push(event["type"].as_str().unwrap().to_owned());
            }
            Some(Ok(SocketMessage::Binary(_))) => panic!("text was expected"),
            Some(Err(error)) => return (kinds, Some(error)),
            None => return (kinds, None),
        }
    }
}

async fn ask(call: &Connection) {
    let ask = json!({"type": "response.create"}).to_string();
    call.outgoing.send(SocketMessage::Text(ask)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_as_a_real_one_does() {
    for (fault, expected) in [
        ("cut", Some("as it was told")),
        ("close:1000", None),
        ("close:1001", None),
        ("close:1011", Some("1011, as it was told")),
    ] {
        let faults = json!([{"at": "first_audio", "fault": fault}]);
        let mock = mock(json!({"duplex": {"faults": faults}}));
        let mut call = dial(&mock).await.unwrap();
        ask(&call).await;
        let (kinds, error) = rest(&mut call).await;
        assert_eq!(kinds.last().unwrap(), "response.output_audio.delta");
        let reason = error.map(|error| match error {
            NetError::BrokeOff { reason, .. } => reason,
            other => panic!("{other:?}"),
        });
        assert_eq!(reason.as_deref(), expected, "{fault}");
    }
}

#[tokio::test(start_paused = true)]
async fn silence_is_noticed_by_the_callers_side() {
    let faults = json!([{"at": "first_audio", "fault": "silent"}]);
    let mock = mock(json!({"duplex": {"faults": faults}}));
    let mut call = dial(&mock).await.unwrap();
    ask(&call).await;
    let clock = SessionClock::live();
    let (_, error) = rest(&mut call).await;
    let limit = 2 * DialLimits::default().alive;
    assert!(
        matches!(error, Some(NetError::TimedOut { limit: it, .. }) if it == limit),
        "{error:?}"
    );
    assert!(clock.now().as_millis() < 41_000.0);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_is_noticed_and_who_comes_to_early_is_refused() {
    let faults = json!([{"call": 2, "at": "ready", "fault": "refuse:3000"}]);
    let mock = mock(json!({"duplex": {"faults": faults}}));
    drop(dial(&mock).await.unwrap());
    let clock = SessionClock::live();
    clock.sleep(Duration::from_millis(1)).await;
    assert_eq!(mock.services().log("me").calls[0].ending, CallEnd::Left);

    let mut second = dial(&mock).await.unwrap();
    rest(&mut second).await;
    let refused = dial(&mock).await.unwrap_err();
    assert!(matches!(refused, NetError::Refused { status, .. } if status == 503), "{refused:?}");
    clock.sleep(Duration::from_secs(3)).await;
    assert!(dial(&mock).await.is_ok());
    assert_eq!(Arc::clone(mock.services()).served(), 3);
}
