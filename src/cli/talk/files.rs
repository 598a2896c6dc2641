//! Files that are named more than once.

use std::path::{Path, PathBuf};

/// The first file that was named before, whatever the ways to it. A file that does not exist yet
/// counts too; what is no file, such as a terminal, may be named as often as one likes.
pub(in crate::cli) fn named_twice<'a>(paths: impl Iterator<Item = &'a Path>) -> Option<&'a Path> {
    let mut seen = Vec::new();
    for path in paths {
        let full = full(path);
        if seen.contains(&full) && (full.is_file() || !full.exists()) {
            return Some(path);
        }
        seen.push(full);
    }
    None
}

/// The one way to a file; to one that does not exist, by way of its folder.
fn full(path: &Path) -> PathBuf {
    let new = || {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).canonicalize().ok()?;
        Some(folder.join(path.file_name()?))
    };
    path.canonicalize().ok().or_else(new).unwrap_or_else(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn twice(paths: &[PathBuf]) -> Option<usize> {
        let found = named_twice(paths.iter().map(PathBuf::as_path))?;
        paths.iter().rposition(|path| path == found)
    }

    #[test]
    fn one_file_is_found_by_whatever_way_whether_it_exists_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let (plain, around) =
            (folder.path().join("a.wav"), folder.path().join("sub").join("..").join("a.wav"));
        std::fs::create_dir(folder.path().join("sub")).unwrap();
        let other = folder.path().join("b.wav");
        let named = [plain.clone(), other.clone(), around];
        assert_eq!(twice(&named), Some(2), "it is not there yet");
        std::fs::write(&plain, "").unwrap();
        assert_eq!(twice(&named), Some(2));
        assert_eq!(twice(&[plain, other]), None);
        let here = ["new.wav", "./new.wav"].map(PathBuf::from);
        assert_eq!(twice(&here), Some(1));
    }

    #[test]
    fn what_is_no_file_may_be_named_twice() {
        assert_eq!(twice(&["/dev/null", "/dev/null"].map(PathBuf::from)), None);
    }
}
