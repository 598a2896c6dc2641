//! Work that is done several at a time.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Is told how many of how many are done.
pub type Progress<'a> = &'a (dyn Fn(usize, usize) + Sync);

/// What `each` gives for 0 up to `count`, in that order. It ends at the first that fails.
pub(super) fn side_by_side<T: Send, E: Send>(
    count: usize,
    jobs: NonZeroUsize,
    each: impl Fn(usize) -> Result<T, E> + Sync,
    progress: Progress<'_>,
) -> Result<Vec<T>, E> {
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let done: Mutex<Vec<(usize, Result<T, E>)>> = Mutex::new(Vec::new());
    let work = || {
        while !stop.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return;
            }
            let came = each(index);
            stop.fetch_or(came.is_err(), Ordering::Relaxed);
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            done.push((index, came));
            progress(done.len(), count);
        }
    };
    thread::scope(|scope| {
        for _ in 0..jobs.get().min(count) {
            scope.spawn(work);
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, came)| came).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jobs(count: usize) -> NonZeroUsize {
        NonZeroUsize::new(count).unwrap()
    }

    #[test]
    fn results_come_in_order_whoever_was_first() {
        for at_a_time in [1, 3, 100] {
            let seen = Mutex::new(Vec::new());
            let progress = |done, all| seen.lock().unwrap().push((done, all));
            let came = side_by_side(20, jobs(at_a_time), |index| Ok::<_, ()>(index * 2), &progress);
            assert_eq!(came.unwrap(), (0..20).map(|index| index * 2).collect::<Vec<_>>());
            let seen = seen.into_inner().unwrap();
            assert_eq!(seen, (1..=20).map(|done| (done, 20)).collect::<Vec<_>>());
        }
        assert_eq!(side_by_side(0, jobs(2), Ok::<usize, ()>, &|_, _| {}), Ok(vec![]));
    }

    #[test]
    fn nothing_is_begun_after_a_failure() {
        let begun = AtomicUsize::new(0);
        let each = |index| {
            begun.fetch_add(1, Ordering::Relaxed);
            if index == 3 { Err(index) } else { Ok(()) }
        };
        assert_eq!(side_by_side(100, jobs(1), each, &|_, _| {}), Err(3));
        assert_eq!(begun.into_inner(), 4);
    }
}
