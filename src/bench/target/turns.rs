//! What the turns with a black box took, by what the person said and heard.

use std::ops::Range;

use crate::bench::figures::Turn;
use crate::bench::person::PersonLog;
use crate::time::SessionTime;

/// The turns of a session, by what the person knows of it.
#[must_use]
pub fn measured(scenario: &str, session: usize, person: &PersonLog) -> Vec<Turn> {
    let spoken: Vec<_> = person.spoken().iter().map(|speech| speech.start..speech.end).collect();
    let heard: Vec<_> = person.agent().iter().map(|sound| sound.from..sound.to).collect();
    turns(scenario, session, &spoken, &heard)
}

/// The turns of a session in which the person spoke at `spoken` (the true bounds of speech) and
/// the agent sounded at `heard`, both in order. What is not answered before the person speaks
/// again has no turn; how many these are is the difference.
#[must_use]
pub fn turns(
    scenario: &str,
    session: usize,
    spoken: &[Range<SessionTime>],
    heard: &[Range<SessionTime>],
) -> Vec<Turn> {
    let next = spoken.iter().skip(1).map(|speech| speech.start).chain([LAST]);
    let answered = |(index, (speech, next)): (usize, (&Range<SessionTime>, SessionTime))| {
        // What sounds on from before is no answer.
        let answer = heard.iter().find(|sound| (speech.end..next).contains(&sound.start))?;
        Some(Turn {
            scenario: scenario.to_owned(),
            session,
            index,
            labelled: true,
            voice_to_voice_ms: answer.start.millis_since(speech.end),
            overhead_ms: None,
            gaps: None,
            services: None,
            residual_ms: 0.0,
        })
    };
    spoken.iter().zip(next).enumerate().filter_map(answered).collect()
}

const LAST: SessionTime = SessionTime::from_nanos(u64::MAX);

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(range: Range<u64>) -> Range<SessionTime> {
        SessionTime::from_millis(range.start)..SessionTime::from_millis(range.end)
    }

    #[test]
    fn an_answer_begins_after_the_speech_and_before_the_next() {
        let spoken = [ms(1000..2000), ms(5000..6000), ms(9000..9500)];
        // The second is spoken over the first answer, and gets none.
        let heard = [ms(2850..5300), ms(10_300..11_000)];
        let turns = turns("question", 3, &spoken, &heard);
        let found: Vec<_> = turns.iter().map(|turn| (turn.index, turn.voice_to_voice_ms)).collect();
        assert_eq!(found, [(0, 850.0), (2, 800.0)]);
        assert!(turns.iter().all(|turn| turn.session == 3 && turn.overhead_ms.is_none()));
    }
}
