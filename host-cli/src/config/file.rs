//! The file of the configuration: found, read, locked, written and renamed.

use std::io::{ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use super::{Config, KnownUsers};
use crate::error::{Error, Result};

/// The file's path: `$XDG_CONFIG_HOME/occ/config.json`, else in ~/.config.
pub(crate) fn path() -> Result<PathBuf> {
    let base = etcetera::base_strategy::Xdg::new().map_err(|_| {
        Error::failed(
            "there is no home directory to keep the configuration in",
            "set HOME or XDG_CONFIG_HOME",
        )
    })?;
    Ok(base.config_dir().join("occ/config.json"))
}

/// The configuration; the defaults when there is no file.
pub(crate) fn load() -> Result<Config> {
    let path = path()?;
    match std::fs::read(&path) {
        Ok(bytes) => Config::parse(&bytes).map_err(|why| {
            Error::failed(
                format!("cannot read '{}': {why}", path.display()),
                "repair the file, or remove it for the defaults",
            )
        }),
        // Below a file there is no configuration either.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(Config::default())
        }
        Err(error) => Err(Error::file("read", path)(error)),
    }
}

/// Changes the file; false if it is so already. Of several programs at once each
/// sees what the others did.
pub(crate) fn change(edit: impl FnOnce(&mut Config) -> Result<()>) -> Result<bool> {
    let path = target(path()?);
    let directory = path.parent().unwrap_or(&path).to_owned();
    // The directory itself is locked: the file is another one after each change.
    let locked = || -> std::io::Result<std::fs::File> {
        make_directories(&directory)?;
        let opened = std::fs::File::open(&directory)?;
        rustix::fs::flock(&opened, rustix::fs::FlockOperation::LockExclusive)?;
        Ok(opened)
    };
    let _lock = locked().map_err(Error::file("lock", &directory))?;
    let before = load()?;
    let mut config = before.clone();
    edit(&mut config)?;
    if config == before {
        return Ok(false);
    }
    save(&config, &path, &directory).map(|()| true)
}

/// The file that a symlink leads to: people keep theirs in a repository.
fn target(path: PathBuf) -> PathBuf {
    if let Ok(real) = std::fs::canonicalize(&path) {
        return real;
    }
    match (std::fs::read_link(&path), path.parent()) {
        (Ok(link), Some(directory)) => directory.join(link),
        _ => path,
    }
}

/// Makes what is missing, for the owner of what is there: root, by sudo with somebody's
/// HOME, must not take their configuration from them.
fn make_directories(directory: &Path) -> std::io::Result<()> {
    let missing: Vec<&Path> = directory
        .ancestors()
        .take_while(|path| !path.exists())
        .collect();
    std::fs::create_dir_all(directory)?;
    let Some(first) = missing.last().and_then(|path| path.parent()) else {
        return Ok(());
    };
    let owner = std::fs::metadata(first)?;
    missing.iter().try_for_each(|path| give(path, &owner))
}

/// Only root can, and only root has to.
fn give(path: &Path, owner: &std::fs::Metadata) -> std::io::Result<()> {
    if std::fs::metadata(path)?.uid() == owner.uid() {
        return Ok(());
    }
    std::os::unix::fs::chown(path, Some(owner.uid()), Some(owner.gid()))
}

/// Writes the whole file beside itself and renames it; owner and mode stay.
fn save(config: &Config, path: &Path, directory: &Path) -> Result<()> {
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        serde_json::to_writer_pretty(&mut file, config)?;
        file.write_all(b"\n")?;
        if let Ok(before) = std::fs::metadata(path) {
            file.as_file().set_permissions(before.permissions())?;
            give(file.path(), &before)?;
        } else {
            give(file.path(), &std::fs::metadata(directory)?)?;
        }
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(Error::file("write", path))
}

/// Lets the names of an instance follow a change. The change is done: a failure
/// here is a warning, never an error.
pub(crate) fn follow(known_users_key: &KnownUsers, edit: impl FnOnce(&mut Vec<String>)) {
    let followed = change(|config| {
        config.edit_users(known_users_key, edit);
        Ok(())
    });
    if let Err(error) = followed {
        crate::ui::show::warn(&format!(
            "the change is done, but the configuration does not show it: {error}"
        ));
    }
}
