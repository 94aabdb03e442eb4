//! Access tokens in the `Authorization` header: as the password of Basic, as opencode's
//! own programs send one, or as Bearer. Pure.

use base64ct::{Base64, Encoding as _};
use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use zeroize::Zeroizing;

use crate::web::http::csrf::Proof;
use crate::web::http::only;
use crate::wire::{ACCESS_PREFIX, AccessToken, USER_LIMIT};

/// Longest header that is read: a name and an access token in base64 take far less.
const LONGEST: usize = 1024;

/// What a program showed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Presented {
    /// The name beside it, if it came by Basic.
    pub(crate) user: Option<String>,
    /// `None` for what begins as an access token and is none.
    pub(crate) access: Option<AccessToken>,
}

impl Presented {
    /// Reads the header. Returns `None` unless an access token is meant: a browser may
    /// send what a proxy in front asked it for.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let line = only(headers.get_all(AUTHORIZATION).iter())?.as_bytes();
        (line.len() <= LONGEST).then_some(())?;
        let (scheme, rest) = line.split_at(line.iter().position(|byte| *byte == b' ')?);
        let value = rest.trim_ascii();
        if scheme.eq_ignore_ascii_case(b"bearer") {
            return Self::read(None, value);
        }
        scheme.eq_ignore_ascii_case(b"basic").then_some(())?;
        let mut room = Zeroizing::new([0; LONGEST]);
        let pair = Base64::decode(value, room.as_mut_slice()).ok()?;
        let colon = pair.iter().position(|byte| *byte == b':')?;
        let (user, password) = (&pair[..colon], &pair[colon + 1..]);
        let user = String::from_utf8_lossy(&user[..user.len().min(USER_LIMIT + 1)]);
        Self::read(Some(user.into_owned()), password)
    }

    fn read(user: Option<String>, secret: &[u8]) -> Option<Self> {
        let is_meant = secret.starts_with(ACCESS_PREFIX.as_bytes());
        let access = AccessToken::parse(secret);
        is_meant.then_some(Self { user, access })
    }

    /// How the request proves whose it is.
    pub(crate) fn proof(&self) -> Proof {
        match self.user {
            Some(_) => Proof::Basic,
            None => Proof::Bearer,
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn read(lines: &[&str]) -> Option<Presented> {
        let line = |line: &&str| (AUTHORIZATION, HeaderValue::from_str(line).unwrap());
        let mut headers = HeaderMap::new();
        for (name, value) in lines.iter().map(line) {
            headers.append(name, value);
        }
        Presented::of(&headers)
    }

    fn basic(pair: &str) -> String {
        format!("Basic {}", Base64::encode_string(pair.as_bytes()))
    }

    #[test]
    fn basic_and_bearer_are_read() {
        let access = AccessToken::new([7; 32]);
        let text = access.expose();
        let shown = |user: Option<&str>| {
            Some(Presented {
                user: user.map(str::to_owned),
                access: Some(access.clone()),
            })
        };
        let line = basic(&format!("alice:{}", *text));
        assert_eq!(read(&[&line]), shown(Some("alice")));
        assert_eq!(
            read(&[&line.replace("Basic ", "bAsIc  ")]),
            shown(Some("alice"))
        );
        assert_eq!(read(&[&basic(&format!(":{}", *text))]), shown(Some("")));
        let bearer = format!("Bearer {}", *text);
        assert_eq!(read(&[&bearer]), shown(None));
        assert_ne!(read(&[&bearer.to_ascii_lowercase()]), shown(None));
        assert_eq!(read(&[&bearer, &line]), None, "two say two things");
    }

    #[test]
    fn what_begins_as_an_access_token_is_meant_as_one() {
        for line in ["Bearer occ_", "Bearer occ_x", &basic("alice:occ_A:B")] {
            assert_eq!(read(&[line]).unwrap().access, None, "{line}");
        }
        let long = format!("Bearer occ_{}", "A".repeat(2000));
        for line in [
            "",
            "Basic",
            "Bearer",
            "Bearer ",
            "Bearer token",
            "Digest occ_x",
            "Basic ????",
            "Basic b2NjX3g=",
            &basic("alice:her password"),
            &basic("occ_alice"),
            &long,
        ] {
            assert_eq!(read(&[line]), None, "{line}");
        }
    }
}
