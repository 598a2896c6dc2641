//! Stores by their names.

use std::path::PathBuf;
use std::sync::Arc;

use super::files;
use super::media::{FolderMedia, WithMedia};
use super::{FileStore, MemoryStore, StateStore};

/// The store called `name`:
///
/// | name | where conversations are kept |
/// |---|---|
/// | `memory` | in memory, for an hour |
/// | `files` | in the user's folder: `$XDG_DATA_HOME`, else `~/.local/share`, and there `banter/sessions` |
/// | `files:DIR` | in this folder |
/// | `sqlite:FILE` | in this database (feature `sqlite`) |
/// | `redis://HOST` | on this server (feature `redis`); with port, user, password and database as in `redis://user:password@host:6379/0`; `rediss://` over TLS, `redis+unix:///path` by a socket |
///
/// Media of 64 KiB or more are kept beside files and databases: in the folder `DIR/media`, or
/// `FILE.media`. Nothing is opened before it is used.
///
/// # Errors
///
/// When there is no such store, or this program was built without it.
pub fn by_name(name: &str) -> Result<Arc<dyn StateStore>, StoreNameError> {
    let (kind, rest) = name.split_once(':').map_or((name, None), |(kind, rest)| (kind, Some(rest)));
    Ok(match (kind, rest) {
        ("memory", None) => Arc::new(MemoryStore::default()),
        ("files", None) => in_folder(files::of_user().ok_or(StoreNameError::NoHome)?),
        ("files", Some(folder)) if !folder.is_empty() => in_folder(PathBuf::from(folder)),
        #[cfg(feature = "sqlite")]
        ("sqlite", Some(file)) if !file.is_empty() => {
            let media = FolderMedia::new(format!("{file}.media"));
            Arc::new(WithMedia::new(Arc::new(super::SqliteStore::new(file)), Arc::new(media)))
        }
        #[cfg(feature = "redis")]
        ("redis" | "rediss" | "redis+unix", Some(_)) => Arc::new(super::RedisStore::new(name)?),
        #[cfg(not(feature = "sqlite"))]
        ("sqlite", Some(file)) if !file.is_empty() => {
            return Err(StoreNameError::NotBuilt { feature: "sqlite" });
        }
        #[cfg(not(feature = "redis"))]
        ("redis" | "rediss" | "redis+unix", Some(_)) => {
            return Err(StoreNameError::NotBuilt { feature: "redis" });
        }
        // The rest may hold a password.
        _ => return Err(StoreNameError::Unknown { kind: kind.to_owned() }),
    })
}

fn in_folder(folder: PathBuf) -> Arc<dyn StateStore> {
    let media = FolderMedia::new(folder.join("media"));
    Arc::new(WithMedia::new(Arc::new(FileStore::new(folder)), Arc::new(media)))
}

/// Why a store cannot be had by its name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreNameError {
    /// There is no such store.
    #[error(
        "there is no store `{kind}` that is written so; there are: memory, files, files:DIR, \
         sqlite:FILE, redis://HOST"
    )]
    Unknown {
        /// What stands before the colon.
        kind: String,
    },
    /// This program was built without it.
    #[error(
        "this program was built without the store `{feature}`: build it with --features {feature}"
    )]
    NotBuilt {
        /// What it would have to be built with.
        feature: &'static str,
    },
    /// The user has no folder.
    #[error("neither XDG_DATA_HOME nor HOME is set; name a folder, as files:DIR")]
    NoHome,
    /// The address of a server is wrong. It is not told: it may hold a password.
    #[error(
        "the store's address cannot be used: {reason}; write it as in redis://localhost:6379/0"
    )]
    Address {
        /// What is wrong with it.
        reason: String,
    },
}
