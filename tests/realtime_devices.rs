//! The threads of live devices allocate nothing, whatever the session does meanwhile.
//!
//! They are not ours, so that nothing can be wrapped around what they run: the allocator itself
//! counts what they ask for, by their names.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]
#![expect(unsafe_code, reason = "an allocator that counts is an allocator")]

#[path = "support/lacking.rs"]
mod lacking;
#[path = "support/pulse.rs"]
mod pulse;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use banter::device::cpal::{CpalMicrophone, CpalSpeaker};
use banter::device::{capture_port, render_port};
use banter::{Microphone, SampleRate, SessionClock, Speaker};

use crate::lacking::lacking;

#[test]
fn the_audio_threads_allocate_nothing_in_10_s() {
    if !pulse::with_devices("the_audio_threads_allocate_nothing_in_10_s") {
        return;
    }
    count_is_right();
    // At the device's rate, and resampled to it.
    for (speaker, rate) in [(None, 48_000), (Some("narrow"), 16_000)] {
        let rate = SampleRate::new(rate).unwrap();
        // Where the system falls behind, cpal tells each error in a text of its own, which is not
        // our callback's: such a run says nothing.
        let quiet = (0..3).map(|_| play_and_listen(speaker, rate)).find(|(_, xruns)| *xruns == 0);
        match quiet {
            Some((allocations, _)) => assert_eq!(allocations, 0),
            None => lacking("idle", "the machine is too busy for its own audio threads"),
        }
    }
}

/// Five seconds of talk: played, ducked, held, released, dropped, run dry. Returns how often the
/// audio threads allocated, and how often the devices' own buffers ran over or dry.
fn play_and_listen(speaker: Option<&str>, rate: SampleRate) -> (u64, u64) {
    let clock = SessionClock::live();
    let microphone = Box::new(CpalMicrophone::open(None).unwrap());
    let (port, mut capture) = capture_port(microphone.rate());
    let mut listening = microphone.start(port, &clock).unwrap();
    let speaker = Box::new(CpalSpeaker::open(speaker).unwrap());
    eprintln!("a port of {rate} for a speaker of {}", speaker.rate());
    let (port, mut playback, mut tap) = render_port(rate);
    let mut speaking = speaker.start(port, &clock).unwrap();
    let (mut queue, mut left, mut captured) = (VecDeque::new(), Vec::new(), 0);
    let end = clock.now() + Duration::from_secs(30);
    let (mut played, mut step) = (0, 0_u64);
    while step < 500 {
        assert!(clock.now() < end, "the devices stand still at step {step}");
        while let Some(block) = tap.next_block(&mut left) {
            played += block.count as u64;
            left.clear();
        }
        while let Some(samples) = capture.take(160) {
            captured += samples.len();
        }
        // Both run from here on: from now it counts.
        if step == 0 && played > 0 && captured > 0 {
            COUNTING.store(true, Ordering::SeqCst);
        }
        if played < rate.samples(Duration::from_millis(10 * step)) || captured == 0 {
            std::thread::park_timeout(Duration::from_millis(1));
            continue;
        }
        step += 1;
        queue.extend((0..160_i16).map(|n| n * 50));
        match step % 100 {
            0..80 => playback.push(&mut queue),
            _ => playback.expect_more(true),
        }
        match step % 100 {
            20 | 50 => playback.gate().duck(),
            30 | 60 => playback.gate().hold_at(clock.now()),
            40 => playback.gate().play(),
            70 => drop(playback.drop_queued()),
            _ => {}
        }
        while playback.next_played().is_some() {}
        queue.truncate(8_000);
    }
    COUNTING.store(false, Ordering::SeqCst);
    listening.advance(clock.now()).unwrap();
    speaking.advance(clock.now()).unwrap();
    assert!(captured > 48_000 && playback.gate().played() > rate.samples(Duration::from_secs(1)));
    eprintln!("{captured} samples captured, {played} played");
    let xruns = listening.xruns() + speaking.xruns();
    listening.finish().unwrap();
    speaking.finish().1.unwrap();
    (ALLOCATIONS.swap(0, Ordering::SeqCst), xruns)
}

/// A thread of such a name that allocates is counted.
fn count_is_right() {
    let thread = std::thread::Builder::new().name(format!("{AUDIO}_none"));
    let thread = thread.spawn(|| {
        COUNTING.store(true, Ordering::SeqCst);
        drop(std::hint::black_box(Box::new(1)));
        COUNTING.store(false, Ordering::SeqCst);
    });
    thread.unwrap().join().unwrap();
    assert_eq!(ALLOCATIONS.swap(0, Ordering::SeqCst), 1);
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static COUNTING: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

/// How cpal's threads are called, all of them.
const AUDIO: &str = "cpal_alsa";

struct Counting;

thread_local! {
    /// Whether the thread is one of a device, once it is known.
    static IS_AUDIO: Cell<Option<bool>> = const { Cell::new(None) };
}

// SAFETY: all is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if COUNTING.load(Ordering::Relaxed) && is_audio() {
            ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        }
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(place, layout) }
    }
}

fn is_audio() -> bool {
    IS_AUDIO.with(|known| match known.get() {
        Some(known) => known,
        None => {
            // To ask for the name may allocate.
            known.set(Some(false));
            let name = std::thread::current();
            let is = name.name().is_some_and(|name| name.starts_with(AUDIO));
            known.set(Some(is));
            is
        }
    })
}
