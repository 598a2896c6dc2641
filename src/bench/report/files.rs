//! A report in files.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::{html, markdown};
use crate::bench::figures::{Report, VERSION};

/// The files of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// For programs, and for [`read`].
    pub json: PathBuf,
    /// For people.
    pub markdown: PathBuf,
    /// For people with a browser: one file that needs no other.
    pub html: PathBuf,
}

/// Why a report was not written or read.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file or its folder.
    #[error("cannot {what} `{}`: {source}", path.display())]
    File {
        /// What was tried: `write` or `read`.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not a report.
    #[error(
        "`{}` is no report of a measurement ({source}): give the `report.json` that `banter bench \
         --report FOLDER` wrote",
        path.display()
    )]
    Form {
        /// Where.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// Another version of the program wrote it, in another form.
    #[error(
        "`{}` has the form of version {found}, and this program reads version {VERSION}: measure \
         anew",
        path.display()
    )]
    Version {
        /// Where.
        path: PathBuf,
        /// The version of its form.
        found: u32,
    },
}

/// Writes `report.json`, `report.md` and `report.html` into `folder`, which is made if need be.
/// Each is there whole or not at all, and replaces one from before.
///
/// # Errors
/// If the folder cannot be made, or a file cannot be written. Files before it are there then.
pub fn write(folder: impl AsRef<Path>, report: &Report) -> Result<Written, ReportError> {
    let folder = folder.as_ref();
    let failed = |path: &Path, source| {
        let path = path.to_owned();
        ReportError::File { what: "write", path, source }
    };
    fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    let json = folder.join("report.json");
    let mut text =
        serde_json::to_string_pretty(report).map_err(|error| failed(&json, error.into()))?;
    text.push('\n');
    let written =
        Written { json, markdown: folder.join("report.md"), html: folder.join("report.html") };
    for (path, text) in [
        (&written.json, text),
        (&written.markdown, markdown::markdown(report)),
        (&written.html, html::page(report)),
    ] {
        write_whole(path, &text).map_err(|error| failed(path, error))?;
    }
    Ok(written)
}

/// Reads a report that [`fn@write`] wrote as JSON.
///
/// # Errors
/// If the file cannot be read, is no report, or one in another version's form.
pub fn read(path: impl AsRef<Path>) -> Result<Report, ReportError> {
    let path = path.as_ref().to_owned();
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(source) => return Err(ReportError::File { what: "read", path, source }),
    };
    // The version stands alone: the rest of another version's form cannot be known.
    match serde_json::from_str::<Form>(&text) {
        Ok(form) if form.version != VERSION => {
            Err(ReportError::Version { path, found: form.version })
        }
        Ok(_) => serde_json::from_str(&text).map_err(|source| ReportError::Form { path, source }),
        Err(source) => Err(ReportError::Form { path, source }),
    }
}

#[derive(serde::Deserialize)]
struct Form {
    version: u32,
}

/// Under another name first: who reads, or breaks off, never meets half a file.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let mut beside = OsString::from(path);
    beside.push(format!(".{}.part", std::process::id()));
    let written = fs::write(&beside, text).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // What failed is told; that the rest may lie about as well helps nobody.
        let _ = fs::remove_file(&beside);
    }
    written
}
