//! subuid(5) and subgid(5): `name:start:count`.
//!
//! A range follows from the uid alone, so it is the same after every recreate.

use super::table;
use crate::account::{Account, UidRange};

/// Ids in one range.
const COUNT: u64 = 65_536;
/// Start of the range of uid 1000.
const FIRST: u64 = 100_000;
/// Highest id that is not −1 or −2.
const LAST: u64 = u32::MAX as u64 - 2;

/// A range of subordinate ids, first and last.
pub type Range = (u64, u64);

/// The range of an account, unless it would pass the highest id or hold the
/// uids of people.
pub fn range(uid: u32, people: UidRange) -> Option<Range> {
    let start = FIRST + u64::from(uid.checked_sub(UidRange::MIN)?) * COUNT;
    let end = start + COUNT - 1;
    (end <= LAST && start > u64::from(people.max())).then_some((start, end))
}

/// Appends the line of an account, without its newline.
pub fn push_line(text: &mut String, account: &Account, range: Range) {
    let (mut start, mut count) = (itoa::Buffer::new(), itoa::Buffer::new());
    let (start, count) = (start.format(range.0), count.format(COUNT));
    table::push_fields(text, &[account.name.as_str(), start, count]);
}

/// The name and range of a line, if it is one.
pub fn name_and_range(line: &[u8]) -> Option<(&[u8], Range)> {
    let name = table::name(line)?;
    let fields = table::fields(line);
    let (start, count) = (
        u64::from(table::number(fields.get(1)?)?),
        u64::from(table::number(fields.get(2)?)?),
    );
    Some((name, (start, start + count.saturating_sub(1))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_follow_from_the_uid() {
        let people = UidRange::default();
        assert_eq!(range(1000, people), Some((100_000, 165_535)));
        assert_eq!(range(1001, people), Some((165_536, 231_071)));
        assert!(range(59_999, people).is_some());
        assert_eq!(range(66_600, people), None, "past the highest id");
        assert_eq!(
            range(1000, UidRange::from_login_defs(b"UID_MAX 200000")),
            None,
            "people are there"
        );
    }
}
