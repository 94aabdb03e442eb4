//! The gate's two cookies: their names, reading and writing them. Pure.
//!
//! Host-only always (no Domain). Cookies ignore ports, so two gates on one host
//! would overwrite each other's; that is why the gate's name is in the cookie's.
//! `__Host-` makes browsers refuse one that came without TLS or from elsewhere.

use hyper::HeaderMap;
use hyper::header::{COOKIE, HeaderValue};
use zeroize::Zeroizing;

/// What a cookie is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cookie {
    /// Holds the session's token.
    Session,
    /// Marks a browser that logged in before.
    Device,
}

/// The names of a gate's cookies.
#[derive(Debug, Clone)]
pub(crate) struct Cookies {
    gate: String,
}

impl Cookies {
    /// Of the gate with this name; characters that a cookie's name can't have
    /// become `_`.
    pub(crate) fn of(gate: &str) -> Self {
        let allowed = |char: char| {
            if char.is_ascii_alphanumeric() || char == '-' {
                char
            } else {
                '_'
            }
        };
        Self {
            gate: gate.chars().map(allowed).collect(),
        }
    }

    fn name(&self, cookie: Cookie, secure: bool) -> String {
        let prefix = if secure { "__Host-" } else { "" };
        let what = match cookie {
            Cookie::Session => "occ",
            Cookie::Device => "occ-device",
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
        let mut found = pairs(headers).filter(|(key, _)| *key == name);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
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
            None
        } else {
            HeaderValue::from_str(&others.join("; ")).ok()
        }
    }

    /// Whether a Set-Cookie line of opencode would change a cookie of a gate's.
    pub(crate) fn sets_gates(line: &HeaderValue) -> bool {
        let line = String::from_utf8_lossy(line.as_bytes());
        is_gates(line.split(['=', ';']).next().unwrap_or("").trim())
    }
}

fn is_gates(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let key = key.strip_prefix("__host-").unwrap_or(&key);
    key.starts_with("occ_") || key.starts_with("occ-device_")
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
mod tests {
    use super::*;

    fn headers(lines: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, HeaderValue::from_static(line));
        }
        headers
    }

    fn session(lines: &[&'static str], secure: bool) -> Option<String> {
        let cookies = Cookies::of("opencode");
        let headers = headers(lines);
        cookies
            .get(&headers, Cookie::Session, secure)
            .map(str::to_owned)
    }

    #[test]
    fn a_cookie_that_came_once_is_read() {
        assert_eq!(
            session(&["a=1; occ_opencode=T; b=2"], false),
            Some("T".into())
        );
        assert_eq!(session(&["a=1", "occ_opencode=T"], false), Some("T".into()));
        assert_eq!(session(&["__Host-occ_opencode=T"], true), Some("T".into()));
    }

    #[test]
    fn of_two_with_one_name_none_is_ours() {
        assert_eq!(session(&["occ_opencode=T; occ_opencode=U"], false), None);
        assert_eq!(session(&["occ_opencode=T", "occ_opencode=T"], false), None);
    }

    #[test]
    fn behind_tls_only_the_guarded_name_counts() {
        assert_eq!(session(&["occ_opencode=T"], true), None);
        assert_eq!(session(&["__Host-occ_opencode=T"], false), None);
        assert_eq!(session(&["occ_other=T"], false), None);
    }

    #[test]
    fn cookies_are_out_of_reach_of_scripts_and_other_sites() {
        let cookies = Cookies::of("a b;c");
        let line = |secure| cookies.set(Cookie::Session, "TOKEN", secure, 60).unwrap();
        assert_eq!(
            line(false),
            "occ_a_b_c=TOKEN; Path=/; HttpOnly; SameSite=Strict; Max-Age=60"
        );
        assert_eq!(
            line(true),
            "__Host-occ_a_b_c=TOKEN; Path=/; HttpOnly; SameSite=Strict; Max-Age=60; Secure"
        );
        assert!(line(true).is_sensitive());
        assert!(cookies.set(Cookie::Session, "a\r\nb", false, 1).is_none());
    }

    #[test]
    fn opencode_sees_no_cookie_of_a_gate() {
        let sent = headers(&[
            "a=1; occ_opencode=T; __Host-occ_x=U",
            "occ-device_opencode=D; b=2",
        ]);
        assert_eq!(Cookies::without_gates(&sent).unwrap(), "a=1; b=2");
        assert_eq!(Cookies::without_gates(&headers(&["occ_opencode=T"])), None);
        let sets = |line: &'static str| Cookies::sets_gates(&HeaderValue::from_static(line));
        assert!(sets("occ_opencode=x; Path=/"));
        assert!(sets(" __HOST-OCC_opencode=x"));
        assert!(sets("occ-device_opencode"));
        assert!(!sets("theme=occ_"));
    }
}
