//! Password aging, in days since 1970 as shadow(5) has it.

/// Microseconds in a day.
pub const DAY_USEC: u64 = 86_400_000_000;

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

/// Whole days in a number of microseconds.
pub fn whole_days(usec: u64) -> u32 {
    u32::try_from(usec / DAY_USEC).unwrap_or(u32::MAX)
}

/// The day of a change, unless the clock was not set. Never 0: in shadow(5)
/// that forces a change at the next login, which locks key users out.
pub fn day_of_change(usec: u64) -> Option<u32> {
    (usec / DAY_USEC >= DAY_2000).then(|| whole_days(usec))
}
