//! Extended attributes: a new file takes those of the file that it replaces,
//! access lists (system.posix_acl_access) and security labels among them. A
//! shadow file without its label is one that login programs may not open.
//!
//! Three raw calls that nix has no types for.
#![allow(unsafe_code)]

use crate::fs::retry::again;
use nix::errno::Errno;
use nix::libc;
use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, OwnedFd};

/// Gives a file the attributes of another. What this file system has no place
/// for, or this container no right to, is left out: it was not set by us.
pub(crate) fn copy(from: &OwnedFd, to: &OwnedFd) -> Result<(), Errno> {
    for name in names(from)? {
        let copied = get(from, &name).and_then(|value| set(to, &name, &value));
        match copied {
            Ok(()) | Err(Errno::ENOTSUP | Errno::EPERM | Errno::ENODATA) => (),
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

fn names(file: &OwnedFd) -> Result<Vec<CString>, Errno> {
    let list = whole(|buffer| {
        // SAFETY: the buffer is valid for writing for its length, and with
        // length 0 the kernel writes nothing.
        unsafe { libc::flistxattr(file.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len()) }
    });
    let list = match list {
        Err(Errno::ENOTSUP) => return Ok(Vec::new()),
        other => other?,
    };
    // Each ends in a NUL.
    let names = list.split_inclusive(|&b| b == 0);
    Ok(names
        .filter_map(|name| Some(CStr::from_bytes_with_nul(name).ok()?.to_owned()))
        .collect())
}

fn get(file: &OwnedFd, name: &CStr) -> Result<Vec<u8>, Errno> {
    whole(|buffer| {
        // SAFETY: the name ends in a NUL; the buffer is valid for writing for
        // its length, and with length 0 the kernel writes nothing.
        unsafe {
            libc::fgetxattr(
                file.as_raw_fd(),
                name.as_ptr(),
                buffer.as_mut_ptr().cast(),
                buffer.len(),
            )
        }
    })
}

fn set(file: &OwnedFd, name: &CStr, value: &[u8]) -> Result<(), Errno> {
    again(|| {
        // SAFETY: the name ends in a NUL; the value is valid for reading for
        // its length.
        let done = unsafe {
            libc::fsetxattr(
                file.as_raw_fd(),
                name.as_ptr(),
                value.as_ptr().cast(),
                value.len(),
                0,
            )
        };
        Errno::result(done).map(drop)
    })
}

/// Asks for the size, then for the value; again if it grew in between.
fn whole(call: impl Fn(&mut [u8]) -> libc::ssize_t) -> Result<Vec<u8>, Errno> {
    let answer = |buffer: &mut [u8]| {
        again(|| Errno::result(call(buffer))).map(|size| usize::try_from(size).unwrap_or_default())
    };
    loop {
        let mut value = vec![0; answer(&mut [])?];
        // With length 0 only the size would be asked for once more.
        if value.is_empty() {
            return Ok(value);
        }
        match answer(&mut value) {
            Ok(size) => {
                value.truncate(size);
                return Ok(value);
            }
            Err(Errno::ERANGE) => (),
            Err(errno) => return Err(errno),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::etc::EtcFiles;
    use crate::etc::lock::EtcLock;
    use accounts::etc::File;
    use std::fs;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    const ACL: &CStr = c"system.posix_acl_access";

    /// acl(5) as the kernel takes it: rw for the owner and for uid 1000, r for
    /// the group, nothing for others; the mask leaves uid 1000 what it says.
    fn acl(mask: u16) -> Vec<u8> {
        const NOBODY: u32 = u32::MAX;
        let entries = [
            (0x01_u16, 6_u16, NOBODY),
            (0x02, 6, 1000),
            (0x04, 4, NOBODY),
            (0x10, mask, NOBODY),
            (0x20, 0, NOBODY),
        ];
        let mut bytes = 2_u32.to_le_bytes().to_vec();
        for (tag, permission, id) in entries {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(permission.to_le_bytes());
            bytes.extend(id.to_le_bytes());
        }
        bytes
    }

    fn open(path: &Path) -> OwnedFd {
        fs::File::open(path).unwrap().into()
    }

    fn value(path: &Path, name: &CStr) -> Vec<u8> {
        get(&open(path), name).unwrap()
    }

    #[test]
    fn a_replaced_file_keeps_its_attributes_and_others_no_write_permission() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("etc")).unwrap();
        let path = |file: File| root.path().join("etc").join(file.name());
        let long = vec![b'x'; 2000];
        for file in [File::Passwd, File::Shadow] {
            fs::write(path(file), "old\n").unwrap();
            let fd = open(&path(file));
            set(&fd, c"trusted.label", b"one").unwrap();
            set(&fd, c"security.long", &long).unwrap();
            set(&fd, c"trusted.empty", b"").unwrap();
            set(&fd, ACL, &acl(6)).unwrap();
        }
        let inode = fs::metadata(path(File::Passwd)).unwrap().ino();
        let etc = EtcFiles::open(root.path()).unwrap();
        let lock = EtcLock::missing(&etc.directory).unwrap();
        let writes = [File::Shadow, File::Passwd].map(|file| (file, b"new\n".to_vec()));
        let read = etc.read().unwrap();
        let new = etc.stage(&lock, &read, &writes).unwrap();
        let marks = etc.commit(&lock, &read, &writes, new, false).unwrap();
        assert!(marks.is_some());
        assert_ne!(fs::metadata(path(File::Passwd)).unwrap().ino(), inode);
        for file in [File::Passwd, File::Shadow] {
            assert_eq!(value(&path(file), c"trusted.label"), b"one");
            assert_eq!(value(&path(file), c"security.long"), long);
            assert_eq!(value(&path(file), c"trusted.empty"), b"");
            assert_eq!(value(&path(file), ACL), acl(4), "the mask takes w away");
            assert_eq!(fs::metadata(path(file)).unwrap().mode() & 0o7777, 0o640);
        }
    }
}
