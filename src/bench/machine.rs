//! What a process that serves or makes many calls asks of the machine.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

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

/// Has this thread, and those that it starts from now on, run on this core alone.
///
/// # Errors
///
/// When there is no such core, or the machine cannot do it: Linux can.
pub fn pin(core: usize) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::thread::{CpuSet, sched_setaffinity};
        if core >= CpuSet::MAX_CPU {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut cores = CpuSet::new();
        cores.set(core);
        Ok(sched_setaffinity(None, &cores)?)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = core;
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_may_be_as_many_files_as_the_machine_gives() {
        let most = raise_open_files().unwrap();
        assert_eq!(getrlimit(Resource::Nofile).current, most);
    }

    #[test]
    fn a_core_that_is_not_there_is_refused() {
        assert!(pin(100_000).is_err());
    }
}
