//! passwd(5): `name:x:uid:gid:gecos:home:shell`.

use super::table;
use crate::account::{Account, Shell};

/// Longest line that musl's and small NSS readers take, without the newline.
pub const MAX_LINE: usize = 1022;

/// The name and uid of a line, if it is one; the rest is nobody's business.
pub fn name_and_uid(line: &[u8]) -> Option<(&[u8], u32)> {
    let name = table::name(line)?;
    let mut fields = line.splitn(7, |&b| b == b':');
    let uid = fields.nth(2)?;
    fields.nth(3)?;
    Some((name, table::number(uid)?))
}

/// Appends the line of an account, without its newline. A disabled one keeps its place,
/// so that its files keep their owner's name.
pub fn push_line(text: &mut String, account: &Account, shell: &Shell) {
    let Account {
        name,
        uid,
        real_name,
        home,
        ..
    } = account;
    let mut digits = itoa::Buffer::new();
    let uid = digits.format(uid.get());
    let (name, real_name) = (name.as_str(), real_name.as_str());
    let (home, shell) = (home.as_str(), shell.as_str());
    table::push_fields(text, &[name, "x", uid, uid, real_name, home, shell]);
}

/// The line with another shell. Returns `None` if it has not seven fields.
pub fn with_shell(line: &[u8], shell: &Shell) -> Option<Vec<u8>> {
    let mut fields = table::fields(line);
    if fields.len() != 7 {
        return None;
    }
    fields[6] = shell.as_str().as_bytes();
    Some(fields.join(&b':'))
}
