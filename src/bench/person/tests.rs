//! A person and an agent of whom only the sound is known, in virtual time.

use std::time::Duration;

use super::*;
use crate::device::{Capture, Playback, Running, capture_port, render_port};
use crate::device::{Microphone, Rendering, Speaker};
use crate::ids::ResponseId;
use crate::time::{SessionClock, Stepper};

/// A person with its devices, moved as a session does.
struct Room {
    microphone: Box<dyn Running>,
    speaker: Box<dyn Rendering>,
    capture: Capture,
    playback: Playback,
    log: PersonLog,
    stepper: Stepper,
    now: u64,
    /// What was said, from the start.
    said: Vec<i16>,
    /// The agent's sound to come.
    queued: std::collections::VecDeque<i16>,
}

impl Room {
    fn new(person: Person) -> Self {
        let (clock, stepper) = SessionClock::stepped();
        let (microphone, speaker, log) = person.with_noise(None).devices();
        let (port, capture) = capture_port(microphone.rate());
        let (render, playback, _tap) = render_port(speaker.rate());
        let microphone = Box::new(microphone).start(port, &clock).unwrap();
        let speaker = Box::new(speaker).start(render, &clock).unwrap();
        let (said, queued) = (Vec::new(), std::collections::VecDeque::new());
        Self { microphone, speaker, capture, playback, log, stepper, now: 0, said, queued }
    }

    /// Moves both devices until `ms`, in ticks of 5 ms.
    async fn until(&mut self, ms: u64) {
        while self.now < ms {
            self.playback.push(&mut self.queued);
            self.speaker.advance(at(self.now + 5)).unwrap();
            while self.playback.next_played().is_some() {}
            self.now += 5;
            self.stepper.advance_to(at(self.now)).await;
            self.microphone.advance(at(self.now)).unwrap();
            while let Some(samples) = self.capture.take(80) {
                self.said.extend(samples);
            }
        }
    }

    /// The agent begins to sound now, for so long.
    fn agent_sounds(&mut self, ms: usize) {
        // It ends on a silent sample, after which a speaker has nothing to fade out from.
        self.queued.extend(std::iter::repeat_n(5_000, ms * 24));
        self.queued.push_back(0);
    }

    fn starts(&self) -> Vec<u64> {
        self.log.spoken().iter().map(|spoken| spoken.start.as_nanos() / 1_000_000).collect()
    }

    fn is_over(&self) -> bool {
        self.capture.is_over()
    }
}

fn at(ms: u64) -> SessionTime {
    SessionTime::from_millis(ms)
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Half a second of speech, a tenth after the beginning of its samples.
fn says(text: &str, when: When) -> Utterance {
    let mut samples = vec![0; 1_600];
    samples.extend([4_000; 8_000]);
    samples.extend([0; 800]);
    let (samples, text) = (samples.into(), text.to_owned());
    Utterance { samples, speech: ms(100)..ms(600), labelled: true, when, text }
}

fn two(when: When) -> Room {
    Room::new(Person::new(vec![says("one", When::AfterReply(ms(700))), says("two", when)]))
}

#[tokio::test]
async fn what_is_said_is_where_the_log_says_to_the_sample() {
    let mut room = two(When::AfterReply(ms(700)));
    room.until(2_000).await;
    let spoken = room.log.spoken();
    assert_eq!(spoken, [Spoken { index: 0, start: at(700), end: at(1_200), labelled: true }]);
    let loud = |sample: &i16| *sample != 0;
    assert_eq!(room.said.iter().position(loud), Some(700 * 16));
    assert_eq!(room.said.iter().rposition(loud), Some(1_200 * 16 - 1));
}

#[tokio::test]
async fn a_reply_is_over_after_1_2_s_of_silence() {
    let mut room = two(When::AfterReply(ms(700)));
    room.until(2_000).await;
    room.agent_sounds(1_000);
    room.until(3_500).await; // a pause of half a second
    room.agent_sounds(300);
    room.until(4_900).await;
    assert_eq!(room.starts(), [700], "until 5.0 s the reply may go on");
    room.until(6_000).await;
    // Known at 5.0 s, and a tenth later there is speech in its samples.
    assert_eq!(room.starts(), [700, 5_100]);
    let sounds: Vec<_> =
        room.log.agent().iter().map(|sound| (sound.from, sound.to, sound.peak)).collect();
    assert_eq!(sounds, [(at(2_000), at(3_000), 5_000), (at(3_500), at(3_800), 5_000)]);
}

#[tokio::test]
async fn a_longer_pause_is_kept_to_the_sample() {
    let mut room = two(When::AfterReply(ms(1_733)));
    room.until(2_000).await;
    room.agent_sounds(400);
    room.until(6_000).await;
    assert_eq!(room.starts(), [700, 2_400 + 1_733]);
}

#[tokio::test]
async fn into_the_reply_and_at_its_eighth_word() {
    let mut room = two(When::IntoReply(ms(1_200)));
    room.until(2_000).await;
    room.agent_sounds(3_000);
    room.until(4_000).await;
    assert_eq!(room.starts(), [700, 3_200]);

    let mut room = two(When::AtWord(8));
    room.log.tell_text(ResponseId::FIRST, "An older one, not this.");
    room.until(2_000).await;
    let response = ResponseId::FIRST.next();
    room.log.tell_text(response, "one two three four ");
    room.agent_sounds(3_000);
    room.until(2_500).await;
    room.log.tell_text(response, "five six seven eight nine");
    room.until(6_000).await;
    let chars = "one two three four five six seven ".len() as u64;
    assert_eq!(room.starts(), [700, 2_000 + 60 * chars]);
}

#[tokio::test]
async fn what_should_have_been_said_into_a_reply_is_said_after_it() {
    for when in [When::IntoReply(ms(5_000)), When::AtWord(20)] {
        let mut room = two(when);
        room.log.tell_text(ResponseId::FIRST, "It is short.");
        room.until(2_000).await;
        room.agent_sounds(400);
        room.until(5_000).await;
        assert_eq!(room.starts(), [700, 2_400 + 1_200 + 100]);
    }
}

#[tokio::test]
async fn who_interrupts_waits_for_the_answer_to_that() {
    let mut turns = vec![says("one", When::AfterReply(ms(700)))];
    turns.push(says("two", When::IntoReply(ms(500))));
    turns.push(says("three", When::AfterReply(ms(2_000))));
    let mut room = Room::new(Person::new(turns));
    room.until(2_000).await;
    room.agent_sounds(800); // until 2.8 s: it is spoken over from 2.5 s to 3.0 s
    room.until(4_000).await;
    assert_eq!(room.starts(), [700, 2_500]);
    room.agent_sounds(1_000);
    room.until(8_000).await;
    assert_eq!(room.starts(), [700, 2_500, 7_000], "2 s after the answer");
    assert!(room.log.unanswered().is_empty());
}

#[tokio::test]
async fn a_greeting_is_heard_out() {
    let person = Person::new(vec![says("one", When::AfterReply(ms(700)))]);
    let mut room = Room::new(person.greeted(true));
    room.until(3_000).await;
    room.agent_sounds(500);
    room.until(6_000).await;
    assert_eq!(room.starts(), [3_500 + 1_200 + 100]);
}

#[tokio::test]
async fn patience_has_an_end_and_so_has_the_call() {
    let turns = vec![says("one", When::AfterReply(ms(700))), says("", When::AfterReply(ms(700)))];
    let mut room = Room::new(Person::new(turns).with_patience(ms(3_000)));
    room.until(4_000).await;
    assert_eq!((room.starts().len(), room.log.unanswered()), (1, vec![]));
    room.until(6_500).await;
    assert_eq!(room.log.unanswered(), [0], "3 s after 1.2 s");
    // A noise is answered by nobody: the call ends 1.2 s and 0.5 s after it.
    assert_eq!(room.starts(), [700, 4_905]);
    assert!(!room.is_over());
    room.until(7_200).await;
    assert!(room.is_over() && room.log.unsaid() == 0);
}

#[tokio::test]
async fn an_agent_that_never_ends_is_not_listened_to_for_ever() {
    let mut room = two(When::IntoReply(ms(500)));
    room.until(2_000).await;
    room.agent_sounds(130_000);
    room.until(121_900).await;
    assert_eq!(room.starts(), [700, 2_500]);
    assert!(!room.is_over());
    room.until(122_100).await;
    assert!(room.is_over());
}

#[tokio::test]
async fn at_a_time_means_at_that_time() {
    let mut room = two(When::At(at(1_000)));
    room.until(3_000).await;
    // Not before the first is over.
    assert_eq!(room.starts(), [700, 1_350]);
    let turns = vec![says("one", When::At(at(2_345)))];
    let mut room = Room::new(Person::new(turns));
    room.until(3_000).await;
    assert_eq!(room.starts(), [2_345]);
}

#[tokio::test]
async fn the_room_is_never_quite_silent_and_the_same_each_time() {
    let hear = |seed| {
        let (clock, _stepper) = SessionClock::stepped();
        let (microphone, _, _) = Person::new(Vec::new()).with_noise(Some(seed)).devices();
        let (port, mut capture) = capture_port(MICROPHONE);
        let mut running = Box::new(microphone).start(port, &clock).unwrap();
        running.advance(at(1_000)).unwrap();
        capture.take(16_000).unwrap()
    };
    let heard = hear(7);
    let level = crate::audio::level::rms_dbfs(&heard);
    assert!((level + 70.0).abs() < 0.5, "{level}");
    assert_eq!(heard, hear(7));
    assert_ne!(heard, hear(8));
}

#[tokio::test]
async fn the_call_s_zero_is_noted_by_the_other_clock() {
    let person = Person::new(Vec::new()).clocked_by(Arc::new(|| 5_000));
    let room = Room::new(person);
    assert_eq!(room.log.zero_nanos(), 5_000);
    assert!(monotonic() > 0);
}

#[test]
fn moving_allocates_nothing() {
    let (clock, _stepper) = SessionClock::stepped();
    let turns = vec![says("one", When::AfterReply(ms(10))), says("two", When::IntoReply(ms(300)))];
    let (microphone, speaker, log) = Person::new(turns).devices();
    let (port, mut capture) = capture_port(MICROPHONE);
    let (render, mut playback, _tap) = render_port(SPEAKER);
    let mut microphone = Box::new(microphone).start(port, &clock).unwrap();
    let mut speaker = Box::new(speaker).start(render, &clock).unwrap();
    let mut queued: std::collections::VecDeque<i16> = std::iter::repeat_n(5_000, 10_000).collect();
    let counted = allocation_counter::measure(|| {
        for tick in 1..400 {
            speaker.advance(at(tick * 5)).unwrap();
            microphone.advance(at(tick * 5)).unwrap();
            if tick == 150 {
                playback.push(&mut queued);
            }
        }
    });
    assert_eq!(counted.count_total, 0);
    assert_eq!((log.spoken().len(), log.agent().len()), (2, 1));
    assert!(capture.take(16_000).is_some());
}
