//! The ONNX Runtime, a library that is loaded while the program runs, and the networks on it.
//!
//! ```text
//! Runtime::load(library) ─▶ Runtime ─▶ silero(model's bytes) ─▶ SileroModel ─▶ detector(), one a stream
//!                                 └─▶ smart_turn(model's bytes) ─▶ SmartTurn, one for all
//! ```
//!
//! A process has one runtime: it cannot be taken out again, nor be exchanged for another. It
//! starts no threads of its own here.

mod silero;
mod smart_turn;
#[cfg(test)]
pub(crate) mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::{io, panic, path};

pub use silero::SileroModel;
pub use smart_turn::SmartTurnModel;

/// The ONNX Runtime, loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Runtime(());

/// Why a network cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OnnxError {
    /// There is no such file.
    #[error(
        "there is no {what} at {path}: fetch it with `banter models pull {name}`, or say with \
         {setting} where it is", path = path.display()
    )]
    Missing {
        /// In words.
        what: &'static str,
        /// Where it was looked for.
        path: PathBuf,
        /// Its name in the list of models.
        name: &'static str,
        /// The setting with its path.
        setting: &'static str,
    },
    /// Nobody knows where it is.
    #[error("there is no usual place for {name} ({reason}): say with {setting} where it is")]
    NoPlace {
        /// Its name in the list of models.
        name: &'static str,
        /// Why.
        reason: String,
        /// The setting with its path.
        setting: &'static str,
    },
    /// A file that cannot be read, or is none.
    #[error("{path} cannot be read: {reason}; correct it, or set {setting}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
        /// The setting with its path.
        setting: &'static str,
    },
    /// The library cannot be used.
    #[error(
        "{path} is no ONNX Runtime that can be used ({reason}): fetch one with \
         `banter models pull onnxruntime`, or set onnx.library to another, of version 1.{MINOR} \
         or later", path = path.display()
    )]
    Library {
        /// The library.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A library that could not be used has been tried before: what is left of that cannot be
    /// undone.
    #[error(
        "an ONNX Runtime could not be loaded before ({first}); start the program anew with \
         another onnx.library"
    )]
    FailedBefore {
        /// What was wrong.
        first: String,
    },
    /// There can be one only.
    #[error(
        "the ONNX Runtime {loaded} is loaded already, and {path} cannot be beside it: use one \
         library for all, or another process", loaded = loaded.display(), path = path.display()
    )]
    Another {
        /// The one in use.
        loaded: PathBuf,
        /// The one that was asked for.
        path: PathBuf,
    },
    /// The model cannot be used.
    #[error(
        "the model of {what} cannot be used ({reason}): fetch it again with \
         `banter models pull {name}`, or set {setting} to another, of version {version}"
    )]
    Model {
        /// In words.
        what: &'static str,
        /// Why.
        reason: String,
        /// Its name in the list of models.
        name: &'static str,
        /// The setting with its path.
        setting: &'static str,
        /// Which would do.
        version: &'static str,
    },
}

impl Runtime {
    /// Loads the ONNX Runtime at `library`, unless it is loaded already. Runs what the library
    /// does when it is loaded: name none that you do not trust.
    ///
    /// # Errors
    ///
    /// When it is not there, cannot be used, or another one is loaded. After a library that could
    /// not be used, none can be loaded any more.
    pub fn load(library: &Path) -> Result<Self, OnnxError> {
        let library = existing(library)?;
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        match &*loaded {
            Loaded::Nothing => {}
            Loaded::Failed(first) => return Err(OnnxError::FailedBefore { first: first.clone() }),
            Loaded::Library(loaded) if *loaded == library => return Ok(Self(())),
            Loaded::Library(loaded) => {
                return Err(OnnxError::Another { loaded: loaded.clone(), path: library });
            }
        }
        match open(&library) {
            Ok(()) => {
                *loaded = Loaded::Library(library);
                Ok(Self(()))
            }
            Err(reason) => {
                *loaded = Loaded::Failed(format!("{}: {reason}", library.display()));
                Err(OnnxError::Library { path: library, reason })
            }
        }
    }
}

/// The crate below must not be asked again after it has failed: it takes what it could not load
/// for loaded.
enum Loaded {
    Nothing,
    Library(PathBuf),
    Failed(String),
}

static LOADED: Mutex<Loaded> = Mutex::new(Loaded::Nothing);

/// The file, by the one name that it has. A pipe would be waited for.
fn existing(library: &Path) -> Result<PathBuf, OnnxError> {
    let (what, setting) = ("ONNX Runtime", "onnx.library");
    let path = path::absolute(library).unwrap_or_else(|_| library.to_owned());
    let unreadable = |reason: String| OnnxError::Unreadable { path: path.clone(), reason, setting };
    match path.metadata() {
        Ok(data) if data.is_file() => {
            path.canonicalize().map_err(|error| unreadable(error.to_string()))
        }
        Ok(_) => Err(unreadable("it is not a file".to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(OnnxError::Missing { what, path, name: "onnxruntime", setting })
        }
        Err(error) => Err(unreadable(error.to_string())),
    }
}

/// Of a library that is none, the crate below says so; of one that lies about its version, it
/// panics.
fn open(library: &Path) -> Result<(), String> {
    let opened = panic::catch_unwind(|| {
        let builder = ort::init_from(library).map_err(|error| match error {
            ort::LoadDynamicError::Dlopen { error, .. } => error.to_string(),
            ort::LoadDynamicError::MissingApi { .. } => "it has no OrtGetApiBase".to_owned(),
            ort::LoadDynamicError::BadVersion { version_str, .. } => {
                format!("its version is {version_str}")
            }
        })?;
        ort::api();
        Ok(builder)
    });
    let builder = opened.unwrap_or_else(|_| Err("it does not keep to its interface".to_owned()))?;
    builder.with_name("banter").with_telemetry(false).with_logger(Arc::new(log)).commit();
    Ok(())
}

/// What the runtime has to say, which else would go to the standard error.
fn log(level: ort::logging::LogLevel, _: &str, _: &str, place: &str, message: &str) {
    use ort::logging::LogLevel;
    match level {
        LogLevel::Error | LogLevel::Fatal => tracing::error!(place, "onnxruntime: {message}"),
        LogLevel::Warning => tracing::debug!(place, "onnxruntime: {message}"),
        LogLevel::Info | LogLevel::Verbose => tracing::trace!(place, "onnxruntime: {message}"),
    }
}

/// The oldest minor version with the interface that is asked for.
const MINOR: u32 = ort::MINOR_VERSION;
