//! Models that do not come with the program, and what runs them.
//!
//! ```text
//! Manifest::built_in ─▶ Model ─▶ Build ─▶ Fetcher::pull ─▶ Folder ─▶ a file, whole and checked
//! ```
//!
//! A [`Manifest`] says what there is, and by which hash it is known; a [`Folder`] is where it lies.
//! With the feature `models`, a `Fetcher` brings it there. With the feature `onnx`, `onnx` runs
//! those that are ONNX models. Which engine uses which model is not decided here, but by `config`.

#[cfg(feature = "models")]
mod fetch;
mod folder;
mod manifest;
#[cfg(feature = "onnx")]
pub mod onnx;
#[cfg(feature = "models")]
mod unpack;

#[cfg(feature = "models")]
pub use fetch::{FetchError, FetchLimits, Fetcher, Progress, SOURCE_VARIABLE};
pub use folder::{FOLDER_VARIABLE, Folder, Presence};
pub use manifest::{Archive, Build, Manifest, ManifestError, Model};
