//! The ledger, `uids/UID`: which name got which uid, for ever. An entry is durable before its
//! record is written, and is never changed or deleted, so that no uid goes to a second name.

use super::Store;
use super::layout::UIDS;
use crate::error::{Error, io};
use crate::fs::dir::{Directory, stat, write_all};
use crate::fs::replace::Access;
use crate::fs::retry::fsync;
use accounts::account::{Uid, Username};
use nix::errno::Errno;
use std::collections::BTreeSet;

/// The temporary of a new entry of the ledger.
const GIVEN: &str = "given";
/// The owner of a uid whose entry can't be read; no account has this name.
pub(super) const UNREADABLE: &str = "(unreadable)";

impl Store {
    /// Enters the uid in the ledger, for ever. Returns false if another name has it.
    pub(crate) fn give_uid(&self, uid: Uid, name: &Username) -> Result<bool, Error> {
        let uids = self.subdirectory(UIDS)?;
        let file = uid.to_string();
        let content = format!("{name}\n");
        // Never a number without a name: a kill in between would leave one that
        // is nobody's for ever, and perhaps that of somebody's home.
        let whole = self
            .directory
            .stage(GIVEN, content.as_bytes(), Access::PRIVATE, None)?;
        let linked = match whole.link(&uids, &file) {
            Err(Errno::EPERM | Errno::EOPNOTSUPP | Errno::ENOSYS) => {
                create(&uids, &file, content.as_bytes())
            }
            linked => linked,
        };
        match linked {
            Ok(()) => uids.sync().map(|()| true),
            Err(Errno::EEXIST) => Ok(self
                .owner_of(uid.get())?
                .is_some_and(|owner| owner == name.as_str())),
            Err(errno) => Err(io("make", uids.join(&file))(errno)),
        }
    }

    /// The ledger's owner of a uid; an unreadable entry counts as taken.
    pub(crate) fn owner_of(&self, uid: u32) -> Result<Option<String>, Error> {
        let Some(uids) = self.directory.find(UIDS)? else {
            return Ok(None);
        };
        let file = uid.to_string();
        let found = stat(&uids, file.as_str()).map_err(io("read", uids.join(&file)))?;
        if found.is_none() {
            return Ok(None);
        }
        Ok(Some(match self.read_file(&uids, &file) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).trim_end().to_owned(),
            Err(_) => UNREADABLE.to_owned(),
        }))
    }

    /// The uids that had been given when this was first called: they are for ever.
    pub(crate) fn known_uids(&self) -> Result<&BTreeSet<u32>, Error> {
        if let Some(known) = self.known.get() {
            return Ok(known);
        }
        let given = self.given_uids()?;
        Ok(self.known.get_or_init(|| given))
    }

    /// Every uid that was ever given.
    pub(crate) fn given_uids(&self) -> Result<BTreeSet<u32>, Error> {
        let Some(uids) = self.directory.find(UIDS)? else {
            return Ok(BTreeSet::new());
        };
        let given = uids.pick(accounts::files::table::number);
        let given = given.map_err(io("read", &uids.path))?;
        Ok(given.into_iter().collect())
    }
}

/// For a file system without hard links.
fn create(directory: &Directory, file: &str, content: &[u8]) -> Result<(), Errno> {
    let new = directory.create(file, 0o600)?;
    write_all(&new, content)?;
    fsync(&new)
}
