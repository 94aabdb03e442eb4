//! `run --user NAME[:GROUP]`: from the bytes of passwd(5), group(5) and shadow(5) to ids.
//! Not by getpwnam(3): a static glibc must not load NSS.
//!
//! Knows no record: whether an account is disabled is read where login(1) would read it.

use std::fs;
use std::io::ErrorKind;

use accounts::files::group::name_and_gid;
use accounts::files::table::{self, fields, lines};

use crate::clock::today;
use crate::log::io_text;

/// The user that COMMAND runs as.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) name: Vec<u8>,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Supplementary groups; with an explicit GROUP that one alone, as docker.
    pub(crate) groups: Vec<u32>,
    pub(crate) home: Vec<u8>,
    pub(crate) shell: Vec<u8>,
}

/// Reads the files of `/etc` and resolves `spec`. The error is one line.
pub(crate) fn look_up(spec: &[u8]) -> Result<Identity, String> {
    let (passwd, group) = (read("/etc/passwd")?, read("/etc/group")?);
    resolve(spec, &passwd, &group, &read("/etc/shadow")?, today())
}

/// Only NotFound means empty: an unread shadow may hide a disabled account.
fn read(path: &str) -> Result<Vec<u8>, String> {
    match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(format!("cannot read '{path}': {}", io_text(&error))),
        Ok(bytes) => Ok(bytes),
    }
}

fn resolve(
    spec: &[u8],
    passwd: &[u8],
    group: &[u8],
    shadow: &[u8],
    today: u32,
) -> Result<Identity, String> {
    let mut parts = spec.splitn(2, |byte| *byte == b':');
    let user = parts.next().unwrap_or_default();
    let shown = String::from_utf8_lossy(user);
    let found = account(user, passwd).or_else(|| numbered(user));
    let mut found = found.ok_or_else(|| format!("no user '{shown}' in /etc/passwd"))?;
    if is_disabled(&found.name, shadow, today) {
        return Err(format!("the account '{shown}' is disabled"));
    }
    if let Some(wanted) = parts.next() {
        found.gid = group_id(wanted, group).ok_or_else(|| {
            let wanted = String::from_utf8_lossy(wanted);
            format!("no group '{wanted}' in /etc/group")
        })?;
        found.groups = vec![found.gid];
    } else {
        found.groups = memberships(&found, group);
    }
    Ok(found)
}

/// Never 2³²−1, which setresuid(2) takes for "leave it".
fn id(field: &[u8]) -> Option<u32> {
    table::number(field).filter(|id| *id != u32::MAX)
}

/// The line called `user`, else the first with that uid.
fn account(user: &[u8], passwd: &[u8]) -> Option<Identity> {
    let by_name = |line: &&[u8]| table::name(line) == Some(user);
    let by_uid = |line: &&[u8]| {
        let uid = id(user);
        let field = fields(line).get(2).copied();
        uid.is_some() && table::name(line).is_some() && field.and_then(id) == uid
    };
    let by_name = lines(passwd).find(by_name);
    let fields = fields(by_name.or_else(|| lines(passwd).find(by_uid))?);
    let [name, _, uid, gid, _, home, shell] = fields.as_slice() else {
        return None;
    };
    let or = |field: &[u8], default: &[u8]| match field {
        b"" => default.to_vec(),
        field => field.to_vec(),
    };
    Some(Identity {
        name: name.to_vec(),
        uid: id(uid)?,
        gid: id(gid)?,
        groups: Vec::new(),
        home: or(home, b"/"),
        shell: or(shell, b"/bin/sh"),
    })
}

/// A user who is no more than a number, as docker takes one: no line says more.
fn numbered(user: &[u8]) -> Option<Identity> {
    let uid = id(user)?;
    Some(Identity {
        name: user.to_vec(),
        uid,
        gid: 0,
        groups: Vec::new(),
        home: b"/".to_vec(),
        shell: b"/bin/sh".to_vec(),
    })
}

fn group_id(wanted: &[u8], group: &[u8]) -> Option<u32> {
    let named = lines(group).filter_map(name_and_gid);
    let mut named = named.filter(|(name, gid)| *name == wanted && *gid != u32::MAX);
    named.next().map(|(_, gid)| gid).or_else(|| id(wanted))
}

/// The groups of initgroups(3): the primary group and each that lists the name.
fn memberships(account: &Identity, group: &[u8]) -> Vec<u32> {
    let lists = |line: &&[u8]| {
        let members = fields(line).get(3).copied().unwrap_or_default();
        members
            .split(|byte| *byte == b',')
            .any(|name| name == account.name)
    };
    let listed = lines(group).filter(lists).filter_map(name_and_gid);
    let mut all = vec![account.gid];
    for (_, gid) in listed {
        if gid != u32::MAX && !all.contains(&gid) {
            all.push(gid);
        }
    }
    all
}

/// Returns true if the account has expired, or its hash is locked with `!`. A bare `!` or
/// `*` is the password of the image's own service users, which may run.
fn is_disabled(name: &[u8], shadow: &[u8], today: u32) -> bool {
    let Some(line) = lines(shadow).find(|line| table::name(line) == Some(name)) else {
        return false;
    };
    let fields = fields(line);
    let locked = fields.get(1).and_then(|hash| hash.strip_prefix(b"!"));
    let is_locked = locked.is_some_and(|hash| hash.contains(&b'$'));
    let expires = fields.get(7).and_then(|day| id(day));
    is_locked || expires.is_some_and(|day| day <= today)
}

#[cfg(test)]
mod tests;
