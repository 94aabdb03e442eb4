//! passwd(5): `name:x:uid:gid:gecos:home:shell`.

use super::table::{self, LineBuilder};
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

/// Appends the line of an account. A disabled one keeps its place, so that its files
/// keep their owner's name.
pub fn line(into: &mut Vec<u8>, account: &Account, shell: &Shell) {
    let Account {
        name,
        uid,
        real_name,
        home,
        ..
    } = account;
    LineBuilder::new(into, name.as_str())
        .text("x")
        .number(uid.get())
        .number(uid.get())
        .text(real_name.as_str())
        .text(home.as_str())
        .text(shell.as_str())
        .finish();
}

/// Appends the line with another shell; nothing if it has not seven fields.
pub fn with_shell(into: &mut Vec<u8>, line: &[u8], shell: &Shell) {
    let fields = table::fields(line);
    if let [.., old] = fields.as_slice()
        && fields.len() == 7
    {
        into.extend_from_slice(&line[..line.len() - old.len()]);
        into.extend_from_slice(shell.as_str().as_bytes());
    }
}
