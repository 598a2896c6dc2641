//! Where models lie, and whether they are what they should be.

use std::env;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::manifest::Build;

/// The environment variable that names another folder for models.
pub const FOLDER_VARIABLE: &str = "BANTER_MODELS";

/// The folder in which models lie. It need not be there yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder(PathBuf);

/// What there is of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It is there, and is what it should be.
    Whole,
    /// It is not there.
    Missing,
    /// It is not there, but so many bytes of its archive are.
    Begun(u64),
    /// It is there, and is not what it should be, or cannot be read.
    Broken(String),
}

impl Folder {
    /// The usual one: what `BANTER_MODELS` names, else `banter/models` in `$XDG_DATA_HOME`, else
    /// in `~/.local/share`. `None` where none of the three is set.
    #[must_use]
    pub fn usual() -> Option<Self> {
        usual(|name| env::var_os(name)).map(Self)
    }

    /// This one.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where a model's file is, or would be.
    #[must_use]
    pub fn file(&self, build: &Build) -> PathBuf {
        self.0.join(&build.file)
    }

    /// Where its archive grows until it is whole.
    pub(super) fn partial(&self, build: &Build) -> PathBuf {
        self.0.join(format!("{}.part", build.file))
    }

    /// What there is of a model. Reads all of its file, of which it takes the hash.
    #[must_use]
    pub fn presence(&self, build: &Build) -> Presence {
        match self.check(build) {
            Ok(()) => Presence::Whole,
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Presence::Broken(error.to_string())
            }
            Err(_missing) => match self.partial(build).metadata() {
                Ok(data) if data.len() > 0 => Presence::Begun(data.len()),
                _ => Presence::Missing,
            },
        }
    }

    fn check(&self, build: &Build) -> io::Result<()> {
        let path = self.file(build);
        let size = path.metadata()?.len();
        if size != build.size {
            return Err(io::Error::other(format!("it has {size} bytes, not {}", build.size)));
        }
        match hash(&mut File::open(path)?)? {
            hash if hash == build.sha256 => Ok(()),
            _ => Err(io::Error::other("its hash is another")),
        }
    }
}

/// The SHA-256 of what is left to read, in hexadecimal digits.
pub(super) fn hash(from: &mut impl Read) -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(from, &mut hasher)?;
    Ok(digits(hasher))
}

pub(super) fn digits(hasher: Sha256) -> String {
    hasher.finalize().iter().fold(String::new(), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

fn usual(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let set = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || set("HOME").map(|home| home.join(".local/share"));
    let own = || Some(set("XDG_DATA_HOME").or_else(home)?.join("banter").join("models"));
    set(FOLDER_VARIABLE).or_else(own)
}

#[cfg(test)]
mod tests {
    use super::super::Archive;
    use super::*;

    #[test]
    fn the_most_particular_variable_counts() {
        let all = [("BANTER_MODELS", "/m"), ("XDG_DATA_HOME", "/data"), ("HOME", "/home/me")];
        let with = |set: &[(&str, &str)]| {
            usual(|name| {
                let found = set.iter().find(|(variable, _)| *variable == name);
                found.map(|(_, value)| OsString::from(value))
            })
        };
        assert_eq!(with(&all), Some("/m".into()));
        assert_eq!(with(&all[1..]), Some("/data/banter/models".into()));
        assert_eq!(with(&all[2..]), Some("/home/me/.local/share/banter/models".into()));
        assert_eq!(with(&[("BANTER_MODELS", ""), all[2]]), with(&all[2..]));
        assert_eq!(with(&[]), None);
    }

    #[test]
    fn a_file_is_there_when_its_hash_is_right() {
        let folder = tempfile::tempdir().unwrap();
        let models = Folder::at(folder.path());
        let archive =
            Archive { url: String::new(), member: String::new(), size: 9, sha256: String::new() };
        let build = Build {
            platform: None,
            file: "tiny.onnx".to_owned(),
            size: 3,
            sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".to_owned(),
            archive,
        };
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        assert_eq!(models.presence(&build), Presence::Missing);
        write("tiny.onnx.part", "");
        assert_eq!(models.presence(&build), Presence::Missing);
        write("tiny.onnx.part", "four");
        assert_eq!(models.presence(&build), Presence::Begun(4));
        write("tiny.onnx", "abd");
        assert_eq!(models.presence(&build), Presence::Broken("its hash is another".to_owned()));
        write("tiny.onnx", "abcd");
        assert_eq!(models.presence(&build), Presence::Broken("it has 4 bytes, not 3".to_owned()));
        write("tiny.onnx", "abc");
        assert_eq!(models.presence(&build), Presence::Whole);
    }
}
