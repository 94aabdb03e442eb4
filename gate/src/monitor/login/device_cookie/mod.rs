//! The device cookie: proves that a browser has logged in to an account before.
//! 16 random bytes and their HMAC with the account's name; nothing is stored but
//! the key. It opens nothing, it only has a budget of failures of its own.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::wire::Secret;

const NUMBER: usize = 16;
const MAC: usize = 32;

pub(crate) struct DeviceKey(Zeroizing<[u8; 32]>);

impl DeviceKey {
    pub(crate) fn new(key: Zeroizing<[u8; 32]>) -> Self {
        Self(key)
    }

    /// A cookie for whoever just logged in.
    pub(crate) fn cookie(&self, user: &str, number: [u8; NUMBER]) -> Option<Secret> {
        let mac = self.mac(user, &number)?.finalize().into_bytes();
        let text = Base64UrlUnpadded::encode_string(&[&number[..], &mac[..]].concat());
        Secret::from_text(&text)
    }

    /// The number of a cookie that was made for this account.
    pub(crate) fn check(&self, user: &str, cookie: &Secret) -> Option<[u8; NUMBER]> {
        let mut bytes = [0; NUMBER + MAC];
        let decoded = Base64UrlUnpadded::decode(cookie.expose(), &mut bytes).ok()?;
        let (number, mac) = decoded.split_first_chunk::<NUMBER>()?;
        self.mac(user, number)?.verify_slice(mac).ok()?;
        Some(*number)
    }

    fn mac(&self, user: &str, number: &[u8; NUMBER]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_slice()).ok()?;
        mac.update(number);
        mac.update(user.as_bytes());
        Some(mac)
    }
}

#[cfg(test)]
mod tests;
