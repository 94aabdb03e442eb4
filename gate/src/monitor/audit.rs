//! The audit lines of the log: one for each login that somebody tried, whatever becomes of
//! it. fail2ban reads them (`image/fail2ban/`), so their format stays as it is:
//!
//! ```text
//! login ok from=192.0.2.1 user=alice by=password
//! login failed from=192.0.2.1 user=? by=password why=refused
//! login unchecked from=192.0.2.1 user=alice by=passkey why=unavailable
//! ```
//!
//! No word of them is a stranger's choice. The name is an account's, because a typed name may
//! be a password; the address is the one whose failures are counted.

use std::net::IpAddr;

use crate::log;

/// What was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    Login,
    /// The first account, with its code.
    Setup,
    /// These are asked for in a session, and need its person's password.
    PasswordChange,
    SecondStep,
    Passkey,
}

/// What was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Password,
    /// And what else PAM asked for.
    PasswordAndCode,
    Passkey,
    Token,
    SetupCode,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Ok,
    /// It was wrong, or its account is closed.
    Refused,
    /// Nothing was looked at: there were too many failures before.
    TooManyFailures,
    /// Too many others waited.
    Busy,
    /// PAM, or what else decides, failed.
    Unavailable,
    /// The browser went away, or nobody answered what PAM asked.
    Unanswered,
    /// It was right; the new password or the new account was not taken.
    NotTaken,
    /// It was right; somebody else changed the account meanwhile.
    AccountChanged,
}

impl Topic {
    fn word(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Setup => "setup",
            Self::PasswordChange => "password-change",
            Self::SecondStep => "second-step",
            Self::Passkey => "passkey",
        }
    }
}

impl By {
    fn word(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::PasswordAndCode => "password+code",
            Self::Passkey => "passkey",
            Self::Token => "token",
            Self::SetupCode => "setup-code",
        }
    }
}

impl Outcome {
    /// `failed` counts against the address, as it does with the login itself; what was not
    /// looked at, or not to its end, does not.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Ok => ("ok", ""),
            Self::Refused => ("failed", " why=refused"),
            Self::TooManyFailures => ("failed", " why=too-many-failures"),
            Self::Busy => ("unchecked", " why=busy"),
            Self::Unavailable => ("unchecked", " why=unavailable"),
            Self::Unanswered => ("unchecked", " why=unanswered"),
            Self::NotTaken => ("unchecked", " why=not-taken"),
            Self::AccountChanged => ("unchecked", " why=account-changed"),
        }
    }
}

/// The line of one attempt. Dropped before its outcome is known, it was not answered.
#[derive(Debug)]
pub(crate) struct AuditLine {
    topic: Topic,
    address: IpAddr,
    user: Option<String>,
    by: By,
    is_written: bool,
}

impl AuditLine {
    /// `user` is the name of an account, or none.
    pub(crate) fn new(topic: Topic, address: IpAddr, user: Option<&str>, by: By) -> Self {
        Self {
            topic,
            address: address.to_canonical(),
            user: user.map(one_word),
            by,
            is_written: false,
        }
    }

    /// PAM asks for more than the password.
    pub(crate) fn asks_for_code(&mut self) {
        if self.by == By::Password {
            self.by = By::PasswordAndCode;
        }
    }

    /// Writes it.
    pub(crate) fn end(mut self, outcome: Outcome) {
        self.write(outcome, "");
    }

    /// Writes it, with the id of the token.
    pub(crate) fn end_with_token(mut self, outcome: Outcome, id: &str) {
        self.write(outcome, &format!(" token={id}"));
    }

    fn write(&mut self, outcome: Outcome, rest: &str) {
        self.is_written = true;
        log::line(&self.text(outcome, rest));
    }

    fn text(&self, outcome: Outcome, rest: &str) -> String {
        let (topic, by, address) = (self.topic.word(), self.by.word(), self.address);
        let user = self.user.as_deref().unwrap_or("?");
        let (verb, why) = outcome.words();
        format!("{topic} {verb} from={address} user={user} by={by}{why}{rest}")
    }
}

impl Drop for AuditLine {
    fn drop(&mut self) {
        if !self.is_written {
            self.write(Outcome::Unanswered, "");
        }
    }
}

/// The name of an account that somebody made by hand may hold anything.
fn one_word(name: &str) -> String {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "_-.@+$".contains(char);
    let shown = |char| if is_plain(char) { char } else { '?' };
    name.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(address: &str, user: Option<&str>, by: By, outcome: Outcome) -> String {
        let mut line = AuditLine::new(Topic::Login, address.parse().unwrap(), user, by);
        line.is_written = true;
        line.text(outcome, "")
    }

    #[test]
    fn lines_stay_as_they_are() {
        for (address, user, by, outcome, line) in [
            (
                "192.0.2.1",
                Some("alice"),
                By::Password,
                Outcome::Ok,
                "login ok from=192.0.2.1 user=alice by=password",
            ),
            (
                "::ffff:192.0.2.1",
                None,
                By::Password,
                Outcome::Refused,
                "login failed from=192.0.2.1 user=? by=password why=refused",
            ),
            (
                "2001:db8::1",
                Some("a.b-c"),
                By::Passkey,
                Outcome::TooManyFailures,
                "login failed from=2001:db8::1 user=a.b-c by=passkey why=too-many-failures",
            ),
            (
                "192.0.2.1",
                Some("alice"),
                By::Token,
                Outcome::Unavailable,
                "login unchecked from=192.0.2.1 user=alice by=token why=unavailable",
            ),
        ] {
            assert_eq!(text(address, user, by, outcome), line);
        }
    }

    #[test]
    fn name_is_one_word() {
        let line = text(
            "192.0.2.1",
            Some("a b from=192.0.2.9\n\u{1b}[2J=\"é"),
            By::Password,
            Outcome::Refused,
        );
        assert_eq!(
            line,
            "login failed from=192.0.2.1 user=a?b?from?192.0.2.9???2J??? by=password why=refused"
        );
    }

    #[test]
    fn code_is_asked_for_beside_a_password_alone() {
        let address = [192, 0, 2, 1].into();
        for (by, then) in [
            (By::Password, By::PasswordAndCode),
            (By::Passkey, By::Passkey),
        ] {
            let mut line = AuditLine::new(Topic::Login, address, None, by);
            line.asks_for_code();
            assert_eq!(line.by, then);
        }
    }
}
