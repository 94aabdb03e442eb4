//! The calls of the kernel that nix has no types for. The only file with
//! `unsafe` in it.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, OsString, c_char, c_int, c_void};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::ptr::{self, NonNull};

use libpam_sys as pam;
use nix::errno::Errno;
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use zeroize::Zeroizing;

/// The first fd that is neither stdin, stdout nor stderr.
const FIRST: u32 = 3;

/// Lets the next exec inherit stdin, stdout and stderr, nothing else. Until then
/// nothing changes.
pub(crate) fn close_rest_on_exec() -> io::Result<()> {
    let flags = libc::CLOSE_RANGE_CLOEXEC;
    // SAFETY: no pointers; with CLOEXEC alone no fd is closed under its owner.
    let done = unsafe { libc::syscall(libc::SYS_close_range, FIRST, libc::c_uint::MAX, flags) };
    Errno::result(done).map(drop).map_err(io::Error::from)
}

/// Large buffers go back to the system as soon as they are free. Left alone, glibc
/// keeps those of the first large asset for good, once per thread.
pub(crate) fn give_large_buffers_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: no pointers; a value that is refused changes nothing.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 128 * 1024);
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

/// Waits for an fd to be readable. Needs a runtime.
pub(crate) fn when_readable(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    register(fd, Interest::READABLE)
}

/// Waits for an fd, which does not block, to be readable or writable. Needs a runtime.
pub(crate) fn when_ready(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    register(fd, Interest::READABLE | Interest::WRITABLE)
}

fn register(fd: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an OwnedFd keeps its fd open, and the same, until it is dropped.
    let registered = unsafe { AsyncFd::register_with_interest(fd, interest) };
    registered.map_err(io::Error::from)
}

/// Makes a process that ends at once, to see whether one can be made. For a process with
/// one thread.
pub(crate) fn try_to_fork() -> io::Result<()> {
    let child = fork_into(|| 0)?;
    waitpid(child, None).map(drop).map_err(io::Error::from)
}

/// Makes a process that runs `child` and ends with the status that it returns. For a
/// process with one thread.
pub(crate) fn fork_into(child: impl FnOnce() -> i32) -> io::Result<Pid> {
    // SAFETY: there is one thread, so no lock is held by one that the child lacks.
    match unsafe { fork() }? {
        ForkResult::Child => {
            let status = child();
            // SAFETY: no pointers, and it does not return.
            unsafe { libc::_exit(status) }
        }
        ForkResult::Parent { child } => Ok(child),
    }
}

mod libcrypt {
    use super::c_char;

    #[link(name = "crypt")]
    unsafe extern "C" {
        pub(super) fn crypt(phrase: *const c_char, setting: *const c_char) -> *mut c_char;
    }
}

/// crypt(3), with the hash or its beginning as the setting. `None` for a setting that it
/// does not know. For a process with one thread.
pub(crate) fn crypt(phrase: &[u8], setting: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let text = |bytes: &[u8]| {
        let text = CString::new(bytes).ok()?;
        Some(Zeroizing::new(text.into_bytes_with_nul()))
    };
    let (phrase, setting) = (text(phrase)?, text(setting)?);
    // SAFETY: both end with a NUL; the answer is crypt's own buffer, which nothing changes
    // before it is copied: there is one thread.
    let hash = unsafe {
        let hash = libcrypt::crypt(phrase.as_ptr().cast(), setting.as_ptr().cast());
        (!hash.is_null()).then(|| CStr::from_ptr(hash).to_bytes().to_vec())
    };
    // Failures begin with an asterisk, so that they are nobody's hash.
    hash.filter(|hash| !hash.starts_with(b"*"))
        .map(Zeroizing::new)
}

/// An open PAM session. nonstick, which asks PAM at a login, has none.
pub(crate) struct PamSession(PamHandle);

struct PamHandle(NonNull<pam::pam_handle>);

impl PamSession {
    /// Opens a session of this service. The error is PAM's text.
    pub(crate) fn open(service: &CStr, user: &CStr) -> Result<Self, String> {
        let mut conversation = pam::pam_conv {
            conv: answer_nothing,
            appdata_ptr: ptr::null_mut(),
        };
        let mut handle = ptr::null_mut();
        let (service, user) = (service.as_ptr(), user.as_ptr());
        // SAFETY: both texts end with a NUL; Linux-PAM copies them and the conversation.
        let status =
            unsafe { pam::pam_start(service, user, &raw mut conversation, &raw mut handle) };
        let handle = NonNull::new(handle).filter(|_| status == pam::PAM_SUCCESS);
        let handle = PamHandle(handle.ok_or_else(|| pam_text(status))?);
        // Modules that did not see the password may refuse this. sshd goes on as well
        // after a login by key.
        let _ = handle.call(pam::pam_setcred, pam::PAM_ESTABLISH_CRED);
        handle.call(pam::pam_open_session, 0)?;
        Ok(Self(handle))
    }

    /// The variables that modules have set, each as `NAME=VALUE`.
    pub(crate) fn environment(&self) -> Vec<OsString> {
        let mut found = Vec::new();
        // SAFETY: the list ends with a null pointer, its texts with a NUL; list and texts
        // are ours and come from malloc(3).
        unsafe {
            let list = pam::pam_getenvlist(self.0.0.as_ptr());
            let mut at = list;
            while !at.is_null() && !(*at).is_null() {
                found.push(OsString::from_vec(CStr::from_ptr(*at).to_bytes().to_vec()));
                libc::free((*at).cast());
                at = at.add(1);
            }
            libc::free(list.cast());
        }
        found
    }

    /// Closes it. The error is PAM's text.
    pub(crate) fn close(self) -> Result<(), String> {
        let closed = self.0.call(pam::pam_close_session, 0);
        let _ = self.0.call(pam::pam_setcred, pam::PAM_DELETE_CRED);
        closed
    }
}

impl PamHandle {
    fn call(
        &self,
        function: unsafe extern "C" fn(*mut pam::pam_handle, c_int) -> c_int,
        flags: c_int,
    ) -> Result<(), String> {
        // SAFETY: the handle is pam_start(3)'s and has not been given to pam_end(3).
        match unsafe { function(self.0.as_ptr(), flags) } {
            pam::PAM_SUCCESS => Ok(()),
            status => Err(pam_text(status)),
        }
    }
}

impl Drop for PamHandle {
    fn drop(&mut self) {
        // SAFETY: the handle is pam_start(3)'s; nobody uses it after this.
        unsafe { pam::pam_end(self.0.as_ptr(), pam::PAM_SUCCESS) };
    }
}

fn pam_text(status: c_int) -> String {
    // SAFETY: Linux-PAM ignores the handle; the text is a constant, or null.
    unsafe {
        let text = pam::pam_strerror(ptr::null(), status);
        NonNull::new(text).map_or_else(String::new, |text| {
            CStr::from_ptr(text.as_ptr()).to_string_lossy().into_owned()
        })
    }
}

/// PAM's conversation where nobody is: texts are taken, questions have no answer.
unsafe extern "C" fn answer_nothing(
    count: c_int,
    messages: *const *const pam::pam_message,
    responses: *mut *mut pam::pam_response,
    _: *mut c_void,
) -> c_int {
    let count = usize::try_from(count).unwrap_or(0);
    // SAFETY: PAM passes so many pointers to messages, and takes an array of so many
    // responses, which it frees.
    unsafe {
        for at in 0..count {
            let style = (**messages.add(at)).msg_style;
            if !matches!(style, pam::PAM_TEXT_INFO | pam::PAM_ERROR_MSG) {
                return pam::PAM_CONV_ERR;
            }
        }
        *responses = libc::calloc(count.max(1), size_of::<pam::pam_response>()).cast();
        if (*responses).is_null() {
            return pam::PAM_BUF_ERR;
        }
    }
    pam::PAM_SUCCESS
}
