//! Every command of occ-init in a hint, run as it stands in the state in which it is shown.

use crate::tree::{Ran, Tree, hash, record};
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Hints about PID 1's own options and pages, which tests/pid1 runs.
const OF_PID_1: [&str; 3] = [
    "occ-init --remap-exit 143:0,130:0 -- sleep infinity",
    "occ-init --help",
    "occ-init status",
];

/// What is between quotes or backquotes and is a command of occ-init's.
fn commands(text: &str) -> Vec<String> {
    let of = |quote: char| -> Vec<String> {
        let start = format!("{quote}occ-init ");
        let parts = text.split(&start).skip(1);
        let whole = parts.filter_map(|rest| Some(rest.split_once(quote)?.0));
        whole.map(|rest| format!("occ-init {rest}")).collect()
    };
    [of('\''), of('`')].concat()
}

/// All that were run, with `{}` for the account's name.
#[derive(Default)]
struct Hints {
    run: BTreeSet<String>,
}

impl Hints {
    /// What was said hints at these commands alone; each works, on a copy of the tree.
    #[track_caller]
    fn follow(&mut self, tree: &Tree, said: &Ran, expected: &[&str]) {
        let found = commands(&format!("{}\n{}", said.out, said.err));
        let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
        let expected: BTreeSet<&str> = expected.iter().copied().collect();
        assert_eq!(found, expected, "{}{}", said.out, said.err);
        for command in found {
            self.type_in(&tree.copy(), command);
        }
    }

    #[track_caller]
    fn type_in(&mut self, tree: &Tree, command: &str) {
        let typed = command.split(" | ").next().unwrap();
        let mut words: Vec<&str> = typed.split(' ').skip(1).collect();
        let general = words.iter().map(|word| match *word {
            "alice" | "bob" | "eve" => "{}",
            word => word,
        });
        let general: Vec<&str> = general.collect();
        self.run.insert(format!("occ-init {}", general.join(" ")));
        // In place of a terminal.
        if let ["user", "add" | "passwd", ..] = words[..] {
            words.push("--password-stdin");
        }
        if words.starts_with(&["user", "remove"]) {
            words.push("--yes");
        }
        let ran = tree.feed(&words, "typed as it stands\n");
        // A finding is the answer that somebody was sent for.
        let is_good = ran.code == 0 || (words == ["check"] && ran.code == 1);
        assert!(is_good, "{command}: {}{}", ran.out, ran.err);
    }
}

/// The commands in the string literals of the sources, with `{}` for every value.
fn in_sources(directory: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            in_sources(&path, found);
        } else if !path.ends_with("tests.rs") {
            let source = fs::read_to_string(&path).unwrap();
            let code = source.split("#[cfg(test)]").next().unwrap();
            let code = code.lines().filter(|line| !line.trim().starts_with("//"));
            for literal in code.flat_map(|line| line.split('"').skip(1).step_by(2)) {
                found.extend(commands(literal).iter().map(|one| general(one)));
            }
        }
    }
}

fn general(command: &str) -> String {
    let command = command.split(" | ").next().unwrap();
    let words = command.split(' ').map(|word| match word {
        word if word.starts_with('{') => "{}",
        word => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

/// What useradd(8) writes, in passwd, shadow and group.
fn useradd(tree: &Tree, uid: u32, password: &str) {
    let line = format!("eve:x:{uid}:{uid}::/home/eve:/bin/sh\n+::");
    tree.edit("etc/passwd", "+::", &line);
    let line = format!("eve:{password}:20000:0:99999:7:::\nnobody:");
    tree.edit("etc/shadow", "nobody:", &line);
    tree.edit("etc/group", "nogroup:", &format!("eve:x:{uid}:\nnogroup:"));
}

/// What userdel(8) leaves of it.
fn userdel(tree: &Tree) {
    for file in ["etc/passwd", "etc/shadow", "etc/group"] {
        let line = tree.line(file, "eve").unwrap();
        tree.edit(file, &format!("{line}\n"), "");
    }
}

fn errors(hints: &mut Hints) {
    let tree = Tree::with(&["alice"]);
    let said = tree.run(&["user", "add", "alice", "--no-password"]).ends(4);
    hints.follow(&tree, &said, &["occ-init user passwd alice"]);
    let said = tree.run(&["user", "show", "bob"]).ends(3);
    hints.follow(&tree, &said, &["occ-init user list"]);
    let remove_key = ["user", "set", "alice", "--remove-key", "SHA256:none"];
    let said = tree.run(&remove_key);
    let keys = "occ-init user keys alice | ssh-keygen -lf -";
    hints.follow(&tree, &said, &[keys]);
    let said = tree.run(&["user", "passkey", "remove", "alice", "00000000"]);
    let list = "occ-init user passkey list alice";
    hints.follow(&tree, &said.ends(3), &[list]);
    let said = tree.run(&["user", "set", "alice", "--must-change-password"]);
    hints.follow(&tree, &said.ends(0), &[]);
    let said = tree.run(&["user", "add", "bob", "--restore"]);
    hints.follow(&tree, &said, &["occ-init user add bob"]);
    tree.run(&["user", "remove", "alice", "--yes", "--force"])
        .ends(0);
    let said = tree.run(&["user", "add", "alice", "--no-password"]).ends(4);
    let both = [
        "occ-init user add alice --restore",
        "occ-init user add alice --new-uid",
    ];
    hints.follow(&tree, &said, &both);
}

fn passwords(hints: &mut Hints) {
    let tree = Tree::new();
    tree.run(&["user", "add", "alice", "--no-password"]).ends(0);
    let said = tree.run(&["user", "list"]).ends(0);
    hints.follow(&tree, &said, &["occ-init user passwd alice"]);
    let said = tree.run(&["user", "set", "alice", "--must-change-password"]);
    hints.follow(&tree, &said, &["occ-init user passwd alice"]);
    let bad = json!({"privileged": {"hashedPassword": ["$9$none"]}});
    tree.plant("alice.json", &record("alice", 10000, &bad));
    let said = tree.run(&["check"]).ends(1);
    hints.follow(&tree, &said, &["occ-init user passwd alice"]);
    let tree = Tree::with(&["alice"]);
    tree.run(&["user", "disable", "alice"]).ends(0);
    tree.run(&["user", "set", "alice", "--expires", "2001-01-01"])
        .ends(0);
    let said = tree.run(&["user", "enable", "alice"]).ends(0);
    let opens = ["occ-init user set alice --expires never"];
    hints.follow(&tree, &said, &opens);
}

fn imports(hints: &mut Hints) {
    let tree = Tree::with(&["alice"]);
    let list = "name,locked\nalice,true\n";
    let said = tree.feed(&["--json", "user", "import", "--update"], list);
    let both = ["occ-init user disable alice", "occ-init user enable alice"];
    hints.follow(&tree, &said, &both);
}

fn records(hints: &mut Hints) {
    let tree = Tree::with(&["alice", "bob"]);
    let good = tree.read("var/lib/opencode-users/alice.json");
    tree.plant("alice.json", b"{");
    let said = tree.feed(
        &["user", "passwd", "alice", "--password-stdin"],
        "never taken 1\n",
    );
    // It shuts her out here, and says that this is all it can do.
    let shut = commands(&said.err);
    assert_eq!(shut, ["occ-init user disable alice"], "{}", said.err);
    let here = tree.run(&["user", "disable", "alice"]).ends(1);
    tree.plant("alice.json", &good);
    hints.follow(&tree, &here, &["occ-init user disable alice"]);
    tree.plant("alice.json", &record("alice", 10001, &json!({})));
    fs::remove_file(tree.store("uids/10001")).unwrap();
    let said = tree.run(&["check"]).ends(1);
    let remove = commands(&said.out);
    assert!(
        remove
            .iter()
            .any(|one| one.starts_with("occ-init user remove")),
        "{}",
        said.out
    );
    for command in remove {
        hints.type_in(&tree.copy(), &command);
    }
}

fn changes(hints: &mut Hints) {
    let tree = Tree::with(&["alice"]);
    tree.edit(
        "etc/passwd",
        "/home/alice:/bin/bash",
        "/home/alice:/bin/false",
    );
    let said = tree.run(&["check"]).ends(1);
    hints.follow(&tree, &said, &["occ-init restore"]);
    let tree = Tree::with(&["alice"]);
    tree.edit("etc/shadow", &hash('a'), "*");
    let said = tree.run(&["check"]).ends(1);
    let found = commands(&said.out);
    assert!(
        found.contains(&"occ-init user disable alice".to_owned()),
        "{}",
        said.out
    );
    tree.edit("etc/shadow", "alice:*", &format!("alice:{}", hash('a')));
    tree.run(&["user", "disable", "alice"]).ends(0);
    let open = format!("alice:{}", hash('a'));
    tree.edit("etc/shadow", &format!("alice:!{}", hash('a')), &open);
    let said = tree.run(&["check"]).ends(1);
    let found = commands(&said.out);
    assert!(
        found.contains(&"occ-init user enable alice".to_owned()),
        "{}",
        said.out
    );
    for command in found {
        hints.type_in(&tree.copy(), &command);
    }
}

fn made_inside(hints: &mut Hints) {
    let tree = Tree::with(&["alice"]);
    useradd(&tree, 1001, &hash('e'));
    let said = tree.run(&["user", "add", "eve", "--no-password"]);
    hints.follow(&tree, &said, &["occ-init user adopt eve"]);
    let tree = Tree::with(&["alice"]);
    useradd(&tree, 1001, &format!("!{}", hash('e')));
    let said = tree.run(&["user", "adopt", "eve"]).ends(0);
    hints.follow(&tree, &said, &["occ-init user enable eve"]);
    let tree = Tree::with(&["alice"]);
    useradd(&tree, 1001, "$9$unknown");
    let said = tree.run(&["user", "adopt", "eve"]).ends(0);
    hints.follow(&tree, &said, &["occ-init user passwd eve"]);
    let tree = Tree::with(&["alice", "bob"]);
    tree.run(&["user", "remove", "--yes", "bob"]).ends(0);
    useradd(&tree, 10001, &hash('e'));
    let said = tree.run(&["user", "adopt", "eve"]).ends(4);
    userdel(&tree);
    hints.follow(&tree, &said, &["occ-init user add eve"]);
}

fn many(hints: &mut Hints) {
    let tree = Tree::new();
    for number in 0..200 {
        tree.plant(&format!("bad{number}.json"), b"{");
    }
    let said = tree.run(&["restore"]);
    hints.follow(&tree, &said, &["occ-init check"]);
}

#[test]
fn every_hint_is_run_in_the_state_in_which_it_is_shown() {
    let mut hints = Hints::default();
    for part in [
        errors,
        passwords,
        imports,
        records,
        changes,
        made_inside,
        many,
    ] {
        part(&mut hints);
    }
    let mut found = BTreeSet::new();
    let crate_directory = Path::new(env!("CARGO_MANIFEST_DIR"));
    in_sources(&crate_directory.join("src"), &mut found);
    in_sources(
        &crate_directory.join("../accounts/src/reconcile"),
        &mut found,
    );
    assert!(found.len() > 15, "{found:?}");
    for known in OF_PID_1 {
        assert!(found.remove(known), "{known}");
    }
    // The verb depends on what was changed: `changes` has each.
    found.remove("occ-init user {} {}");
    let never: Vec<_> = found.difference(&hints.run).collect();
    assert!(never.is_empty(), "no test is in the state of {never:?}");
}
