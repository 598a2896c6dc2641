//! A bounded pool for engines that compute: as many jobs at once as there are cores.
//!
//! Jobs run on Tokio's blocking threads, so a runtime's own threads stay free. The bound is that
//! of the process, whatever the number of runtimes and sessions.

use std::sync::LazyLock;
use std::thread;

use tokio::sync::Semaphore;
use tokio::task::{self, JoinError};

/// How many jobs may run at once.
pub(super) fn width() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Runs `job` as soon as there is room. Fails if it panicked or the runtime is shutting down.
///
/// A job that has begun runs to its end, also when this future is dropped.
pub(super) async fn run<T, F>(job: F) -> Result<T, JoinError>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    let room = ROOM.acquire().await;
    task::spawn_blocking(move || {
        let _room = room;
        job()
    })
    .await
}

static ROOM: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(width()));
