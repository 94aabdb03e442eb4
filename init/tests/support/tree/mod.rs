//! A small root tree in a temporary directory, and `occ-init` run on it.
//!
//! Every run checks by itself that no hash and no password of these tests comes
//! out: whatever else a test looks at, it also looks for that.

mod ran;
mod state;

pub(crate) use ran::{Ran, finish, finish_child, start};
pub(crate) use state::{foreign, unchanged};

use accounts::wire::{AccountReply, ListReply};
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The store below the root.
pub(crate) const STORE: &str = "var/lib/opencode-users";
/// A word that stands in every password of these tests and nowhere else.
pub(crate) const MARK: &str = "xyzzy-plugh";
/// The four files.
pub(crate) const FOUR: [&str; 4] = ["etc/passwd", "etc/shadow", "etc/group", "etc/gshadow"];

/// A public key of ssh; its private half was thrown away.
pub(crate) const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG7XlDM31LdZr0AjzdymgbyWg7rQepVzcdAqVudzft8b";
/// A hash that passes the gate; another letter, another hash.
pub(crate) fn hash(letter: char) -> String {
    format!(
        "$6$rounds=100000$saltsaltsaltsalt${}",
        letter.to_string().repeat(86)
    )
}

/// A Debian in miniature: comments, blanks, Latin-1 and NIS among its lines.
const PASSWD: &[u8] = b"root:x:0:0:root:/root:/bin/bash\n\
    # people come below\n\
    daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n\
    node:x:1000:1000:J\xf6rg:/home/node:/bin/bash\n\
    \n\
    malformed line without colons\n\
    nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n\
    +::::::\n";
const SHADOW: &[u8] = b"root:*:19000:0:99999:7:::\n\
    daemon:*:19000:0:99999:7:::\n\
    node:!:19000:0:99999:7:::\n\
    nobody:*:19000:0:99999:7:::\n";
const GROUP: &[u8] = b"root:x:0:\n\
    daemon:x:1:\n\
    sudo:x:27:\n\
    audio:x:29:node\n\
    shadow:x:42:\n\
    staff:x:50:\n\
    node:x:1000:\n\
    nogroup:x:65534:\n";
const GSHADOW: &[u8] = b"root:*::\n\
    daemon:*::\n\
    sudo:*::\n\
    audio:*::node\n\
    shadow:*::\n\
    staff:*::\n\
    node:!::\n\
    nogroup:*::\n";
const IMAGE_ACCOUNTS: &[u8] = b"user root 0\nuser daemon 1\nuser node 1000\nuser nobody 65534\n\
    group root 0\ngroup daemon 1\ngroup sudo 27\ngroup audio 29\ngroup shadow 42\ngroup staff 50\n\
    group node 1000\ngroup nogroup 65534\n";

/// A tree, gone when dropped.
pub(crate) struct Tree {
    directory: TempDir,
}

impl Tree {
    /// No account yet; the store does not exist.
    pub(crate) fn new() -> Self {
        assert!(
            nix::unistd::geteuid().is_root(),
            "these tests make files of other people's uids: run them as root"
        );
        let tree = Self {
            directory: in_memory(),
        };
        for directory in [
            "etc/skel",
            "etc/occ",
            "usr/share/occ",
            "usr/sbin",
            "home",
            "var/lib",
        ] {
            fs::create_dir_all(tree.path(directory)).unwrap();
        }
        tree.write("etc/passwd", PASSWD, 0o644);
        tree.write("etc/shadow", SHADOW, 0o640);
        tree.write("etc/group", GROUP, 0o644);
        tree.write("etc/gshadow", GSHADOW, 0o640);
        for secret in ["etc/shadow", "etc/gshadow"] {
            chown(tree.path(secret), Some(0), Some(42)).unwrap();
        }
        tree.write("usr/share/occ/image-accounts", IMAGE_ACCOUNTS, 0o644);
        tree.write(
            "etc/sudoers",
            b"root ALL=(ALL) ALL\n%Operators ALL=(ALL) NOPASSWD: ALL\n",
            0o440,
        );
        tree.write("usr/sbin/nologin", b"", 0o755);
        tree.write("etc/skel/.bashrc", b"# bash\n", 0o644);
        tree.write(
            "etc/occ/groups.allow",
            b"audio: alice bob\nstaff: *\n",
            0o644,
        );
        tree
    }

    /// A tree with accounts; the first has uid 10000.
    pub(crate) fn with(names: &[&str]) -> Self {
        let tree = Self::new();
        for (name, letter) in names.iter().zip('a'..) {
            tree.add(name, &hash(letter));
        }
        tree
    }

    /// The same tree again, with owners, modes and access lists.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self {
            directory: in_memory(),
        };
        let copied = Command::new("cp")
            .arg("-a")
            .arg(self.path("."))
            .arg(copy.root())
            .status();
        assert!(copied.unwrap().success(), "cp failed");
        copy
    }

    pub(crate) fn root(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.root().join(below)
    }

    /// A path in the store.
    pub(crate) fn store(&self, below: &str) -> PathBuf {
        self.path(STORE).join(below)
    }

    pub(crate) fn write(&self, below: &str, content: &[u8], mode: u32) {
        let path = self.path(below);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Puts a file into the store, as somebody who has the volume can.
    pub(crate) fn plant(&self, file: &str, content: &[u8]) {
        for directory in [self.store(""), self.store("removed"), self.store("uids")] {
            fs::create_dir_all(&directory).unwrap();
            fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).unwrap();
        }
        self.write(&format!("{STORE}/{file}"), content, 0o600);
    }

    pub(crate) fn read(&self, below: &str) -> Vec<u8> {
        fs::read(self.path(below)).unwrap_or_else(|error| panic!("{below}: {error}"))
    }

    pub(crate) fn text(&self, below: &str) -> String {
        String::from_utf8_lossy(&self.read(below)).into_owned()
    }

    /// The line of a name in one of the files.
    pub(crate) fn line(&self, below: &str, name: &str) -> Option<String> {
        let start = format!("{name}:");
        let text = self.text(below);
        let found: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with(&start))
            .collect();
        assert!(
            found.len() <= 1,
            "{below} has {name} twice:\n{}",
            redacted(&text)
        );
        found.first().map(|&line| line.to_owned())
    }

    /// A field of the line of a name; it must be there.
    pub(crate) fn field(&self, below: &str, name: &str, index: usize) -> String {
        let line = self
            .line(below, name)
            .unwrap_or_else(|| panic!("{below} has no {name}"));
        line.split(':').nth(index).unwrap().to_owned()
    }

    /// Replaces what stands in a file, as an editor does: new inode.
    pub(crate) fn edit(&self, below: &str, from: &str, to: &str) {
        let text = self.text(below);
        assert!(
            text.contains(from),
            "{below} does not hold what is to be replaced"
        );
        let (path, new) = (self.path(below), self.path(format!("{below}.new")));
        let meta = fs::metadata(&path).unwrap();
        fs::write(&new, text.replacen(from, to, 1)).unwrap();
        fs::set_permissions(&new, meta.permissions()).unwrap();
        chown(&new, Some(meta.uid()), Some(meta.gid())).unwrap();
        fs::rename(new, path).unwrap();
    }

    /// A record as JSON.
    pub(crate) fn record(&self, name: &str) -> Value {
        serde_json::from_slice(&fs::read(self.store(&format!("{name}.json"))).unwrap()).unwrap()
    }

    /// `occ-init --root TREE ARGS`, ready to run.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_occ-init"));
        command.arg("--root").arg(self.root()).args(args);
        // Rounds enough to be a hash, few enough for hundreds of runs.
        command.env("OCC_INIT_SHA512_ROUNDS", "100000");
        command.env_remove("OCC_INIT_TRUST_STORE_MODES");
        command
    }

    /// Runs with something on standard input.
    pub(crate) fn feed<S: AsRef<OsStr>>(&self, args: &[S], input: impl AsRef<[u8]>) -> Ran {
        finish(self.command(args), input.as_ref())
    }

    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> Ran {
        self.feed(args, "")
    }

    /// Adds an account with a hash; it must work.
    pub(crate) fn add(&self, name: &str, hash: &str) -> u32 {
        let args = ["--json", "user", "add", name, "--password-hash-stdin"];
        let reply: AccountReply = self.feed(&args, hash).ends(0).json();
        reply.account.uid
    }

    pub(crate) fn restore(&self) -> Ran {
        self.run(&["restore"]).ends(0)
    }

    /// The names in `user list`.
    pub(crate) fn names(&self) -> Vec<String> {
        let reply: ListReply = self.run(&["--json", "user", "list"]).ends(0).json();
        reply
            .accounts
            .into_iter()
            .map(|account| account.user_name)
            .collect()
    }

    /// The names that have a record, readable or not.
    pub(crate) fn store_names(&self) -> Vec<String> {
        let files = fs::read_dir(self.store("")).unwrap();
        let names = files.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names
            .filter_map(|file| Some(file.strip_suffix(".json")?.to_owned()))
            .collect()
    }

    /// Everything in the tree but locks: kind, mode, owner and content of each
    /// path, and of files the inode and mtime too, so that a rewrite with the
    /// same content shows.
    pub(crate) fn state(&self) -> String {
        let mut state = String::new();
        state::describe(self.root(), self.root(), &mut state);
        state
    }
}

/// In memory where there is a tmpfs: what is tested here are kills, which the
/// page cache survives, so nothing is lost but the wait for the disk.
fn in_memory() -> TempDir {
    TempDir::new_in("/dev/shm").unwrap_or_else(|_| TempDir::new().unwrap())
}

/// acl(5), as the kernel takes it: what the mode says, and uid 1000 may read.
#[allow(unsafe_code)]
pub(crate) fn give_access_list(file: &fs::File) {
    use std::os::fd::AsRawFd as _;
    let entries: [(u16, u16, u32); 5] = [
        (0x01, 6, u32::MAX),
        (0x02, 4, 1000),
        (0x04, 4, u32::MAX),
        (0x10, 4, u32::MAX),
        (0x20, 4, u32::MAX),
    ];
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (tag, permissions, id) in entries {
        list.extend(tag.to_le_bytes());
        list.extend(permissions.to_le_bytes());
        list.extend(id.to_le_bytes());
    }
    let name = c"system.posix_acl_access".as_ptr();
    // SAFETY: a name that ends with NUL, and a list of that length.
    let set = unsafe {
        nix::libc::fsetxattr(file.as_raw_fd(), name, list.as_ptr().cast(), list.len(), 0)
    };
    assert_eq!(set, 0, "{}", std::io::Error::last_os_error());
}

/// Hashes out of a text that a failed test prints.
fn redacted(text: &str) -> String {
    text.split(':')
        .map(|field| if field.contains('$') { "(hash)" } else { field })
        .collect::<Vec<_>>()
        .join(":")
}

/// A record of ours, with the fields given on top.
pub(crate) fn record(name: &str, uid: u32, more: &Value) -> Vec<u8> {
    let mut document = json!({
        "userName": name,
        "uid": uid,
        "gid": uid,
        "disposition": "regular",
        "homeDirectory": format!("/home/{name}"),
        "shell": "/bin/bash",
        "locked": false,
        "occ": { "schema": 1, "created": 1_700_000_000_000_000_u64 },
        "privileged": { "hashedPassword": [hash('r')] },
    });
    for (field, value) in more.as_object().into_iter().flatten() {
        document[field] = value.clone();
    }
    serde_json::to_vec(&document).unwrap()
}
