//! Calls with models that hear and speak for themselves: the session, its link and a protocol,
//! against the mock of that protocol, in Tokio's paused time. The voice is a file's; the words are
//! those of a script.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

#[path = "duplex/beside.rs"]
mod beside;
#[path = "duplex/faults.rs"]
mod faults;
#[path = "duplex/followers.rs"]
mod followers;
#[path = "support/lacking.rs"]
#[expect(dead_code, reason = "nothing is lacking")]
mod lacking;
#[path = "duplex/losses.rs"]
mod losses;
#[path = "support/sound.rs"]
#[expect(dead_code, reason = "what is heard is known by its length")]
mod sound;
#[path = "duplex/turns.rs"]
mod turns;
#[path = "duplex/world.rs"]
mod world;
