//! Media in a folder.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::{MediaStore, lost, name_of};
use crate::state::files::{failure, file_for_user, make_folder, sync_folder};
use crate::state::{StoreFuture, blocking};
use crate::time::UtcTime;
use crate::types::MediaRef;

/// Keeps media in a folder, a file each whose name is the SHA-256 of its bytes.
///
/// A file is written under another name first, and has its own when it is whole and on the disk.
/// Folder and files can be read by their user alone.
#[derive(Debug)]
pub struct FolderMedia {
    name: String,
    folder: Arc<Path>,
}

impl FolderMedia {
    /// Media in `folder`, which is made when something is put.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        let folder: Arc<Path> = folder.into().into();
        Self { name: format!("media:{}", folder.display()), folder }
    }

    /// Where the bytes are; nothing for what is no name.
    fn path(&self, media: &MediaRef) -> Option<PathBuf> {
        is_name(&media.sha256).then(|| self.folder.join(&media.sha256))
    }
}

impl MediaStore for FolderMedia {
    fn name(&self) -> &str {
        &self.name
    }

    fn put(&self, bytes: Bytes) -> StoreFuture<'_, MediaRef> {
        let folder = Arc::clone(&self.folder);
        blocking(&self.name, move || {
            let name = name_of(&bytes);
            put(&folder, &name, &bytes).map_err(|error| failure(&folder, &error))?;
            Ok(name)
        })
    }

    fn get(&self, media: &MediaRef) -> StoreFuture<'_, Bytes> {
        let (path, media) = (self.path(media), media.clone());
        let missing = lost(&media, self);
        blocking(&self.name, move || {
            let Some(path) = path else { return Err(missing) };
            match fs::read(&path) {
                Ok(bytes) if name_of(&bytes) == media => Ok(bytes.into()),
                Ok(_) => Err(missing),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Err(missing),
                Err(error) => Err(failure(&path, &error)),
            }
        })
    }

    fn older(&self, than: Duration) -> StoreFuture<'_, Vec<MediaRef>> {
        let folder = Arc::clone(&self.folder);
        blocking(&self.name, move || {
            let found = older(&folder, than);
            found.map_err(|error| failure(&folder, &error))
        })
    }

    fn delete(&self, media: &MediaRef) -> StoreFuture<'_, bool> {
        let path = self.path(media);
        blocking(&self.name, move || match path.as_deref().map(fs::remove_file) {
            Some(Ok(())) => Ok(true),
            None => Ok(false),
            Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Some(Err(error)) => Err(failure(&path.unwrap_or_default(), &error)),
        })
    }
}

fn put(folder: &Path, name: &MediaRef, bytes: &[u8]) -> io::Result<()> {
    make_folder(folder)?;
    let path = folder.join(&name.sha256);
    // What is there is whole, and is needed anew.
    if let Ok(file) = File::open(&path)
        && file.metadata()?.len() == name.size
    {
        return touch(&file);
    }
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let under_way = folder.join(format!(".{}.{}.{number}", name.sha256, std::process::id()));
    let done = write(&under_way, bytes).and_then(|()| fs::rename(&under_way, &path));
    if done.is_err() {
        let _gone_already = fs::remove_file(&under_way);
    }
    done.and_then(|()| sync_folder(folder))
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = file_for_user().write(true).create(true).truncate(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_data()
}

#[expect(clippy::disallowed_methods, reason = "a file's age is told by the wall")]
fn touch(file: &File) -> io::Result<()> {
    match file.set_modified(SystemTime::now()) {
        // Another user's file: it can be read, which is enough.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        touched => touched,
    }
}

fn older(folder: &Path, than: Duration) -> io::Result<Vec<MediaRef>> {
    let files = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        files => files?,
    };
    let (now, mut old) = (UtcTime::now(), Vec::new());
    for file in files {
        let file = file?;
        let Ok(sha256) = file.file_name().into_string() else { continue };
        let data = match file.metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            data => data?,
        };
        if is_name(&sha256) && now.since(UtcTime::from(data.modified()?)) > than {
            old.push(MediaRef { sha256, size: data.len() });
        }
    }
    old.sort();
    Ok(old)
}

/// Whether it is a hash: whatever else stands in a log must not lead anywhere.
fn is_name(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// So that no two write to the same file.
static NUMBER: AtomicU64 = AtomicU64::new(0);
