//! Files as the kernel has them: nothing here knows what an account is.

pub(crate) mod version;
