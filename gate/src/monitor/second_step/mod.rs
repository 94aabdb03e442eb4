//! The second step of a login: a one-time code from a person's phone. PAM's module
//! pam_google_authenticator asks for it and checks it; this turns it on and off.
//!
//! The keys lie in a directory of root's and not in the homes, where the module looks by
//! itself: a person's own agent runs under their uid and could read the key there, or delete
//! the file. There, too, a full home would keep its owner out: the module refuses a code that
//! it can't mark as used.

mod file;
mod key;
mod pending;
mod requests;

pub(crate) use self::file::{fault, is_on, remove_if_of_another};
pub(crate) use self::pending::Enrolments;

/// An answer as the module wants it: phones show codes in two groups.
pub(crate) fn typed(question: &str, answer: &[u8]) -> Vec<u8> {
    let is_code = question.to_ascii_lowercase().contains("code");
    let kept = |byte: &&u8| !is_code || !byte.is_ascii_whitespace();
    answer.iter().filter(kept).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_lose_their_spaces_and_passwords_do_not() {
        assert_eq!(typed("Verification code: ", b" 123 456 "), b"123456");
        assert_eq!(typed("LDAP password: ", b"a b"), b"a b");
    }
}
