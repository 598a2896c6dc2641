//! What is said, and when: one persona behind both protocols.

use std::collections::VecDeque;
use std::time::Duration;

use super::super::chance::Chance;
use super::super::script::{Answer, Call};
use super::super::voice::{self, RATE};
use super::super::{Delays, words};
use crate::time::SessionTime;

/// An answer that is being given.
#[derive(Debug)]
pub(super) struct Talk(VecDeque<(SessionTime, Beat)>);

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Beat {
    /// What is said next.
    Text(String),
    /// So many samples of the voice at 24 kHz, from this one on.
    Sound {
        /// The first one.
        from: usize,
        /// How many.
        samples: usize,
    },
    /// A tool is called.
    Call(Call),
    /// There is no more.
    End(Ending),
}

/// How an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// All was said.
    Whole,
    /// It became longer than it may be.
    TooLong,
}

/// How an answer is given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    /// With a voice; else it is written.
    pub(super) audible: bool,
    /// How fast.
    pub(super) speed: f64,
    /// The most tokens of text.
    pub(super) most: usize,
}

impl Talk {
    /// The beats of an answer that is asked for at `now`. Text comes before the sound in which it
    /// is said; what is late does not make the next beat later.
    pub(super) fn new(
        answer: &Answer,
        manner: Manner,
        delays: &Delays,
        chance: &mut Chance,
        now: SessionTime,
    ) -> Self {
        let (said, calls) = answer.parts();
        let mut tokens = words::tokens(said);
        let ending = if tokens.len() > manner.most { Ending::TooLong } else { Ending::Whole };
        tokens.truncate(manner.most);
        let mut at = now + chance.vary(delays.first_token, delays.jitter);
        let mut beats = VecDeque::new();
        if !tokens.is_empty() && manner.audible {
            at = at + chance.vary(delays.first_byte, delays.jitter);
            at = spoken(&tokens, manner.speed, delays, chance, at, &mut beats);
        } else {
            for (number, token) in tokens.into_iter().enumerate() {
                if number > 0 {
                    at = at + chance.vary(delays.token, delays.jitter);
                }
                beats.push_back((at, Beat::Text(token)));
            }
        }
        if ending == Ending::Whole {
            beats.extend(calls.into_iter().map(|call| (at, Beat::Call(call))));
        }
        beats.push_back((at, Beat::End(ending)));
        Self(beats)
    }

    /// When the next beat is due.
    pub(super) fn due(&self) -> Option<SessionTime> {
        self.0.front().map(|(at, _)| *at)
    }

    /// The next beat, if it is due.
    pub(super) fn next(&mut self, now: SessionTime) -> Option<Beat> {
        self.0.front().filter(|(at, _)| *at <= now)?;
        self.0.pop_front().map(|(_, beat)| beat)
    }
}

/// The beats of a voice that says these tokens from `at` on; the time of the last one.
fn spoken(
    tokens: &[String],
    speed: f64,
    delays: &Delays,
    chance: &mut Chance,
    mut at: SessionTime,
    beats: &mut VecDeque<(SessionTime, Beat)>,
) -> SessionTime {
    let text = tokens.concat();
    let all = voice::samples(&text, speed);
    let piece = (RATE_PER_SECOND * delays.chunk.as_secs_f64()).round().max(1.0) as usize;
    let mut tokens = tokens.iter();
    let mut told = String::new();
    let mut from = 0;
    while from < all {
        let samples = piece.min(all - from);
        if from > 0 {
            at = at + chance.vary(delays.chunk_every, delays.jitter);
        }
        let mut delta = String::new();
        while from == 0 && delta.is_empty() || voice::samples(&told, speed) < from + samples {
            let Some(token) = tokens.next() else { break };
            delta.push_str(token);
            told.push_str(token);
        }
        if !delta.is_empty() {
            beats.push_back((at, Beat::Text(delta)));
        }
        beats.push_back((at, Beat::Sound { from, samples }));
        from += samples;
    }
    // White space and marks at the end, which take no time.
    let rest: String = tokens.map(String::as_str).collect();
    if !rest.is_empty() {
        beats.push_back((at, Beat::Text(rest)));
    }
    at
}

/// What is heard of a text when so much of it was played: whole words.
pub(super) fn heard(text: &str, played: Duration, speed: f64) -> &str {
    let each = voice::CHARACTER.as_secs_f64() / speed;
    // A character that was nearly over was heard.
    let count = (played.as_secs_f64() / each + 0.1).floor() as usize;
    let Some((end, next)) = text.char_indices().nth(count) else { return text };
    let heard = &text[..end];
    match heard.rfind(char::is_whitespace) {
        _ if next.is_whitespace() => heard,
        Some(last) => heard[..last].trim_end(),
        None => "",
    }
}

/// How long so many samples of the voice last.
pub(super) fn lasts(samples: usize) -> Duration {
    Duration::from_secs_f64(samples as f64 / RATE_PER_SECOND)
}

const RATE_PER_SECOND: f64 = RATE as f64;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::{Profile, Service};
    use super::*;

    const SPOKEN: Manner = Manner { audible: true, speed: 1.0, most: usize::MAX };

    fn beats(answer: &Answer, manner: Manner) -> Vec<(f64, Beat)> {
        let mut chance = Chance::new(1, "me", Service::Llm, 1);
        let delays = Profile::Realistic.delays();
        let talk = Talk::new(answer, manner, &delays, &mut chance, SessionTime::ZERO);
        talk.0.into_iter().map(|(at, beat)| (at.as_millis(), beat)).collect()
    }

    #[test]
    fn text_comes_before_the_sound_in_which_it_is_said() {
        let sound = |from, samples| Beat::Sound { from, samples };
        let text = |text: &str| Beat::Text(text.to_owned());
        assert_eq!(
            beats(&"Hi you.".into(), SPOKEN),
            [
                (280.0, text("Hi")),
                (280.0, sound(0, 2_400)),
                (330.0, text(" you")),
                (330.0, sound(2_400, 2_400)),
                (380.0, sound(4_800, 2_400)),
                (430.0, text(".")),
                (430.0, sound(7_200, 2_400)),
                (480.0, sound(9_600, 480)),
                (480.0, Beat::End(Ending::Whole)),
            ]
        );
    }

    #[test]
    fn what_is_written_comes_token_by_token() {
        let manner = Manner { audible: false, most: 2, ..SPOKEN };
        let text = |text: &str| Beat::Text(text.to_owned());
        assert_eq!(
            beats(&"Hi you.".into(), manner),
            [(200.0, text("Hi")), (230.0, text(" you")), (230.0, Beat::End(Ending::TooLong))]
        );
    }

    #[test]
    fn tools_are_called_when_all_is_said() {
        let answer: Answer = serde_json::from_value(json!({
            "say": "Wait", "calls": [{"tool": "clock"}, {"tool": "light", "arguments": {"on": 1}}],
        }))
        .unwrap();
        let beats = beats(&answer, SPOKEN);
        let calls: Vec<_> = beats.iter().filter(|(_, b)| matches!(b, Beat::Call(_))).collect();
        assert_eq!(calls.len(), 2);
        assert_eq!(calls[0].0, beats[beats.len() - 1].0);
    }

    #[test]
    fn what_was_heard_is_a_part_of_the_text() {
        let heard = |ms| heard("Hello you", Duration::from_millis(ms), 1.0);
        assert_eq!(
            [heard(0), heard(250), heard(300), heard(9_000)],
            ["", "", "Hello", "Hello you"]
        );
    }
}
