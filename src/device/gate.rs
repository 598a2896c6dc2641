//! What may leave the speaker, and when it fell silent.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use tokio::sync::Notify;

use crate::time::SessionTime;

/// What may leave the speaker. Shared by the session, which sets it, and the port, which obeys.
#[derive(Debug, Default)]
pub struct Gate {
    mode: AtomicU8,
    /// Samples before this index are dropped.
    pub(super) drop_until: AtomicU64,
    /// The index of the next sample to leave.
    pub(super) played: AtomicU64,
    /// When the last sample of sound that left was in the air.
    pub(super) left_at: AtomicU64,
    /// More samples are to come: running out of them is an under-run.
    pub(super) expecting: AtomicBool,
    pub(super) under_runs: AtomicU64,
    /// The sound of an answer is queued or to follow, and since when.
    sounds: AtomicBool,
    sounds_from: AtomicU64,
    began: Notify,
    /// How many holds there were, and when the last began.
    holds: AtomicU64,
    held_at: AtomicU64,
    /// The last hold that the speaker obeyed, and when.
    silenced: AtomicU64,
    silenced_ran: AtomicU64,
    silenced_in_air: AtomicU64,
    /// Since when there has been no speaker, plus one; zero while there is.
    unheard_since: AtomicU64,
    /// The user has the floor.
    taken: AtomicBool,
}

/// How the speaker obeyed a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silenced {
    /// When it was told to.
    pub held: SessionTime,
    /// When the callback ran that wrote the first silent sample.
    pub ran: SessionTime,
    /// When that sample was in the air: the device's own share comes after `ran`.
    pub in_air: SessionTime,
}

/// What the gate lets out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Play,
    Duck,
    /// With the number of the hold.
    Hold(u64),
}

impl Gate {
    /// Lets sound out at full level. After a hold, it goes on at the first sample that was not
    /// yet heard at full level.
    pub fn play(&self) {
        self.mode.store(PLAY, Ordering::Release);
    }

    /// Lets sound out at a lower level.
    pub fn duck(&self) {
        self.mode.store(DUCK, Ordering::Release);
    }

    /// Lets nothing out, and keeps what is queued. As [`hold_at`](Self::hold_at), where nobody
    /// asks how long it took.
    pub fn hold(&self) {
        self.hold_at(SessionTime::ZERO);
    }

    /// Lets nothing out from `now` on, and keeps what is queued.
    /// [`silenced`](Self::silenced) then tells when the speaker obeyed.
    pub fn hold_at(&self, now: SessionTime) {
        self.held_at.store(now.as_nanos(), Ordering::Relaxed);
        self.holds.fetch_add(1, Ordering::Release);
        self.mode.store(HOLD, Ordering::Release);
    }

    /// Whether the gate holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.mode.load(Ordering::Acquire) == HOLD
    }

    /// How the speaker obeyed the last hold; `None` before it has.
    #[must_use]
    pub fn silenced(&self) -> Option<Silenced> {
        let hold = self.holds.load(Ordering::Acquire);
        if hold == 0 || self.silenced.load(Ordering::Acquire) != hold {
            return None;
        }
        let time = |nanos: &AtomicU64| SessionTime::from_nanos(nanos.load(Ordering::Relaxed));
        let (held, ran) = (time(&self.held_at), time(&self.silenced_ran));
        Some(Silenced { held, ran, in_air: time(&self.silenced_in_air) })
    }

    /// There is no speaker from `since` on, and what is to be heard waits; `None`: there is one.
    pub(crate) fn set_unheard(&self, since: Option<SessionTime>) {
        let since = since.map_or(0, |since| since.as_nanos().saturating_add(1));
        self.unheard_since.store(since, Ordering::Release);
    }

    /// Since when what is to be heard has waited for a speaker, if it does.
    pub(crate) fn unheard_since(&self) -> Option<SessionTime> {
        let since = self.unheard_since.load(Ordering::Acquire);
        since.checked_sub(1).map(SessionTime::from_nanos)
    }

    /// Says whether the user has the floor.
    pub(crate) fn set_taken(&self, taken: bool) {
        self.taken.store(taken, Ordering::Release);
    }

    /// Whether anybody speaks, or is about to: devices are not to be exchanged unasked.
    pub(crate) fn is_busy(&self) -> bool {
        self.sounds() || self.taken.load(Ordering::Acquire)
    }

    /// The index of the next sample to leave: as many were heard.
    #[must_use]
    pub fn played(&self) -> u64 {
        self.played.load(Ordering::Acquire)
    }

    /// When sound was last in the air; the beginning of the session before there was any.
    pub(crate) fn left_at(&self) -> SessionTime {
        SessionTime::from_nanos(self.left_at.load(Ordering::Relaxed))
    }

    /// How often the speaker ran out of samples in the middle of an answer.
    #[must_use]
    pub fn under_runs(&self) -> u64 {
        self.under_runs.load(Ordering::Relaxed)
    }

    /// The first sound of an answer is queued `now`. Says it once for each answer.
    pub(super) fn begin_sound(&self, now: SessionTime) {
        if !self.sounds() {
            self.sounds_from.store(now.as_nanos(), Ordering::Relaxed);
            self.sounds.store(true, Ordering::Release);
            self.began.notify_one();
        }
    }

    pub(super) fn end_sound(&self) {
        self.sounds.store(false, Ordering::Release);
    }

    /// Whether there is an answer to be heard, or still to be made: its first sound was queued.
    pub(crate) fn sounds(&self) -> bool {
        self.sounds.load(Ordering::Acquire)
    }

    /// Waits for the first sound of an answer.
    pub(crate) async fn sound(&self) {
        while !self.sounds() {
            self.began.notified().await;
        }
    }

    /// When the first sound of the present answer was queued.
    pub(super) fn sounds_from(&self) -> Option<SessionTime> {
        let from = || SessionTime::from_nanos(self.sounds_from.load(Ordering::Relaxed));
        self.sounds().then(from)
    }

    pub(super) fn mode(&self) -> Mode {
        match self.mode.load(Ordering::Acquire) {
            HOLD => Mode::Hold(self.holds.load(Ordering::Acquire)),
            DUCK => Mode::Duck,
            _ => Mode::Play,
        }
    }

    /// How many holds there were.
    pub(super) fn hold_count(&self) -> u64 {
        self.holds.load(Ordering::Acquire)
    }

    /// The speaker has obeyed this hold.
    pub(super) fn note_silence(&self, hold: u64, ran: SessionTime, in_air: SessionTime) {
        self.silenced_ran.store(ran.as_nanos(), Ordering::Relaxed);
        self.silenced_in_air.store(in_air.as_nanos(), Ordering::Relaxed);
        self.silenced.store(hold, Ordering::Release);
    }
}

const PLAY: u8 = 0;
const DUCK: u8 = 1;
const HOLD: u8 = 2;
