//! Files and directories by descriptor: opened without following links, replaced
//! whole, with system calls repeated after EINTR. Knows nothing of accounts.

pub(crate) mod dir;
pub(crate) mod ofd_lock;
pub(crate) mod parallel;
pub(crate) mod replace;
pub(crate) mod retry;
pub(crate) mod sealed_stream;
pub(crate) mod version;
