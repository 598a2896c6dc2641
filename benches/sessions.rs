//! What many live calls cost in one process, and how fast a call runs in virtual time.
//!
//! ```sh
//! cargo bench --bench sessions                    # an hour with energy and earshot; 50 calls
//! cargo bench --bench sessions -- talk 200 30     # 200 live calls, measured for 30 s
//! cargo bench --bench sessions -- listen 200 30   # the same, and no user says anything
//! cargo bench --bench sessions -- hour energy     # an hour of talk in virtual time
//! ```
//!
//! Every call is a `Session` with a user who says a sentence every eight seconds, and engines
//! with the delays of real services ([`world`]). All run on one thread. The figures contain the
//! devices, the engines and whoever reads the events.

#![expect(clippy::unwrap_used, reason = "a bench that cannot run says so")]
#![expect(clippy::print_stdout, reason = "its figures are what it is for")]

#[path = "sessions/figures.rs"]
mod figures;
#[path = "sessions/world.rs"]
mod world;

use std::sync::Arc;
use std::time::Duration;

use banter::audio::SampleRate;
use banter::device::NullSpeaker;
use banter::session::{Pace, Session, SessionConfig, SessionHandle, Summary};
use banter::time::SessionClock;
use banter::vad::{Earshot, Energy, Vad};
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use self::figures::{Figures, Process, Watched};
use self::world::{PERIOD, Talker, Users, World};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["hour", vad] => hour(vad),
        [users, sessions, seconds] => {
            let users = if users == "listen" { Users::Listen } else { Users::Talk };
            live(users, sessions.parse().unwrap(), seconds.parse().unwrap());
        }
        _ => {
            hour("energy");
            hour("earshot");
            live(Users::Listen, 50, 20);
            live(Users::Talk, 50, 20);
        }
    }
}

/// An hour of one call, on a clock that leaps over all waiting.
fn hour(vad: &str) {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let before = Process::now();
    let (told, summary) = runtime.block_on(async {
        let world = Arc::new(World::new(Users::Talk));
        let vad: Box<dyn Vad> = match vad {
            "energy" => Box::new(Energy::new()),
            _ => Box::new(Earshot::new()),
        };
        let hour = Duration::from_secs(3600);
        call(&world, 0, vad, Some(hour), |_| ()).await
    });
    let cpu = Process::now().cpu - before.cpu;
    println!("an hour of talk with {vad}: {cpu:.2} s of CPU, {} turns", summary.turns);
    Figures::of(&[(told, summary)]).print();
}

/// So many calls at once, measured for so long once all of them talk.
fn live(users: Users, sessions: u32, seconds: u64) {
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let (world, clock) = (Arc::new(World::new(users)), SessionClock::live());
        let base = Process::now();
        let (handles_in, mut handles) = tokio::sync::mpsc::channel(sessions as usize);
        let mut calls = JoinSet::new();
        for index in 0..sessions {
            let (world, clock, handles) = (Arc::clone(&world), clock.clone(), handles_in.clone());
            calls.spawn(async move {
                clock.sleep(PERIOD * index / sessions).await;
                let told = |handle| handles.try_send(handle).unwrap();
                call(&world, index as usize, Box::new(Earshot::new()), None, told).await
            });
        }
        clock.sleep(PERIOD * 2).await;
        let before = Process::now();
        let late = tokio::spawn(figures::lateness(seconds)).await.unwrap();
        let after = Process::now();
        while let Ok(handle) = handles.try_recv() {
            handle.stop();
        }
        let minutes = f64::from(sessions) * seconds as f64 / 60.0;
        println!("{sessions} live calls for {seconds} s, the users {users:?}:");
        println!("  CPU per session-minute     {:.4} s", (after.cpu - before.cpu) / minutes);
        println!(
            "  memory per session         {:.3} MiB",
            (after.mib - base.mib) / f64::from(sessions)
        );
        println!("  lateness of a timer        {late} ms");
        Figures::of(&calls.join_all().await).print();
    });
}

/// One call: until the user has nothing to say any more, or it is stopped.
async fn call(
    world: &World,
    index: usize,
    vad: Box<dyn Vad>,
    length: Option<Duration>,
    told: impl FnOnce(SessionHandle),
) -> (Watched, Summary) {
    let speech_ends = world.speech_ends(index, length.unwrap_or(Duration::from_secs(300)));
    let config = SessionConfig { speech_ends: speech_ends.clone(), ..SessionConfig::default() };
    let session = Session::new(world.engines(vad), config);
    let watch = tokio::spawn(figures::watch(session.subscribe(), speech_ends));
    told(session.handle());
    let microphone = Box::new(Talker::new(world, index, length));
    let speaker = Box::new(NullSpeaker(SampleRate::new(24_000).unwrap()));
    let summary = session.run(microphone, speaker, Pace::Live).await.unwrap();
    (watch.await.unwrap(), summary)
}
