//! The terminal itself: raw while the screen lives, and as it was afterwards.

use std::io;
use std::time::Duration;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyEvent};
use ratatui::crossterm::terminal::is_raw_mode_enabled;
use tokio::sync::mpsc;

/// What comes from the terminal, or from whoever ends the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    Key(KeyEvent),
    /// It has another size.
    Resized,
    /// The program is asked to end.
    Quit,
    /// The terminal cannot be used any more.
    Gone,
}

/// A terminal in raw mode, on its second screen. Dropping it gives it back as it was; so does a
/// panic, before its message is written.
#[derive(Debug)]
pub(super) struct Raw(pub(super) DefaultTerminal);

impl Raw {
    pub(super) fn open() -> io::Result<Self> {
        match ratatui::try_init() {
            Ok(terminal) => Ok(Self(terminal)),
            Err(error) => {
                let _as_it_was = ratatui::try_restore();
                Err(error)
            }
        }
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        if !is_ours() {
            return; // giving it back twice would write over the panic's message
        }
        let _shown = self.0.show_cursor();
        // A terminal that has gone needs no restoring.
        let _gone = ratatui::try_restore();
    }
}

/// Whether the terminal is still in raw mode. A panic anywhere gives it back, to be able to show
/// its message: from then on nothing may be drawn.
pub(super) fn is_ours() -> bool {
    is_raw_mode_enabled().unwrap_or(false)
}

/// Reads the terminal, on a thread of its own, since reading blocks. It ends soon after the
/// receiver has gone.
pub(super) fn inputs() -> io::Result<mpsc::Receiver<Input>> {
    let (inputs_in, inputs) = mpsc::channel(INPUTS);
    #[cfg(unix)]
    tokio::spawn(watch_signals(inputs_in.clone())?);
    std::thread::Builder::new().name("keys".to_owned()).spawn(move || {
        while !inputs_in.is_closed() {
            let input = match read() {
                Ok(Some(input)) => input,
                Ok(None) => continue,
                Err(error) => {
                    tracing::debug!(%error, "the terminal cannot be read");
                    Input::Gone
                }
            };
            if inputs_in.blocking_send(input).is_err() || input == Input::Gone {
                break;
            }
        }
    })?;
    Ok(inputs)
}

/// The next of what matters; `None` if there is nothing yet.
fn read() -> io::Result<Option<Input>> {
    if !event::poll(LOOK)? {
        return Ok(None);
    }
    Ok(match event::read()? {
        Event::Key(key) => Some(Input::Key(key)),
        Event::Resize(..) => Some(Input::Resized),
        _ => None,
    })
}

/// Signals that ask the program to end: in raw mode, Ctrl-C is a key and none of them.
#[cfg(unix)]
fn watch_signals(inputs: mpsc::Sender<Input>) -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(async move {
        loop {
            let asked = tokio::select! {
                asked = interrupt.recv() => asked,
                asked = terminate.recv() => asked,
                asked = hang_up.recv() => asked,
                () = inputs.closed() => None,
            };
            if asked.is_none() || inputs.send(Input::Quit).await.is_err() {
                return;
            }
        }
    })
}

/// How long the thread waits for a key before it looks whether it is still needed.
const LOOK: Duration = Duration::from_millis(100);

/// Keys that are pressed while one is being answered.
const INPUTS: usize = 64;
