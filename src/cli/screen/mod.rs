//! The screen of a live conversation: captions, levels, latency, and keys.
//!
//! ```text
//!  events ──┐
//!  levels ──┼─▶ State ─▶ draw ─▶ terminal
//!  keys   ──┘     └─▶ wishes ─▶ Controls
//! ```
//!
//! What is shown is a function of what happened. The shell owns the terminal: it draws at once
//! after a key, else at most 20 times a second, and only when something changed.

mod asked;
mod captions;
mod devices;
mod draw;
mod floor;
mod input;
mod latency;
mod meter;
mod notices;
mod palette;
mod shell;
mod state;
mod terminal;
mod wrap;

use std::io::{IsTerminal, stdin, stdout};
use std::pin::Pin;

use anyhow::Context as _;

use self::palette::Palette;
use self::shell::Shell;
use self::state::State;
use self::terminal::Raw;
pub(in crate::cli) use self::wrap::plain;
use crate::events::Subscription;
use crate::types::PendingCall;

/// What the screen asks of a session. All but the devices' calls return at once.
pub(crate) trait Controls: Send + Sync + 'static {
    /// The user types: an interruption, as if it were spoken.
    fn type_text(&self, text: String) -> Result<(), String>;

    /// The microphone hears nothing, or hears again.
    fn mute(&self, on: bool);

    /// The user takes the floor.
    fn press(&self) -> Result<(), String>;

    /// The user's turn is over.
    fn release(&self) -> Result<(), String>;

    /// The calls of tools that have no result yet.
    fn waiting(&self) -> Vec<PendingCall>;

    /// Has a call done that waits for that; over when it is.
    fn approve(&self, call: String) -> Deciding;

    /// Has it not done.
    fn reject(&self, call: String) -> Deciding;

    /// How loud it is, and what was lost.
    fn levels(&self) -> Levels;

    /// The devices there are. May take its time.
    fn devices(&self) -> DeviceChoices;

    /// Listens to another microphone. May take its time.
    fn use_input(&self, id: &str) -> Result<(), String>;

    /// Speaks to another speaker. May take its time.
    fn use_output(&self, id: &str) -> Result<(), String>;

    /// Ends the session soon; its events then end.
    fn stop(&self);
}

/// What comes of a decision.
pub(crate) type Deciding = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// How loud it is, and what was lost since the session began.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Levels {
    /// Of the microphone, in dBFS; minus infinity for silence.
    pub(crate) input_db: f32,
    /// Of the speaker, in dBFS; minus infinity for silence.
    pub(crate) output_db: f32,
    /// How often the speaker ran out of sound in the middle of an answer.
    pub(crate) under_runs: u64,
    /// How much of the microphone's sound was lost.
    pub(crate) lost_ms: f64,
    /// There is no microphone any more, or no speaker, for now.
    pub(crate) missing: Missing,
}

/// Devices that were lost, and that none has taken the place of yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) input: bool,
    pub(crate) output: bool,
}

/// The devices there are.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeviceChoices {
    /// Microphones.
    pub(crate) inputs: Vec<Device>,
    /// Speakers.
    pub(crate) outputs: Vec<Device>,
}

/// A device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Device {
    /// Names it to the program.
    pub(crate) id: String,
    /// Names it to people.
    pub(crate) name: String,
    /// It is the one that the call began with. What came later is told by events.
    pub(crate) in_use: bool,
}

/// The user would not wait until the session had ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("left before everything was written")]
pub(crate) struct LeftAtOnce;

/// Whether there is a terminal to show the screen on, and keys to read.
pub(crate) fn is_possible() -> bool {
    stdin().is_terminal() && stdout().is_terminal()
}

/// Shows the session until its events end. `notices` are shown from the beginning; `muted` says
/// whether the microphone begins so.
///
/// The terminal is as it was when this returns, in whatever way.
///
/// # Errors
///
/// When the terminal cannot be used, or, as [`LeftAtOnce`], when the user left before the session
/// had ended.
pub(crate) async fn run(
    events: Subscription,
    controls: impl Controls,
    notices: Vec<String>,
    muted: bool,
) -> anyhow::Result<()> {
    let mut terminal = Raw::open().context("the terminal cannot be used")?;
    let inputs = terminal::inputs().context("the terminal cannot be read")?;
    let mut state = State::new(&notices);
    state.muted = muted;
    let shell = Shell::new(state, Palette::from_environment(), controls);
    shell.while_ours(terminal::is_ours).run(&mut terminal.0, inputs, events).await
}
