//! One account and its parts, each of a type that only holds valid values.

mod aging;
mod digest;
mod id;
mod name;
mod password;
mod plaintext;
mod shells;
mod ssh_key;
mod text;

pub use aging::{
    Aging, DAY_USEC, LOCKED, LastChange, date_of, day_of_change, parse_date, whole_days,
};
pub use digest::Digest;
pub use id::{InvalidUid, Uid, UidRange};
pub use name::{InvalidName, Username};
pub use password::{InvalidHash, PasswordHash};
pub use plaintext::{InvalidPassword, MAX_PASSWORD, check_password, secret_of, weakness};
pub use shells::Shells;
pub use ssh_key::{InvalidKeys, SshKey, check_room};
pub use text::{HOME_BASE, Home, InvalidText, RealName, Shell};
pub(crate) use text::{is_field, is_plain};

use crate::wire::{AccountView, Status};

/// One account, as restore needs it. It has no gid: the gid is the uid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The login name.
    pub name: Username,
    /// The number that this name keeps for ever.
    pub uid: Uid,
    /// gecos.
    pub real_name: RealName,
    /// Below /home.
    pub home: Home,
    /// The login shell while enabled.
    pub shell: Shell,
    /// Groups asked for; the image decides which are granted.
    pub member_of: Vec<String>,
    /// The hash, if there is one and it passed the gate.
    pub hash: Option<PasswordHash>,
    /// Why the record's hash did not pass; the account is then restored with `*`.
    pub hash_refused: Option<InvalidHash>,
    /// Disabled by an administrator.
    pub locked: bool,
    /// The password-aging fields of shadow(5), but the day of the last change,
    /// which is [`Account::password_changed_usec`].
    pub aging: Aging,
    /// When the password was last set, microseconds since 1970.
    pub password_changed_usec: Option<u64>,
    /// A new password must be set at the next login.
    pub must_change: bool,
    /// Lines for sshd.
    pub ssh_keys: Vec<String>,
    /// The number of passkeys in the record, which alone changes them.
    pub passkeys: usize,
    /// When the record was made, microseconds since 1970.
    pub created_usec: u64,
}

impl Account {
    /// A new account with the defaults of a new person.
    pub fn new(name: Username, uid: Uid, home: Home, created_usec: u64) -> Self {
        Self {
            name,
            uid,
            real_name: RealName::default(),
            home,
            shell: Shell::default(),
            member_of: Vec::new(),
            hash: None,
            hash_refused: None,
            locked: false,
            aging: Aging::default(),
            password_changed_usec: None,
            must_change: false,
            ssh_keys: Vec::new(),
            passkeys: 0,
            created_usec,
        }
    }

    /// Sets a new password, as passwd(1) does: the hash and the day.
    pub fn set_password(&mut self, hash: PasswordHash, now_usec: u64) {
        self.hash = Some(hash);
        self.hash_refused = None;
        self.password_changed_usec = Some(now_usec);
        self.must_change = false;
    }

    /// The day of the last change as shadow(5) has it.
    pub fn last_change(&self) -> LastChange {
        if self.must_change {
            return LastChange::Forced;
        }
        LastChange::of(self.password_changed_usec.and_then(day_of_change))
    }

    /// Takes over what shadow(5) says about the last change. A record knows the time of
    /// day, which shadow(5) does not.
    pub fn set_last_change(&mut self, change: LastChange) {
        self.must_change = change == LastChange::Forced;
        if change == LastChange::Forced || change == self.last_change() {
            return;
        }
        // shadow(5) has room for days that overflow 64 bits of microseconds.
        let usec = |day| u64::from(day).saturating_mul(DAY_USEC);
        self.password_changed_usec = change.days().map(usec);
    }

    /// The account as programs see it on that day.
    pub fn view(&self, today: u32) -> AccountView {
        // Whatever the record asks for ends up on a terminal.
        let printable = |group: &&String| !group.is_empty() && is_field(group);
        let mut member_of: Vec<String> = self.member_of.iter().filter(printable).cloned().collect();
        member_of.sort();
        member_of.dedup();
        AccountView {
            user_name: self.name.to_string(),
            uid: self.uid.get(),
            gid: self.uid.get(),
            real_name: self.real_name.as_str().to_owned(),
            home_directory: self.home.to_string(),
            shell: self.shell.as_str().to_owned(),
            member_of,
            status: if self.locked {
                Status::Disabled
            } else if self.aging.has_expired(today) {
                Status::Expired
            } else {
                Status::Enabled
            },
            expires_usec: self
                .aging
                .expire
                .map(|day| u64::from(day).saturating_mul(DAY_USEC)),
            password_change_now: self.must_change,
            has_password: Some(self.hash.is_some()),
            ssh_keys: Some(self.ssh_keys.len()),
            passkeys: (self.passkeys > 0).then_some(self.passkeys),
            last_password_change_usec: self.password_changed_usec,
        }
    }
}

#[cfg(test)]
impl Account {
    /// An account for the tests of all modules.
    pub(crate) fn called(name: &str, uid: u64) -> Self {
        let home = Home::parse(&format!("/home/{name}")).unwrap();
        let uid = UidRange::default().uid(uid).unwrap();
        Self::new(Username::parse(name).unwrap(), uid, home, 0)
    }
}
