//! Password aging, in days since 1970 as shadow(5) has it.

use std::time::{Duration, UNIX_EPOCH};

/// Microseconds in a day.
pub const DAY_USEC: u64 = 86_400_000_000;

/// The day on which a locked account expired: not 0, which shadow(5) calls ambiguous.
pub const LOCKED: u32 = 1;

const DAY_SECONDS: u64 = 86_400;

/// 9999-12-31 23:59:59, the last that a date has four digits for.
const LATEST: u64 = 253_402_300_799;

/// 2000-01-01: an earlier day of change comes from a clock that is not set.
const DAY_2000: u64 = 10_957;

/// The aging fields of shadow(5), in days; none means "as a new account has".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Aging {
    /// Days before the password may be changed again.
    pub min: Option<u32>,
    /// Days after which it must be changed.
    pub max: Option<u32>,
    /// Days of warning before that.
    pub warn: Option<u32>,
    /// Days after that until the account closes.
    pub inactive: Option<u32>,
    /// The day on which the account closes.
    pub expire: Option<u32>,
}

/// What shadow(5) says about the last change of a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastChange {
    /// Empty.
    Unknown,
    /// 0: a new password must be set at the next login.
    Forced,
    /// The day.
    Day(u32),
}

impl LastChange {
    /// Reads the field.
    pub fn of(days: Option<u32>) -> Self {
        match days {
            None => Self::Unknown,
            Some(0) => Self::Forced,
            Some(day) => Self::Day(day),
        }
    }

    /// The field.
    pub fn days(self) -> Option<u32> {
        match self {
            Self::Unknown => None,
            Self::Forced => Some(0),
            Self::Day(day) => Some(day),
        }
    }
}

impl Aging {
    /// Drops the day by which a locked account is shut for keys too, as `usermod -L -e 1`
    /// writes it and restore: it says nothing about the account once it is open again.
    pub fn forget_lock(&mut self) {
        self.expire = self.expire.filter(|&day| day != LOCKED);
    }

    /// Returns whether the account is closed on that day. Login programs count the day
    /// itself in (`pam_unix`).
    pub fn has_expired(&self, today: u32) -> bool {
        self.expire.is_some_and(|day| today >= day)
    }
}

/// The day of a date like `2027-01-31`; none if it is no date from 1970 on.
pub fn parse_date(text: &str) -> Option<u32> {
    let is_date = text.len() == 10 && text.is_ascii();
    let time = is_date.then(|| humantime::parse_rfc3339(&format!("{text}T00:00:00Z")))?;
    let since_1970 = time.ok()?.duration_since(UNIX_EPOCH).ok()?;
    u32::try_from(since_1970.as_secs() / DAY_SECONDS).ok()
}

/// A day like `2027-01-31`.
pub fn date_of(day: u32) -> String {
    let latest = u64::from(day) * DAY_SECONDS;
    let time = UNIX_EPOCH + Duration::from_secs(latest.min(LATEST));
    let mut text = humantime::format_rfc3339_seconds(time).to_string();
    text.truncate(10);
    text
}

/// Whole days in a number of microseconds.
pub fn whole_days(usec: u64) -> u32 {
    u32::try_from(usec / DAY_USEC).unwrap_or(u32::MAX)
}

/// The day of a change, unless the clock was not set. Never 0, which is
/// [`LastChange::Forced`].
pub fn day_of_change(usec: u64) -> Option<u32> {
    (usec / DAY_USEC >= DAY_2000).then(|| whole_days(usec))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_days_since_1970() {
        for (text, day) in [
            ("1970-01-01", Some(0)),
            ("2020-01-01", Some(18_262)),
            ("2024-02-29", Some(19_782)),
            ("2023-02-29", None),
            ("2020-1-1", None),
            ("2020-01-01 ", None),
            ("20200101", None),
            ("2020-01-32", None),
            ("never", None),
            ("1969-12-31", None),
        ] {
            assert_eq!(parse_date(text), day, "{text}");
        }
        for text in ["1970-01-01", "2020-01-01", "2024-02-29", "9999-12-31"] {
            assert_eq!(date_of(parse_date(text).unwrap()), text);
        }
        assert_eq!(date_of(u32::MAX), "9999-12-31");
    }

    #[test]
    fn an_account_is_closed_on_the_day_itself() {
        let aging = Aging {
            expire: Some(20_000),
            ..Aging::default()
        };
        assert!(!aging.has_expired(19_999));
        assert!(aging.has_expired(20_000));
        assert!(!Aging::default().has_expired(u32::MAX));
    }
}
