//! Finds and reads the settings file, and the environment.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use super::file::{FileText, Found};

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
    match named {
        Some(path) => load(path, Found::Named).map(Some),
        None => first(&usual(|name| env::var_os(name))),
    }
}

/// The environment's variables, as far as they are text.
pub fn variables() -> impl Iterator<Item = (String, String)> {
    env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

fn load(path: &Path, found: Found) -> Result<FileText, FileError> {
    let name = path.display().to_string();
    match fs::read_to_string(path) {
        Ok(text) => Ok(FileText { name, text, found }),
        Err(cause) => Err(FileError { name, cause }),
    }
}

/// The first that is there.
fn first(candidates: &[PathBuf]) -> Result<Option<FileText>, FileError> {
    for path in candidates {
        let found = if path.is_relative() { Found::Here } else { Found::OfUser };
        match load(path, found) {
            Err(error) if error.cause.kind() == io::ErrorKind::NotFound => {}
            found => return found.map(Some),
        }
    }
    Ok(None)
}

fn usual(variable: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let folder = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || folder("HOME").map(|home| home.join(".config"));
    let user = folder("XDG_CONFIG_HOME").or_else(home);
    let user = user.map(|folder| folder.join("banter").join(FILE));
    [Some(PathBuf::from(FILE)), user].into_iter().flatten().collect()
}

const FILE: &str = "banter.toml";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_named_must_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.toml");
        let told = read(Some(&path)).unwrap_err().to_string();
        assert!(told.contains("mine.toml cannot be read"), "{told}");
        assert!(told.contains("correct its name"), "{told}");

        fs::write(&path, "language = \"de\"").unwrap();
        let file = read(Some(&path)).unwrap().unwrap();
        assert_eq!(file.text, "language = \"de\"");
        assert_eq!((file.name, file.found), (path.display().to_string(), Found::Named));
    }

    #[test]
    fn the_first_file_that_is_there_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let [near, far] = ["near", "far"].map(|name| folder.path().join(name));
        assert_eq!(first(&[near.clone(), far.clone()]).unwrap(), None);
        fs::write(&far, "1").unwrap();
        assert_eq!(first(&[near.clone(), far.clone()]).unwrap().unwrap().text, "1");
        fs::write(&near, "2").unwrap();
        let file = first(&[near, far]).unwrap().unwrap();
        assert_eq!((&*file.text, file.found), ("2", Found::OfUser));
        // A file of this folder that is there in every test.
        let file = first(&[PathBuf::from("Cargo.toml")]).unwrap().unwrap();
        assert_eq!(file.found, Found::Here);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_no_reason_to_take_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("latin1.toml");
        fs::write(&path, b"language = \"\xff\"").unwrap();
        let told = first(&[path, folder.path().join("other.toml")]).unwrap_err().to_string();
        assert!(told.contains("latin1.toml cannot be read"), "{told}");
    }

    #[test]
    fn the_current_folder_comes_before_the_user_s() {
        let set = |pairs: &'static [(&str, &str)]| {
            usual(move |name| {
                let found = pairs.iter().find(|(other, _)| *other == name);
                found.map(|(_, value)| OsString::from(value))
            })
        };
        let paths = |texts: &[&str]| texts.iter().map(PathBuf::from).collect::<Vec<_>>();
        let [here, home, own] =
            ["banter.toml", "/home/me/.config/banter/banter.toml", "/cfg/banter/banter.toml"];
        assert_eq!(set(&[("HOME", "/home/me")]), paths(&[here, home]));
        assert_eq!(set(&[("HOME", "/home/me"), ("XDG_CONFIG_HOME", "/cfg")]), paths(&[here, own]));
        assert_eq!(set(&[("HOME", "")]), paths(&[here]));
    }
}
