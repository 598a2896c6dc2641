//! Measures what tasks do together.

use std::future::Future;
use std::time::Duration;

use criterion::Bencher;
use criterion::measurement::{Measurement, WallTime};
use tokio::runtime::Builder;

/// Measures `work` on one thread: tasks are switched, threads are not. It is told how often to
/// do what is measured.
pub(crate) fn measure<W>(bencher: &mut Bencher<'_>, mut work: impl FnMut(u64) -> W)
where
    W: Future<Output = Timer>,
{
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    bencher.iter_custom(|times| runtime.block_on(work(times)).0);
}

/// How long something took.
#[derive(Debug)]
pub(crate) struct Timer(Duration);

impl Timer {
    /// Measures `work`, without what was set up before it.
    pub(crate) async fn around(work: impl Future<Output = ()>) -> Self {
        let began = WallTime.start();
        work.await;
        Self(WallTime.end(began))
    }
}
