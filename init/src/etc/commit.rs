//! Writing the account files: new contents are put on the disk under temporary names, then
//! renamed over the files one after the other. A file that is a mount point, over which
//! nothing can be renamed, is written in place.

use super::symlink::Location;
use super::{EtcFiles, FileSnapshot, Snapshot, in_place};
use crate::error::{Error, io};
use crate::etc::lock::EtcLock;
use crate::fs::dir::stat;
use crate::fs::replace::{Access, Staged};
use crate::fs::version::FileVersion;
use accounts::files::{File, table};
use nix::errno::Errno;
use nix::sys::stat::FileStat;
use std::sync::Arc;

/// A new content, on the disk under a temporary name.
pub(crate) struct StagedFile<'a> {
    file: File,
    location: &'a Location,
    staged: Staged<'a>,
}

/// An account file that was written, as it was then.
#[derive(Debug, Clone)]
pub(crate) struct WrittenFile {
    pub(crate) name: &'static str,
    pub(crate) state: FileStat,
}

impl EtcFiles {
    /// Puts new contents on the disk under temporary names.
    pub(crate) fn stage<'a>(
        _lock: &EtcLock,
        snapshot: &'a Snapshot,
        writes: &[(File, Vec<u8>)],
    ) -> Result<Vec<StagedFile<'a>>, Error> {
        let shadow_gid = shadow_gid(snapshot.etc.bytes(File::Group));
        let stage = |(file, content): &(File, Vec<u8>)| {
            let FileSnapshot {
                location, opened, ..
            } = snapshot.files.iter().find(|found| found.file == *file)?;
            let access = access(*file, opened.as_ref().map(|it| &it.state), shadow_gid);
            let like = opened.as_ref().map(|it| &it.file);
            let staged = location
                .directory
                .stage(&location.name, content, access, like);
            Some(staged.map(|staged| StagedFile {
                file: *file,
                location,
                staged,
            }))
        };
        writes.iter().filter_map(stage).collect()
    }

    /// Makes them the files' contents, all or (until the first rename) none. Returns `None`,
    /// with nothing written, if somebody else changed one of the files since it was read.
    pub(crate) fn commit(
        &self,
        _lock: &EtcLock,
        snapshot: &Snapshot,
        mut staged: Vec<StagedFile<'_>>,
        only_removes: bool,
    ) -> Result<Option<Vec<WrittenFile>>, Error> {
        if self.has_changed(snapshot)? {
            return Ok(None);
        }
        if only_removes {
            staged.reverse();
        }
        let (mut written, mut elsewhere) = (Vec::new(), Vec::new());
        let is_written = !staged.is_empty();
        for new in staged {
            if !Arc::ptr_eq(&new.location.directory, &self.directory) {
                elsewhere.push(&new.location.directory);
            }
            written.extend(new.commit()?);
        }
        elsewhere
            .into_iter()
            .try_for_each(|directory| directory.sync())?;
        if is_written {
            self.directory.sync()?;
        }
        Ok(Some(written))
    }

    fn has_changed(&self, snapshot: &Snapshot) -> Result<bool, Error> {
        for FileSnapshot { file, opened, .. } in &snapshot.files {
            // A link may lead elsewhere by now.
            let Location { directory, name } = self.locate(*file)?;
            let now = stat(&directory, name.as_str()).map_err(io("read", directory.join(&name)))?;
            let then = opened.as_ref().map(|opened| FileVersion::of(&opened.state));
            if then != now.as_ref().map(FileVersion::of) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl StagedFile<'_> {
    /// Renames it over the file, or writes the file in place where that can't be. Returns
    /// `None` if somebody else wrote there at the same time.
    fn commit(self) -> Result<Option<WrittenFile>, Error> {
        let Location { directory, name } = self.location;
        let mut staged = self.staged;
        let state = match staged.rename() {
            Ok(state) => state,
            Err(Errno::EBUSY | Errno::EXDEV) => in_place::write(directory, name, &staged)?,
            Err(errno) => return Err(io("replace", directory.join(name))(errno)),
        };
        Ok(state.map(|state| WrittenFile {
            name: self.file.name(),
            state,
        }))
    }
}

/// Owner and mode: as the file has them, or as distributions make it.
fn access(file: File, present: Option<&FileStat>, shadow_gid: Option<u32>) -> Access {
    match (present, shadow_gid) {
        (Some(stat), _) => Access::of(stat),
        (None, Some(group)) if file.is_secret() => Access {
            group,
            mode: 0o640,
            ..Access::PRIVATE
        },
        (None, None) if file.is_secret() => Access::PRIVATE,
        (None, _) => Access {
            mode: 0o644,
            ..Access::PRIVATE
        },
    }
}

fn shadow_gid(group: &[u8]) -> Option<u32> {
    table::lines(group)
        .filter_map(accounts::files::group::name_and_gid)
        .find(|(name, _)| *name == b"shadow")
        .map(|(_, gid)| gid)
}
