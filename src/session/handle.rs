//! What a program may wish of a session while it runs.

use std::sync::Arc;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};

use super::{Devices, DriveCommand};
use crate::time::SessionTime;
use crate::types::Media;

/// A hand on a session, from anywhere, before it runs and while it does. Cloning gives another.
#[derive(Clone, Debug)]
pub struct SessionHandle {
    stop: watch::Sender<bool>,
    wishes: mpsc::Sender<Wish>,
    devices: Devices,
}

/// What the session is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Say(Arc<str>),
    Announce(Arc<str>),
    Hear(Arc<str>),
    Prompt(Arc<str>),
    /// A frame of what a camera or a screen shows, and when it was taken.
    Frame(SessionTime, Arc<Media>),
    Image(Arc<Media>),
    Press,
    Release,
    /// Since then, or now.
    Started(Option<SessionTime>),
    Ended(Option<SessionTime>),
    HangUp,
    /// The same, unless the user speaks over it.
    TakeLeave,
}

/// The other ends, for the session.
#[derive(Debug)]
pub(super) struct Wishes {
    pub(super) stop: watch::Receiver<bool>,
    pub(super) wishes: mpsc::Receiver<Wish>,
}

/// Why a wish was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WishError {
    /// The session is over.
    #[error("the session is over")]
    Over,
    /// More was wished for than the session has come to.
    #[error("the session has 16 wishes to see to; try again soon")]
    Busy,
}

impl SessionHandle {
    pub(super) fn new() -> (Self, Wishes, mpsc::Receiver<DriveCommand>) {
        let (stop, stop_seen) = watch::channel(false);
        let (wishes, wished) = mpsc::channel(WISHES);
        let (devices, commands) = Devices::new();
        (Self { stop, wishes, devices }, Wishes { stop: stop_seen, wishes: wished }, commands)
    }

    /// Ends the session soon: what is said is cut off, and everything is written. More than once
    /// is as good as once.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Ends the session when the agent has said what it is about to say.
    ///
    /// # Errors
    ///
    /// As [`WishError`] says.
    pub fn hang_up(&self) -> Result<(), WishError> {
        self.wish(Wish::HangUp)
    }

    /// As [`hang_up`](Self::hang_up), but the user may still keep the agent with a word.
    pub(super) fn take_leave(&self) -> Result<(), WishError> {
        self.wish(Wish::TakeLeave)
    }

    /// Has the agent say `text`, as soon as nobody speaks. Before the session runs: first of all.
    ///
    /// # Errors
    ///
    /// As [`WishError`] says.
    pub fn say(&self, text: impl Into<Arc<str>>) -> Result<(), WishError> {
        self.wish(Wish::Say(text.into()))
    }

    /// As [`say`](Self::say), but no voice interrupts it; a key and a typed line do. Who speaks
    /// meanwhile, and still does when it has been said, has a turn from then on.
    ///
    /// # Errors
    ///
    /// As [`WishError`] says.
    pub fn announce(&self, text: impl Into<Arc<str>>) -> Result<(), WishError> {
        self.wish(Wish::Announce(text.into()))
    }

    /// Takes `text` as a turn of the user. It interrupts the agent, as a spoken one does.
    ///
    /// # Errors
    ///
    /// As [`WishError`] says.
    pub fn hear(&self, text: impl Into<Arc<str>>) -> Result<(), WishError> {
        self.wish(Wish::Hear(text.into()))
    }

    /// Has the agent speak to nobody's turn: `text` is an instruction for the model, such as how it
    /// is to begin. The history has it as one, and no event takes it for the user's words. Nobody
    /// is interrupted: it is answered when nobody speaks.
    ///
    /// # Errors
    ///
    /// As [`WishError`] says.
    pub fn trigger_start(&self, text: impl Into<Arc<str>>) -> Result<(), WishError> {
        self.wish(Wish::Prompt(text.into()))
    }

    /// Shows the model something, when the session has come to the wishes before.
    pub(super) async fn show(&self, wish: Wish) -> Result<(), WishError> {
        self.wishes.send(wish).await.map_err(|_over| WishError::Over)
    }

    /// The key to talk is pressed: a turn begins now, if none has, and lasts until
    /// [`release`](Self::release). What the agent says is cut off.
    ///
    /// # Errors
    ///
    /// As [`WishError`] says.
    pub fn press(&self) -> Result<(), WishError> {
        self.wish(Wish::Press)
    }

    /// The key to talk is released: the turn is over, without a wait for silence.
    ///
    /// # Errors
    ///
    /// As [`WishError`] says.
    pub fn release(&self) -> Result<(), WishError> {
        self.wish(Wish::Release)
    }

    /// The user begins to speak, as somebody else who detects turns has it, such as a client: a turn
    /// begins, if none has. It interrupts the agent as its [`Strategy`](crate::turn::Strategy)
    /// says. Nothing happens in a session whose turns are not
    /// [`Told`](crate::turn::Detection::Told).
    ///
    /// # Errors
    ///
    /// As [`WishError`] says.
    pub fn speech_started(&self) -> Result<(), WishError> {
        self.wish(Wish::Started(None))
    }

    /// The user has finished, as the same has it: the turn is over as soon as the sound of this
    /// moment has come. One whose end is never told is over after
    /// [`max_turn`](crate::TurnConfig::max_turn).
    ///
    /// # Errors
    ///
    /// As [`WishError`] says.
    pub fn speech_ended(&self) -> Result<(), WishError> {
        self.wish(Wish::Ended(None))
    }

    /// The microphone and the speaker: levels, mute, and their exchange.
    #[must_use]
    pub fn devices(&self) -> &Devices {
        &self.devices
    }

    /// The same, by somebody who knows where in the sound that was.
    #[cfg(feature = "server")]
    pub(crate) fn speech_started_at(&self, at: SessionTime) -> Result<(), WishError> {
        self.wish(Wish::Started(Some(at)))
    }

    /// The same, by somebody who knows where in the sound that was.
    #[cfg(feature = "server")]
    pub(crate) fn speech_ended_at(&self, at: SessionTime) -> Result<(), WishError> {
        self.wish(Wish::Ended(Some(at)))
    }

    fn wish(&self, wish: Wish) -> Result<(), WishError> {
        self.wishes.try_send(wish).map_err(|refused| match refused {
            TrySendError::Full(_) => WishError::Busy,
            TrySendError::Closed(_) => WishError::Over,
        })
    }
}

/// More would rather be a program gone wild than a person.
const WISHES: usize = 16;
