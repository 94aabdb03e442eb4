//! What must hold for any bytes.

use super::Verdict;
use super::corpus::SECRET;
use super::damage::Bytes;
use super::support::{self, World};
use accounts::account::{Account, Shell, Shells, UidRange};
use accounts::admin::import;
use accounts::admin::import::Item;
use accounts::files::table::LineAction;
use accounts::files::{Etc, File, group, passwd, shadow, subid, table};
use accounts::image::{GroupsAllow, HomeBases, Image, ImageAccounts};
use accounts::reconcile::Applied;
use accounts::record::{ParsedAccount, ParsedRecord, Part, Record, Records, Rejected};
use accounts::wire::{AccountReply, ErrorReply, ExportReply, ImportReply, ListReply, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use zeroize::Zeroizing;

fn ensure(holds: bool, what: &str) -> Verdict {
    if holds { Ok(()) } else { Err(what.to_owned()) }
}

/// Messages go to logs: no secret, and nothing that forges a line.
fn is_loggable(message: &str) -> Verdict {
    ensure(!message.contains(&SECRET[..6]), "a secret in a message")?;
    ensure(
        !message.contains(char::is_control),
        "control characters in a message",
    )
}

/// A record is one, or an error; what is read is what is written.
pub(crate) fn record(bytes: &[u8]) -> Verdict {
    _ = ParsedAccount::parse(bytes, UidRange::default());
    match ParsedRecord::parse(bytes, UidRange::default()) {
        Ok(ParsedRecord::Record(record)) => reads_back(&record),
        Ok(ParsedRecord::Legacy(_)) => Ok(()),
        Err(error) => is_loggable(&error.to_string()),
    }
}

/// Appends one line of an account.
type Render = fn(&mut String, &Account);

fn reads_back(record: &Record) -> Verdict {
    let account = record.account();
    let again = ParsedRecord::parse(&record.to_bytes(), UidRange::default());
    let Ok(ParsedRecord::Record(again)) = again else {
        return Err("what was written can't be read".into());
    };
    ensure(
        again.account() == account,
        "it reads back as another account",
    )?;
    let lines: [(File, Render); 3] = [
        (File::Shadow, shadow::push_line),
        (File::Group, group::push_line),
        (File::Gshadow, group::push_gshadow_line),
    ];
    for (file, render) in lines {
        let mut line = String::new();
        render(&mut line, account);
        let is_short = file != File::Shadow || line.len() <= shadow::MAX_LINE;
        ensure(
            !is_short || file.is_sound(line.as_bytes()),
            "a line that the gate stops",
        )?;
    }
    Ok(())
}

/// Lines are found as both libcs find them, and kept as they are.
pub(crate) fn account_file(bytes: &[u8]) -> Verdict {
    let kept = table::edit(bytes, |_| LineAction::Keep).finish();
    ensure(kept.is_none(), "a file where nothing changes is another")?;
    let copied = table::edit(bytes, |line| LineAction::Replace(line.into()));
    let has_last_newline = bytes.last().is_none_or(|&b| b == b'\n');
    ensure(
        copied.finish().is_none() == has_last_newline,
        "lines replaced by themselves are others",
    )?;
    for line in table::lines(bytes) {
        for found in [passwd::name_and_uid(line), group::name_and_gid(line)] {
            let Some((name, id)) = found else { continue };
            let field = table::fields(line)[2];
            ensure(table::name(line) == Some(name), "another name")?;
            ensure(
                support::sloppy_number(field) == Some(id),
                "musl reads another number",
            )?;
            ensure(
                support::glibc_number(field) == Some(id),
                "glibc reads another number",
            )?;
        }
        if let Some(entry) = shadow::Entry::parse(line) {
            _ = entry.aging();
            let locked = shadow::locked(line).unwrap_or_default();
            let entry = shadow::Entry::parse(&locked).ok_or("no line of nine fields")?;
            ensure(
                entry.password.starts_with(b"!"),
                "a locked line that is open",
            )?;
        }
        _ = subid::name_and_range(line);
        _ = group::with_members(line, false, |_| false, &["alice"]);
        _ = group::with_members(line, true, |_| true, &["alice"]);
        let nologin = Shell::parse("/usr/sbin/nologin").unwrap();
        passwd::with_shell(line, &nologin);
    }
    Ok(())
}

/// An import is understood or refused, line by line, and repeats no secret.
pub(crate) fn import(bytes: &[u8]) -> Verdict {
    let mut unquoted = Zeroizing::new(Vec::new());
    let lines = match import::parse(bytes, &mut unquoted, UidRange::default()) {
        Ok(lines) => lines,
        Err(error) => return is_loggable(&error.to_string()),
    };
    let mut last = 0;
    for line in lines {
        // A lone carriage return ends a row of CSV, but no line.
        ensure(line.number >= last, "line numbers go back")?;
        last = line.number;
        match line.item {
            Ok(Item::Entry(entry)) => _ = entry.groups(),
            Ok(Item::Record(record)) => reads_back(&record)?,
            Err(error) => is_loggable(&error.to_string())?,
        }
    }
    Ok(())
}

/// Whatever is in records, files and memory: the plan keeps the rules.
pub(crate) fn plan((records, files, applied): &(Vec<Bytes>, Vec<(File, Bytes)>, Bytes)) -> Verdict {
    let mut etc = Etc::default();
    for (file, Bytes(content)) in files {
        etc.set(*file, content.clone());
    }
    let world = World {
        records: loaded(records),
        etc,
        image: image(),
        applied: serde_json::from_slice::<Applied>(&applied.0).unwrap_or_default(),
    };
    let plan = world.plan();
    is_loggable(&plan.to_string().replace('\n', " "))?;
    support::check(&world, &plan)?;
    accounts::reconcile::captures(&world.records, &world.etc, &world.applied);
    Ok(())
}

/// As the store loads them: of one name the last, the unreadable ones apart.
fn loaded(records: &[Bytes]) -> Records {
    let mut loaded = Records::default();
    for (index, Bytes(bytes)) in records.iter().enumerate() {
        match ParsedRecord::parse(bytes, UidRange::default()) {
            Ok(ParsedRecord::Record(record)) => {
                let account = record.account().clone();
                loaded
                    .accounts
                    .insert(account.name.clone(), Box::new(account));
            }
            _ => loaded.rejected.push(Rejected {
                part: Part::Record,
                file: format!("{index}.json"),
                name: None,
                reason: "unreadable".into(),
            }),
        }
    }
    loaded
}

fn image() -> Image {
    Image {
        accounts: ImageAccounts::parse(
            b"user root 0\nuser daemon 1\nuser node 1000\nuser nobody 65534\ngroup root 0\ngroup sudo 27\n\
              group audio 29\ngroup staff 50\ngroup node 1000\ngroup nogroup 65534\n",
        ),
        groups_allow: GroupsAllow::parse(b"audio: alice bob\nstaff: *\n"),
            home_bases: HomeBases::default(),
            sudoers_groups: BTreeSet::from(["operators".to_owned()]),
        uids: UidRange::default(),
        mapped_ids: vec![(0, u32::MAX)],
        shells: Shells::default(),
    }
}

/// What decodes is what encodes, and decodes again.
pub(crate) fn wire(bytes: &[u8]) -> Verdict {
    round_trip::<AccountReply>(bytes)?;
    round_trip::<ListReply>(bytes)?;
    round_trip::<ErrorReply>(bytes)?;
    round_trip::<ImportReply>(bytes)?;
    round_trip::<ExportReply>(bytes)?;
    if let Ok(reply) = serde_json::from_slice::<ImportReply>(bytes) {
        _ = reply.sentences(true, false);
    }
    _ = serde_json::from_slice::<Request>(bytes);
    Ok(())
}

fn round_trip<T: Serialize + DeserializeOwned + PartialEq>(bytes: &[u8]) -> Verdict {
    let Ok(value) = serde_json::from_slice::<T>(bytes) else {
        return Ok(());
    };
    let text = serde_json::to_vec(&value).map_err(|error| error.to_string())?;
    let again = serde_json::from_slice::<T>(&text).map_err(|error| error.to_string())?;
    ensure(again == value, "it decodes to something else")
}
