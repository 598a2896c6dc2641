//! Whether the machine had time for a test that runs in real time.

/// How long the machine's processors have run since its start, in units of its own.
pub(crate) struct Processor {
    idle: f64,
    all: f64,
}

/// By the first line of `/proc/stat`: the fourth and the fifth number are idle time.
pub(crate) fn processor() -> Processor {
    let text = std::fs::read_to_string("/proc/stat").unwrap();
    let line = text.lines().next().unwrap();
    let times: Vec<f64> = line.split(' ').filter_map(|time| time.parse().ok()).collect();
    Processor { idle: times[3] + times[4], all: times.iter().sum() }
}

impl Processor {
    /// Which part of the time since `before` was idle.
    pub(crate) fn idle_since(&self, before: &Self) -> f64 {
        (self.idle - before.idle) / (self.all - before.all)
    }
}
