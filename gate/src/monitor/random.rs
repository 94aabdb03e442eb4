//! Randomness, all of it the operating system's.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use rand::TryRng as _;
use rand::rngs::SysRng;
use zeroize::Zeroizing;

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

/// 256 bits as text.
pub(crate) fn text() -> String {
    Base64UrlUnpadded::encode_string(bytes::<32>().as_slice())
}
