//! Which models there are: `models/manifest.toml`, built in.

use std::env::consts::{ARCH, OS};

use serde::Deserialize;

/// A list of models.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Each has a name of its own.
    #[serde(rename = "model")]
    pub models: Vec<Model>,
}

/// A model that does not come with the program, or what runs models.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// What it is called on the command line.
    pub name: String,
    /// What it is for.
    pub purpose: String,
    /// Its makers' version.
    pub version: String,
    /// The licence, by its SPDX name.
    pub licence: String,
    /// The page on which its makers offer it.
    pub source: String,
    /// One for each platform, or one for all.
    #[serde(rename = "build")]
    pub builds: Vec<Build>,
}

/// A model's file for a platform.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// As in `x86_64-linux`; `None` is any.
    pub platform: Option<String>,
    /// Its name in the folder of models.
    pub file: String,
    /// In bytes.
    pub size: u64,
    /// Of the file, in hexadecimal digits.
    pub sha256: String,
    /// Where it is taken from.
    pub archive: Archive,
}

/// A ZIP file, and the one file in it that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// Where it is offered.
    pub url: String,
    /// The wanted file.
    pub member: String,
    /// In bytes.
    pub size: u64,
    /// Of the archive, in hexadecimal digits.
    pub sha256: String,
}

/// Why there is no such model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The list cannot be read.
    #[error("the list of models cannot be read: {0}")]
    Nonsense(String),
    /// No model has this name.
    #[error("no model is called `{name}`; there are {known}")]
    Unknown {
        /// The name.
        name: String,
        /// All names.
        known: String,
    },
    /// It is not offered for this platform.
    #[error("{name} {version} is not offered for {platform}; get it from {source_page}")]
    NoBuild {
        /// The model.
        name: String,
        /// Its version.
        version: String,
        /// This platform.
        platform: String,
        /// Its makers' page.
        source_page: String,
    },
}

impl Manifest {
    /// The list that is built in.
    ///
    /// # Errors
    ///
    /// [`ManifestError::Nonsense`] if it was built in with a mistake.
    pub fn built_in() -> Result<Self, ManifestError> {
        Self::read(include_str!("../../models/manifest.toml"))
    }

    /// Reads a list.
    ///
    /// # Errors
    ///
    /// [`ManifestError::Nonsense`] says what is wrong.
    pub fn read(text: &str) -> Result<Self, ManifestError> {
        toml::from_str(text).map_err(|error| ManifestError::Nonsense(error.to_string()))
    }

    /// The model of this name.
    ///
    /// # Errors
    ///
    /// [`ManifestError::Unknown`] names those that there are.
    pub fn model(&self, name: &str) -> Result<&Model, ManifestError> {
        let found = self.models.iter().find(|model| model.name == name);
        found.ok_or_else(|| {
            let known: Vec<_> = self.models.iter().map(|model| model.name.as_str()).collect();
            ManifestError::Unknown { name: name.to_owned(), known: known.join(", ") }
        })
    }
}

impl Model {
    /// Its file for this platform.
    ///
    /// # Errors
    ///
    /// [`ManifestError::NoBuild`] when there is none.
    pub fn build(&self) -> Result<&Build, ManifestError> {
        let platform = format!("{ARCH}-{OS}");
        let fits = |build: &&Build| build.platform.as_ref().is_none_or(|it| *it == platform);
        self.builds.iter().find(fits).ok_or_else(|| ManifestError::NoBuild {
            name: self.name.clone(),
            version: self.version.clone(),
            platform,
            source_page: self.source.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_that_is_built_in_is_whole() {
        let manifest = Manifest::built_in().unwrap();
        let names: Vec<_> = manifest.models.iter().map(|model| model.name.as_str()).collect();
        assert_eq!(names, ["silero", "onnxruntime", "smart-turn"]);
        for model in &manifest.models {
            assert!(!model.purpose.is_empty() && model.source.starts_with("https://"));
            for build in &model.builds {
                let Archive { url, member, size, sha256 } = &build.archive;
                assert!(url.starts_with("https://") && !url.contains(['?', '#', '@']), "{url}");
                assert!(!member.starts_with('/') && !member.contains(".."), "{member}");
                assert!(*size > 0 && build.size > 0);
                for hash in [sha256, &build.sha256] {
                    assert!(hash.len() == 64 && hash.bytes().all(|it| it.is_ascii_hexdigit()));
                    assert_eq!(*hash, hash.to_lowercase());
                }
                assert!(build.file.contains(&model.version) && !build.file.contains('/'));
            }
        }
    }

    #[test]
    fn an_unknown_name_is_told_the_known_ones() {
        let told = Manifest::built_in().unwrap().model("whisper").unwrap_err().to_string();
        assert_eq!(told, "no model is called `whisper`; there are silero, onnxruntime, smart-turn");
    }

    #[test]
    fn a_platform_without_a_build_is_told_where_to_look() {
        let manifest = Manifest::built_in().unwrap();
        let mut model = manifest.model("onnxruntime").unwrap().clone();
        model.builds.retain(|build| build.platform.as_deref() == Some("sparc-solaris"));
        let told = model.build().unwrap_err().to_string();
        assert!(told.contains(ARCH) && told.contains("https://pypi.org/"), "{told}");
        assert!(manifest.model("silero").unwrap().build().is_ok(), "it is for any platform");
    }

    #[test]
    fn a_mistake_in_a_list_is_told() {
        for (text, told) in [("[[model]]\nname = 3", "name = 3"), ("[[modle]]", "modle")] {
            let error = Manifest::read(text).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}
