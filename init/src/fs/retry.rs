//! The system calls of the road to /etc, made again after EINTR.
//!
//! On NFS and FUSE a signal can interrupt nearly every call, and then nothing
//! has happened: the call is simply to be repeated. The names are nix's, so
//! that whoever imports them from here can't forget it.

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag};
use nix::sys::stat::{FileStat, Mode};
use nix::unistd::{Gid, Uid, UnlinkatFlags};
use nix::{NixPath, Result};
use std::io;
use std::os::fd::{AsFd, OwnedFd};

/// Calls until the answer is another one than EINTR.
pub(crate) fn again<T>(mut call: impl FnMut() -> Result<T>) -> Result<T> {
    loop {
        match call() {
            Err(Errno::EINTR) => (),
            answer => return answer,
        }
    }
}

/// The same for a call of std that does not do so itself.
pub(crate) fn again_io<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
            answer => return answer,
        }
    }
}

/// Defines calls that take the same as nix's and answer the same.
macro_rules! repeated {
    ($(fn $name:ident ( $($argument:ident: $type:ty),* ) -> $answer:ty = $call:path;)*) => {
        $(pub(crate) fn $name($($argument: $type),*) -> Result<$answer> {
            again(|| $call($($argument),*))
        })*
    };
}

repeated! {
    fn openat(at: impl AsFd + Copy, path: &(impl NixPath + ?Sized), flags: OFlag, mode: Mode) -> OwnedFd = nix::fcntl::openat;
    fn renameat(from: impl AsFd + Copy, old: &(impl NixPath + ?Sized), to: impl AsFd + Copy, new: &(impl NixPath + ?Sized)) -> () = nix::fcntl::renameat;
    fn unlinkat(at: impl AsFd + Copy, path: &(impl NixPath + ?Sized), flag: UnlinkatFlags) -> () = nix::unistd::unlinkat;
    fn linkat(from: impl AsFd + Copy, old: &(impl NixPath + ?Sized), to: impl AsFd + Copy, new: &(impl NixPath + ?Sized), flags: AtFlags) -> () = nix::unistd::linkat;
    fn symlinkat(target: &(impl NixPath + ?Sized), at: impl AsFd + Copy, path: &(impl NixPath + ?Sized)) -> () = nix::unistd::symlinkat;
    fn mkdir(path: &(impl NixPath + ?Sized), mode: Mode) -> () = nix::unistd::mkdir;
    fn mkdirat(at: impl AsFd + Copy, path: &(impl NixPath + ?Sized), mode: Mode) -> () = nix::sys::stat::mkdirat;
    fn fchmod(file: impl AsFd + Copy, mode: Mode) -> () = nix::sys::stat::fchmod;
    fn fchown(file: impl AsFd + Copy, owner: Option<Uid>, group: Option<Gid>) -> () = nix::unistd::fchown;
    fn fchownat(at: impl AsFd + Copy, path: &(impl NixPath + ?Sized), owner: Option<Uid>, group: Option<Gid>, flags: AtFlags) -> () = nix::unistd::fchownat;
    fn fstat(file: impl AsFd + Copy) -> FileStat = nix::sys::stat::fstat;
    fn fstatat(at: impl AsFd + Copy, path: &(impl NixPath + ?Sized), flags: AtFlags) -> FileStat = nix::sys::stat::fstatat;
    fn fsync(file: impl AsFd + Copy) -> () = nix::unistd::fsync;
    fn ftruncate(file: impl AsFd + Copy, length: i64) -> () = nix::unistd::ftruncate;
    fn read(file: impl AsFd + Copy, buffer: &mut [u8]) -> usize = nix::unistd::read;
    fn write(file: impl AsFd + Copy, bytes: &[u8]) -> usize = nix::unistd::write;
    fn pwrite(file: impl AsFd + Copy, bytes: &[u8], offset: i64) -> usize = nix::sys::uio::pwrite;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_interrupted_call_is_made_again() {
        let mut answers = vec![Err(Errno::EIO), Ok(7), Err(Errno::EINTR), Err(Errno::EINTR)];
        let mut next = || answers.pop().unwrap();
        assert_eq!(again(&mut next), Ok(7));
        assert_eq!(again(&mut next), Err(Errno::EIO));
    }
}
