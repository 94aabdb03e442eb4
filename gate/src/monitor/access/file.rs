//! /var/lib/occ-gate/tokens.json, and the requests of administrators beside it. The
//! monitor alone writes the file; `occ-gate token revoke` leaves a file with the id for
//! its name in `revoke/`, which the monitor deletes once the token is.

use std::fs::{self, File};
use std::io::{self, Read as _};

use super::table::AccessTable;
use crate::helpers::tmpdir::make_for_root;
use crate::monitor::files::replace;
use crate::wire::Handle;

pub(crate) const TOKENS: &str = "/var/lib/occ-gate/tokens.json";
/// A directory of root's.
pub(crate) const REVOKE: &str = "/var/lib/occ-gate/revoke";
/// The next step after an error of [`read`].
pub(crate) const HINT: &str = "put the file's last good copy back, or move it away, and restart the container; until then no token is good";
/// More than [`super::table::MOST`] take.
const LARGEST: u64 = 4 * 1024 * 1024;

/// Reads the table; an empty one if there is no file yet.
pub(crate) fn read() -> io::Result<AccessTable> {
    let unusable = |why: &str| io::Error::other(format!("cannot use '{TOKENS}': {why}"));
    let file = match File::open(TOKENS) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(AccessTable::default()),
        opened => opened.map_err(|error| unusable(&error.to_string()))?,
    };
    let mut bytes = Vec::new();
    let read = file.take(LARGEST + 1).read_to_end(&mut bytes);
    read.map_err(|error| unusable(&error.to_string()))?;
    if bytes.len() as u64 > LARGEST {
        return Err(unusable("it is larger than 4 MiB"));
    }
    AccessTable::from_bytes(&bytes).ok_or_else(|| unusable("it is damaged, or of a newer occ-gate"))
}

/// On disk when this returns.
pub(super) fn write(table: &AccessTable) -> io::Result<()> {
    let named = |error| io::Error::other(format!("cannot write '{TOKENS}': {error}"));
    replace(TOKENS, &table.to_bytes(), 0o600, true).map_err(named)
}

/// Makes the directory for requests. Somebody else's is refused.
pub(crate) fn make_requests() -> io::Result<()> {
    if make_for_root(REVOKE, 0o700)? {
        Ok(())
    } else {
        Err(io::Error::other(format!("'{REVOKE}' is not root's")))
    }
}

/// Asks for the end of a token, also where no monitor runs now.
pub(crate) fn request(id: Handle) -> io::Result<()> {
    make_requests()?;
    File::create(path(id))?.sync_all()?;
    File::open(REVOKE)?.sync_all()
}

/// Returns whether a request still waits.
pub(crate) fn is_requested(id: Handle) -> bool {
    fs::symlink_metadata(path(id)).is_ok()
}

/// All requests that wait.
pub(super) fn requests() -> Vec<Handle> {
    let entries = fs::read_dir(REVOKE).into_iter().flatten().flatten();
    let id = |entry: fs::DirEntry| parse_id(entry.file_name().to_str()?);
    entries.filter_map(id).collect()
}

/// A request is done.
pub(super) fn done(id: Handle) {
    // One that stays is done again, which changes nothing.
    let _ = fs::remove_file(path(id));
}

fn path(id: Handle) -> String {
    format!("{REVOKE}/{}", show_id(id))
}

/// An id as people see it.
pub(crate) fn show_id(id: Handle) -> String {
    format!("{:08x}", id.0)
}

/// Reads what [`show_id`] wrote.
pub(crate) fn parse_id(text: &str) -> Option<Handle> {
    let number = u32::from_str_radix(text, 16).ok()?;
    let id = Handle(number.into());
    (show_id(id) == text).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_shown() {
        for number in [0, 1, 0x0a1b_2c3d, 0xffff_ffff] {
            assert_eq!(parse_id(&show_id(Handle(number))), Some(Handle(number)));
        }
        for bad in [
            "",
            "1",
            "A1B2C3D4",
            "../x",
            "+1234567",
            "1234567g",
            "123456789",
        ] {
            assert_eq!(parse_id(bad), None, "{bad}");
        }
    }
}
