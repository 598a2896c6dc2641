//! A speaker in the hands of a program, and the one queue by which all comes out of a call.
//!
//! Sound that nobody has taken counts as not heard if the user interrupts. So that little of it
//! is ever in doubt, a second waits at most; what comes then is held back, and said so.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::mpsc::{self, OwnedPermit};

use super::CallChunk;
use crate::audio::{AudioChunk, SampleRate};
use crate::device::{Far, FarEar, Refused, RenderPort, Rendering, Speaker};
use crate::events::{Event, EventKind, Subscription, WeakEventBus};
use crate::time::SessionClock;

/// The program's end.
#[derive(Debug)]
pub(super) struct Responses {
    queue: mpsc::Receiver<Queued>,
    shared: Arc<Shared>,
    /// How often it was told to forget.
    cleared: u64,
}

#[derive(Debug)]
struct Queued {
    /// How often the program was told to forget before.
    clears: u64,
    chunk: CallChunk,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    cleared: Notify,
}

/// Held for moments only.
#[derive(Debug, Default)]
struct State {
    clears: u64,
    /// Samples that nobody has taken, of those that are not to be forgotten.
    waiting: u64,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the program hears.
#[derive(Debug)]
pub(super) struct CallSpeaker(Ear);

#[derive(Debug)]
struct Ear {
    queue: mpsc::Sender<Queued>,
    /// Room for a piece of sound.
    room: Option<OwnedPermit<Queued>>,
    shared: Arc<Shared>,
    rate: SampleRate,
    /// It takes nothing until half of what waits was taken.
    full: bool,
    /// How long sound was held back, if that is not told yet.
    behind: Option<Duration>,
    warns: Option<(WeakEventBus, SessionClock)>,
}

/// Puts events into the queue.
#[derive(Debug)]
pub(super) struct Telling {
    queue: mpsc::Sender<Queued>,
}

/// A speaker of this rate, who tells of what happens beside it, and who takes both. `bus` and
/// `clock` are for a warning, once, that too little is taken.
pub(super) fn speaker(
    rate: SampleRate,
    bus: WeakEventBus,
    clock: SessionClock,
) -> (CallSpeaker, Telling, Responses) {
    let (sender, queue) = mpsc::channel(CHUNKS);
    let shared = Arc::<Shared>::default();
    let ear = Ear {
        queue: sender.clone(),
        room: None,
        shared: Arc::clone(&shared),
        rate,
        full: false,
        behind: None,
        warns: Some((bus, clock)),
    };
    (CallSpeaker(ear), Telling { queue: sender }, Responses { queue, shared, cleared: 0 })
}

impl Responses {
    /// Takes nothing more: nobody waits for it any longer.
    pub(super) fn close(&mut self) {
        self.queue.close();
    }

    /// What comes next; `None` when the call is over. Cancel-safe.
    pub(super) async fn next(&mut self) -> Option<CallChunk> {
        loop {
            if std::mem::replace(&mut self.cleared, self.shared.state().clears) != self.cleared {
                return Some(CallChunk::Clear);
            }
            let shared = Arc::clone(&self.shared);
            let queued = tokio::select! {
                biased;
                () = shared.cleared.notified() => continue,
                queued = self.queue.recv() => queued?,
            };
            let Queued { clears, chunk } = queued;
            let CallChunk::Sound(sound) = &chunk else { return Some(chunk) };
            let mut state = shared.state();
            if clears == state.clears {
                state.waiting = state.waiting.saturating_sub(sound.samples().len() as u64);
                return Some(chunk);
            }
        }
    }
}

impl Telling {
    /// Tells of events until there are no more, or nobody takes any.
    pub(super) async fn follow(self, mut events: Subscription) {
        while let Some(event) = events.next().await {
            let chunk = event.map_or_else(|events| CallChunk::Missed { events }, CallChunk::from);
            if self.queue.send(Queued { clears: 0, chunk }).await.is_err() {
                return;
            }
        }
    }
}

impl Speaker for CallSpeaker {
    fn name(&self) -> String {
        "the program".to_owned()
    }

    fn rate(&self) -> SampleRate {
        self.0.rate
    }

    fn start(
        self: Box<Self>,
        port: RenderPort,
        clock: &SessionClock,
    ) -> Result<Box<dyn Rendering>, Box<Refused>> {
        let ear = Ear { rate: port.rate(), ..self.0 };
        Ok(Box::new(Far::new(port, ear, clock.clone())))
    }
}

impl Ear {
    fn reserve(&mut self) -> Option<OwnedPermit<Queued>> {
        self.room.take().or_else(|| self.queue.clone().try_reserve_owned().ok())
    }

    /// Tells how long sound was held back, once there is room for that.
    fn tell_behind(&mut self) {
        if let Some(held) = self.behind
            && let Some(room) = self.reserve()
        {
            room.send(Queued { clears: 0, chunk: CallChunk::Behind { held } });
            self.behind = None;
        }
    }
}

impl FarEar for Ear {
    fn takes(&mut self) -> bool {
        // Nobody is left who takes anything: then nobody is waited for.
        if self.queue.is_closed() {
            return true;
        }
        let waiting = self.rate.duration(self.shared.state().waiting);
        self.full = if self.full { waiting > MOST / 2 } else { waiting >= MOST };
        if self.full {
            return false;
        }
        self.tell_behind();
        self.room = self.reserve();
        self.room.is_some()
    }

    fn sound(&mut self, sound: &[i16]) {
        let Some(room) = self.room.take() else { return };
        let clears = {
            let mut state = self.shared.state();
            state.waiting += sound.len() as u64;
            state.clears
        };
        let chunk = CallChunk::Sound(AudioChunk::new(sound, self.rate));
        room.send(Queued { clears, chunk });
    }

    fn clear(&mut self) -> u64 {
        let waiting = {
            let mut state = self.shared.state();
            state.clears += 1;
            std::mem::take(&mut state.waiting)
        };
        self.full = false;
        self.shared.cleared.notify_one();
        waiting
    }

    fn held_back(&mut self) {
        if let Some((bus, clock)) = self.warns.take() {
            let message = format!(
                "the program takes too little of what the agent says: {MOST:?} of it wait, and the \
                 rest is held back; take what comes as it comes"
            );
            let kind = EventKind::Warning { message };
            bus.publish(Event { at: clock.now(), turn: None, response: None, kind });
        }
    }

    fn goes_on(&mut self, after: Duration) {
        self.behind = Some(self.behind.unwrap_or_default() + after);
        self.tell_behind();
    }

    fn keeps(&self) -> Duration {
        MOST + FRAME
    }
}

/// How much sound may wait for the program.
const MOST: Duration = Duration::from_secs(1);

/// The longest piece.
const FRAME: Duration = Duration::from_millis(20);

/// Pieces of sound, of which there are 50 in a second unless they trickle, and events.
const CHUNKS: usize = 256;

#[cfg(test)]
mod tests;
