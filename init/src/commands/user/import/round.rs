//! Decides about the lines of an import, one after the other: which account each makes or
//! changes, under the rules that `user add` has. Changes nothing.

use super::update;
use crate::admission::{self, Context};
use crate::clock::now_usec;
use crate::error::Error;
use accounts::account::{Account, Home, PasswordHash, RealName, Shell, Username};
use accounts::admin::import::{Entry, Item, Line, Secret};
use accounts::record::Record;
use std::collections::{BTreeMap, BTreeSet};

/// What becomes of a line.
pub(super) enum Decision {
    /// The account is there, and stays or is as asked.
    Exists(Account),
    /// The account is there, and is to be like this.
    Update(Account),
    New(Record),
}

/// Names, uids and homes that the lines before this one asked for.
#[derive(Default)]
pub(super) struct Round {
    names: BTreeMap<String, usize>,
    uids: BTreeMap<u64, usize>,
    homes: BTreeMap<String, usize>,
    /// Numbers that nobody gets by himself: used ones, and those asked for below.
    used: BTreeSet<u32>,
    /// Accounts that are there are changed.
    update: bool,
}

impl Round {
    pub(super) fn new(
        context: &Context<'_>,
        lines: &[Line<'_>],
        update: bool,
    ) -> Result<Self, Error> {
        let mut used = admission::used_ids(context)?;
        let items = lines.iter().filter_map(|line| line.item.as_ref().ok());
        let asked = items.filter_map(uid_of);
        used.extend(asked.filter_map(|uid| u32::try_from(uid).ok()));
        Ok(Self {
            used,
            update,
            ..Self::default()
        })
    }

    /// Says what becomes of a line; changes nothing but what the next line may ask.
    pub(super) fn decide(
        &mut self,
        context: &Context<'_>,
        line: &Line<'_>,
    ) -> Result<Decision, Error> {
        let item = line.item.as_ref().map_err(|why| Error::Line(why.clone()))?;
        let name = match item {
            Item::Entry(entry) => {
                Username::parse(entry.name).or_else(|_| admission::new_name(entry.name))?
            }
            Item::Record(record) => record.account().name.clone(),
        };
        self.ask_for(item, &name, line.number)?;
        if let Some(present) = admission::present(context, &name)? {
            let updated = if self.update {
                update::updated(context, present, item)?
            } else {
                None
            };
            let exists = || Decision::Exists(present.clone());
            return Ok(updated.map_or_else(exists, Decision::Update));
        }
        admission::check_not_removed(context, &name)?;
        admission::check_lines(context, &name, None)?;
        let record = match item {
            Item::Entry(entry) => {
                Record::new(self.account(context, admission::new_name(entry.name)?, entry)?)
            }
            Item::Record(record) => {
                let account = record.account();
                admission::check_uid(context, &name, account.uid.get().into())?;
                admission::check_home(context, account.home.clone())?;
                (**record).clone()
            }
        };
        self.used.insert(record.account().uid.get());
        Ok(Decision::New(record))
    }

    /// Enters a line's name, uid and home; fails if a line before has one of them.
    fn ask_for(&mut self, item: &Item<'_>, name: &Username, line: usize) -> Result<(), Error> {
        let repeated = |what| move |line| Err(Error::Repeated { what, line });
        let home = match item {
            Item::Entry(entry) => entry.home.map(str::to_owned),
            Item::Record(record) => Some(record.account().home.to_string()),
        };
        let before = self.names.insert(name.folded().into_owned(), line);
        before.map_or(Ok(()), repeated("name"))?;
        let before = uid_of(item).and_then(|uid| self.uids.insert(uid, line));
        before.map_or(Ok(()), repeated("uid"))?;
        let before = home.and_then(|home| self.homes.insert(home, line));
        before.map_or(Ok(()), repeated("home"))
    }

    /// The account of an entry, with the hash of a line that has one.
    fn account(
        &self,
        context: &Context<'_>,
        name: Username,
        entry: &Entry<'_>,
    ) -> Result<Account, Error> {
        let groups = entry.groups();
        admission::check_groups(context, &name, &groups)?;
        let uid = match entry.uid {
            Some(number) => admission::check_uid(context, &name, number)?,
            None => admission::next_uid(context, &name, &self.used)?,
        };
        let home = match entry.home {
            Some(home) => admission::check_home(context, Home::parse(home)?)?,
            None => admission::choose_home(context, &name, uid)?,
        };
        admission::check_old_home(context, &home, uid)?;
        let now = now_usec();
        let mut account = Account::new(name, uid, home, now);
        if let Some(comment) = entry.comment {
            account.real_name = RealName::parse(comment)?;
        }
        if let Some(shell) = entry.shell {
            account.shell = Shell::parse(shell)?;
        }
        account.member_of = groups;
        account.locked = entry.locked.unwrap_or(false);
        match entry.secret {
            Secret::Hash(hash) => account.set_password(PasswordHash::parse(hash)?, now),
            Secret::Password(password) => drop(super::plain(password)?),
            Secret::None => (),
        }
        Ok(account)
    }
}

fn uid_of(item: &Item<'_>) -> Option<u64> {
    match item {
        Item::Entry(entry) => entry.uid,
        Item::Record(record) => Some(record.account().uid.get().into()),
    }
}
