//! One account and its parts, each of a type that only holds valid values.

mod aging;
mod digest;
mod id;
mod name;
mod password;
mod shells;
mod text;

pub use aging::{Aging, DAY_USEC, day_of_change, whole_days};
pub use digest::Digest;
pub use id::{InvalidUid, Uid, UidRange};
pub use name::{InvalidName, Username};
pub use password::{InvalidHash, PasswordHash};
pub use shells::Shells;
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
    /// Lines for sshd.
    pub ssh_keys: Vec<String>,
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
            ssh_keys: Vec::new(),
            created_usec,
        }
    }

    /// Sets a new password, as passwd(1) does: the hash and the day.
    pub fn set_password(&mut self, hash: PasswordHash, now_usec: u64) {
        self.hash = Some(hash);
        self.hash_refused = None;
        self.password_changed_usec = Some(now_usec);
    }

    /// The account as programs see it.
    pub fn view(&self) -> AccountView {
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
            } else {
                Status::Enabled
            },
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
