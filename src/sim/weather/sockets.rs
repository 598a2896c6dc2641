//! What goes wrong with calls over a socket: on the way, by the clock; and at the service, at moments
//! of the conversation.

use std::time::Duration;

use super::{OFTEN, Weather};
use crate::bench::services::duplex::{CallFault, Mishap, Moment};
use crate::sim::dice::Dice;
use crate::sim::fault::Fault;

/// What goes wrong with one socket.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::sim) struct SocketTrouble {
    /// The service refuses, with this status, and with or without advice when to come back.
    pub(in crate::sim) refused: Option<(u16, Option<Duration>)>,
    /// So long after it was opened something happens to it.
    pub(in crate::sim) breaks: Option<(Duration, Break)>,
}

/// What happens to an open socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Break {
    /// It breaks off.
    Cut,
    /// Nothing passes any more, and nobody is told.
    Silent,
    /// Nothing passes for so long.
    Stalled(Duration),
}

/// How long the service's sessions last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) struct Lasts {
    pub(in crate::sim) limit: Duration,
    /// How long before its end that is told, where it is.
    pub(in crate::sim) notice: Duration,
}

impl Weather {
    /// What goes wrong with a socket.
    pub(in crate::sim) fn socket(&self, exchange: u64) -> SocketTrouble {
        let mut dice = self.dice("socket", exchange);
        let mut trouble = SocketTrouble::default();
        for fault in &self.faults {
            let (refuses, breaks) = (dice.strikes(OFTEN), dice.strikes(BREAKS));
            let at = dice.millis(100..40_000);
            let happens = match fault {
                Fault::Refuse if refuses => {
                    let retry_after = dice.strikes(0.5).then(|| dice.millis(100..5_000));
                    trouble.refused = Some((dice.one(&[429, 500, 503]), retry_after));
                    continue;
                }
                Fault::Cut => Break::Cut,
                Fault::Silent => Break::Silent,
                Fault::Stall => Break::Stalled(stall(&mut dice)),
                _ => continue,
            };
            if breaks {
                trouble.breaks = Some((at, happens));
            }
        }
        trouble
    }

    /// What goes wrong at the service, and at which moments of its calls.
    pub(in crate::sim) fn mishaps(&self) -> Vec<Mishap> {
        let mut dice = self.dice("mishaps", 0);
        let mut mishaps = Vec::new();
        for fault in &self.faults {
            for _ in 0..KINDS {
                let Some(happens) = at_the_service(*fault, &mut dice) else { continue };
                let (at, probability) = moment(*fault, &mut dice);
                let after_ms = if dice.strikes(0.5) { dice.count(0..600) as u64 } else { 0 };
                mishaps.push(Mishap { probability, ..Mishap::new(at, happens).after_ms(after_ms) });
            }
        }
        mishaps
    }

    /// How long the service's sessions last; as long as the service has it by default.
    pub(in crate::sim) fn lasts(&self) -> Option<Lasts> {
        let mut dice = self.dice("lasts", 0);
        let limit = dice.millis(8_000..45_000);
        let notice = dice.millis(1_000..7_000);
        self.faults.contains(&Fault::Expire).then_some(Lasts { limit, notice })
    }
}

/// What of this kind a service does.
fn at_the_service(fault: Fault, dice: &mut Dice) -> Option<CallFault> {
    Some(match fault {
        Fault::Cut => CallFault::Cut,
        Fault::Close => CallFault::Close(dice.one(&[1000, 1001, 1007, 1008, 1011, 1012, 1013])),
        Fault::Silent => CallFault::Silent,
        Fault::Stall => CallFault::Stall(stall(dice).as_millis() as u64),
        Fault::Refuse => CallFault::Refuse(dice.count(500..4_000) as u64),
        Fault::Disorder if dice.strikes(0.5) => CallFault::Duplicate,
        Fault::Disorder => CallFault::Reorder,
        Fault::Expire if dice.strikes(0.5) => CallFault::GoAway(dice.count(500..10_000) as u64),
        Fault::Expire => CallFault::Expire,
        Fault::Error => match dice.count(0..8) {
            0 => CallFault::Error("server_error".to_owned()),
            1 => CallFault::Error("rate_limit_exceeded".to_owned()),
            2 => CallFault::Fail("server_error".to_owned()),
            3 => CallFault::Fail("rate_limit_exceeded".to_owned()),
            4 => CallFault::Incomplete("content_filter".to_owned()),
            5 => CallFault::Unheard,
            6 => CallFault::Malformed,
            _ => CallFault::Unknown,
        },
        _ => return None,
    })
}

/// When it happens, and how likely it is at that moment.
fn moment(fault: Fault, dice: &mut Dice) -> (Moment, f64) {
    let moments: &[Moment] = match fault {
        Fault::Disorder => &[Moment::ResponseBegun, Moment::FirstAudio],
        _ => &MOMENTS,
    };
    match dice.one(moments) {
        // There are ten of them in each second of speech.
        Moment::Audio => (Moment::Audio, 0.02),
        at => (at, 0.35),
    }
}

/// How long nothing comes: most often some seconds.
fn stall(dice: &mut Dice) -> Duration {
    let lengths = [500..3_000, 500..3_000, 3_000..9_000, 9_000..40_000];
    let length = lengths[dice.count(0..lengths.len())].clone();
    dice.millis(length)
}

const MOMENTS: [Moment; 10] = [
    Moment::Open,
    Moment::Ready,
    Moment::SpeechStarted,
    Moment::TurnEnded,
    Moment::ResponseBegun,
    Moment::FirstAudio,
    Moment::Audio,
    Moment::ToolCalled,
    Moment::ToolAnswered,
    Moment::ResponseOver,
];

/// Of each fault so many kinds and moments are drawn.
const KINDS: usize = 2;
/// To which part of the sockets something happens, of each kind that may.
const BREAKS: f64 = 0.4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::services::duplex::Protocol;
    use crate::sim::fault::Faults;
    use crate::sim::link::Link;
    use crate::sim::mode::Mode;

    fn weather(fault: Fault, seed: u64) -> Weather {
        let call = (Mode::Asm(Protocol::Gemini), Duration::from_secs(60));
        Weather::new(&Faults::These(vec![fault]), Link::LOOPBACK, seed, call)
    }

    #[test]
    fn each_fault_of_sockets_does_something() {
        for fault in [
            Fault::Cut,
            Fault::Stall,
            Fault::Refuse,
            Fault::Close,
            Fault::Silent,
            Fault::Error,
            Fault::Disorder,
            Fault::Expire,
        ] {
            assert_eq!(weather(fault, 1).mishaps().len(), KINDS, "{fault}");
        }
        for fault in [Fault::Loss, Fault::Slow, Fault::Microphone, Fault::Drift] {
            assert_eq!(weather(fault, 1).mishaps(), [], "{fault}");
            assert_eq!(weather(fault, 1).socket(0), SocketTrouble::default(), "{fault}");
        }
    }

    #[test]
    fn a_part_of_the_sockets_breaks() {
        let breaks = |fault| {
            let weather = weather(fault, 7);
            (0..1_000).filter_map(|socket| weather.socket(socket).breaks).count()
        };
        for fault in [Fault::Cut, Fault::Silent, Fault::Stall] {
            assert!((300..500).contains(&breaks(fault)), "{fault}: {}", breaks(fault));
        }
        let refused = weather(Fault::Refuse, 7);
        let refused = (0..1_000).filter(|socket| refused.socket(*socket).refused.is_some());
        assert!((150..250).contains(&refused.count()));
    }

    #[test]
    fn sessions_are_short_where_they_expire() {
        assert_eq!(weather(Fault::Cut, 1).lasts(), None);
        let lasts = weather(Fault::Expire, 1).lasts().unwrap();
        assert!(lasts.notice < lasts.limit && lasts.limit < Duration::from_secs(45), "{lasts:?}");
    }

    #[test]
    fn the_same_seed_makes_the_same_mishaps() {
        let mishaps = |seed| weather(Fault::Error, seed).mishaps();
        assert_eq!(mishaps(3), mishaps(3));
        assert_ne!(mishaps(3), mishaps(4));
    }
}
