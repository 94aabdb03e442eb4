//! The words of the next page: carried past the 303 that follows a form, in a cookie that
//! lasts two minutes, so that a reload sends nothing again. One that somebody else planted
//! changes the words of a page and nothing else; they are escaped as all text is.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use hyper::header::{HeaderValue, SET_COOKIE};
use hyper::{HeaderMap, Response};
use serde::{Deserialize, Serialize};

use crate::web::http::body::Body;
use crate::web::http::cookies::{Cookie, Cookies};
use crate::web::pages::{FirstNotice, Notice, Outcome};

/// Long enough for a person to answer a question of PAM's.
const SECONDS: u64 = 120;
/// Longest cookie that is read.
const LONGEST: usize = 3000;

/// The next page and its words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Flash {
    /// The login page, with the name as typed.
    Login { notice: Notice, user: String },
    /// A question of PAM's.
    Prompt {
        conversation: u64,
        text: String,
        echo: bool,
    },
    /// The page for the first account, with the name as typed.
    First { notice: FirstNotice, user: String },
    /// A new password is needed, and why the one before was not taken.
    Renewal {
        conversation: u64,
        user: String,
        text: String,
    },
    /// The account page.
    Account(Outcome),
}

impl Flash {
    /// The flash that the browser was given, if it can be read.
    pub(crate) fn of(headers: &HeaderMap, cookies: &Cookies, secure: bool) -> Option<Self> {
        let text = cookies.get(headers, Cookie::Flash, secure)?;
        (text.len() <= LONGEST).then_some(())?;
        let bytes = Base64UrlUnpadded::decode_vec(text).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Gives it to the browser with an answer.
    pub(crate) fn give(
        &self,
        mut reply: Response<Body>,
        cookies: &Cookies,
        secure: bool,
    ) -> Response<Body> {
        let text = serde_json::to_vec(self).unwrap_or_default();
        let text = Base64UrlUnpadded::encode_string(&text);
        append(
            &mut reply,
            cookies.set(Cookie::Flash, &text, secure, SECONDS),
        );
        reply
    }

    /// Takes it back: this page shows it.
    pub(crate) fn taken(
        mut reply: Response<Body>,
        cookies: &Cookies,
        secure: bool,
    ) -> Response<Body> {
        append(&mut reply, cookies.set(Cookie::Flash, "", secure, 0));
        reply
    }
}

fn append(reply: &mut Response<Body>, line: Option<HeaderValue>) {
    if let Some(line) = line {
        reply.headers_mut().append(SET_COOKIE, line);
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::COOKIE;

    use super::*;
    use crate::web::http::body;

    #[test]
    fn what_is_given_comes_back_once_and_nonsense_is_nothing() {
        let cookies = Cookies::of("opencode");
        let flash = Flash::Account(Outcome::Failed("Too <short>; \"x\"\n".to_owned()));
        let reply = flash.give(Response::new(body::empty()), &cookies, false);
        let line = reply.headers()[SET_COOKIE].to_str().unwrap().to_owned();
        assert!(
            line.contains("; HttpOnly; SameSite=Strict; Max-Age=120"),
            "{line}"
        );
        let sent = |pair: &str| {
            let pair = HeaderValue::try_from(pair).unwrap();
            Flash::of(&HeaderMap::from_iter([(COOKIE, pair)]), &cookies, false)
        };
        assert_eq!(sent(line.split(';').next().unwrap()), Some(flash));
        let long = "A".repeat(LONGEST + 1);
        for nonsense in ["", "x", "....", "eyJ4IjoxfQ", &long] {
            assert_eq!(sent(&format!("occ-flash_opencode={nonsense}")), None);
        }
        let taken = Flash::taken(Response::new(body::empty()), &cookies, false);
        let line = taken.headers()[SET_COOKIE].to_str().unwrap();
        assert!(line.contains("Max-Age=0"), "{line}");
    }
}
