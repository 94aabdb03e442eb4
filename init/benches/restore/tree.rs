//! Trees to restore: a Debian's account files in a root of their own, and a
//! store full of people.

use accounts::account::{Account, Home, PasswordHash, RealName, UidRange, Username};
use accounts::record::Record;
use bench::{Error, io};
use std::fs::{self, Permissions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

/// The accounts that every Debian has.
const PASSWD: &str = include_str!("debian.passwd");
const GROUP: &str = include_str!("debian.group");
/// Files of the machine that PAM, useradd and newusers read.
const OF_TOOLS: [&str; 6] = [
    "/etc/pam.d",
    "/etc/security",
    "/etc/default",
    "/etc/skel",
    "/etc/nsswitch.conf",
    "/etc/ld.so.cache",
];
/// What a nothing-changed restore must leave as it is.
const WRITTEN: [&str; 5] = [
    "etc/passwd",
    "etc/shadow",
    "etc/group",
    "etc/gshadow",
    "var/lib/occ-init/applied.json",
];

/// One person, the same for all contenders.
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) hash: String,
}

/// `count` people whose names are in another order than their uids, as in life.
pub(crate) fn people(count: u32) -> impl Iterator<Item = Person> {
    const GIVEN: [&str; 8] = [
        "amina", "chen", "elena", "jonas", "maria", "nikhil", "sofia", "tomas",
    ];
    /// A prime: walks through all numbers below any `count` that is used here.
    const STEP: u64 = 7919;
    (0..count).map(move |index| {
        let number = u64::from(index) * STEP % u64::from(count);
        let given = GIVEN[usize::try_from(number % 8).unwrap_or_default()];
        // 65534 and 65535 are nobody's.
        let uid = 10_000 + index;
        Person {
            name: format!("{given}{number:05}"),
            uid: if uid < 65_534 { uid } else { uid + 2 },
            hash: hash(index),
        }
    })
}

/// A sha512-crypt hash in form, another one for each seed; nobody's password.
fn hash(seed: u32) -> String {
    const DIGITS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut state = u64::from(seed);
    let mut digit = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        char::from(DIGITS[usize::try_from(state >> 58).unwrap_or_default()])
    };
    let salt: String = (0..16).map(|_| digit()).collect();
    let digest: String = (0..86).map(|_| digit()).collect();
    format!("$6$rounds=500000${salt}${digest}")
}

/// A root directory.
pub(crate) struct Tree {
    pub(crate) root: PathBuf,
    login_defs: String,
}

impl Tree {
    /// A new tree for `count` people, without any.
    pub(crate) fn new(root: PathBuf, count: u32) -> Result<Self, Error> {
        // More than 50,000 people do not fit below Debian's 60000.
        let uid_max = if count <= 50_000 { 60_000 } else { 200_000 };
        let machine = fs::read_to_string("/etc/login.defs").map_err(io("/etc/login.defs"))?;
        let tree = Self {
            root,
            login_defs: format!("{machine}\nUID_MAX {uid_max}\nGID_MAX {uid_max}\n"),
        };
        remove(&tree.root)?;
        for directory in ["home", "var/lib", "var/log", "var/mail", "usr/sbin"] {
            make(&tree.path(directory), 0o755)?;
        }
        write(&tree.path("usr/sbin/nologin"), b"", 0o755)?;
        tree.reset()?;
        Ok(tree)
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root.join(below)
    }

    /// A container of a new image: its own accounts, none of the store.
    pub(crate) fn reset(&self) -> Result<(), Error> {
        let etc = self.path("etc");
        remove(&etc)?;
        remove(&self.path("var/lib/occ-init"))?;
        make(&etc, 0o755)?;
        for source in OF_TOOLS {
            copy(Path::new(source), &self.path(&source[1..]))?;
        }
        write(&etc.join("login.defs"), self.login_defs.as_bytes(), 0o644)?;
        write(&etc.join("passwd"), PASSWD.as_bytes(), 0o644)?;
        write(&etc.join("group"), GROUP.as_bytes(), 0o644)?;
        for (from, to, rest) in [
            (PASSWD, "shadow", "*:19000:0:99999:7:::"),
            (GROUP, "gshadow", "*::"),
        ] {
            let names = from.lines().filter_map(|line| line.split(':').next());
            let lines: String = names.flat_map(|name| [name, ":", rest, "\n"]).collect();
            write(&etc.join(to), lines.as_bytes(), 0o640)?;
            chown(etc.join(to), Some(0), Some(42)).map_err(io(&etc))?;
        }
        Ok(())
    }

    /// An empty /home. The old one is moved aside, not deleted: ext4 looks past the
    /// inodes that were freed in the last minutes, one by one, for each new file,
    /// which takes a hundred times as long as making it.
    pub(crate) fn clear_homes(&self) -> Result<(), Error> {
        let aside = self.path("gone");
        make(&aside, 0o700)?;
        let number = fs::read_dir(&aside).map_err(io(&aside))?.count();
        let home = self.path("home");
        fs::rename(&home, aside.join(number.to_string())).map_err(io(&home))?;
        make(&home, 0o755)
    }

    /// The store as `user add` leaves it: records and the ledger of uids.
    pub(crate) fn fill_store(&self, count: u32) -> Result<(), Error> {
        let range = UidRange::from_login_defs(self.login_defs.as_bytes());
        let store = self.path("var/lib/opencode-users");
        make(&store.join("uids"), 0o700)?;
        make(&store, 0o700)?;
        for person in people(count) {
            let record = record(&person, range)?;
            let file = store.join(format!("{}.json", person.name));
            write(&file, &record.to_bytes(), 0o600)?;
            let ledger = store.join("uids").join(person.uid.to_string());
            write(&ledger, format!("{}\n", person.name).as_bytes(), 0o600)?;
        }
        Ok(())
    }

    /// Fails unless all people are in passwd: else nothing was measured.
    pub(crate) fn must_hold(&self, count: u32) -> Result<(), Error> {
        let path = self.path("etc/passwd");
        let passwd = fs::read_to_string(&path).map_err(io(&path))?;
        let expected = PASSWD.lines().count() + usize::try_from(count).unwrap_or_default();
        let lines = passwd.lines().count();
        if lines == expected {
            return Ok(());
        }
        Err(Error::Other(format!(
            "'{}' has {lines} lines, not {expected}",
            path.display()
        )))
    }

    /// What changes whenever one of the files is written or replaced.
    pub(crate) fn state(&self) -> Result<Vec<(u64, i64, i64)>, Error> {
        let state = |file: &&str| {
            let path = self.path(file);
            let meta = fs::metadata(&path).map_err(io(path))?;
            Ok((meta.ino(), meta.mtime(), meta.mtime_nsec()))
        };
        WRITTEN.iter().map(state).collect()
    }
}

fn record(person: &Person, range: UidRange) -> Result<Record, Error> {
    let wrong = |error: &dyn std::fmt::Display| Error::Other(error.to_string());
    let name = Username::parse(&person.name).map_err(|e| wrong(&e))?;
    let uid = range.uid(person.uid.into()).map_err(|e| wrong(&e))?;
    let home = Home::parse(&format!("/home/{name}")).map_err(|e| wrong(&e))?;
    let hash = PasswordHash::parse(&person.hash).map_err(|e| wrong(&e))?;
    let mut account = Account::new(name, uid, home, 1_795_320_782_868_471);
    account.real_name = RealName::parse("A. Person").map_err(|e| wrong(&e))?;
    account.set_password(hash, 1_795_320_782_868_471);
    Ok(Record::new(account))
}

pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(io(path)(error)),
        _ => Ok(()),
    }
}

fn make(path: &Path, mode: u32) -> Result<(), Error> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(mode);
    builder.create(path).map_err(io(path))?;
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(io(path))
}

pub(crate) fn write(path: &Path, content: &[u8], mode: u32) -> Result<(), Error> {
    use std::io::Write as _;
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(mode);
    let written = options.open(path).and_then(|mut f| f.write_all(content));
    written.map_err(io(path))
}

fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    let Ok(meta) = fs::metadata(from) else {
        return Ok(());
    };
    if !meta.is_dir() {
        return fs::copy(from, to).map(drop).map_err(io(from));
    }
    make(to, 0o755)?;
    for entry in fs::read_dir(from).map_err(io(from))? {
        let entry = entry.map_err(io(from))?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}
