//! Takes the one file that is wanted out of an archive.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use sha2::{Digest, Sha256};
use zip::ZipArchive;
use zip::result::ZipError;

use super::folder::{digits, hash};
use super::manifest::Build;

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unpacked {
    /// The file is there, under its name.
    Done,
    /// The archive or its member is something else.
    Wrong(String),
}

/// Puts the wanted member of `archive` at `path`, if both are what they should be. Until then, it
/// has another name. Blocks.
pub(super) fn unpack(archive: &mut File, build: &Build, path: &Path) -> io::Result<Unpacked> {
    archive.rewind()?;
    if hash(archive)? != build.archive.sha256 {
        return Ok(Unpacked::Wrong("its hash is another".to_owned()));
    }
    let mut archive = match ZipArchive::new(&mut *archive) {
        Ok(archive) => archive,
        Err(error) => return not_zip(error),
    };
    let mut member = match archive.by_name(&build.archive.member) {
        Ok(member) => member,
        Err(error) => return not_zip(error),
    };
    let fresh = path.with_added_extension("new");
    let made = write(&mut member, build, &fresh);
    match made {
        Ok(Unpacked::Done) => fs::rename(&fresh, path).map(|()| Unpacked::Done),
        other => {
            let _may_not_be_there = fs::remove_file(&fresh);
            other
        }
    }
}

fn write(member: &mut impl Read, build: &Build, fresh: &Path) -> io::Result<Unpacked> {
    let mut file = File::create(fresh)?;
    // What is longer than it should be is not unpacked any further.
    let mut member = member.take(build.size + 1);
    let (mut hasher, mut size) = (Sha256::new(), 0);
    let mut buffer = vec![0; BUFFER];
    loop {
        let count = match member.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) => return Ok(Unpacked::Wrong(error.to_string())),
        };
        file.write_all(&buffer[..count])?;
        hasher.update(&buffer[..count]);
        size += count as u64;
    }
    if size != build.size || digits(hasher) != build.sha256 {
        return Ok(Unpacked::Wrong(format!("{} in it is another", build.archive.member)));
    }
    file.sync_all()?;
    Ok(Unpacked::Done)
}

fn not_zip(error: ZipError) -> io::Result<Unpacked> {
    match error {
        ZipError::Io(error) => Err(error),
        error => Ok(Unpacked::Wrong(error.to_string())),
    }
}

const BUFFER: usize = 1 << 16;
