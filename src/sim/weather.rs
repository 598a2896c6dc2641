//! What goes wrong in one run: drawn from the seed before it begins, so that it does not hang on
//! what happens in it.

mod sockets;

use std::ops::Range;
use std::time::Duration;

use super::dice::Dice;
use super::fault::{Fault, Faults};
use super::link::Link;
use super::mode::Mode;
use crate::bench::services;
use crate::time::SessionTime;

pub(super) use self::sockets::{Break, Lasts, SocketTrouble};

/// The conditions of a run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Weather {
    seed: u64,
    faults: Vec<Fault>,
    /// The link that every connection has, if nothing else is said.
    pub(super) link: Link,
    /// When nobody can be reached.
    outage: Option<Range<SessionTime>>,
    pub(super) microphone: Health,
    pub(super) speaker: Health,
}

/// How a device is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Health {
    /// How much faster its clock is than the session's, in parts per million.
    pub(super) drift_ppm: f64,
    pub(super) gone: Option<Gone>,
}

/// A device is unplugged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gone {
    pub(super) at: SessionTime,
    /// When the user plugs it in again, if at all.
    pub(super) back: Option<SessionTime>,
}

/// What goes wrong with an exchange.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Trouble {
    /// The service refuses, `early` before it has read the request.
    Refused { fault: services::Fault, early: bool },
    /// The connection breaks off.
    Cut(Place),
    /// Nothing passes for so long.
    Stalled(Place, Duration),
}

/// Where something happens to an exchange.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Place {
    /// After so many bytes of the request.
    Up(usize),
    /// After this part of the answer's bytes.
    Down(f64),
}

impl Weather {
    /// The conditions that `seed` makes of `faults`, on a link that is `link` unless all is left
    /// to chance. A call is expected to last `length`; what cannot strike calls of its mode does
    /// not.
    pub(super) fn new(
        faults: &Faults,
        link: Link,
        seed: u64,
        (mode, length): (Mode, Duration),
    ) -> Self {
        let mut dice = Dice::new(seed, "weather", 0);
        let (faults, link) = match faults {
            Faults::None => (Vec::new(), link),
            Faults::These(faults) => {
                let may = faults.iter().filter(|fault| Fault::of(mode).contains(fault));
                (may.copied().collect(), link)
            }
            Faults::Random => (some(Fault::of(mode), &mut dice), any_link(&mut dice)),
        };
        let mut weather = Self {
            seed,
            faults,
            link,
            outage: None,
            microphone: Health::default(),
            speaker: Health::default(),
        };
        weather.brew(&mut dice, length);
        weather
    }

    pub(super) fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Whether the pieces of a message may fare differently.
    pub(super) fn is_rough(&self) -> bool {
        self.link.bandwidth.is_some() || self.link.loss > 0.0 || !self.link.jitter.is_zero()
    }

    fn brew(&mut self, dice: &mut Dice, length: Duration) {
        let sometime = |dice: &mut Dice| SessionTime::ZERO + length.mul_f64(dice.part());
        for fault in self.faults.clone() {
            match fault {
                Fault::Loss => self.link.loss = dice.between(0.01, 0.2),
                Fault::Slow => self.link.bandwidth = Some(dice.count(12_000..60_000) as u32),
                Fault::Unreachable => {
                    let from = sometime(dice);
                    self.outage = Some(from..from + dice.millis(500..20_000));
                }
                Fault::Microphone => self.microphone.gone = Some(gone(sometime(dice), dice)),
                Fault::Speaker => self.speaker.gone = Some(gone(sometime(dice), dice)),
                Fault::Drift => {
                    self.microphone.drift_ppm = dice.between(-200.0, 200.0);
                    self.speaker.drift_ppm = dice.between(-200.0, 200.0);
                }
                // What strikes exchanges and sockets is drawn for each of them.
                _ => {}
            }
        }
    }

    /// Whether nobody can be reached at `now`; and if so, after how long that is known.
    pub(super) fn unreachable(&self, now: SessionTime, exchange: u64) -> Option<Duration> {
        self.outage.as_ref().filter(|outage| outage.contains(&now))?;
        let mut dice = Dice::new(self.seed, "unreachable", exchange);
        // A host that is down says nothing; a program that is down is told of by its host.
        Some(if dice.strikes(0.5) { CONNECT } else { self.link.round_trip() })
    }

    /// What goes wrong with an exchange.
    pub(super) fn trouble(&self, exchange: u64) -> Option<Trouble> {
        let mut dice = Dice::new(self.seed, "trouble", exchange);
        let strikes = |fault: &&Fault| {
            let strikes = dice.strikes(OFTEN);
            matches!(fault, Fault::Stall | Fault::Cut | Fault::Refuse) && strikes
        };
        let fault = self.faults.iter().find(strikes)?;
        Some(match fault {
            Fault::Refuse => {
                let seconds = dice.between(0.1, 5.0);
                let retry_after = dice.strikes(0.7).then(|| Duration::from_secs_f64(seconds));
                let status = dice.one(&[429, 500, 503]);
                let fault = services::Fault::Refuse { status, retry_after };
                Trouble::Refused { fault, early: dice.strikes(0.5) }
            }
            Fault::Cut => Trouble::Cut(place(&mut dice)),
            _ => {
                let lengths = [500..3_000, 3_000..9_000, 9_000..40_000];
                let length = lengths[dice.count(0..lengths.len())].clone();
                let place = place(&mut dice);
                Trouble::Stalled(place, dice.millis(length))
            }
        })
    }

    /// Dice for what happens to the pieces of an exchange.
    pub(super) fn dice(&self, purpose: &str, exchange: u64) -> Dice {
        Dice::new(self.seed, purpose, exchange)
    }
}

/// One to three kinds; in every fourth run none.
fn some(of: &[Fault], dice: &mut Dice) -> Vec<Fault> {
    let count = dice.count(0..4);
    let mut faults = Vec::new();
    for _ in 0..count {
        let fault = dice.one(of);
        if !faults.contains(&fault) {
            faults.push(fault);
        }
    }
    faults
}

fn any_link(dice: &mut Dice) -> Link {
    let latency = dice.millis(0..150);
    let jitter = latency.mul_f64(dice.between(0.0, 0.5));
    let bandwidth = dice.strikes(0.5).then(|| dice.count(100_000..5_000_000) as u32);
    Link { latency, jitter, bandwidth, loss: 0.0 }
}

fn gone(at: SessionTime, dice: &mut Dice) -> Gone {
    let back = dice.strikes(0.5).then(|| at + dice.millis(200..5_000));
    Gone { at, back }
}

fn place(dice: &mut Dice) -> Place {
    match dice.strikes(0.3) {
        true => Place::Up(dice.count(0..100_000)),
        false => Place::Down(dice.part()),
    }
}

/// To which part of the exchanges something happens, of each kind that may.
const OFTEN: f64 = 0.2;
/// How long a client tries to connect.
pub(super) const CONNECT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::services::duplex::Protocol;

    const CALL: Duration = Duration::from_secs(60);

    #[test]
    fn without_faults_nothing_happens_to_anybody() {
        let weather = Weather::new(&Faults::None, Link::LOOPBACK, 7, (Mode::Vad, CALL));
        assert_eq!((0..1_000).find_map(|exchange| weather.trouble(exchange)), None);
        assert_eq!(weather.unreachable(SessionTime::from_millis(30_000), 0), None);
        let well = (Health::default(), Health::default(), Link::LOOPBACK);
        assert_eq!((weather.microphone, weather.speaker, weather.link), well);
    }

    #[test]
    fn what_is_asked_for_comes_and_nothing_else() {
        let trouble = |fault| {
            let weather =
                Weather::new(&Faults::These(vec![fault]), Link::LOOPBACK, 7, (Mode::Vad, CALL));
            let troubles: Vec<_> = (0..1_000).filter_map(|n| weather.trouble(n)).collect();
            (weather, troubles)
        };
        let (_, cuts) = trouble(Fault::Cut);
        assert!((150..250).contains(&cuts.len()), "{}", cuts.len());
        assert!(cuts.iter().all(|trouble| matches!(trouble, Trouble::Cut(_))));
        let (weather, none) = trouble(Fault::Drift);
        assert_eq!(none, []);
        let drift = weather.microphone.drift_ppm;
        assert!(drift != 0.0 && drift.abs() <= 200.0, "{drift}");
        assert!(trouble(Fault::Microphone).0.microphone.gone.is_some());
        assert!(trouble(Fault::Loss).0.link.loss > 0.0);
        assert!(trouble(Fault::Slow).0.link.bandwidth.is_some());
    }

    #[test]
    fn at_random_every_kind_comes_and_many_runs_are_well() {
        for mode in [Mode::Vad, Mode::Asm(Protocol::OpenAi)] {
            let weather = |seed| Weather::new(&Faults::Random, Link::LOOPBACK, seed, (mode, CALL));
            let runs: Vec<_> = (0..400).map(weather).collect();
            for fault in Fault::ALL {
                let count = runs.iter().filter(|run| run.faults.contains(&fault)).count();
                assert_eq!(
                    count > 20,
                    Fault::of(mode).contains(&fault),
                    "{mode}, {fault}: {count}"
                );
            }
            let well = runs.iter().filter(|run| run.faults.is_empty()).count();
            assert!((60..140).contains(&well), "{mode}: {well}");
        }
    }

    #[test]
    fn what_cannot_strike_a_call_does_not() {
        let faults = Faults::These(vec![Fault::Close, Fault::Cut]);
        let faults = |mode| Weather::new(&faults, Link::LOOPBACK, 1, (mode, CALL)).faults;
        assert_eq!(faults(Mode::Vad), [Fault::Cut]);
        assert_eq!(faults(Mode::Asm(Protocol::Gemini)), [Fault::Close, Fault::Cut]);
    }

    #[test]
    fn the_same_seed_makes_the_same_weather() {
        let weather = |seed| Weather::new(&Faults::Random, Link::LOOPBACK, seed, (Mode::Vad, CALL));
        assert_eq!(weather(3), weather(3));
        assert_ne!(weather(3), weather(4));
    }
}
