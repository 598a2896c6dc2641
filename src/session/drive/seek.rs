//! When a device is looked for: one that was lost, or the chosen one while another stands in.
//!
//! ```text
//!            lost                      found: another
//!  Chosen ─────────▶ Lost ──────────────────────────────▶ StandIn
//!    ▲   found again  │  ▲            lost                   │
//!    ├────────────────┘  └───────────────────────────────────┤
//!    └─────────────────────── is back, and nobody speaks ────┘
//! ```
//!
//! A function of times: who looks, and on which thread, is not decided here.

use std::sync::Arc;
use std::time::Duration;

use crate::device::{DeviceError, Finder};
use crate::time::SessionTime;

/// Whether a device is looked for.
#[derive(Debug)]
pub(super) struct Seek<D: ?Sized> {
    /// Of the device that the user chose last.
    finder: Option<Arc<dyn Finder<D>>>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The device that was chosen is in use, or none can be found in its place.
    Chosen,
    /// There is none: the next look is due then.
    Lost { next: SessionTime, first: Which },
    /// Another is in use: when to look next for the one that was chosen.
    StandIn { next: SessionTime },
}

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Chosen,
    Substitute,
}

/// A look for a device.
#[derive(Debug)]
pub(super) struct Look<D: ?Sized> {
    finder: Arc<dyn Finder<D>>,
    order: [Option<Which>; 2],
}

/// Why a look found nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missed {
    /// There is none.
    None,
    /// This one started, and stood still.
    Still(Which),
    /// It never returned: whatever was asked hangs.
    Hung,
    /// Somebody speaks: it must wait.
    Busy,
}

impl<D: ?Sized> Seek<D> {
    /// A device is in use that the user chose.
    pub(super) fn of(finder: Option<Arc<dyn Finder<D>>>) -> Self {
        Self { finder, state: State::Chosen }
    }

    /// The device in use has failed. Returns whether another is looked for.
    pub(super) fn lost(&mut self, now: SessionTime, error: &DeviceError) -> bool {
        if self.finder.is_none() {
            return false;
        }
        // What stands still may well be opened again, and stand still.
        let still = matches!(error, DeviceError::StandsStill { .. });
        let first =
            if still && self.state == State::Chosen { Which::Substitute } else { Which::Chosen };
        self.state = State::Lost { next: now, first };
        true
    }

    /// Whether there is none.
    pub(super) const fn is_lost(&self) -> bool {
        matches!(self.state, State::Lost { .. })
    }

    /// The look that is due, if one is. While somebody speaks, a device that works is not
    /// exchanged.
    pub(super) fn due(&self, now: SessionTime, busy: bool) -> Option<Look<D>> {
        let order = match self.state {
            State::Lost { next, first } if now >= next => [Some(first), Some(first.other())],
            State::StandIn { next } if now >= next && !busy => [Some(Which::Chosen), None],
            _ => return None,
        };
        self.finder.clone().map(|finder| Look { finder, order })
    }

    /// A look has found nothing that can be used.
    pub(super) fn missed(&mut self, now: SessionTime, why: Missed) {
        match &mut self.state {
            State::Chosen => {}
            State::Lost { next, first } => {
                *next = now + if why == Missed::Hung { HUNG } else { AGAIN };
                *first = if let Missed::Still(which) = why { which.other() } else { Which::Chosen };
            }
            State::StandIn { next } => *next = now + if why == Missed::Hung { HUNG } else { BACK },
        }
    }

    /// This one runs.
    pub(super) fn found(&mut self, now: SessionTime, which: Which) {
        self.state = match which {
            Which::Chosen => State::Chosen,
            Which::Substitute => State::StandIn { next: now + BACK },
        };
    }
}

impl Which {
    const fn other(self) -> Self {
        match self {
            Self::Chosen => Self::Substitute,
            Self::Substitute => Self::Chosen,
        }
    }
}

impl<D: ?Sized> Look<D> {
    /// Looks, and has `start` try what there is. Takes its time.
    pub(super) fn look<T>(
        self,
        start: impl Fn(Which, Box<D>) -> Result<T, DeviceError>,
    ) -> Option<T> {
        self.order.into_iter().flatten().find_map(|which| {
            let found = match which {
                Which::Chosen => self.finder.chosen(),
                Which::Substitute => self.finder.substitute()?,
            };
            found.and_then(|found| start(which, found)).inspect_err(told).ok()
        })
    }
}

/// The loss was told; that it lasts is of interest to nobody.
fn told(error: &DeviceError) {
    tracing::debug!(%error, "a device that is looked for cannot be used");
}

/// Between two looks for a device in place of one that is lost.
const AGAIN: Duration = Duration::from_millis(250);

/// Between two looks for the device that was chosen, while another works.
const BACK: Duration = Duration::from_secs(2);

/// After a look that never returned, whose thread was left behind.
const HUNG: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::{Kind, Microphone};

    #[derive(Debug)]
    struct Nothing;

    impl Finder<dyn Microphone> for Nothing {
        fn chosen(&self) -> Result<Box<dyn Microphone>, DeviceError> {
            Err(DeviceError::None { kind: Kind::Microphone })
        }
    }

    fn seek() -> Seek<dyn Microphone> {
        Seek::of(Some(Arc::new(Nothing)))
    }

    fn at(ms: u64) -> SessionTime {
        SessionTime::from_millis(ms)
    }

    fn gone() -> DeviceError {
        DeviceError::None { kind: Kind::Microphone }
    }

    /// Which are looked for at this time, in this order.
    fn due(seek: &Seek<dyn Microphone>, ms: u64, busy: bool) -> Vec<Which> {
        let order = seek.due(at(ms), busy).map(|look| look.order);
        order.into_iter().flatten().flatten().collect()
    }

    use Which::{Chosen, Substitute};

    #[test]
    fn what_is_lost_is_looked_for_at_once_and_then_four_times_a_second() {
        let mut seek = seek();
        assert_eq!(due(&seek, 0, false), []);
        assert!(seek.lost(at(100), &gone()) && seek.is_lost());
        assert_eq!(due(&seek, 100, true), [Chosen, Substitute], "whoever speaks");
        seek.missed(at(130), Missed::None);
        assert_eq!(due(&seek, 379, false), []);
        assert_eq!(due(&seek, 380, false), [Chosen, Substitute]);
        seek.found(at(400), Chosen);
        assert!(!seek.is_lost());
        assert_eq!(due(&seek, 60_000, false), []);
    }

    #[test]
    fn what_stands_still_is_not_tried_first() {
        let mut seek = seek();
        let (kind, name) = (Kind::Microphone, String::new());
        assert!(seek.lost(at(0), &DeviceError::StandsStill { kind, name }));
        assert_eq!(due(&seek, 0, false), [Substitute, Chosen]);
        seek.missed(at(0), Missed::Still(Chosen));
        assert_eq!(due(&seek, 250, false), [Substitute, Chosen]);
        seek.missed(at(250), Missed::Still(Substitute));
        assert_eq!(due(&seek, 500, false), [Chosen, Substitute]);
    }

    #[test]
    fn while_another_stands_in_the_chosen_one_is_looked_for_when_nobody_speaks() {
        let mut seek = seek();
        seek.lost(at(0), &gone());
        seek.found(at(100), Substitute);
        assert_eq!(due(&seek, 2_000, false), []);
        assert_eq!(due(&seek, 2_100, true), []);
        assert_eq!(due(&seek, 2_100, false), [Chosen]);
        seek.missed(at(2_200), Missed::None);
        assert_eq!(due(&seek, 4_199, false), []);
        assert_eq!(due(&seek, 4_200, false), [Chosen]);
        seek.missed(at(4_200), Missed::Hung);
        assert_eq!(due(&seek, 64_199, false), []);
        seek.lost(at(50_000), &gone());
        assert_eq!(due(&seek, 50_000, true), [Chosen, Substitute], "now there is none");
    }

    #[test]
    fn what_cannot_be_found_is_not_looked_for() {
        let mut seek = Seek::<dyn Microphone>::of(None);
        assert!(!seek.lost(at(0), &gone()));
        assert_eq!(due(&seek, 0, false), []);
    }
}
