//! Folders, and what a system tells of files.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

/// The folder of a file.
pub(super) fn of(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new("."))
}

/// Makes the folder with all above it that is missing, for its user alone, and on the disk.
pub(in crate::state) fn make(folder: &Path) -> io::Result<()> {
    let missing: Vec<_> =
        folder.ancestors().take_while(|it| !it.as_os_str().is_empty() && !it.is_dir()).collect();
    for folder in missing.into_iter().rev() {
        match create(folder) {
            // Somebody else was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => made?,
        }
        sync(of(folder))?;
    }
    Ok(())
}

fn create(folder: &Path) -> io::Result<()> {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "there is no mode to set"))]
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Makes an empty file for its user alone, with the folders above it, on the disk; says which file
/// it is. One that is there stays as it is.
#[cfg(feature = "sqlite")]
pub(in crate::state) fn make_file(path: &Path) -> io::Result<u64> {
    make(of(path))?;
    let file = for_user().write(true).create(true).truncate(false).open(path)?;
    file.sync_all()?;
    sync(of(path))?;
    Ok(number(&file.metadata()?))
}

/// Which file it is; nothing, if there is none.
#[cfg(feature = "sqlite")]
pub(in crate::state) fn file_number(path: &Path) -> Option<u64> {
    fs::metadata(path).ok().map(|data| number(&data))
}

/// A file that it makes can be read by its user alone: what people say is nobody else's business.
pub(in crate::state) fn for_user() -> fs::OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "there is no mode to set"))]
    let mut options = fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// The names in a folder are on the disk when this returns.
pub(in crate::state) fn sync(folder: &Path) -> io::Result<()> {
    // Elsewhere a folder cannot be opened, and need not be.
    if cfg!(unix) {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Whether the file still has a name.
#[cfg(unix)]
pub(super) fn is_there(file: &File) -> io::Result<bool> {
    Ok(std::os::unix::fs::MetadataExt::nlink(&file.metadata()?) > 0)
}

/// A file that is open keeps its name.
#[cfg(not(unix))]
pub(super) fn is_there(_file: &File) -> io::Result<bool> {
    Ok(true)
}

/// What tells it from another file of its name.
#[cfg(unix)]
pub(super) fn number(data: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(data)
}

/// What tells it from another file of its name: there is nothing but its length.
#[cfg(not(unix))]
pub(super) fn number(_data: &Metadata) -> u64 {
    0
}

/// Where programs keep what is their user's.
pub(in crate::state) fn of_user() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || set("HOME").map(|home| home.join(".local/share"));
    Some(set("XDG_DATA_HOME").or_else(home)?.join("banter").join("sessions"))
}
