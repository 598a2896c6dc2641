//! When nobody says anything: the user, or the model.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};

use super::world::*;
use crate::providers::mock::MockAnswer;
use crate::providers::{Provider, ProviderEvent, ProviderRequest, ProviderStream};
use crate::session::SessionHandle;
use crate::time::{SessionClock, SessionTime};
use crate::tools::Filler;
use crate::turn::StillThere;
use crate::types::FinishReason;

/// A question, whose answer is heard from 1,400 ms on, for 600 ms; then silence.
fn question_and_silence(ms: usize) -> World {
    let mut world = World::new(&[voice(600), silence(ms)].concat(), &["go"], &["It is ten."]);
    let asking = StillThere::new("Still there?");
    world.config.still_there = Some(StillThere { after: Duration::from_secs(5), ..asking });
    world
}

/// When the agent begins to speak, in ms.
fn speaks(told: &Told) -> Vec<f64> {
    told.times(&["agent_speech_started"]).into_iter().map(|(at, _)| at.round()).collect()
}

#[tokio::test]
async fn who_says_nothing_is_asked_twice_and_then_left_alone() {
    let told = question_and_silence(40_000).run().await;
    let asked = "assistant: Still there?";
    assert_eq!(told.said(), ["user: go", "assistant: It is ten.", asked, asked]);
    let [answer, first, second] = speaks(&told)[..] else { panic!("three times") };
    // An answer of 600 ms, a line of 720 ms.
    assert!((5600.0..5650.0).contains(&(first - answer)), "{answer} {first}");
    assert!((5720.0..5770.0).contains(&(second - first)), "{first} {second}");
    let ended = told.events.last().unwrap().at;
    assert!(ended > SessionTime::from_millis(40_000), "the call goes on: {ended:?}");
}

#[tokio::test]
async fn before_anything_was_said_nobody_is_asked() {
    let mut world = question_and_silence(0);
    world.script = silence(30_000);
    assert_eq!(world.run().await.said(), [""; 0]);
}

#[tokio::test]
async fn a_call_that_nobody_is_in_any_more_ends_if_it_is_to() {
    let mut world = question_and_silence(60_000);
    world.config.still_there.as_mut().unwrap().hang_up = true;
    let told = world.run().await;
    assert_eq!(told.said().len(), 4);
    let last = told.times(&["agent_speech_ended"]).last().unwrap().0;
    let ended = told.events.last().unwrap().at.as_millis();
    assert!((5000.0..5100.0).contains(&(ended - last)), "{last} {ended}");
}

#[tokio::test]
async fn any_sign_of_life_begins_the_wait_anew() {
    let signs: [Wish; 2] = [SessionHandle::press, |session| session.hear("mm")];
    for sign in signs {
        let mut world = question_and_silence(30_000);
        world.provider.add_response("Yes.");
        world.at(5000, sign);
        world.at(5200, SessionHandle::release);
        let told = world.run().await;
        // Without it, at 7,000 ms. Five seconds after the key, or after the answer of 240 ms.
        let asked = speaks(&told).into_iter().find(|at| *at > 6000.0).unwrap();
        assert!((10_200.0..10_300.0).contains(&asked), "{asked}");
    }
    // A cough is one, too.
    let script = [voice(600), silence(4400), voice(100), silence(12_000)].concat();
    let mut world = question_and_silence(0);
    world.script = script;
    let told = world.run().await;
    let asked = speaks(&told)[1];
    assert!((10_000.0..10_200.0).contains(&asked), "five seconds after the cough: {asked}");
}

fn filler(text: &str) -> Option<Filler> {
    Some(Filler { after: Duration::from_secs(2), text: text.to_owned() })
}

/// A model that thinks takes time on the wall, which is paused here.
fn slow_model(seconds: u64) -> World {
    let mut world = World::new(&[voice(600), silence(12_000)].concat(), &["go"], &[]);
    world.model = Some(Arc::new(Thinking(seconds)));
    world.config.slow_filler = filler("One moment.");
    world
}

#[tokio::test(start_paused = true)]
async fn a_slow_model_s_silence_is_filled_once() {
    let told = slow_model(5).run().await;
    assert_eq!(told.said(), ["user: go", "assistant: One moment. It is ten."]);
    let [spoken] = speaks(&told)[..] else { panic!("one answer") };
    assert!((3400.0..3450.0).contains(&spoken), "two seconds after it was asked: {spoken}");

    let quick = slow_model(1).run().await;
    assert_eq!(quick.said(), ["user: go", "assistant: It is ten."]);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_fails_after_the_filler_has_failed() {
    let mut world = World::new(&[voice(600), silence(40_000)].concat(), &["go"], &[]);
    world.provider.add(MockAnswer::text("").hanging_after(0));
    world.config.slow_filler = filler("One moment.");
    let told = world.run().await;
    assert_eq!(told.count("turn_failed"), 1);
    let apology = "assistant: Sorry, something went wrong. Please ask me again.";
    assert_eq!(told.said()[1..], ["assistant: One moment.", apology]);
}

/// A model that says something after so many seconds.
#[derive(Debug)]
struct Thinking(u64);

impl Provider for Thinking {
    fn name(&self) -> &str {
        "thinking"
    }

    fn stream(&self, _request: ProviderRequest) -> ProviderStream {
        let seconds = self.0;
        let answer = async move {
            SessionClock::live().sleep(Duration::from_secs(seconds)).await;
            Ok(ProviderEvent::TextDelta("It is ten.".to_owned()))
        };
        let end = ProviderEvent::Finished { reason: FinishReason::Stop, usage: None };
        Box::pin(stream::once(answer).chain(stream::iter([Ok(end)])))
    }
}
