//! Where the pack of a conversation comes from.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::task::{JoinError, spawn_blocking};

use super::ConversationError;
use crate::pack::{Loaded, Pack, Problem, SchemaCheck, SystemPrompt};

/// Where a pack is.
#[derive(Clone, Debug)]
pub enum PackSource {
    /// In this file.
    File(PathBuf),
    /// Here, read already: its name, and what it holds.
    Loaded(Arc<Pack>),
}

impl From<&str> for PackSource {
    fn from(path: &str) -> Self {
        Self::File(path.into())
    }
}

impl From<&Path> for PackSource {
    fn from(path: &Path) -> Self {
        Self::File(path.into())
    }
}

impl From<PathBuf> for PackSource {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl From<Arc<Pack>> for PackSource {
    fn from(pack: Arc<Pack>) -> Self {
        Self::Loaded(pack)
    }
}

impl From<Pack> for PackSource {
    fn from(pack: Pack) -> Self {
        Self::Loaded(Arc::new(pack))
    }
}

/// The pack, and what its author should know.
pub(super) async fn read(
    pack: PackSource,
    check: SchemaCheck,
) -> Result<(Arc<Pack>, Vec<Problem>), ConversationError> {
    let path = match pack {
        PackSource::Loaded(pack) => return Ok((pack, Vec::new())),
        PackSource::File(path) => path,
    };
    let shown = path.display().to_string();
    let failed = |reason: String| ConversationError::File { path: shown.clone(), reason };
    let read = move || {
        let bytes = std::fs::read(&path).map_err(|error| error.to_string())?;
        Ok::<_, String>(Pack::load(&bytes, check))
    };
    // A pack may be large, and others wait.
    let read = spawn_blocking(read).await;
    let loaded = read.map_err(|gone| failed(gone.to_string()))?.map_err(&failed)?;
    let Loaded { pack, warnings } = loaded?;
    Ok((Arc::new(pack), warnings))
}

/// A prompt made ready, beside the tasks: that of a large pack takes its time.
pub(super) async fn prompt_of(
    pack: &Arc<Pack>,
    name: &str,
    model: Option<String>,
) -> Result<SystemPrompt, ConversationError> {
    let (pack, name) = (Arc::clone(pack), name.to_owned());
    let shown = pack.id.clone();
    let ready = spawn_blocking(move || pack.prompt(&name, model.as_deref())).await;
    let gone = |gone: JoinError| ConversationError::File { path: shown, reason: gone.to_string() };
    Ok(ready.map_err(gone)??)
}
