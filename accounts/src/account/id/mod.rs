//! Uids: which numbers a person may have, and which one comes next.
//!
//! There is no gid type: an account's group is its user private group, whose
//! gid is the uid, so there is no second number to get wrong.

use std::collections::BTreeSet;
use std::fmt;

/// First uid that a new store hands out: images come with people at 1000
/// (`ubuntu`, `node`), so we start well above.
const FIRST: u32 = 10_000;

/// A uid that can be a person's: at least 1000, none of the numbers that
/// mean "nobody" (65534), "16-bit -1" (65535) or "-1" (2³²−1) to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid(u32);

/// Why a number is no person's uid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUid {
    /// Outside what this image gives to people.
    #[error(
        "invalid uid {uid}: people have {min} to {max}, never 65534 or 65535; a UID_MAX above 60000 in /etc/login.defs of the image gives them more"
    )]
    OutOfRange {
        /// The number refused.
        uid: u64,
        /// Lowest number allowed.
        min: u32,
        /// Highest number allowed.
        max: u32,
    },
    /// Every number of the range has been given to somebody once.
    #[error(
        "no uid is left between {min} and {max}; raise UID_MAX in /etc/login.defs of the image"
    )]
    Exhausted {
        /// Lowest number of the range.
        min: u32,
        /// Highest number of the range.
        max: u32,
    },
}

impl Uid {
    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The numbers that an image gives to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UidRange {
    max: u32,
}

impl UidRange {
    /// Lowest uid of a person, as in every distribution's login.defs.
    pub const MIN: u32 = 1000;

    /// 1000..=59999, or up to UID_MAX where login.defs(5) says more than 60000.
    pub fn from_login_defs(login_defs: &[u8]) -> Self {
        let uid_max = login_defs
            .split(|&b| b == b'\n')
            .rev()
            .find_map(uid_max_of_line);
        match uid_max {
            Some(max) if max > 60_000 && max < u32::MAX - 1 => Self { max },
            _ => Self::default(),
        }
    }

    /// Highest uid of a person.
    pub const fn max(self) -> u32 {
        self.max
    }

    /// The uid, if this image gives it to people.
    pub fn uid(self, number: u64) -> Result<Uid, InvalidUid> {
        match u32::try_from(number) {
            Ok(uid) if self.holds(uid) => Ok(Uid(uid)),
            _ => Err(InvalidUid::OutOfRange {
                uid: number,
                min: Self::MIN,
                max: self.max,
            }),
        }
    }

    fn holds(self, number: u32) -> bool {
        (Self::MIN..=self.max).contains(&number) && number != 65_534 && number != 65_535
    }

    /// The number for the next new account: one above the highest that was
    /// ever used, so that a removed person's number goes to nobody; when that
    /// leaves the range, the lowest never used.
    pub fn allocate(self, used: &BTreeSet<u32>) -> Result<Uid, InvalidUid> {
        let highest = used
            .range(Self::MIN..=self.max)
            .rev()
            .copied()
            .find(|&uid| self.holds(uid));
        let first = highest.map_or(FIRST, |uid| FIRST.max(uid + 1));
        (first..=self.max)
            .chain(Self::MIN..first.min(self.max))
            .find(|&uid| self.holds(uid) && !used.contains(&uid))
            .map(Uid)
            .ok_or(InvalidUid::Exhausted {
                min: Self::MIN,
                max: self.max,
            })
    }
}

impl Default for UidRange {
    fn default() -> Self {
        Self { max: 59_999 }
    }
}

/// The value of a `UID_MAX` line of login.defs(5).
fn uid_max_of_line(line: &[u8]) -> Option<u32> {
    let mut words = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
    if words.next()? != "UID_MAX" {
        return None;
    }
    words.next()?.parse().ok()
}

#[cfg(test)]
mod tests;
