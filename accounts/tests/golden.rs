//! Whole trees: records and /etc before, /etc and the printed plan after.
//!
//! A case is a directory `golden/NN_what` with `records/` (as on the volume,
//! with `removed/` and `uids/`), `etc/`, and if need be `applied.json`,
//! `image-accounts` (missing: what `etc/passwd` and `etc/group` hold below
//! 1000), `groups.allow`, `homes.allow`, `sudoers-groups`, `login.defs`. `BLESS=1` rewrites
//! `expected/`, which holds the changed files alone, and `plan.txt`.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the cases are files, and one that can't be read is a failure"
)]

mod support;

use accounts::account::{Shells, UidRange, Username};
use accounts::files::{Etc, File};
use accounts::image::{GroupsAllow, HomeBases, Image, ImageAccounts};
use accounts::reconcile::{Applied, Plan};
use accounts::record::{ParsedRecord, Part, Records, Rejected, Tombstone};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use support::World;

#[test]
fn every_case() {
    let cases = directory(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden"));
    assert!(cases.len() >= 25, "only {} cases found", cases.len());
    let bless = std::env::var_os("BLESS").is_some();
    let failures: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            run(case, bless)
                .err()
                .map(|why| format!("{}: {why}", case.display()))
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn run(case: &Path, bless: bool) -> Result<(), String> {
    let world = load(case);
    let plan = world.plan();
    support::check(&world, &plan)?;
    let text = format!("{plan}\n");
    if bless {
        write_expected(case, &plan, &text);
        return Ok(());
    }
    compare(&case.join("plan.txt"), text.as_bytes())?;
    for file in File::ALL {
        let path = case.join("expected").join(file.name());
        match plan.writes.iter().find(|(written, _)| *written == file) {
            Some((_, content)) => compare(&path, content)?,
            None if path.exists() => return Err(format!("{} is not written", file.name())),
            None => (),
        }
    }
    Ok(())
}

fn compare(path: &Path, actual: &[u8]) -> Result<(), String> {
    let expected = fs::read(path).map_err(|e| {
        format!(
            "{}: {e}; run with BLESS=1 and read the result",
            path.display()
        )
    })?;
    if expected == actual {
        return Ok(());
    }
    let file = path.file_name().unwrap().display();
    Err(format!(
        "{file} differs\n--- expected\n{}\n--- actual\n{}",
        expected.escape_ascii().to_string().replace("\\n", "\n"),
        actual.escape_ascii().to_string().replace("\\n", "\n")
    ))
}

fn write_expected(case: &Path, plan: &Plan, text: &str) {
    let expected = case.join("expected");
    if expected.exists() {
        fs::remove_dir_all(&expected).unwrap();
    }
    fs::create_dir(&expected).unwrap();
    for (file, content) in &plan.writes {
        fs::write(expected.join(file.name()), content).unwrap();
    }
    fs::write(case.join("plan.txt"), text).unwrap();
}

fn load(case: &Path) -> World {
    let mut etc = Etc::default();
    for file in File::ALL {
        if let Some(content) = optional(&case.join("etc").join(file.name())) {
            etc.set(file, content);
        }
    }
    let uids = UidRange::from_login_defs(&optional(&case.join("login.defs")).unwrap_or_default());
    let image = load_image(case, &etc, uids);
    let applied = optional(&case.join("applied.json")).map_or_else(Applied::default, |bytes| {
        serde_json::from_slice(&bytes).expect("applied.json")
    });
    World {
        records: load_records(case, uids),
        etc,
        image,
        applied,
    }
}

fn load_image(case: &Path, etc: &Etc, uids: UidRange) -> Image {
    let listed = optional(&case.join("image-accounts"));
    let accounts = listed.map_or_else(
        || {
            ImageAccounts::snapshot(
                &system_lines(etc.bytes(File::Passwd)),
                &system_lines(etc.bytes(File::Group)),
            )
        },
        |file| ImageAccounts::parse(&file),
    );
    let sudoers = optional(&case.join("sudoers-groups")).unwrap_or_default();
    let sudoers = String::from_utf8(sudoers).unwrap();
    Image {
        accounts,
        groups_allow: GroupsAllow::parse(&optional(&case.join("groups.allow")).unwrap_or_default()),
        home_bases: HomeBases::parse(&optional(&case.join("homes.allow")).unwrap_or_default()),
        sudoers_groups: sudoers
            .split_whitespace()
            .map(str::to_owned)
            .collect::<BTreeSet<_>>(),
        uids,
        mapped_ids: vec![(0, u32::MAX)],
        shells: Shells::default(),
    }
}

/// The lines with an id below 1000.
fn system_lines(file: &[u8]) -> Vec<u8> {
    let id = |line: &&[u8]| {
        accounts::files::table::fields(line)
            .get(2)
            .copied()
            .and_then(accounts::files::table::number)
    };
    let lines =
        accounts::files::table::lines(file).filter(|line| id(line).is_some_and(|id| id < 1000));
    lines.flat_map(|line| [line, b"\n"].concat()).collect()
}

fn load_records(case: &Path, uids: UidRange) -> Records {
    let mut records = Records::default();
    for path in directory(&case.join("records"))
        .into_iter()
        .filter(|path| path.is_file())
    {
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let reason = match ParsedRecord::parse(&fs::read(&path).unwrap(), uids) {
            Ok(ParsedRecord::Record(record)) if record.account().name.as_str() == stem => {
                let account = record.account().clone();
                records
                    .accounts
                    .insert(account.name.clone(), Box::new(account));
                continue;
            }
            Ok(_) => "the name in it is not that of the file".to_owned(),
            Err(reason) => reason.to_string(),
        };
        records.rejected.push(Rejected {
            part: Part::Record,
            file: format!("{stem}.json"),
            name: Username::parse(&stem).ok(),
            reason,
        });
    }
    records.tombstones = directory(&case.join("records/removed"))
        .iter()
        .map(|path| tombstone(path, uids))
        .collect();
    for uid in records.doubtful_uids() {
        if let Some(owner) = optional(&case.join("records/uids").join(uid.to_string())) {
            records
                .ledger
                .insert(uid, String::from_utf8(owner).unwrap().trim_end().to_owned());
        }
    }
    records
}

fn tombstone(path: &Path, uids: UidRange) -> Tombstone {
    let Ok(ParsedRecord::Record(record)) = ParsedRecord::parse(&fs::read(path).unwrap(), uids)
    else {
        panic!("{} is no record", path.display());
    };
    let account = record.account();
    Tombstone {
        name: account.name.clone(),
        uid: account.uid,
        home: account.home.clone(),
    }
}

fn optional(path: &Path) -> Option<Vec<u8>> {
    path.exists().then(|| fs::read(path).unwrap())
}

/// The entries of a directory but hidden ones, sorted; none if there is no such directory.
fn directory(path: &Path) -> Vec<PathBuf> {
    if !path.exists() {
        return Vec::new();
    }
    let mut entries: Vec<PathBuf> = fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            !path
                .file_name()
                .unwrap()
                .as_encoded_bytes()
                .starts_with(b".")
        })
        .collect();
    entries.sort();
    entries
}
