//! How much of the speaker the microphone hears, and what is left of it after cancelling.

use std::collections::VecDeque;
use std::time::Duration;

use super::trouble::Trouble;
use crate::audio::{Resampler, SampleRate};
use crate::bench::person::MICROPHONE;
use crate::bench::scenario::Sentence;
use crate::cli::talk::sound::Place;
use crate::device::cpal::{CpalMicrophone, CpalSpeaker};
use crate::device::{
    Capture, DeviceError, Microphone, Playback, Rendering, Running, Speaker, Tap, capture_port,
    render_port,
};
use crate::dsp::{EchoReport, measure};
use crate::time::{SessionClock, SessionTime};
use crate::vad::by_name;

/// Plays a few sentences, and tells what the microphone made of them.
pub(super) async fn echo(
    input: Option<&str>,
    output: Option<&str>,
) -> Result<(String, ()), Trouble> {
    let (Place::Live(input), Place::Live(output)) = (Place::new(input), Place::new(output)) else {
        return Err(Trouble::new(
            "a file hears nothing of the other",
            "name a live microphone and speaker, or none",
        ));
    };
    let opened =
        tokio::task::spawn_blocking(move || Devices::open(input.as_deref(), output.as_deref()));
    let devices = opened.await.map_err(broken)?.map_err(broken)?;
    let (rendered, heard) = devices.play(test_sound()).await?;
    let detector = || by_name("earshot").unwrap_or_else(|_| Box::new(crate::vad::Energy::new()));
    let measured = tokio::task::spawn_blocking(move || measure(&rendered, &heard, detector));
    judged(&measured.await.map_err(broken)?)
}

/// What it means.
fn judged(report: &EchoReport) -> Result<(String, ()), Trouble> {
    let EchoReport { delay, gain, left, voice: (before, after) } = *report;
    let Some(delay) = delay.filter(|_| gain > UNHEARD) else {
        let told = format!("not heard ({gain:.0} dB): with headphones, --headphones is right");
        return Ok((told, ()));
    };
    let told = format!(
        "heard after {} ms at {gain:.0} dB; {left:.0} dB after cancelling. Of the agent's voice \
         {:.0} % sounds like yours, {:.0} % after cancelling",
        delay.as_millis(),
        100.0 * before,
        100.0 * after,
    );
    match after <= HARMLESS {
        true => Ok((told, ())),
        false => Err(Trouble::new(
            told,
            "turn the speaker down, use headphones, or start with --barge-in ignore",
        )),
    }
}

fn broken(error: impl std::fmt::Display) -> Trouble {
    Trouble::told(&error, "choose others with --input and --output: `banter devices` lists them")
}

/// Five seconds of speech, at the rate of its microphone.
fn test_sound() -> Vec<i16> {
    let sentences = Sentence::built_in().unwrap_or_default();
    let all: Vec<i16> = sentences.iter().flat_map(|one| one.samples.iter().copied()).collect();
    let length = MICROPHONE.samples(SOUND) as usize;
    all.into_iter().take(length).collect()
}

/// A microphone and a speaker in motion.
struct Devices {
    clock: SessionClock,
    microphone: Box<dyn Running>,
    speaker: Box<dyn Rendering>,
    capture: Capture,
    playback: Playback,
    tap: Tap,
    rate: SampleRate,
}

/// Sound, and when its first sample was captured or in the air.
struct Placed {
    samples: Vec<i16>,
    rate: SampleRate,
    begins: Option<SessionTime>,
}

impl Devices {
    fn open(input: Option<&str>, output: Option<&str>) -> Result<Self, DeviceError> {
        let clock = SessionClock::live();
        let microphone = CpalMicrophone::open(input)?;
        let speaker = CpalSpeaker::open(output)?;
        let (port, capture) = capture_port(microphone.rate());
        let rate = speaker.rate();
        let (render, playback, tap) = render_port(rate);
        let speaker = Box::new(speaker).start(render, &clock).map_err(|refused| refused.error)?;
        let microphone = Box::new(microphone).start(port, &clock)?;
        Ok(Self { clock, microphone, speaker, capture, playback, tap, rate })
    }

    /// Plays `sound` as soon as both devices run. Gives what left and what was heard, side by side
    /// at 16 kHz.
    async fn play(mut self, sound: Vec<i16>) -> Result<(Vec<i16>, Vec<i16>), Trouble> {
        let mut left = Placed { samples: Vec::new(), rate: self.rate, begins: None };
        let rate = self.capture.rate();
        let mut heard = Placed { samples: Vec::new(), rate, begins: None };
        let mut queue: VecDeque<i16> = resampled(&sound, MICROPHONE, self.rate).into();
        let (begun, mut over) = (self.clock.now(), None);
        loop {
            let now = self.clock.now();
            self.microphone.advance(now).map_err(broken)?;
            self.speaker.advance(now).map_err(broken)?;
            self.take(&mut left, &mut heard);
            let runs = left.begins.is_some() && heard.begins.is_some();
            if runs {
                self.playback.push(&mut queue);
            } else if now.since(begun) > PATIENCE {
                return Err(broken("one of the two devices gives or takes no sound"));
            }
            if runs && queue.is_empty() && over.is_none() {
                over = Some(now + RINGS);
            }
            if over.is_some_and(|over| now >= over) {
                return Ok(side_by_side(left, heard));
            }
            self.clock.sleep(LOOK).await;
        }
    }

    fn take(&mut self, left: &mut Placed, heard: &mut Placed) {
        while let Some(block) = self.tap.next_block(&mut left.samples) {
            left.begins.get_or_insert(block.at);
        }
        while let Some(note) = self.capture.next_captured() {
            heard.begins.get_or_insert(note.at - heard.rate.duration(note.samples));
        }
        while let Some(samples) = self.capture.take(heard.rate.samples(LOOK) as usize) {
            heard.samples.extend(samples);
        }
    }
}

/// Both from the later beginning on, at 16 kHz.
fn side_by_side(left: Placed, heard: Placed) -> (Vec<i16>, Vec<i16>) {
    let begins = left.begins.max(heard.begins);
    let from = |placed: Placed| {
        let late = begins.zip(placed.begins).map_or(Duration::ZERO, |(all, own)| all.since(own));
        let skip = placed.rate.samples(late) as usize;
        resampled(placed.samples.get(skip..).unwrap_or_default(), placed.rate, SampleRate::SPEECH)
    };
    let (mut left, mut heard) = (from(left), from(heard));
    let length = left.len().min(heard.len());
    left.truncate(length);
    heard.truncate(length);
    (left, heard)
}

fn resampled(samples: &[i16], from: SampleRate, to: SampleRate) -> Vec<i16> {
    let mut out = Vec::new();
    if let Ok(mut resampler) = Resampler::new(from, to) {
        resampler.process(samples, &mut out);
        resampler.flush(&mut out);
    }
    out
}

/// An echo below this is none, in dB.
const UNHEARD: f32 = -50.0;

/// The share of frames that may sound like a user: a hold takes 60 % of half a second.
const HARMLESS: f32 = 0.1;

const SOUND: Duration = Duration::from_secs(5);

/// How long the last of it may still be heard.
const RINGS: Duration = Duration::from_millis(800);

/// A headset without wires may take a second to wake up.
const PATIENCE: Duration = Duration::from_secs(4);

const LOOK: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;

    fn report(delay: Option<u64>, gain: f32, after: f32) -> EchoReport {
        EchoReport {
            delay: delay.map(Duration::from_millis),
            gain,
            left: -70.0,
            voice: (0.9, after),
        }
    }

    #[test]
    fn an_echo_that_is_cancelled_is_told_with_its_figures() {
        let (told, ()) = judged(&report(Some(60), -21.0, 0.01)).unwrap();
        assert_eq!(
            told,
            "heard after 60 ms at -21 dB; -70 dB after cancelling. Of the agent's voice 90 % \
             sounds like yours, 1 % after cancelling"
        );
    }

    #[test]
    fn one_that_is_left_says_what_to_do() {
        let trouble = judged(&report(Some(60), -3.0, 0.4)).unwrap_err();
        assert!(trouble.remedy.contains("headphones"), "{trouble:?}");
    }

    #[test]
    fn headphones_are_known() {
        for quiet in [report(None, -60.0, 0.0), report(Some(60), -55.0, 0.0)] {
            assert!(judged(&quiet).unwrap().0.contains("--headphones"));
        }
    }

    #[test]
    fn what_left_and_what_was_heard_begin_together() {
        let placed = |begins, samples: std::ops::Range<i16>| Placed {
            samples: samples.collect(),
            rate: SampleRate::SPEECH,
            begins: Some(SessionTime::from_millis(begins)),
        };
        let (left, heard) = side_by_side(placed(10, 0..1000), placed(20, 0..500));
        assert_eq!((left[0], heard[0]), (160, 0));
        assert_eq!((left.len(), heard.len()), (500, 500));
    }
}
