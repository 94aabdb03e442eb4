//! The records of opencode-cloud are taken over with no manual step.

use crate::harness::{Instance, docker};

/// On fresh volumes: alice and bob (locked) and carol (locked by `!`), each with
/// the password "NAME of old"; alice's home is there with uid 1234.
const OLD_STORE: &str = r#"
umask 022; cd /v
for name in alice bob carol; do
  hash=$(printf '%s of old' $name | openssl passwd -6 -stdin) || exit 1
  case $name in bob) locked=true ;; *) locked=false ;; esac
  case $name in carol) hash="!$hash" ;; esac
  printf '{"username":"%s","password_hash":"%s","locked":%s}\n' $name "$hash" $locked > $name.json
done
mkdir /h/alice && echo mine > /h/alice/file && chown -R 1234:1234 /h/alice && chmod 700 /h/alice
cat *.json
"#;

#[test]
fn people_of_an_older_store_log_in_and_locked_ones_do_not() {
    let instance = Instance::new("takeover");
    let [users, home] = ["users:/v", "home:/h"].map(|end| format!("{}-{end}", instance.name));
    let old = docker([
        "run",
        "--rm",
        "--volume",
        &users,
        "--volume",
        &home,
        "--entrypoint",
        "sh",
        &instance.image,
        "-c",
        OLD_STORE,
    ])
    .ok();
    instance.start();

    let accounts = instance.accounts();
    assert_eq!(accounts.names(), ["alice", "bob", "carol"]);
    assert_eq!(instance.login("alice", "alice of old").unwrap(), 1234);
    instance
        .exec_as("alice", ["cat", "/home/alice/file"])
        .ok()
        .prints("mine");
    for name in ["bob", "carol"] {
        instance.shut_out(name, &format!("{name} of old"));
        instance
            .occ(["user", "show", name, "--json"])
            .ok()
            .prints(r#""status":"disabled""#);
    }
    assert_eq!(
        instance.sh("cd /var/lib/opencode-users/legacy && cat *.json"),
        old.text(),
        "the originals"
    );
    assert!(
        instance
            .logs()
            .contains("took over the older record of 'alice' (uid 1234)")
    );

    instance.user(["enable", "bob", "carol"], "");
    let uids =
        ["bob", "carol"].map(|name| instance.login(name, &format!("{name} of old")).unwrap());
    // Once: a second container finds records, and the same numbers.
    instance.remove_container();
    instance.start();
    assert_eq!(instance.login("alice", "alice of old").unwrap(), 1234);
    assert_eq!(
        ["bob", "carol"].map(|name| instance.accounts().uid(name)),
        uids
    );
    assert!(!instance.logs().contains("took over"));
}
