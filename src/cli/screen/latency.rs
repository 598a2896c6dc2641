//! What the last turns took, and where.

use std::collections::VecDeque;

use crate::events::Latency;

/// The last turns, the newest last.
#[derive(Debug, Default)]
pub(super) struct Latencies(VecDeque<Turn>);

/// What a turn took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Turn {
    pub(super) total_ms: f64,
    /// By [`PARTS`].
    parts: [f64; PARTS.len()],
}

/// The parts of a turn's latency: the silence that ends it, the recogniser, the model, the
/// voice, and the way to the speaker.
pub(super) const PARTS: [&str; 5] = ["wait", "words", "model", "voice", "out"];

impl Latencies {
    pub(super) fn add(&mut self, latency: &Latency) {
        if self.0.len() == TURNS {
            self.0.pop_front();
        }
        let parts = [
            latency.silence_ms + latency.vad_ms + latency.capture_ms,
            latency.stt_ms,
            latency.provider_ms,
            latency.clause_ms + latency.tts_ms,
            latency.lead_ms + latency.playout_ms + latency.device_ms,
        ];
        self.0.push_back(Turn { total_ms: latency.total_ms, parts });
    }

    pub(super) fn turns(&self) -> impl Iterator<Item = &Turn> {
        self.0.iter()
    }

    pub(super) fn last(&self) -> Option<&Turn> {
        self.0.back()
    }

    /// Of the turns that are shown.
    pub(super) fn median_ms(&self) -> Option<f64> {
        let mut totals: Vec<_> = self.0.iter().map(|turn| turn.total_ms).collect();
        totals.sort_by(f64::total_cmp);
        let upper = totals.get(totals.len() / 2)?;
        let lower = totals.get((totals.len() - 1) / 2)?;
        Some((lower + upper) / 2.0)
    }

    pub(super) fn longest_ms(&self) -> f64 {
        self.0.iter().map(|turn| turn.total_ms).fold(0.0, f64::max)
    }
}

impl Turn {
    /// How many cells of a bar each part gets, if `longest_ms` fills `cells`.
    pub(super) fn bar(&self, cells: usize, longest_ms: f64) -> [usize; PARTS.len()] {
        let (mut ms, mut done) = (0.0, 0);
        self.parts.map(|part| {
            ms += part.max(0.0);
            let until = (ms / longest_ms.max(1.0) * cells as f64).round() as usize;
            let part = until.min(cells).saturating_sub(done);
            done += part;
            part
        })
    }
}

/// As many as a glance takes in.
const TURNS: usize = 5;

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::events::SpeechEnd;

    pub(in crate::cli::screen) fn latency(total_ms: f64) -> Latency {
        Latency {
            speech_end: SpeechEnd::Estimate,
            total_ms,
            silence_ms: total_ms - 200.0,
            vad_ms: -20.0,
            capture_ms: 0.0,
            stt_ms: 20.0,
            provider_ms: 100.0,
            clause_ms: 10.0,
            tts_ms: 40.0,
            lead_ms: 0.0,
            playout_ms: 30.0,
            device_ms: 20.0,
            residual_ms: 0.0,
        }
    }

    #[test]
    fn the_last_five_turns_and_their_median() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.median_ms(), None);
        latencies.add(&latency(900.0));
        latencies.add(&latency(1000.0));
        assert_eq!(latencies.median_ms(), Some(950.0));
        for total in [5000.0, 800.0, 700.0, 600.0] {
            latencies.add(&latency(total));
        }
        let totals: Vec<_> = latencies.turns().map(|turn| turn.total_ms).collect();
        assert_eq!(totals, [1000.0, 5000.0, 800.0, 700.0, 600.0]);
        assert_eq!((latencies.median_ms(), latencies.longest_ms()), (Some(800.0), 5000.0));
    }

    #[test]
    fn a_bar_is_split_by_the_parts() {
        let mut latencies = Latencies::default();
        latencies.add(&latency(1000.0));
        let turn = latencies.last().unwrap();
        assert_eq!(turn.bar(100, 1000.0), [78, 2, 10, 5, 5]);
        assert_eq!(turn.bar(10, 2000.0).iter().sum::<usize>(), 5);
        assert_eq!(turn.bar(0, 0.0), [0; 5]);
    }
}
