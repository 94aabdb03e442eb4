//! group(5) `name:x:gid:members` and gshadow(5) `name:hash:admins:members`.
//!
//! Every account has a group of its own. In groups of the image only our own
//! names come and go; everybody else's stay, in their order.

use super::table;
use crate::account::Account;
use std::collections::BTreeSet;

/// The name and gid of a line of group(5), if it is one. Readers take whatever
/// follows the third colon for members, more colons too.
pub fn name_and_gid(line: &[u8]) -> Option<(&[u8], u32)> {
    let name = table::name(line)?;
    let mut fields = line.splitn(4, |&b| b == b':');
    let gid = fields.nth(2)?;
    fields.next()?;
    Some((name, table::number(gid)?))
}

/// Appends the line of an account's own group in group(5), without its newline.
pub fn push_line(text: &mut String, account: &Account) {
    let mut digits = itoa::Buffer::new();
    let gid = digits.format(account.uid.get());
    table::push_fields(text, &[account.name.as_str(), "x", gid, ""]);
}

/// Appends the line of an account's own group in gshadow(5), without its newline: no
/// password, no members.
pub fn push_gshadow_line(text: &mut String, account: &Account) {
    table::push_fields(text, &[account.name.as_str(), "!", "", ""]);
}

/// A line of somebody else's group in group(5) or gshadow(5), with the names of
/// ours that are in it as they should be: `stays` decides about each present
/// member, `joins` are added if not there. Returns `None` if nothing
/// changes.
///
/// gshadow's third field lists administrators, who can add themselves, so with
/// `has_administrators` it loses our names too. In group(5) it is the gid, and
/// stays even where it is none: emptied, musl would read it as 0.
pub fn with_members(
    line: &[u8],
    has_administrators: bool,
    stays: impl Fn(&[u8]) -> bool,
    joins: &[&str],
) -> Option<Vec<u8>> {
    // As readers do: what follows the third colon is the members, colons too.
    let fields: Vec<&[u8]> = line.splitn(4, |&b| b == b':').collect();
    let [name, password, third, members] = fields.as_slice() else {
        return None;
    };
    let third = if has_administrators {
        filtered(third, &stays, &[])
    } else {
        third.to_vec()
    };
    let members = filtered(members, &stays, joins);
    let new = [name, password, third.as_slice(), members.as_slice()].join(&b':');
    (new != line).then_some(new)
}

fn filtered(list: &[u8], stays: impl Fn(&[u8]) -> bool, joins: &[&str]) -> Vec<u8> {
    // glibc skips blanks before a member.
    let stays = |member: &[u8]| stays(member.trim_ascii_start());
    let mut members: Vec<&[u8]> = list.split(|&b| b == b',').collect();
    let untouched = members
        .iter()
        .all(|member| member.is_empty() || stays(member));
    let joining: Vec<&[u8]> = if joins.is_empty() {
        Vec::new()
    } else {
        let present: BTreeSet<&[u8]> = members.iter().copied().collect();
        let names = joins.iter().map(|name| name.as_bytes());
        names.filter(|name| !present.contains(name)).collect()
    };
    if untouched && joining.is_empty() {
        return list.to_vec();
    }
    members.retain(|member| !member.is_empty() && stays(member));
    members.extend(joining);
    members.join(&b',')
}

#[cfg(test)]
mod tests;
