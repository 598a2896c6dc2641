//! What the turns with a black box took, by what the person said and heard.

use std::ops::Range;
use std::time::Duration;

use crate::bench::figures::Turn;
use crate::bench::person::{PersonLog, Spoken};
use crate::time::SessionTime;

/// The turns of a session, by what the person knows of it. Of each, `under_way` is not the
/// agent's: the time that sound took through devices which only the measurement needs.
#[must_use]
pub fn measured(
    scenario: &str,
    session: usize,
    person: &PersonLog,
    under_way: Duration,
) -> Vec<Turn> {
    let heard: Vec<_> = person.agent().iter().map(|sound| sound.from..sound.to).collect();
    let mut turns = turns(scenario, session, &person.spoken(), &heard);
    for turn in &mut turns {
        turn.voice_to_voice_ms -= under_way.as_secs_f64() * 1e3;
    }
    turns
}

/// The turns of a session in which the person spoke at `spoken` and the agent sounded at `heard`,
/// both in order. What is not answered before the person speaks again has no turn; how many these
/// are is the difference.
#[must_use]
pub fn turns(
    scenario: &str,
    session: usize,
    spoken: &[Spoken],
    heard: &[Range<SessionTime>],
) -> Vec<Turn> {
    let next = spoken.iter().skip(1).map(|speech| speech.start).chain([LAST]);
    let answered = |(speech, next): (&Spoken, SessionTime)| {
        // What sounds on from before is no answer.
        let answer = heard.iter().find(|sound| (speech.end..next).contains(&sound.start))?;
        Some(Turn {
            scenario: scenario.to_owned(),
            session,
            index: speech.index,
            labelled: speech.labelled,
            voice_to_voice_ms: answer.start.millis_since(speech.end),
            overhead_ms: None,
            gaps: None,
            services: None,
            residual_ms: 0.0,
        })
    };
    spoken.iter().zip(next).filter_map(answered).collect()
}

const LAST: SessionTime = SessionTime::from_nanos(u64::MAX);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::person::Sound;

    fn ms(range: Range<u64>) -> Range<SessionTime> {
        SessionTime::from_millis(range.start)..SessionTime::from_millis(range.end)
    }

    fn said(index: usize, range: Range<u64>, labelled: bool) -> Spoken {
        let Range { start, end } = ms(range);
        Spoken { index, start, end, labelled }
    }

    #[test]
    fn an_answer_begins_after_the_speech_and_before_the_next() {
        let spoken =
            [said(0, 1000..2000, true), said(1, 5000..6000, true), said(2, 9000..9500, false)];
        // The second is spoken over the first answer, and gets none.
        let heard = [ms(2850..5300), ms(10_300..11_000)];
        let turns = turns("question", 3, &spoken, &heard);
        let found: Vec<_> =
            turns.iter().map(|turn| (turn.index, turn.voice_to_voice_ms, turn.labelled)).collect();
        assert_eq!(found, [(0, 850.0, true), (2, 800.0, false)]);
        assert!(turns.iter().all(|turn| turn.session == 3 && turn.overhead_ms.is_none()));
    }

    #[test]
    fn what_the_measurement_itself_takes_is_not_the_agents() {
        let sound = Sound { from: ms(2850..2850).start, to: ms(3000..3000).end, peak: 9 };
        let log = PersonLog::of(vec![said(0, 1000..2000, true)], &[sound], 0);
        let of = |under_way| measured("", 0, &log, under_way)[0].voice_to_voice_ms;
        assert_eq!((of(Duration::ZERO), of(Duration::from_millis(60))), (850.0, 790.0));
    }
}
