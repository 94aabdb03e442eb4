//! The runs that are killed and spoilt: each a command on a tree that is made
//! once and then copied for every point.

use crate::tree::{Ran, Tree, finish, hash, record};
use serde_json::json;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

/// One command on a tree that is made for it.
pub(crate) struct Scenario {
    pub(crate) make: fn() -> Tree,
    pub(crate) args: &'static [&'static str],
    /// Standard input in whole, and the parts of it after which the files may
    /// also stand: an import is all or nothing for each of its lines.
    pub(crate) input: fn() -> Vec<u8>,
    pub(crate) parts: fn() -> Vec<Vec<u8>>,
    /// The four files are mount points: nothing can be renamed over them.
    pub(crate) is_mounted: bool,
}

pub(crate) const PLAIN: Scenario = Scenario {
    make: || Tree::with(&["alice", "bob"]),
    args: &[],
    input: Vec::new,
    parts: Vec::new,
    is_mounted: false,
};

pub(crate) const ADD: Scenario = Scenario {
    make: with_skeleton,
    args: &[
        "user",
        "add",
        "carol",
        "--groups",
        "staff",
        "--password-hash-stdin",
    ],
    input: || hash('c').into(),
    ..PLAIN
};

pub(crate) const PASSWD: Scenario = Scenario {
    args: &["user", "passwd", "alice", "--password-hash-stdin"],
    input: || hash('n').into(),
    ..PLAIN
};

pub(crate) const DISABLE: Scenario = Scenario {
    args: &["user", "disable", "alice"],
    ..PLAIN
};

pub(crate) const ENABLE: Scenario = Scenario {
    make: || {
        let tree = Tree::with(&["alice", "bob"]);
        tree.run(&["user", "disable", "alice"]).ends(0);
        tree
    },
    args: &["user", "enable", "alice"],
    ..PLAIN
};

/// Every part of an account that has a flag.
pub(crate) const SET: Scenario = Scenario {
    args: &[
        "user",
        "set",
        "alice",
        "--comment=Alice Liddell",
        "--shell=/bin/sh",
        "--groups=staff",
        "--expires=2099-12-31",
        "--must-change-password",
    ],
    ..PLAIN
};

pub(crate) const IMPORT_UPDATE: Scenario = Scenario {
    args: &["user", "import", "--update"],
    input: || b"name,comment,shell\nalice,Alice,/bin/sh\nbob,Bob,/bin/sh\n".to_vec(),
    parts: || {
        let parts = ["alice,Alice,/bin/sh", "bob,Bob,/bin/sh"];
        let of = |line: &str| format!("name,comment,shell\n{line}\n").into_bytes();
        parts.map(of).to_vec()
    },
    ..PLAIN
};

/// What usermod(8), chage(1) and passwd(1) changed inside, and is captured.
pub(crate) const CAPTURE_OF_A_LOCK: Scenario = Scenario {
    make: || changed_inside(&[(1, &format!("!{}", hash('a'))), (7, "1")]),
    args: &["restore"],
    ..PLAIN
};

pub(crate) const CAPTURE_OF_AN_EXPIRY: Scenario = Scenario {
    make: || changed_inside(&[(7, "18262")]),
    args: &["restore"],
    ..PLAIN
};

pub(crate) const CAPTURE_OF_A_FORCED_CHANGE: Scenario = Scenario {
    make: || changed_inside(&[(2, "0")]),
    args: &["restore"],
    ..PLAIN
};

fn changed_inside(fields: &[(usize, &str)]) -> Tree {
    let tree = Tree::with(&["alice", "bob"]);
    let line = tree.line("etc/shadow", "alice").unwrap();
    let mut all: Vec<&str> = line.split(':').collect();
    for (index, value) in fields {
        all[*index] = value;
    }
    tree.edit("etc/shadow", &line, &all.join(":"));
    tree
}

pub(crate) const REMOVE: Scenario = Scenario {
    args: &["user", "remove", "--yes", "bob"],
    ..PLAIN
};

pub(crate) const REMOVE_WITH_THE_HOME: Scenario = Scenario {
    make: || {
        let tree = Tree::with(&["alice", "bob"]);
        fs::create_dir_all(tree.path("home/bob/a/b")).unwrap();
        fs::write(tree.path("home/bob/a/b/c"), "diary").unwrap();
        tree
    },
    args: &["user", "remove", "--yes", "--purge-home", "bob"],
    ..PLAIN
};

pub(crate) const ADD_AGAIN: Scenario = Scenario {
    make: || {
        let tree = Tree::with(&["alice", "bob"]);
        tree.run(&["user", "remove", "--yes", "bob"]).ends(0);
        tree
    },
    args: &["user", "add", "bob", "--restore", "--password-hash-stdin"],
    input: || hash('b').into(),
    ..PLAIN
};

/// A fresh container: records, and nothing of them in /etc or /home.
pub(crate) const RESTORE_OF_TWENTY: Scenario = Scenario {
    make: || fresh(20),
    args: &["restore"],
    ..PLAIN
};

pub(crate) const RESTORE_OF_THREE: Scenario = Scenario {
    make: || fresh(3),
    args: &["restore", "--boot"],
    ..PLAIN
};

/// Records of opencode-cloud: one with a new uid, the others with those of
/// their homes; one is locked.
pub(crate) const UPGRADE: Scenario = Scenario {
    make: || {
        let tree = Tree::new();
        for (name, locked) in [("alice", false), ("bob", true), ("carol", false)] {
            let old = json!({ "username": name, "password_hash": hash('o'), "locked": locked });
            tree.plant(&format!("{name}.json"), old.to_string().as_bytes());
        }
        for (name, owner) in [("bob", 1600), ("carol", 1700)] {
            let home = tree.path("home").join(name);
            fs::create_dir(&home).unwrap();
            std::os::unix::fs::chown(&home, Some(owner), Some(owner)).unwrap();
        }
        tree
    },
    args: &["restore", "--boot"],
    ..PLAIN
};

pub(crate) const IMPORT: Scenario = Scenario {
    args: &["user", "import"],
    input: || import_lines(0b111),
    parts: || (1..0b111).map(import_lines).collect(),
    ..PLAIN
};

/// The lines whose bits are set.
fn import_lines(which: u32) -> Vec<u8> {
    let all = [("carol", 20_000), ("dave", 20_001), ("erin", 20_002)];
    let chosen = (0..).zip(all).filter(|(bit, _)| which & (1 << bit) != 0);
    let lines = chosen.map(|(_, (name, uid))| format!("{name},{uid},{}\n", hash('i')));
    let lines: String = lines.collect();
    format!("name,uid,password_hash\n{lines}").into_bytes()
}

pub(crate) const ADOPT: Scenario = Scenario {
    make: || {
        let tree = Tree::with(&["alice"]);
        let line = |text: &str| format!("\ncarol:{text}\n");
        let passwd = line("x:1500:1500::/home/carol:/bin/bash") + "nobody:";
        tree.edit("etc/passwd", "\nnobody:", &passwd);
        let shadow = line(&format!("{}:20000:0:99999:7:::", hash('c'))) + "nobody:";
        tree.edit("etc/shadow", "\nnobody:", &shadow);
        tree.edit("etc/group", "\nnogroup:", &(line("x:1500:") + "nogroup:"));
        tree.edit("etc/gshadow", "\nnogroup:", &(line("!::") + "nogroup:"));
        fs::create_dir(tree.path("home/carol")).unwrap();
        std::os::unix::fs::chown(tree.path("home/carol"), Some(1500), Some(1500)).unwrap();
        tree
    },
    args: &["user", "adopt", "carol"],
    ..PLAIN
};

/// What PID 1 starts when somebody has changed a password inside.
pub(crate) const CAPTURE: Scenario = Scenario {
    make: || {
        let tree = Tree::with(&["alice", "bob"]);
        tree.edit("etc/shadow", &hash('a'), &hash('n'));
        tree
    },
    args: &["restore", "--capture"],
    ..PLAIN
};

/// Longer and shorter than before, each in its own place.
pub(crate) const ADD_IN_PLACE: Scenario = Scenario {
    is_mounted: true,
    ..ADD
};
pub(crate) const DISABLE_IN_PLACE: Scenario = Scenario {
    is_mounted: true,
    ..DISABLE
};
pub(crate) const REMOVE_IN_PLACE: Scenario = Scenario {
    is_mounted: true,
    ..REMOVE
};

/// All kinds of what a skeleton may hold, and an access list on an account file.
fn with_skeleton() -> Tree {
    let tree = Tree::with(&["alice", "bob"]);
    fs::create_dir_all(tree.path("etc/skel/.config")).unwrap();
    tree.write("etc/skel/.config/rc", b"rc\n", 0o644);
    symlink("/etc/profile", tree.path("etc/skel/.profile")).unwrap();
    let passwd = fs::File::open(tree.path("etc/passwd")).unwrap();
    crate::tree::give_access_list(&passwd);
    tree
}

fn fresh(count: u32) -> Tree {
    let tree = Tree::new();
    for index in 0..count {
        let (name, letter) = (
            format!("user_{index:02}"),
            char::from(b'a' + (index % 20) as u8),
        );
        let more =
            json!({ "privileged": { "hashedPassword": [hash(letter)] }, "memberOf": ["staff"] });
        tree.plant(
            &format!("{name}.json"),
            &record(&name, 10_000 + index, &more),
        );
    }
    tree
}

impl Scenario {
    /// Runs the command under strace.
    pub(crate) fn strace(&self, tree: &Tree, options: &[&str]) -> Ran {
        let mut command = if self.is_mounted {
            mounted(tree)
        } else {
            Command::new("strace")
        };
        let plain = tree.command(self.args);
        command.args(["-qq", "-e", "signal=none"]).args(options);
        if !options.contains(&"-o") {
            command.args(["-o", "/dev/null"]);
        }
        command.arg(plain.get_program()).args(plain.get_args());
        command.env("OCC_INIT_SHA512_ROUNDS", "100000");
        finish(command, &(self.input)())
    }

    /// The files once the command has run with this input, and a restore.
    pub(crate) fn settled(&self, made: &Tree, input: Option<&[u8]>) -> Vec<String> {
        let tree = made.copy();
        if let Some(input) = input {
            tree.feed(self.args, input).ends(0);
        }
        tree.restore();
        super::four_files(&tree)
    }
}

/// strace in a mount namespace where the four files are mount points.
fn mounted(tree: &Tree) -> Command {
    let script = r#"
        for file in passwd shadow group gshadow; do
            mount --bind "$TREE/etc/$file" "$TREE/etc/$file" || exit 98
        done
        exec strace "$@""#;
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script, "sh"]);
    command.env("TREE", tree.root());
    command
}
