//! The gate's cookies: their names, reading and writing them. Pure.
//!
//! Host-only always (no Domain). Cookies ignore ports, so two gates on one host
//! would overwrite each other's; that is why the gate's name is in the cookie's.
//! `__Host-` makes browsers refuse one that came without TLS or from elsewhere.

use hyper::HeaderMap;
use hyper::header::{COOKIE, HeaderValue};
use zeroize::Zeroizing;

use crate::web::http::only;

/// The purpose of a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cookie {
    /// Holds the session's token.
    Session,
    /// Marks a browser that logged in before.
    Device,
    /// Holds what the next page says.
    Flash,
    /// Names the challenge that a passkey is to sign.
    Passkey,
}

/// The names of a gate's cookies.
#[derive(Debug, Clone)]
pub(crate) struct Cookies {
    gate: String,
}

impl Cookies {
    /// The cookies of the gate with this name; characters that a cookie's name
    /// can't have become `_`.
    pub(crate) fn of(gate: &str) -> Self {
        let is_unfit = |char: char| !char.is_ascii_alphanumeric() && char != '-';
        Self {
            gate: gate.replace(is_unfit, "_"),
        }
    }

    fn name(&self, cookie: Cookie, secure: bool) -> String {
        let prefix = if secure { "__Host-" } else { "" };
        let what = match cookie {
            Cookie::Session => "occ",
            Cookie::Device => "occ-device",
            Cookie::Flash => "occ-flash",
            Cookie::Passkey => "occ-passkey",
        };
        format!("{prefix}{what}_{}", self.gate)
    }

    /// The value, if the browser sent the cookie exactly once: of two with one
    /// name the other comes from another path or port, and which is ours can't
    /// be told.
    pub(crate) fn get<'a>(
        &self,
        headers: &'a HeaderMap,
        cookie: Cookie,
        secure: bool,
    ) -> Option<&'a str> {
        let name = self.name(cookie, secure);
        let found = pairs(headers).filter(|(key, _)| *key == name);
        only(found).map(|(_, value)| value)
    }

    /// Returns whether the browser sent any cookie of this gate's sessions, however often.
    pub(crate) fn has_session(&self, headers: &HeaderMap) -> bool {
        let names = [false, true].map(|secure| self.name(Cookie::Session, secure));
        pairs(headers).any(|(key, _)| names.iter().any(|name| name == key))
    }

    /// A Set-Cookie line; `value` is base64url.
    pub(crate) fn set(
        &self,
        cookie: Cookie,
        value: &str,
        secure: bool,
        seconds: u64,
    ) -> Option<HeaderValue> {
        let name = self.name(cookie, secure);
        let secure = if secure { "; Secure" } else { "" };
        let line = Zeroizing::new(format!(
            "{name}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}"
        ));
        let mut line = HeaderValue::from_str(&line).ok()?;
        line.set_sensitive(true);
        Some(line)
    }

    /// Cookie without those of any gate: opencode has no business with them.
    pub(crate) fn without_gates(headers: &HeaderMap) -> Option<HeaderValue> {
        let others: Vec<String> = pairs(headers)
            .filter(|(key, _)| !is_gates(key))
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        if others.is_empty() {
            return None;
        }
        HeaderValue::from_str(&others.join("; ")).ok()
    }

    /// Returns whether a Set-Cookie line of opencode would change a gate's cookie. One
    /// without a name would, whatever it says: browsers send its value alone, and that may
    /// be `occ_gate=TOKEN`.
    pub(crate) fn sets_gates(line: &HeaderValue) -> bool {
        let line = String::from_utf8_lossy(line.as_bytes());
        let pair = line.split(';').next().unwrap_or("");
        let name = pair.split_once('=').map_or("", |(name, _)| name.trim());
        name.is_empty() || is_gates(name)
    }
}

fn is_gates(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let key = key.strip_prefix("__host-").unwrap_or(&key);
    ["occ_", "occ-device_", "occ-flash_", "occ-passkey_"]
        .iter()
        .any(|ours| key.starts_with(ours))
}

fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
}

#[cfg(test)]
mod tests;
