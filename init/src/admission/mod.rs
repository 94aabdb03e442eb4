//! The rules about which account may get which name, uid and home, the same for `add`,
//! `import`, `adopt`, the first account and migrated records; and [`admit`], the only
//! function that makes an account.

mod context;

pub(crate) use context::{Claim, Context, claims};

use crate::error::Error;
use crate::home::Homes;
use crate::store::Store;
use accounts::account::{Account, Home, Uid, Username};
use accounts::record::{
    Part, Record, Records, Refusal, Rejected, Tombstone, refuse_by_image, refuse_name,
};
use std::collections::BTreeSet;

/// A reserved name gets its own answer even where the rule for new names would
/// refuse it too: `systemd-x` is not a typing mistake.
pub(crate) fn new_name(typed: &str) -> Result<Username, Error> {
    match (Username::new_account(typed), Username::parse(typed)) {
        (Err(_), Ok(name)) if name.is_reserved() => Err(Error::refused(&name, Refusal::Reserved)),
        (result, _) => Ok(result?),
    }
}

/// The account of that name, if there is one; an error where there is none and
/// none may be made.
pub(crate) fn present<'a>(
    context: &Context<'a>,
    name: &Username,
) -> Result<Option<&'a Account>, Error> {
    if let Some(refusal) = refuse_name(name, context.image) {
        return Err(Error::refused(name, refusal));
    }
    if let Some(present) = context.records.accounts.get(name) {
        return Ok(Some(present));
    }
    let mut rejected = context.records.rejected.iter();
    if let Some(rejected) = rejected.find(|rejected| rejected.name.as_ref() == Some(name)) {
        return Err(Error::bad_record(name, &*rejected.reason));
    }
    let mut others = context.records.accounts.keys();
    if let Some(twin) = others.find(|other| other.folded() == name.folded()) {
        return Err(Error::refused(name, Refusal::CaseTwin(twin.clone())));
    }
    check_ledger(context.records)?;
    Ok(None)
}

/// Fails unless tombstones and ledger can be read: a new account must get no uid of theirs.
pub(crate) fn check_ledger(records: &Records) -> Result<(), Error> {
    let mut rejected = records.rejected.iter();
    let is_needed = |rejected: &&Rejected| {
        rejected.part == Part::Directory && rejected.file != crate::store::LEGACY
    };
    match rejected.find(is_needed) {
        Some(rejected) => Err(Error::NoLedger(rejected.reason.clone())),
        None => Ok(()),
    }
}

/// The youngest tombstone of a name: the highest uid, since they only grow.
pub(crate) fn tombstone<'a>(context: &Context<'a>, name: &Username) -> Option<&'a Tombstone> {
    let tombstones = context.records.tombstones.iter();
    tombstones
        .filter(|dead| dead.name.folded() == name.folded())
        .max_by_key(|dead| dead.uid)
}

pub(crate) fn check_not_removed(context: &Context<'_>, name: &Username) -> Result<(), Error> {
    match tombstone(context, name) {
        Some(dead) => Err(Error::Removed {
            name: name.clone(),
            uid: dead.uid,
        }),
        None => Ok(()),
    }
}

/// Fails if the name is in passwd or group, except as the remains of the removed account of
/// that name.
pub(crate) fn check_lines(
    context: &Context<'_>,
    name: &Username,
    tombstone: Option<&Tombstone>,
) -> Result<(), Error> {
    let present = [
        ("passwd", context.uid_in_passwd(name)),
        ("group", context.gid_in_group(name)),
    ];
    for (file, id) in present {
        if let Some(id) = id.filter(|&id| tombstone.is_none_or(|dead| dead.uid.get() != id)) {
            let line = name.to_string();
            return Err(foreign(name, file, line, id));
        }
    }
    Ok(())
}

/// Fails if somebody else's line has the id that a removed account would get back.
pub(crate) fn check_old_id(
    context: &Context<'_>,
    name: &Username,
    dead: &Tombstone,
) -> Result<(), Error> {
    let id = dead.uid.get();
    match context.line_of_id(id, name) {
        Some((file, line)) => {
            let line = line.escape_debug().to_string();
            Err(foreign(name, file, line, id))
        }
        None => Ok(()),
    }
}

fn foreign(name: &Username, file: &'static str, line: String, id: u32) -> Error {
    let refusal = Refusal::Foreign {
        file,
        name: line,
        id,
    };
    Error::refused(name, refusal)
}

pub(crate) fn check_groups(
    context: &Context<'_>,
    name: &Username,
    groups: &[String],
) -> Result<(), Error> {
    let allow = &context.image.groups_allow;
    match groups.iter().find(|group| !allow.allows(group, name)) {
        Some(group) => Err(Error::GroupNotAllowed {
            name: name.clone(),
            group: group.clone(),
        }),
        None => Ok(()),
    }
}

/// Fails if an account that is changed gets a group that the image does not allow it. One that
/// its record asked for before may stay.
pub(crate) fn check_new_groups(
    context: &Context<'_>,
    before: &Account,
    after: &Account,
) -> Result<(), Error> {
    let is_new = |group: &&String| !before.member_of.contains(group);
    let new: Vec<String> = after.member_of.iter().filter(is_new).cloned().collect();
    check_groups(context, &after.name, &new)
}

/// Parses a uid that was asked for by number, and fails unless it is free.
pub(crate) fn check_uid(context: &Context<'_>, name: &Username, number: u64) -> Result<Uid, Error> {
    let uid = context.image.uids.uid(number)?;
    let probe = Account::new(name.clone(), uid, Home::parse(&format!("/home/{name}"))?, 0);
    if let Some(refusal) = refuse_by_image(&probe, context.image) {
        return Err(Error::refused(name, refusal));
    }
    let given = context.store.map(|store| store.owner_of(uid.get()));
    let given = given.transpose()?.flatten();
    let recorded = claims(context.records).find(|claim| claim.uid == uid);
    let owner = given
        .filter(|owner| owner != name.as_str())
        .or_else(|| recorded.map(|claim| claim.name.to_string()))
        .or_else(|| Some(context.line_of_id(uid.get(), name)?.1));
    match owner {
        Some(owner) => Err(Error::UidTaken { uid, owner }),
        None => Ok(uid),
    }
}

/// The next uid, where none was asked for. `used` are those of people and of
/// the image: see [`used_ids`].
pub(crate) fn next_uid(
    context: &Context<'_>,
    name: &Username,
    used: &BTreeSet<u32>,
) -> Result<Uid, Error> {
    let uid = context.image.uids.allocate(used)?;
    if context.image.is_mapped(uid.get()) {
        Ok(uid)
    } else {
        Err(Error::refused(name, Refusal::Unmapped(uid)))
    }
}

/// Ids that no new account gets unless it is asked for by number.
pub(crate) fn used_ids(context: &Context<'_>) -> Result<BTreeSet<u32>, Error> {
    let mut used = context
        .store
        .map_or(Ok(BTreeSet::new()), Store::given_uids)?;
    used.extend(context.users().chain(context.groups()).map(|(_, id)| id));
    used.extend(Homes::open(context.root, &context.image.home_bases)?.owners()?);
    used.extend(claims(context.records).map(|claim| claim.uid.get()));
    used.extend(context.image.accounts.ids());
    used.extend(context.image.sudoers_gids());
    Ok(used)
}

/// Makes an account: writes its uid into the ledger for ever, then its record into the store.
/// A kill in between leaves a uid that the name gets again.
pub(crate) fn admit(store: &Store, record: &Record) -> Result<(), Error> {
    let account = record.account();
    if store.give_uid(account.uid, &account.name)? {
        return store.save(record);
    }
    let owner = store.owner_of(account.uid.get())?.unwrap_or_default();
    let uid = account.uid;
    Err(Error::UidTaken { uid, owner })
}

/// Fails unless the home is where the image allows it, and nobody else's.
pub(crate) fn check_home(context: &Context<'_>, home: Home) -> Result<Home, Error> {
    if !context.image.home_bases.allow(&home) {
        return Err(Error::HomeElsewhere(home));
    }
    match context.owner_of_home(&home) {
        Some(owner) => Err(Error::HomeTaken {
            owner: owner.clone(),
            home,
        }),
        None => Ok(home),
    }
}

/// Fails if the home is there and is another person's: whoever had the name before an update
/// that forgot them has another uid than the next one, and all of their files.
pub(crate) fn check_old_home(context: &Context<'_>, home: &Home, uid: Uid) -> Result<(), Error> {
    let homes = Homes::open(context.root, &context.image.home_bases)?;
    match homes.owner(home)? {
        Some(owner) if owner != uid.get() && context.image.uids.uid(owner.into()).is_ok() => {
            let home = home.clone();
            Err(Error::OldHome { home, owner, uid })
        }
        _ => Ok(()),
    }
}

/// Returns /home/NAME, or /home/NAME-UID if a removed account has that.
pub(crate) fn choose_home(context: &Context<'_>, name: &Username, uid: Uid) -> Result<Home, Error> {
    let plain = Home::parse(&format!("/home/{name}"))?;
    if context.owner_of_home(&plain).is_none() {
        return Ok(plain);
    }
    check_home(context, Home::parse(&format!("/home/{name}-{uid}"))?)
}
