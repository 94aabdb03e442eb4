//! Remove: what goes, what stays, and who is never removed by mistake.

use crate::harness::{Instance, Terminal};

const LAST: &str = "Cannot remove last user. Add another user first or use --force.\n";

#[test]
fn the_home_stays_unless_it_is_purged() {
    let instance = Instance::started("remove");
    for name in ["alice", "bob", "carol"] {
        instance.add(name, "p p p");
        instance
            .exec_as(
                name,
                [
                    "sh",
                    "-c",
                    "mkdir -p ~/deep/er && echo mine > ~/deep/er/file && ln -s /etc/passwd ~/link",
                ],
            )
            .ok();
    }
    instance.detach("bob", ["sleep", "1000"]);
    let removed = instance.user(["remove", "bob", "--yes"], "");
    assert_eq!(removed.text(), "User 'bob' removed.");
    let left = instance.exec(["pgrep", "--uid", "10001"]).run();
    assert_eq!(left.code, Some(1), "{left:#?}");
    assert_eq!(instance.sh("stat -c %u /home/bob/deep/er/file"), "10001");
    assert_eq!(
        instance.sh("getent passwd bob; getent shadow bob; getent group bob; echo none"),
        "none"
    );

    instance.user(["remove", "carol", "--yes", "--purge-home"], "");
    assert_eq!(instance.sh("ls /home"), "alice\nbob");
    instance.sh("test -s /etc/passwd");
    // The number stays carol's for ever, home or not.
    assert_eq!(instance.add("dave", "d d d"), 10003);
    instance.refused(["add", "carol", "--password-stdin"], "x x x\n", 4);
    instance.user(["add", "carol", "--restore", "--password-stdin"], "c c c\n");
    assert_eq!(instance.login("carol", "c c c").unwrap(), 10002);
    instance.user(["add", "bob", "--new-uid", "--password-stdin"], "b b b\n");
    let (uid, home) = (
        instance.accounts().uid("bob"),
        instance.sh("getent passwd bob | cut -d: -f6"),
    );
    assert_eq!((uid, home.as_str()), (10004, "/home/bob-10004"));
    instance
        .exec_as("bob", ["cat", "/home/bob/deep/er/file"])
        .run()
        .exits(1)
        .says("Permission denied");
}

#[test]
fn the_last_account_stays_unless_forced() {
    let instance = Instance::started("last");
    instance.add("alice", "a a a");
    instance.add("bob", "b b b");
    let refused = instance.refused(["remove", "alice", "bob", "--yes"], "", 5);
    assert!(refused.stderr.ends_with(LAST), "{refused:#?}");
    instance.user(["disable", "bob"], "");
    // bob is left, but nobody could log in.
    instance
        .refused(["remove", "alice", "--yes"], "", 5)
        .says(LAST);
    instance.user(["enable", "bob"], "");
    instance.user(["remove", "bob", "--yes"], "");
    let direct = instance
        .exec(["occ-init", "user", "remove", "alice", "--yes"])
        .run()
        .exits(5);
    assert!(direct.stderr.contains(LAST.trim_end()), "{direct:#?}");
    let (code, screen) = Terminal::open(instance.occ(["user", "remove", "alice"])).ends();
    assert_eq!(code, 5, "no question before a refusal: {screen}");
    instance.user(["remove", "alice", "--force"], "");
    assert!(instance.accounts().names().is_empty());
    instance
        .occ(["user", "list"])
        .ok()
        .prints("No users configured.");
}

#[test]
fn removing_asks_first() {
    let instance = Instance::started("confirm");
    instance.add("alice", "a a a");
    instance.add("bob", "b b b");
    instance.refused(["remove", "bob"], "y\n", 2).says("--yes");
    let before = instance.fingerprint();
    let (code, screen) = Terminal::open(instance.occ(["user", "remove", "bob"]))
        .asks("[y/N] ")
        .types("n")
        .ends();
    assert_eq!(code, 1, "{screen}");
    assert_eq!(instance.fingerprint(), before);
    let (code, screen) = Terminal::open(instance.occ(["user", "remove", "bob"]))
        .asks("[y/N] ")
        .types("y")
        .ends();
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains("User 'bob' removed."), "{screen}");
    assert_eq!(instance.accounts().names(), ["alice"]);
    instance
        .user(
            ["add", "alice", "--if-missing", "--password-stdin"],
            "other\n",
        )
        .prints("exists already");
    instance.login("alice", "a a a").unwrap();
}
