//! Randomness, all of it the operating system's.

use rand::TryRng as _;
use rand::rngs::SysRng;
use zeroize::Zeroizing;

use crate::wire::Secret;

/// Random bytes. Without the system's generator nothing here can go on.
pub(crate) fn bytes<const N: usize>() -> Zeroizing<[u8; N]> {
    let mut bytes = Zeroizing::new([0; N]);
    if SysRng.try_fill_bytes(bytes.as_mut_slice()).is_err() {
        crate::log::line("cannot get random numbers from the kernel");
        std::process::abort();
    }
    bytes
}

pub(crate) fn number() -> u64 {
    u64::from_le_bytes(*bytes())
}

/// A secret of 256 bits, in base64.
pub(crate) fn secret() -> Secret {
    Secret::base64_of(&bytes())
}
