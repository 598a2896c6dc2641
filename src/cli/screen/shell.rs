//! Moves things between the terminal, the state and the session.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use ratatui::Terminal;
use ratatui::backend::Backend;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::devices::Side;
use super::draw::draw;
use super::notices::Topic;
use super::palette::Palette;
use super::state::{State, Wish};
use super::terminal::Input;
use super::{Controls, Device, DeviceChoices, LeftAtOnce};
use crate::events::Subscription;
use crate::time::{SessionClock, SessionTime};

/// The shell around the state.
pub(super) struct Shell<C> {
    state: State,
    palette: Palette,
    controls: Arc<C>,
    clock: SessionClock,
    /// Whether the terminal may be drawn on.
    is_ours: fn() -> bool,
    /// When the levels were read last.
    read_at: SessionTime,
    /// What takes its time: one job at a time.
    jobs: JoinSet<Done>,
    /// What was decided about calls; at most one each.
    decisions: JoinSet<Result<(), String>>,
}

/// What came of a job.
enum Done {
    Found(DeviceChoices),
    Used(Side, Device, Result<(), String>),
}

impl<C: Controls> Shell<C> {
    pub(super) fn new(state: State, palette: Palette, controls: C) -> Self {
        let clock = SessionClock::live();
        let (controls, read_at) = (Arc::new(controls), clock.now());
        let (jobs, decisions) = (JoinSet::new(), JoinSet::new());
        Self { state, palette, controls, clock, is_ours: || true, read_at, jobs, decisions }
    }

    /// The same, which ends when the terminal is no longer its own.
    pub(super) fn while_ours(mut self, is_ours: fn() -> bool) -> Self {
        self.is_ours = is_ours;
        self
    }

    /// Runs until the events end, or the user will not wait for that.
    pub(super) async fn run<B>(
        mut self,
        terminal: &mut Terminal<B>,
        mut inputs: mpsc::Receiver<Input>,
        mut events: Subscription,
    ) -> anyhow::Result<()>
    where
        B: Backend,
        B::Error: Error + Send + Sync + 'static,
    {
        let mut changed = true;
        self.show(terminal)?;
        let mut next_frame = self.clock.now() + FRAME;
        loop {
            tokio::select! {
                biased;
                Some(input) = inputs.recv() => {
                    // What is pasted comes as many keys: they are drawn together.
                    let more = std::iter::from_fn(|| inputs.try_recv().ok()).take(AT_ONCE);
                    for input in std::iter::once(input).chain(more) {
                        self.on_input(input)?;
                    }
                    self.show(terminal)?;
                    changed = false;
                }
                () = self.clock.sleep_until(next_frame) => {
                    next_frame = self.clock.now() + FRAME;
                    // Both are looked at, whatever the first says.
                    let news = self.read_levels() | self.read_waiting();
                    if news || std::mem::take(&mut changed) || !(self.is_ours)() {
                        self.show(terminal)?;
                    }
                }
                Some(done) = self.jobs.join_next() => {
                    // A job that panicked has said so.
                    if let Ok(done) = done {
                        self.on_done(done);
                    }
                    changed = true;
                }
                Some(decided) = self.decisions.join_next() => {
                    if let Ok(Err(reason)) = decided {
                        let text = format!("That was not done: {reason}.");
                        self.state.notices.add(Topic::Trouble, &text);
                    }
                    changed = true;
                }
                event = events.next() => {
                    match event {
                        Some(Ok(event)) => self.state.on_event(&event),
                        Some(Err(lost)) => self.state.on_lost_events(lost),
                        None => return Ok(()),
                    }
                    changed = true;
                }
            }
        }
    }

    fn show<B>(&mut self, terminal: &mut Terminal<B>) -> anyhow::Result<()>
    where
        B: Backend,
        B::Error: Error + Send + Sync + 'static,
    {
        if !(self.is_ours)() {
            return Err(self.gone());
        }
        let (state, palette) = (&self.state, self.palette);
        let mut captions = ratatui::layout::Size::default();
        terminal.draw(|frame| captions = draw(frame, state, palette))?;
        self.state.on_drawn(captions);
        Ok(())
    }

    /// Nothing can be shown any more, and nobody can end the session by a key.
    fn gone(&self) -> anyhow::Error {
        self.controls.stop();
        anyhow!("the terminal has gone: it was closed, or a part of the program died")
    }

    fn read_levels(&mut self) -> bool {
        let now = self.clock.now();
        let passed = now.since(std::mem::replace(&mut self.read_at, now));
        self.state.on_levels(self.controls.levels(), passed)
    }

    fn read_waiting(&mut self) -> bool {
        self.state.asked.set(self.controls.waiting())
    }

    /// Fails when nothing is to be shown any more.
    fn on_input(&mut self, input: Input) -> anyhow::Result<()> {
        let wish = match input {
            Input::Key(key) => self.state.on_key(key, self.clock.now()),
            Input::Resized => None,
            Input::Quit => self.state.quit(),
            Input::Gone => return Err(self.gone()),
        };
        let taken = match &wish {
            Some(Wish::Type(text)) => self.controls.type_text(text.clone()),
            Some(Wish::Press) => self.controls.press(),
            Some(Wish::Release) => self.controls.release(),
            _ => Ok(()),
        };
        if let Err(reason) = taken {
            if matches!(wish, Some(Wish::Press | Wish::Release)) {
                self.state.on_refused_key();
            }
            self.state.notices.add(Topic::Trouble, &format!("That was not taken: {reason}."));
        }
        match wish {
            None | Some(Wish::Type(_) | Wish::Press | Wish::Release) => {}
            Some(Wish::Approve(call)) => drop(self.decisions.spawn(self.controls.approve(call))),
            Some(Wish::Reject(call)) => drop(self.decisions.spawn(self.controls.reject(call))),
            Some(Wish::Mute(on)) => self.controls.mute(on),
            Some(Wish::ListDevices) => self.work(|controls| Done::Found(controls.devices())),
            Some(Wish::Use(side, device)) => self.work(move |controls| {
                let done = match side {
                    Side::Input => controls.use_input(&device.id),
                    Side::Output => controls.use_output(&device.id),
                };
                Done::Used(side, device, done)
            }),
            Some(Wish::Stop) => self.controls.stop(),
            Some(Wish::Quit) => return Err(LeftAtOnce.into()),
        }
        Ok(())
    }

    /// Does what may take its time beside the loop.
    fn work(&mut self, job: impl FnOnce(&C) -> Done + Send + 'static) {
        if self.jobs.is_empty() {
            let controls = Arc::clone(&self.controls);
            self.jobs.spawn_blocking(move || job(&controls));
        } else {
            let text = "The devices are still busy with what was asked before: try again soon.";
            self.state.notices.add(Topic::Trouble, text);
        }
    }

    fn on_done(&mut self, done: Done) {
        match done {
            Done::Found(found) => self.state.on_devices(found),
            Done::Used(side, device, done) => self.state.on_used(side, &device.name, done),
        }
    }
}

/// Twenty times a second looks smooth.
const FRAME: Duration = Duration::from_millis(50);

/// Keys between two drawings, so that there is one now and then.
const AT_ONCE: usize = 64;

#[cfg(test)]
mod tests;
