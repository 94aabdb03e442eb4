//! Mounts, as statx(2) tells of them.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;

/// Returns true if something is mounted on the path itself, and on a kernel that cannot tell
/// (before 5.8).
pub(crate) fn is_mount_point(path: &std::path::Path) -> bool {
    let Ok(path) = std::ffi::CString::new(path.as_os_str().as_encoded_bytes()) else {
        return false;
    };
    let mut found = MaybeUninit::<libc::statx>::zeroed();
    let flags = libc::AT_SYMLINK_NOFOLLOW | libc::AT_NO_AUTOMOUNT;
    // SAFETY: a NUL-terminated path and room for the answer; all zeroes are one.
    let found = unsafe {
        if libc::statx(libc::AT_FDCWD, path.as_ptr(), flags, 0, found.as_mut_ptr()) != 0 {
            return false;
        }
        found.assume_init()
    };
    let root = u64::try_from(libc::STATX_ATTR_MOUNT_ROOT).unwrap_or_default();
    found.stx_attributes_mask & root == 0 || found.stx_attributes & root != 0
}
