//! What calls cost this process.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Counts the processor time of this process from here on.
#[derive(Clone, Copy, Debug)]
pub struct Meter {
    began: Duration,
}

impl Meter {
    /// From now on.
    #[must_use]
    pub fn start() -> Self {
        Self { began: processor() }
    }

    /// The processor time so far, of all threads.
    #[must_use]
    pub fn processor_time(&self) -> Duration {
        processor().saturating_sub(self.began)
    }
}

/// The resident memory of this process, in KiB; `None` where the system does not tell.
#[must_use]
pub fn resident_kib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn processor() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(time.tv_sec.unsigned_abs(), nanos)
}
