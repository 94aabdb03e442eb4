//! Containers that may do less than others: fewer capabilities, a read-only root,
//! another user, other pid namespaces. occ-init says what it can't, and is an init
//! all the same.

use super::new_container;
use crate::harness::{Volumes, images};

/// Those that accounts need.
const SIX: [&str; 14] = [
    "--cap-drop",
    "ALL",
    "--cap-add",
    "CHOWN",
    "--cap-add",
    "DAC_OVERRIDE",
    "--cap-add",
    "FOWNER",
    "--cap-add",
    "KILL",
    "--cap-add",
    "SETUID",
    "--cap-add",
    "SETGID",
];

/// Waits for the status file, which is written when COMMAND runs, if it is; then
/// makes a hundred orphans, of which none may stay, a zombie or not, and prints
/// those that do and what the probes say.
const SCRIPT: &str = r#"
    try() { n=0; until "$@" || [ $n -ge 200 ]; do sleep 0.01; n=$((n + 1)); done; }
    no_orphan() {
        left=$(grep -l ") [A-Z] $PPID " /proc/[0-9]*/stat 2>/dev/null | grep -v "/$$/")
        [ -z "$left" ]
    }
    try [ -e /run/occ-init/status.json ]
    for i in $(seq 100); do (sleep 0 &); done
    try no_orphan
    echo "left: $left"
    occ-init health --live; echo "live $?"
    occ-init health --ready 2>/dev/null; echo "ready $?"
    id -un
    getent passwd alice
    exit 7"#;

const RESTORED: &str =
    "occ-init: restored 2 accounts (2 new, 0 changed, 0 unchanged), 0 removed, 0 to look at\n";
const ALICE: &str = "alice:x:10000:10000::/home/alice:/bin/bash\n";
const ALL_WELL: &str = "left: \nlive 0\nready 0\n";

/// alice, and bob, who is disabled.
fn accounts(theme: &str) -> Volumes {
    let volumes = Volumes::new(theme);
    let container = volumes.start(images::debian());
    container.occ_init(["user", "add", "alice", "--no-password"], "");
    container.occ_init(["user", "add", "bob", "--no-password", "--disabled"], "");
    drop(container);
    volumes
}

/// In a container with the accounts' volume and `options` COMMAND prints `out`
/// and exits with 7, and occ-init says `err`. `name` is the test's alone.
#[track_caller]
fn is_an_init(name: &str, volumes: &Volumes, options: &[&str], out: &str, err: &str) {
    let users = volumes.users();
    let own = ["--rm", "--volume", &users];
    let options: Vec<&str> = own.iter().chain(options).copied().collect();
    let ran = new_container(name, &options, &["sh", "-c", SCRIPT])
        .run()
        .exits(7);
    assert_eq!(ran.stdout, out, "{ran:#?}");
    assert_eq!(ran.stderr, err, "{ran:#?}");
}

#[test]
fn six_capabilities_and_the_filter_of_system_calls() {
    let volumes = accounts("six");
    let well = format!("{ALL_WELL}root\n{ALICE}");
    is_an_init("six", &volumes, &SIX, &well, RESTORED);
    let privileges = ["--security-opt", "no-new-privileges"];
    let fewer: Vec<&str> = SIX.iter().chain(&privileges).copied().collect();
    is_an_init("six", &volumes, &fewer, &well, RESTORED);
    // The engine's own filter was there all the time.
    let filtered = ["grep", "-x", "Seccomp:\t2", "/proc/1/status"];
    new_container("seccomp", &["--rm"], &filtered).ok();
}

#[test]
fn no_capability_at_all_is_still_an_init() {
    let _slot = Volumes::new("none");
    let options = ["--rm", "--cap-drop", "ALL"];
    for status in [0, 1, 255] {
        let script = format!("(sleep 0 &); exit {status}");
        new_container("none", &options, &["sh", "-c", &script])
            .run()
            .exits(status);
    }
}

#[test]
fn a_read_only_root_with_and_without_run() {
    let volumes = accounts("readonly");
    let etc = "occ-init: accounts are not restored: /etc is read-only \
               (run the container without '--read-only')\n";
    let run = "occ-init: cannot write '/run/occ-init/status.json': read-only file system; \
               'occ-init status' will not know of this boot\n";
    let options = ["--read-only", "--tmpfs", "/run"];
    is_an_init(
        "readonly",
        &volumes,
        &options,
        &format!("{ALL_WELL}root\n"),
        etc,
    );
    is_an_init(
        "readonly",
        &volumes,
        &["--read-only"],
        "left: \nlive 0\nready 1\nroot\n",
        &format!("{etc}{run}"),
    );
}

#[test]
fn another_user_from_the_start_or_by_user() {
    let volumes = accounts("users");
    is_an_init(
        "user",
        &volumes,
        &["--user", "nobody"],
        "left: \nlive 0\nready 1\nnobody\n",
        "occ-init: accounts are not restored: not root\n",
    );
    let by_twin = ["--env", "OCC_INIT_USER=alice"];
    let well = format!("{ALL_WELL}alice\n{ALICE}");
    is_an_init("user", &volumes, &by_twin, &well, RESTORED);
    let users = volumes.users();
    let refused = |user: &str| {
        let options = ["--rm", "--volume", &users, "--env", user];
        new_container("refused", &options, &["touch", "/dev/null"])
            .run()
            .exits(125)
    };
    refused("OCC_INIT_USER=bob").says("the account 'bob' is disabled");
    refused("OCC_INIT_USER=carol").says("no user 'carol' in /etc/passwd");
}

#[test]
fn in_a_pid_namespace_of_somebody_else() {
    let volumes = accounts("notpid1");
    let well = format!("{ALL_WELL}root\n{ALICE}");
    // With the engine's own init as PID 1, and in the namespace of this machine.
    for option in ["--init", "--pid=host"] {
        is_an_init("elsewhere", &volumes, &[option], &well, RESTORED);
    }
}
