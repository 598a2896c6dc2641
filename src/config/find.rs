//! Finds and reads the settings file.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use super::file::FileText;

/// A settings file that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the settings file {name} cannot be read: {cause}; correct its name or its permissions")]
pub struct FileError {
    name: String,
    #[source]
    cause: io::Error,
}

/// The file that was named, else `banter.toml` of the current folder, else that of the user.
///
/// # Errors
///
/// When the file was named and is not there, or when it cannot be read.
pub fn read(named: Option<&Path>) -> Result<Option<FileText>, FileError> {
    let candidates = match named {
        Some(path) => vec![path.to_owned()],
        None => usual(),
    };
    for path in candidates {
        let name = path.display().to_string();
        match fs::read_to_string(&path) {
            Ok(text) => return Ok(Some(FileText { name, text })),
            Err(cause) if named.is_none() && cause.kind() == io::ErrorKind::NotFound => {}
            Err(cause) => return Err(FileError { name, cause }),
        }
    }
    Ok(None)
}

fn usual() -> Vec<PathBuf> {
    let folder = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || folder("HOME").map(|home| home.join(".config"));
    let user = folder("XDG_CONFIG_HOME").or_else(home);
    let user = user.map(|folder| folder.join("banter").join(FILE));
    [Some(PathBuf::from(FILE)), user].into_iter().flatten().collect()
}

const FILE: &str = "banter.toml";
