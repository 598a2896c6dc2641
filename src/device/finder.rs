//! Devices to go on with, when one was lost in a call.

use std::fmt::Debug;

use super::DeviceError;

/// Finds the device again that was chosen, or another in its place.
///
/// A session asks it when its device fails, on a thread of its own: at once, and then again and
/// again until there is one. While another stands in, it asks for the chosen one now and then,
/// and goes back to it.
pub trait Finder<D: ?Sized>: Debug + Send + Sync {
    /// The device that was chosen, opened anew.
    ///
    /// # Errors
    ///
    /// When it is not there, or cannot be used.
    fn chosen(&self) -> Result<Box<D>, DeviceError>;

    /// Another in its place; `None`, the default, if there can be none.
    ///
    /// # Errors
    ///
    /// When there is none now.
    fn substitute(&self) -> Option<Result<Box<D>, DeviceError>> {
        None
    }
}
