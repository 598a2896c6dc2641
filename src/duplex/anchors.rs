//! Where in a session the sound lies that was sent over a connection.

use std::collections::VecDeque;
use std::time::Duration;

use crate::audio::{AudioChunk, SampleRate};
use crate::time::SessionTime;

/// Knows when each part of the sound began that was sent on one connection. The other side counts
/// that sound from the connection's start, the session by its own time; between the two lie pauses
/// in which nothing was sent.
#[derive(Clone, Debug)]
pub(super) struct Anchors {
    rate: SampleRate,
    /// Samples that were sent.
    sent: u64,
    /// Where a stretch without a pause begins: in the sound, and in the session.
    stretches: VecDeque<(u64, SessionTime)>,
}

impl Anchors {
    /// Nothing was sent yet.
    pub(super) fn new(rate: SampleRate) -> Self {
        Self { rate, sent: 0, stretches: VecDeque::new() }
    }

    /// This is sent next.
    pub(super) fn push(&mut self, at: SessionTime, audio: &AudioChunk) {
        let expected = self.end();
        let apart = |expected: SessionTime| at.millis_since(expected).abs() > JITTER_MS;
        if expected.is_none_or(apart) {
            if self.stretches.len() == STRETCHES {
                self.stretches.pop_front();
            }
            self.stretches.push_back((self.sent, at));
        }
        self.sent = self.sent.saturating_add(audio.samples().len() as u64);
    }

    /// Silence without an instant of its own is sent next.
    pub(super) fn pad(&mut self, samples: u64) {
        self.sent = self.sent.saturating_add(samples);
    }

    /// The instant that lies so far into the sound; at most the end of what was sent, and the
    /// session's start if nothing was.
    pub(super) fn at(&self, place: Duration) -> SessionTime {
        let all = self.rate.duration(self.sent);
        let place = if place < all { self.rate.samples(place) } else { self.sent };
        let stretch = self.stretches.iter().rev().find(|(start, _)| *start <= place);
        match (stretch, self.stretches.front()) {
            (Some((start, at)), _) => *at + self.rate.duration(place - start),
            // Of what is older the beginning is forgotten.
            (None, Some((start, at))) => *at - self.rate.duration(start - place),
            (None, None) => SessionTime::ZERO,
        }
    }

    fn end(&self) -> Option<SessionTime> {
        let (start, at) = self.stretches.back()?;
        Some(*at + self.rate.duration(self.sent - start))
    }
}

/// Instants of pieces that belong together differ by less.
const JITTER_MS: f64 = 2.0;
/// Where turns alone are sent, one for each turn.
const STRETCHES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(ms: u64) -> AudioChunk {
        AudioChunk::new(vec![0; (ms * 16) as usize], SampleRate::SPEECH)
    }

    fn at(anchors: &Anchors, ms: u64) -> f64 {
        anchors.at(Duration::from_millis(ms)).as_millis()
    }

    #[test]
    fn what_was_sent_has_its_time_across_pauses() {
        let mut anchors = Anchors::new(SampleRate::SPEECH);
        assert_eq!(anchors.at(Duration::from_secs(1)), SessionTime::ZERO);
        for piece in 0..10 {
            anchors.push(SessionTime::from_millis(1_000 + 20 * piece), &sound(20));
        }
        anchors.push(SessionTime::from_millis(5_000), &sound(100));

        assert_eq!(anchors.sent, 300 * 16);
        assert_eq!(anchors.stretches.len(), 2);
        for (place, session) in [(0, 1_000.0), (199, 1_199.0), (200, 5_000.0), (250, 5_050.0)] {
            assert!((at(&anchors, place) - session).abs() < 0.1, "{place}");
        }
        assert!((at(&anchors, 9_999) - 5_100.0).abs() < 0.1, "no later than what was sent");
        assert!((at(&anchors, u64::MAX) - 5_100.0).abs() < 0.1);
    }

    #[test]
    fn silence_that_was_added_shifts_what_follows() {
        let mut anchors = Anchors::new(SampleRate::SPEECH);
        anchors.push(SessionTime::from_millis(1_000), &sound(40));
        anchors.pad(60 * 16);
        anchors.push(SessionTime::from_millis(3_000), &sound(100));

        assert!((at(&anchors, 150) - 3_050.0).abs() < 0.1);
    }

    #[test]
    fn of_many_pauses_the_oldest_are_forgotten_but_not_their_time() {
        let mut anchors = Anchors::new(SampleRate::SPEECH);
        for turn in 0..1_000 {
            anchors.push(SessionTime::from_millis(2_000 * turn), &sound(1_000));
        }

        assert_eq!(anchors.stretches.len(), STRETCHES);
        assert!((at(&anchors, 999_500) - 1_998_500.0).abs() < 0.1);
        assert!(anchors.at(Duration::ZERO) < anchors.at(Duration::from_millis(999_000)));
    }
}
