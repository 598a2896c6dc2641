//! The bounded way from a call's speaker to its socket.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use tokio::sync::{Notify, mpsc};

/// What is sent to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outgoing {
    /// Sound.
    Sound(Bytes),
    /// Forget the sound that you have not played.
    Clear,
}

/// The speaker's end. It never waits.
#[derive(Debug)]
pub(super) struct Outlet {
    /// `None` once the queue was full.
    queue: Option<mpsc::Sender<(u64, Outgoing)>>,
    shared: Arc<Shared>,
}

/// The socket's end.
#[derive(Debug)]
pub(super) struct Queue {
    queue: mpsc::Receiver<(u64, Outgoing)>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// How often the client was told to forget: sound from before is not worth sending.
    clears: AtomicU64,
    full: Notify,
}

/// The two ends.
pub(super) fn outgoing() -> (Outlet, Queue) {
    let (sender, queue) = mpsc::channel(MESSAGES);
    let shared = Arc::<Shared>::default();
    (Outlet { queue: Some(sender), shared: Arc::clone(&shared) }, Queue { queue, shared })
}

impl Outlet {
    /// Sends sound.
    pub(super) fn sound(&mut self, sound: Bytes) {
        self.send(Outgoing::Sound(sound));
    }

    /// Has the client forget what it has not played. It overtakes sound that waits here.
    pub(super) fn clear(&mut self) {
        self.shared.clears.fetch_add(1, Ordering::Release);
        self.send(Outgoing::Clear);
    }

    /// Without room, the client is too slow: that ends its call, and there is nothing to send any
    /// more.
    fn send(&mut self, outgoing: Outgoing) {
        let Some(queue) = &self.queue else { return };
        let clears = self.shared.clears.load(Ordering::Acquire);
        if let Err(mpsc::error::TrySendError::Full(_)) = queue.try_send((clears, outgoing)) {
            self.queue = None;
            self.shared.full.notify_one();
        }
    }
}

impl Queue {
    /// What is to be sent next; `None` when the speaker is gone.
    pub(super) async fn next(&mut self) -> Option<Outgoing> {
        loop {
            let (clears, outgoing) = self.queue.recv().await?;
            if clears == self.shared.clears.load(Ordering::Acquire) {
                return Some(outgoing);
            }
        }
    }

    /// Resolves when the speaker finds no room.
    pub(super) fn overflow(&self) -> impl Future<Output = ()> + Send + use<> {
        let shared = Arc::clone(&self.shared);
        async move { shared.full.notified().await }
    }
}

/// In messages: of 20 ms each, 5 s.
const MESSAGES: usize = 256;

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn sound(byte: u8) -> Bytes {
        Bytes::copy_from_slice(&[byte, 0])
    }

    #[tokio::test]
    async fn what_is_to_be_forgotten_is_not_sent_any_more() {
        let (mut outlet, mut queue) = outgoing();
        outlet.sound(sound(1));
        outlet.sound(sound(2));
        outlet.clear();
        outlet.sound(sound(3));
        drop(outlet);
        assert_eq!(queue.next().await, Some(Outgoing::Clear));
        assert_eq!(queue.next().await, Some(Outgoing::Sound(sound(3))));
        assert_eq!(queue.next().await, None);
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_noticed() {
        let (mut outlet, queue) = outgoing();
        let overflow = queue.overflow();
        (0..MESSAGES).for_each(|_| outlet.sound(sound(1)));
        assert!(queue.overflow().now_or_never().is_none(), "there was room for all");
        outlet.sound(sound(1));
        overflow.await;
    }
}
