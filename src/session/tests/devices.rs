//! Devices that fail or are exchanged in the middle of a call.

mod doubles;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use self::doubles::{Dying, Failing, Keeping, Losing, Refusing, Slow, Ticking, null};
use super::world::{World, silence, voice};
use crate::audio::SampleRate;
use crate::device::{Levels, Microphone, NullMicrophone, NullSpeaker, Speaker};
use crate::events::EventKind;
use crate::session::{DriveCommand, Pace, Session, SessionConfig};

#[tokio::test]
async fn a_microphone_that_fails_is_a_warning_and_the_call_goes_on() {
    let told = warned(Box::new(Failing), Box::new(NullSpeaker(SampleRate::SPEECH))).await;
    let expected = "the microphone `failing` is gone; nobody hears you until you choose another \
                    microphone";
    assert_eq!(told, [expected]);
}

#[tokio::test]
async fn a_speaker_that_fails_is_a_warning_and_the_call_goes_on() {
    let told = warned(Box::new(NullMicrophone(SampleRate::SPEECH)), Box::new(Failing)).await;
    let expected = "the speaker `failing` is gone; nothing is heard until you choose another \
                    speaker";
    assert_eq!(told, [expected]);
}

/// The warnings of a call that is stopped a second after the first.
async fn warned(microphone: Box<dyn Microphone>, speaker: Box<dyn Speaker>) -> Vec<String> {
    let session = Session::new(World::new("", &[], &[]).engines(), SessionConfig::default());
    let (mut events, stop) = (session.subscribe(), session.handle());
    let mut warnings = Vec::new();
    let watch = async {
        while let Some(Ok(event)) = events.next().await {
            if let EventKind::Warning { message } = event.kind {
                warnings.push(message);
                stop.stop();
            }
        }
    };
    let (summary, ()) = tokio::join!(session.run(microphone, speaker, Pace::Max), watch);
    summary.expect("the call goes on");
    warnings
}

#[tokio::test]
async fn a_muted_microphone_is_silence_and_time_goes_on() {
    let world = World::new(&(voice(500) + &silence(500)), &["hello"], &["Yes."]);
    let session = Session::new(world.engines(), SessionConfig::default());
    let (devices, mut events) = (session.handle().devices().clone(), session.subscribe());
    let (meters, mute) = (Arc::clone(devices.meters()), devices.mute().clone());
    mute.set(true);
    let stop = session.handle();
    let watch = async {
        while let Some(Ok(event)) = events.next().await {
            if matches!(event.kind, EventKind::ResponseEnded { .. }) {
                stop.stop();
            }
        }
    };
    let microphone = Box::new(NullMicrophone(SampleRate::SPEECH));
    let speaker = Box::new(NullSpeaker(SampleRate::SPEECH));
    let (summary, ()) = tokio::join!(session.run(microphone, speaker, Pace::Max), watch);
    assert_eq!(summary.unwrap().turns, 1, "the detector follows its script all the same");
    let levels = meters.levels();
    assert_eq!(levels.microphone, Levels::SILENCE);
    assert!(levels.speaker > -25.0, "the agent was heard: {levels:?}");
}

#[tokio::test]
async fn devices_exchanged_in_a_call_go_on_where_the_others_were() {
    let mut world = World::new(&(voice(500) + &silence(1500)), &["hello"], &["Yes, I am."]);
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("call.wav");
    world.config.record = Some(record.clone());
    let config = world.config.clone();
    let session = Session::new(world.engines(), config);
    let (devices, mut events, stop) =
        (session.handle().devices().clone(), session.subscribe(), session.handle());
    let mut ended = None;
    let watch = async {
        while let Some(Ok(event)) = events.next().await {
            match event.kind {
                EventKind::TurnEnded { .. } => {
                    let rate = SampleRate::new(48_000).unwrap();
                    let speaker = DriveCommand::Speaker(Box::new(NullSpeaker(rate)));
                    assert!(devices.exchange(speaker));
                    let microphone = DriveCommand::Microphone(Box::new(NullMicrophone(rate)));
                    assert!(devices.exchange(microphone));
                }
                EventKind::ResponseEnded { .. } => stop.stop(),
                EventKind::SessionEnded { .. } => ended = Some(event.at),
                EventKind::Warning { message } => panic!("{message}"),
                _ => {}
            }
        }
    };
    let microphone = Box::new(NullMicrophone(SampleRate::SPEECH));
    let speaker = Box::new(NullSpeaker(SampleRate::SPEECH));
    let (summary, ()) = tokio::join!(session.run(microphone, speaker, Pace::Max), watch);
    summary.unwrap();
    let length = hound::WavReader::open(&record).unwrap().duration();
    let ended = ended.unwrap().as_millis();
    let recorded = f64::from(length) / 16.0;
    assert!((recorded - ended).abs() < 20.0, "{recorded} ms recorded, ended at {ended} ms");
}

/// A call of a question and its answer, in which `exchange` is done when the answer is heard; what
/// warns and changes until `enough`, and the length of its recording in ms.
async fn exchanged(
    speaker: Box<dyn Speaker>,
    exchange: impl Fn() -> Option<DriveCommand>,
    enough: impl Fn(&[String], &EventKind) -> bool,
) -> (Vec<String>, f64, f64) {
    let script = voice(500) + &silence(1500);
    let mut world = World::new(&script, &["hello"], &["Yes, I am. What can I do for you?"]);
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("call.wav");
    world.config.record = Some(record.clone());
    let session = Session::new(world.engines(), world.config.clone());
    let (handle, mut events) = (session.handle(), session.subscribe());
    let (mut told, mut ended) = (Vec::new(), 0.0);
    let watch = async {
        while let Some(Ok(event)) = events.next().await {
            match &event.kind {
                EventKind::AgentSpeechStarted { .. } => {
                    let command = exchange();
                    assert!(command.is_none_or(|command| handle.devices().exchange(command)));
                }
                EventKind::AgentSpeechEnded { heard_ms, complete, .. } => {
                    told.push(format!("heard to the end: {complete}, {heard_ms}"));
                }
                EventKind::Warning { message } => told.push(message.clone()),
                EventKind::DeviceChanged { device, name } => told.push(format!("{device} {name}")),
                EventKind::SessionEnded { .. } => ended = event.at.as_millis(),
                _ => {}
            }
            if enough(&told, &event.kind) {
                handle.stop();
            }
        }
    };
    let microphone = Box::new(NullMicrophone(SampleRate::SPEECH));
    let (summary, ()) = tokio::join!(session.run(microphone, speaker, Pace::Max), watch);
    assert!(summary.expect("the call goes on").recording_is_whole);
    let length = hound::WavReader::open(&record).unwrap().duration();
    (told, f64::from(length) / 16.0, ended)
}

const HEARD: &str = "heard to the end: true, 1860";

#[tokio::test]
async fn a_speaker_that_does_not_start_leaves_the_one_before() {
    let refusing = || Some(DriveCommand::Speaker(Box::new(Refusing)));
    let enough = |told: &[String], _: &EventKind| told.len() == 2;
    let (told, recorded, ended) = exchanged(null(), refusing, enough).await;
    assert_eq!(told, ["the speaker `refusing` is in use; the speaker before goes on", HEARD]);
    assert!((recorded - ended).abs() < 20.0, "{recorded} ms recorded, ended at {ended} ms");
}

#[tokio::test]
async fn a_speaker_that_does_not_start_in_place_of_one_that_failed_leaves_nobody() {
    let refusing = || DriveCommand::Speaker(Box::new(Refusing));
    let told = exchanged_when_warned(Box::new(Failing), refusing).await;
    let expected = [
        "the speaker `failing` is gone; nothing is heard until you choose another speaker",
        "the speaker `refusing` is in use; nothing is heard until you choose another speaker",
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_speaker_that_is_chosen_after_the_way_was_lost_is_of_no_use_and_told_so() {
    let another = || DriveCommand::Speaker(null());
    let told = exchanged_when_warned(Box::new(Losing), another).await;
    let expected = [
        "the speaker `failing` is gone; nothing is heard until you choose another speaker",
        "the speaker `losing` does not let go; nothing is heard in this call any more: end it, \
         and start another",
        "the speaker `nothing` is of no use; nothing is heard in this call any more: end it, and \
         start another",
    ];
    assert_eq!(told, expected);
}

/// What is told in a silent call in which `exchange` is done at the first warning, until that has
/// failed.
async fn exchanged_when_warned(
    speaker: Box<dyn Speaker>,
    exchange: impl Fn() -> DriveCommand,
) -> Vec<String> {
    let session = Session::new(World::new("", &[], &[]).engines(), SessionConfig::default());
    let (handle, mut events) = (session.handle(), session.subscribe());
    let mut told: Vec<String> = Vec::new();
    let watch = async {
        while let Some(Ok(event)) = events.next().await {
            let EventKind::Warning { message } = event.kind else { continue };
            let first = told.is_empty();
            let last = ["in use", "of no use"].iter().any(|end| message.contains(end));
            told.push(message);
            if first {
                assert!(handle.devices().exchange(exchange()));
            }
            if last {
                handle.stop();
            }
        }
    };
    let microphone = Box::new(NullMicrophone(SampleRate::SPEECH));
    let (summary, ()) = tokio::join!(session.run(microphone, speaker, Pace::Max), watch);
    summary.expect("the call goes on");
    told
}

/// The new speaker starts only once the answer was heard from the one before.
#[tokio::test]
async fn the_sound_goes_on_while_a_device_starts() {
    let (let_start, may_start) = mpsc::sync_channel(1);
    let slow = std::sync::Mutex::new(Some(Slow(may_start)));
    let exchange = || {
        let slow = slow.lock().unwrap().take()?;
        Some(DriveCommand::Speaker(Box::new(slow)))
    };
    let enough = |told: &[String], kind: &EventKind| {
        if let EventKind::AgentSpeechEnded { .. } = kind {
            let_start.send(()).unwrap();
        }
        told.len() == 2
    };
    let (told, recorded, ended) = exchanged(null(), exchange, enough).await;
    assert_eq!(told, [HEARD, "speaker slow"]);
    assert!((recorded - ended).abs() < 20.0, "{recorded} ms recorded, ended at {ended} ms");
}

#[tokio::test]
async fn a_speaker_that_keeps_its_port_is_told_as_it_is_and_the_recording_goes_on() {
    let exchange = || Some(DriveCommand::Speaker(null()));
    let enough = |told: &[String], kind: &EventKind| {
        !told.is_empty() && matches!(kind, EventKind::Warning { .. })
    };
    let (told, recorded, ended) = exchanged(Box::new(Keeping), exchange, enough).await;
    let expected = "the speaker `keeping` does not let go; nothing is heard in this call any more: \
                    end it, and start another";
    assert_eq!(told[0], expected);
    assert!(told.iter().all(|told| !told.starts_with("speaker ")), "{told:?}");
    assert!((recorded - ended).abs() < 20.0, "{recorded} ms recorded, ended at {ended} ms");
}

/// Nothing leaves any more: the answer fails, not the call.
#[tokio::test]
async fn a_speaker_that_dies_with_its_port_ends_the_answer_and_not_the_call() {
    let exchange = || Some(DriveCommand::Speaker(null()));
    let enough = |_: &[String], kind: &EventKind| matches!(kind, EventKind::TurnFailed { .. });
    let (told, recorded, ended) = exchanged(Box::new(Dying), exchange, enough).await;
    let expected = "the speaker does not end; nothing is heard in this call any more: end it, and \
                    start another";
    assert_eq!(told[0], expected);
    assert!(told[1].starts_with("heard to the end: false"), "{told:?}");
    assert!((30_000.0..40_000.0).contains(&ended), "after 30 s without progress: {ended}");
    assert!((recorded - ended).abs() < 20.0, "{recorded} ms recorded, ended at {ended} ms");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_was_suspended_leaps_to_the_present() {
    let session = Session::new(World::new("", &[], &[]).engines(), SessionConfig::default());
    let (mut events, ticks) = (session.subscribe(), Arc::<AtomicU32>::default());
    let ticking = Box::new(Ticking(Arc::clone(&ticks), session.handle()));
    let watch = async {
        while let Some(Ok(event)) = events.next().await {
            if let EventKind::SessionStarted { .. } = event.kind {
                tokio::time::advance(Duration::from_secs(60)).await;
            }
        }
    };
    let (summary, ()) = tokio::join!(session.run(ticking, null(), Pace::Live), watch);
    summary.unwrap();
    let ticks = ticks.load(Ordering::Relaxed);
    assert!((60..200).contains(&ticks), "{ticks} ticks in place of 12,000");
}
