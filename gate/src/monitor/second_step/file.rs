//! /var/lib/occ-gate/second/NAME: the module's file of a person, root's alone. The module
//! writes it at each login (a code is good once, few logins in a time), by a file beside it
//! and a rename; this makes it and deletes it. `occ-init user set NAME --no-second-factor`
//! deletes it too.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::unistd::User;
use zeroize::Zeroizing;

use super::key::{self, OWNER};
use crate::helpers::tmpdir::make_for_root;
use crate::monitor::files::replace;

/// `secret=` in /etc/pam.d/occ.
const DIRECTORY: &str = "/var/lib/occ-gate/second";
const SERVICE: &str = "/etc/pam.d/occ";
const MODULE: &str = "pam_google_authenticator.so";
/// The module takes no longer file.
const LONGEST: u64 = 64 * 1024;

/// Returns whether PAM asks for the codes of keys in the directory: without the line or the
/// module, whoever turns it on would not be let in any more.
pub(super) fn is_available() -> bool {
    let service = fs::read_to_string(SERVICE).unwrap_or_default();
    let mut lines = service.lines().filter(|line| !line.starts_with('#'));
    let secret = format!("secret={DIRECTORY}/${{USER}}");
    let is_named = lines.any(|line| line.contains(MODULE) && line.contains(&secret));
    is_named && is_installed()
}

/// Where Linux-PAM looks, by distribution.
fn is_installed() -> bool {
    let arch = std::env::consts::ARCH;
    let directories = [
        "lib".to_owned(),
        "lib64".to_owned(),
        format!("lib/{arch}-linux-gnu"),
    ];
    let paths = directories.iter().flat_map(|directory| {
        ["", "/usr"].map(|root| format!("{root}/{directory}/security/{MODULE}"))
    });
    paths.into_iter().any(|path| Path::new(&path).exists())
}

/// Returns whether a person's logins need a code. What can't be seen counts as there.
pub(crate) fn is_on(user: &str) -> bool {
    match path(user).map(fs::symlink_metadata) {
        None => false,
        Some(found) => !matches!(found, Err(error) if is_absent(&error)),
    }
}

/// Returns the reason, for the log, why nobody gets in by a person's file: the module can't
/// read it, or without a part of it takes a code more than once. `None` if there is no file.
pub(crate) fn fault(user: &str) -> Option<String> {
    let path = path(user)?;
    let why = match fs::symlink_metadata(&path) {
        Err(error) if is_absent(&error) => return None,
        Err(error) => error.to_string(),
        Ok(meta) if !meta.is_file() => "it is no regular file".to_owned(),
        Ok(meta) if meta.uid() != 0 || meta.mode() & 0o077 != 0 => {
            "others than root may read it".to_owned()
        }
        Ok(meta) if meta.len() > LONGEST => "it is too long".to_owned(),
        Ok(_) => match fs::read(&path).map(Zeroizing::new) {
            Ok(bytes) => key::fault(&bytes)?,
            Err(error) => error.to_string(),
        },
    };
    let path = path.display();
    Some(format!(
        "the second step's key '{path}' is damaged ({why}); \
         'occ user set {user} --no-second-factor' ends the second step"
    ))
}

/// Deletes the file of somebody else who had this name before: uids never come again, names
/// may. The new one could not know the key.
pub(crate) fn remove_if_of_another(user: &str) {
    let Some(text) = path(user).and_then(|path| fs::read_to_string(path).ok()) else {
        return;
    };
    let text = Zeroizing::new(text);
    let owner = text.lines().find_map(|line| line.strip_prefix(OWNER));
    let owner = owner.and_then(|uid| uid.trim().parse::<u32>().ok());
    let person = User::from_name(user).ok().flatten();
    if let (Some(owner), Some(person)) = (owner, person)
        && person.uid.as_raw() != owner
    {
        let _ = remove(user);
    }
}

/// On disk when this returns.
pub(super) fn write(user: &str, bytes: &[u8]) -> io::Result<()> {
    let path = path(user).ok_or(io::ErrorKind::InvalidInput)?;
    if !make_for_root(DIRECTORY, 0o700)? {
        return Err(io::Error::other("its directory is not root's"));
    }
    replace(&path.to_string_lossy(), bytes, 0o600, true)
}

/// Gone for good when this returns.
pub(super) fn remove(user: &str) -> io::Result<()> {
    let path = path(user).ok_or(io::ErrorKind::InvalidInput)?;
    match fs::remove_file(path) {
        Err(error) if !is_absent(&error) => return Err(error),
        _ => (),
    }
    fs::File::open(DIRECTORY)?.sync_all()
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Returns `None` for what is no name of a person's.
fn path(user: &str) -> Option<PathBuf> {
    let name = accounts::account::Username::parse(user).ok()?;
    Some(Path::new(DIRECTORY).join(name.as_str()))
}
