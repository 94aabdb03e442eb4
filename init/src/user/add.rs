//! `user add`: a name, a uid for ever, a record, a home, four lines.

use super::passwd::{Credentials, credentials, with_password};
use super::{apply, begin, one, warn_about};
use crate::cli::Add;
use crate::command::Answer;
use crate::error::{Error, io};
use crate::restore::{Paths, Session, now_usec};
use crate::secret;
use accounts::id::Uid;
use accounts::name::{InvalidName, Username};
use accounts::record::{Account, Record};
use accounts::records::{Refusal, Tombstone, refuse_by_image, refuse_name};
use accounts::text::{Home, RealName, Shell};
use nix::errno::Errno;

/// Room for keys in a record: a larger record could not be read back.
const MAX_KEY_BYTES: usize = 48 * 1024;
/// Quotes, comma, newline and indentation of one key in a record.
const KEY_OVERHEAD: usize = 10;

/// What was typed, checked as far as it can be without looking at the store.
struct Wanted {
    name: Username,
    real_name: Option<RealName>,
    shell: Option<Shell>,
    ssh_keys: Vec<String>,
}

/// Makes an account.
pub(super) fn add(options: &Add, paths: &Paths, quiet: bool) -> Result<Answer, Error> {
    let wanted = wanted(options)?;
    if let Some(present) = check(&begin(paths)?, &wanted, options)? {
        return Ok(one(
            format!("User '{}' already exists.", wanted.name),
            false,
            present.view(),
            None,
        ));
    }
    let mut credentials = if options.no_password && !options.source.request_stdin {
        Credentials::default()
    } else {
        credentials(&options.source)?
    };
    match (&credentials.hash, options.no_password) {
        (None, false) => return Err(Error::Request("no password and no hash in it")),
        (Some(_), true) => return Err(Error::Request("a password in it, but --no-password")),
        _ => (),
    }
    credentials.ssh_keys = key_lines(credentials.ssh_keys.iter().map(String::as_bytes))?;
    // Somebody may have been faster while the password was typed.
    let mut session = begin(paths)?;
    if let Some(present) = check(&session, &wanted, options)? {
        return Ok(one(
            format!("User '{}' already exists.", wanted.name),
            false,
            present.view(),
            None,
        ));
    }
    let generated = credentials.generated.clone();
    let record = make(&mut session, &wanted, options, &credentials)?;
    let summary = apply(&mut session)?;
    warn_about(&summary, &wanted.name)?;
    let account = record.account();
    let message = format!("User '{}' created (uid {}).", account.name, account.uid);
    let text = with_password(message, generated.as_deref(), quiet, !options.no_password);
    Ok(one(
        text,
        true,
        account.view(),
        generated.map(|password| password.to_string()),
    ))
}

fn wanted(options: &Add) -> Result<Wanted, Error> {
    let typed = match &options.name {
        Some(name) => name.clone(),
        None if secret::can_ask() => match secret::ask("Username [opencode]: ")?.as_str() {
            "" => "opencode".to_owned(),
            name => name.to_owned(),
        },
        None => {
            return Err(Error::Usage(
                "a name is needed: give NAME, or use a terminal".into(),
            ));
        }
    };
    let mut ssh_keys = Vec::new();
    if let Some(path) = &options.ssh_key_file {
        let text = std::fs::read(path)
            .map_err(|e| io("read", path)(Errno::from_raw(e.raw_os_error().unwrap_or_default())))?;
        ssh_keys = key_lines(text.split(|&byte| byte == b'\n'))?;
    }
    Ok(Wanted {
        // A short or dashed name of a removed account may come back as it was.
        name: if options.restore {
            Username::parse(&typed)?
        } else {
            new_name(&typed)?
        },
        real_name: options
            .comment
            .as_deref()
            .map(RealName::parse)
            .transpose()?,
        shell: options.shell.as_deref().map(Shell::parse).transpose()?,
        ssh_keys,
    })
}

/// A reserved name gets its own answer even where the rule for new names would
/// refuse it too: `systemd-x` is not a typing mistake.
fn new_name(typed: &str) -> Result<Username, Error> {
    match (Username::new_account(typed), Username::parse(typed)) {
        (Err(_), Ok(name)) if name.is_reserved() => Err(Error::Refused {
            name,
            refusal: Refusal::Reserved,
        }),
        (result, _) => result.map_err(|invalid: InvalidName| invalid.into()),
    }
}

/// The keys among the lines; comments and blank lines are left out.
fn key_lines<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Result<Vec<String>, Error> {
    let mut keys = Vec::new();
    let mut room = MAX_KEY_BYTES;
    for (index, line) in lines.enumerate() {
        let line = std::str::from_utf8(line).map_err(|_| Error::SshKey(index + 1))?;
        let line = line.trim();
        if line.chars().any(|c| c.is_control() && c != '\t') {
            return Err(Error::SshKey(index + 1));
        }
        if !line.is_empty() && !line.starts_with('#') {
            let in_record = line.len() + KEY_OVERHEAD + line.matches(['"', '\\', '\t']).count();
            room = room.checked_sub(in_record).ok_or(Error::SshKeys)?;
            keys.push(line.to_owned());
        }
    }
    Ok(keys)
}

/// Every rule that says no, without changing anything. Returns the account that
/// is there already, where that is allowed.
fn check(session: &Session, wanted: &Wanted, options: &Add) -> Result<Option<Account>, Error> {
    let name = &wanted.name;
    let refuse = |refusal| Error::Refused {
        name: name.clone(),
        refusal,
    };
    if let Some(refusal) = refuse_name(name, &session.image) {
        return Err(refuse(refusal));
    }
    if let Some(present) = session.records.accounts.get(name) {
        return if options.if_missing {
            Ok(Some(present.clone()))
        } else {
            Err(Error::Exists(name.clone()))
        };
    }
    if let Some(rejected) = session
        .records
        .rejected
        .iter()
        .find(|r| r.name.as_ref() == Some(name))
    {
        return Err(Error::BadRecord {
            name: name.to_string(),
            reason: rejected.reason.clone(),
        });
    }
    if let Some(twin) = session
        .records
        .accounts
        .keys()
        .find(|other| other.folded() == name.folded())
    {
        return Err(refuse(Refusal::CaseTwin(twin.clone())));
    }
    let tombstone = tombstone(session, name);
    match tombstone {
        Some(dead) if !options.restore && !options.new_uid => {
            return Err(Error::Removed {
                name: name.clone(),
                uid: dead.uid,
            });
        }
        None if options.restore => return Err(Error::NotRemoved(name.clone())),
        _ => (),
    }
    check_lines(session, name, tombstone)?;
    check_groups(session, name, options)?;
    if let Some(number) = options.uid {
        check_uid(session, name, number)?;
    }
    Ok(None)
}

/// The name must not stand in passwd or group, but as what is left of the
/// removed account of that name.
fn check_lines(
    session: &Session,
    name: &Username,
    tombstone: Option<&Tombstone>,
) -> Result<(), Error> {
    let present = [
        ("passwd", session.uid_in_passwd(name)),
        ("group", session.gid_in_group(name)),
    ];
    for (file, id) in present {
        if let Some(id) = id.filter(|&id| tombstone.is_none_or(|dead| dead.uid.get() != id)) {
            let (name, shown) = (name.clone(), name.to_string());
            let refusal = Refusal::Foreign {
                file,
                name: shown,
                id,
            };
            return Err(Error::Refused { name, refusal });
        }
    }
    Ok(())
}

fn check_groups(session: &Session, name: &Username, options: &Add) -> Result<(), Error> {
    match options
        .groups
        .iter()
        .find(|group| !session.image.groups_allow.allows(group, name))
    {
        Some(group) => Err(Error::GroupNotAllowed {
            name: name.clone(),
            group: group.clone(),
        }),
        None => Ok(()),
    }
}

/// A uid that was asked for by number.
fn check_uid(session: &Session, name: &Username, number: u64) -> Result<Uid, Error> {
    let uid = session.image.uids.uid(number)?;
    let probe = Account::new(name.clone(), uid, Home::parse(&format!("/home/{name}"))?, 0);
    if let Some(refusal) = refuse_by_image(&probe, &session.image) {
        return Err(Error::Refused {
            name: name.clone(),
            refusal,
        });
    }
    let given = session
        .store
        .owner_of(uid.get())?
        .filter(|owner| owner != name.as_str());
    let recorded = session
        .records
        .accounts
        .values()
        .find(|account| account.uid == uid)
        .map(|a| a.name.to_string());
    let buried = session
        .records
        .tombstones
        .iter()
        .find(|dead| dead.uid == uid)
        .map(|dead| dead.name.to_string());
    match given
        .or(recorded)
        .or(buried)
        .or_else(|| session.holder_of(uid.get(), name))
    {
        Some(owner) => Err(Error::UidTaken { uid, owner }),
        None => Ok(uid),
    }
}

/// The youngest tombstone of a name: the highest uid, since they only grow.
fn tombstone<'a>(session: &'a Session, name: &Username) -> Option<&'a Tombstone> {
    session
        .records
        .tombstones
        .iter()
        .filter(|dead| dead.name.folded() == name.folded())
        .max_by_key(|dead| dead.uid)
}

/// Ledger, then record. From the record on, the account exists.
fn make(
    session: &mut Session,
    wanted: &Wanted,
    options: &Add,
    given: &Credentials,
) -> Result<Record, Error> {
    let name = &wanted.name;
    let fill = |account: &mut Account| {
        // What a removed account had, it keeps unless something else is asked.
        if let Some(real_name) = &wanted.real_name {
            account.real_name = real_name.clone();
        }
        if let Some(shell) = &wanted.shell {
            account.shell = shell.clone();
        }
        if !options.groups.is_empty() {
            account.member_of.clone_from(&options.groups);
            account.member_of.sort();
            account.member_of.dedup();
        }
        account.locked = options.disabled;
        account.ssh_keys = wanted
            .ssh_keys
            .iter()
            .chain(&given.ssh_keys)
            .cloned()
            .collect();
        account.hash = None;
        account.password_changed_usec = None;
        if let Some(hash) = given.hash.clone() {
            account.set_password(hash, now_usec());
        }
    };
    if options.restore {
        let dead = tombstone(session, name)
            .cloned()
            .ok_or_else(|| Error::NotRemoved(name.clone()))?;
        let mut record = session.store.read_tombstone(&dead, session.image.uids)?;
        record.update(fill);
        session.store.revive(&record)?;
        session
            .records
            .tombstones
            .retain(|other| other.uid != dead.uid);
        session.insert(&record);
        return Ok(record);
    }
    let uid = choose_uid(session, name, options)?;
    let mut account = Account::new(
        name.clone(),
        uid,
        choose_home(session, name, uid)?,
        now_usec(),
    );
    fill(&mut account);
    let record = Record::new(account);
    session.save(&record)?;
    Ok(record)
}

/// Writes the number down for ever, before the record is.
fn choose_uid(session: &Session, name: &Username, options: &Add) -> Result<Uid, Error> {
    let uid = match options.uid {
        Some(number) => check_uid(session, name, number)?,
        None => session.image.uids.allocate(&free_of_image(session)?)?,
    };
    if !session.image.is_mapped(uid.get()) {
        return Err(Error::Refused {
            name: name.clone(),
            refusal: Refusal::Unmapped(uid),
        });
    }
    if session.store.give_uid(uid, name)? {
        Ok(uid)
    } else {
        let owner = session.store.owner_of(uid.get())?.unwrap_or_default();
        Err(Error::UidTaken { uid, owner })
    }
}

fn free_of_image(session: &Session) -> Result<std::collections::BTreeSet<u32>, Error> {
    let mut used = session.used_ids()?;
    used.extend(session.image.accounts.ids());
    Ok(used)
}

/// /home/NAME, unless somebody who was removed has it: then with the uid.
fn choose_home(session: &Session, name: &Username, uid: Uid) -> Result<Home, Error> {
    let claimed = |home: &Home| {
        let living = session
            .records
            .accounts
            .values()
            .filter(|account| account.home == *home)
            .map(|a| &a.name);
        let dead = session
            .records
            .tombstones
            .iter()
            .filter(|dead| dead.home == *home)
            .map(|dead| &dead.name);
        living.chain(dead).next().cloned()
    };
    let plain = Home::parse(&format!("/home/{name}"))?;
    if claimed(&plain).is_none() {
        return Ok(plain);
    }
    let numbered = Home::parse(&format!("/home/{name}-{uid}"))?;
    match claimed(&numbered) {
        None => Ok(numbered),
        Some(owner) => Err(Error::HomeTaken {
            home: numbered,
            owner,
        }),
    }
}
