//! shadow(5): `name:hash:lstchg:min:max:warn:inactive:expire:flag`, in days
//! since 1970.

use super::table;
use crate::account::{Account, Aging, LOCKED, LastChange, PasswordHash};

/// Longest line, without the newline: musl's getspnam(3) has 256 bytes for
/// line, newline and NUL.
pub const MAX_LINE: usize = 254;

/// Password field of an account, in two parts: what locks it, and what is locked.
/// Never empty, since empty means "no password needed". Key-only accounts have
/// `*`, because sshd without PAM takes `!` for "locked".
pub fn password_field(account: &Account) -> [&str; 2] {
    let lock = if account.locked { "!" } else { "" };
    [
        lock,
        account.hash.as_ref().map_or("*", PasswordHash::expose),
    ]
}

/// Fields 3 to 8 of an account with their colons.
pub fn aging_fields(account: &Account) -> String {
    let mut fields = String::new();
    push_aging(&mut fields, account);
    fields
}

/// Appends fields 3 to 8. A disabled account expired on day 1, which shuts
/// key logins, cron and `su` out.
fn push_aging(text: &mut String, account: &Account) {
    let Aging {
        min,
        max,
        warn,
        inactive,
        expire,
    } = account.aging;
    let expire = if account.locked {
        Some(LOCKED)
    } else {
        expire.map(|day| day.max(LOCKED))
    };
    let days = [
        account.last_change().days(),
        Some(min.unwrap_or(0)),
        Some(max.unwrap_or(99_999)),
        Some(warn.unwrap_or(7)),
        inactive,
        expire,
    ];
    let mut digits = itoa::Buffer::new();
    for (at, days) in days.into_iter().enumerate() {
        if at > 0 {
            text.push(':');
        }
        if let Some(days) = days {
            text.push_str(digits.format(days));
        }
    }
}

/// Appends the line of an account, without its newline.
pub fn push_line(text: &mut String, account: &Account) {
    let [lock, password] = password_field(account);
    table::push_fields(text, &[account.name.as_str(), lock]);
    text.push_str(password);
    text.push(':');
    push_aging(text, account);
    text.push(':');
}

/// The line of an account, without its newline.
pub fn line(account: &Account) -> String {
    let mut line = String::new();
    push_line(&mut line, account);
    line
}

/// A present line as that of a disabled account, where the record can't say what
/// it should be. One `!`, as of passwd(1); a line that is none of nine fields
/// becomes one without a password.
pub fn locked(line: &[u8]) -> Option<Vec<u8>> {
    let name = table::name(line)?;
    let mut fields = table::fields(line);
    if fields.len() != 9 {
        return Some([name, b":!*::0:99999:7::1:"].concat());
    }
    let password = match fields[1] {
        b"" => b"!*".to_vec(),
        shut if shut.starts_with(b"!") => shut.to_vec(),
        open => [b"!", open].concat(),
    };
    fields[1] = &password;
    fields[7] = b"1";
    Some(fields.join(&b':'))
}

/// A present line, as far as capture needs it. No `Debug`: it holds a hash.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The login name.
    pub name: &'a [u8],
    /// The hash, with whatever stands before it.
    pub password: &'a [u8],
    /// Fields 3 to 8 with their colons.
    pub aging: &'a [u8],
}

impl<'a> Entry<'a> {
    /// Reads a line of nine fields.
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let name = table::name(line)?;
        let fields = table::fields(line);
        if fields.len() != 9 {
            return None;
        }
        let start = name.len() + 1 + fields[1].len() + 1;
        let end = line.len() - fields[8].len() - 1;
        Some(Self {
            name,
            password: fields[1],
            aging: &line[start..end],
        })
    }

    /// The aging fields as numbers, and the day of the last change.
    pub fn aging(&self) -> (LastChange, Aging) {
        read_aging(self.aging)
    }
}

/// Reads fields 3 to 8 with their colons.
pub fn read_aging(fields: &[u8]) -> (LastChange, Aging) {
    let mut days = fields.split(|&b| b == b':').map(table::number);
    let mut next = || days.next().flatten();
    let last_change = LastChange::of(next());
    let aging = Aging {
        min: next(),
        max: next(),
        warn: next(),
        inactive: next(),
        expire: next(),
    };
    (last_change, aging)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_present_line_is_locked_once() {
        let shut = b"alice:!$6$s$x:20000:0:99999:7::1:";
        let hash_free = b"alice:!*:20000:0:99999:7::1:";
        let made = b"alice:!*::0:99999:7::1:";
        let cases: [(&[u8], &[u8]); 6] = [
            (b"alice:$6$s$x:20000:0:99999:7:::", shut),
            (b"alice:$6$s$x:20000:0:99999:7::30000:", shut),
            (shut, shut),
            (b"alice::20000:0:99999:7:::", hash_free),
            (b"alice:*:20000:0:99999:7:::", hash_free),
            (b"alice:$6$s$x", made),
        ];
        for (line, expected) in cases {
            assert!(locked(line).unwrap() == expected, "not as expected");
        }
        assert_eq!(locked(b"no colon"), None);
    }
}
