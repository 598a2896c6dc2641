//! The files of networks on the ONNX Runtime, and where they are.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::{fs, io};

use crate::models::onnx::{OnnxError, Runtime};
use crate::models::{Folder, Manifest, Model};

/// A file of a network.
#[derive(Clone, Copy, Debug)]
pub(super) struct Network {
    /// In words.
    pub(super) what: &'static str,
    /// In the list of models.
    pub(super) name: &'static str,
    /// The setting with its path.
    pub(super) setting: &'static str,
}

/// The runtime at `library`; by default in the folder of models.
pub(super) fn runtime(library: Option<&str>) -> Result<Runtime, OnnxError> {
    Runtime::load(&place(library, "onnxruntime", "onnx.library")?)
}

impl Network {
    /// Its file: the one that is set, or that in the folder of models.
    pub(super) fn place(&self, set: Option<&str>) -> Result<PathBuf, OnnxError> {
        place(set, self.name, self.setting)
    }

    pub(super) fn read(&self, path: &Path) -> Result<Vec<u8>, OnnxError> {
        let Self { what, name, setting } = *self;
        let unreadable = |reason| OnnxError::Unreadable { path: path.to_owned(), reason, setting };
        let data = path.metadata().and_then(|data| match data.len() {
            _ if !data.is_file() => Err(io::Error::other("it is not a file")),
            LARGEST.. => Err(io::Error::other("it is too large for this model")),
            _ => fs::read(path),
        });
        data.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                OnnxError::Missing { what, path: path.to_owned(), name, setting }
            }
            _ => unreadable(error.to_string()),
        })
    }
}

/// The model that was asked for last, which all sessions of the process share.
#[derive(Debug)]
pub(super) struct Last<T>(Mutex<Option<(PathBuf, T)>>);

impl<T: Clone> Last<T> {
    pub(super) const fn none() -> Self {
        Self(Mutex::new(None))
    }

    /// The one at `path`, which `load` makes of its file if it is another than the last.
    pub(super) fn at(
        &self,
        path: PathBuf,
        load: impl FnOnce(&Path) -> Result<T, OnnxError>,
    ) -> Result<T, OnnxError> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((known, model)) if *known == path => Ok(model.clone()),
            _ => {
                let model = load(&path)?;
                *last = Some((path, model.clone()));
                Ok(model)
            }
        }
    }
}

fn place(
    set: Option<&str>,
    name: &'static str,
    setting: &'static str,
) -> Result<PathBuf, OnnxError> {
    match set {
        Some(path) => Ok(PathBuf::from(path)),
        None => usual(name).map_err(|reason| OnnxError::NoPlace { name, reason, setting }),
    }
}

/// Where a model is fetched to.
fn usual(name: &str) -> Result<PathBuf, String> {
    let manifest = Manifest::built_in().map_err(|error| error.to_string())?;
    let build = manifest.model(name).and_then(Model::build).map_err(|error| error.to_string());
    let folder = Folder::usual().ok_or("neither BANTER_MODELS nor HOME is set")?;
    Ok(folder.file(build?))
}

/// In bytes: the true ones have 1.3 to 8.7 million.
const LARGEST: u64 = 64 << 20;
