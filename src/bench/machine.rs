//! What this process costs, and which cores it may use.

use std::io;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
#[cfg(target_os = "linux")]
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

/// Processor time of the whole process so far.
#[must_use]
pub fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// Processor time of the processes that this one has started and that have ended; none where the
/// system does not tell. In steps of 10 ms.
#[must_use]
pub fn children_cpu_time() -> Duration {
    let status = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the program may hold anything; it ends with the last bracket.
    let fields = status.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    let ticks: u64 = fields.skip(13).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    Duration::from_secs_f64(ticks as f64 / per_second as f64)
}

/// Resident memory of the process in KiB; `None` where the system does not tell.
#[must_use]
pub fn resident_kib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    resident.trim().strip_suffix(" kB")?.parse().ok()
}

/// The processor, and how many cores this process may use.
#[must_use]
pub fn name() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or(std::env::consts::ARCH, |(_, model)| model.trim());
    format!("{model}, {} cores", cores().len())
}

/// The cores that this thread may use.
#[cfg(target_os = "linux")]
#[must_use]
pub fn cores() -> Vec<usize> {
    let set = sched_getaffinity(None).unwrap_or_default();
    (0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).collect()
}

/// The cores that this thread may use.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn cores() -> Vec<usize> {
    (0..std::thread::available_parallelism().map_or(1, usize::from)).collect()
}

/// Lets this thread, and those that it starts from now on, use only these cores.
///
/// # Errors
///
/// When the system refuses: there is no such core, or it cannot do it. Linux can.
#[cfg(target_os = "linux")]
pub fn pin(cores: &[usize]) -> io::Result<()> {
    let mut set = CpuSet::new();
    for core in cores.iter().filter(|core| **core < CpuSet::MAX_CPU) {
        set.set(*core);
    }
    Ok(sched_setaffinity(None, &set)?)
}

/// Lets this thread, and those that it starts from now on, use only these cores.
///
/// # Errors
///
/// Always: this system cannot do it. Linux can.
#[cfg(not(target_os = "linux"))]
pub fn pin(_cores: &[usize]) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Lets this process have as many connections and files as the machine gives it: often there are
/// only 1,024 unless it asks. Returns how many; `None` is as many as it likes.
///
/// # Errors
///
/// When the machine does not give more than there were.
pub fn raise_open_files() -> io::Result<Option<u64>> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
    }
    Ok(limit.maximum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_costs_time_and_memory_is_told() {
        let before = cpu_time();
        let mut sum = 0_u64;
        while cpu_time() < before + Duration::from_millis(2) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(sum > 0);
        assert!(resident_kib().is_some_and(|kib| kib > 100.0));
        assert!(!cores().is_empty() && name().contains(" cores"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_work_of_programs_that_have_ended_is_told() {
        let before = children_cpu_time();
        let count = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        assert!(std::process::Command::new("sh").args(["-c", count]).status().unwrap().success());
        assert!(children_cpu_time() > before);
    }

    #[test]
    fn a_thread_is_pinned_to_a_core_and_no_other_thread_is() {
        let all = cores();
        let last = all[all.len() - 1];
        let pinned = std::thread::spawn(move || {
            pin(&[last]).unwrap();
            cores()
        });
        assert_eq!(pinned.join().unwrap(), [last]);
        assert_eq!(cores(), all);
        assert!(pin(&[100_000]).is_err());
    }

    #[test]
    fn there_may_be_as_many_files_as_the_machine_gives() {
        let most = raise_open_files().unwrap();
        assert_eq!(getrlimit(Resource::Nofile).current, most);
    }
}
