//! `occ shell`: at a real terminal, as somebody and as root.

use crate::harness::{Instance, Terminal};

const PASSWORD: &str = "not asked for here";

#[test]
fn a_person_gets_a_login_shell_at_home_and_its_status_comes_back() {
    let instance = Instance::started("shell");
    instance.add("alice", PASSWORD);
    let (code, screen) = Terminal::open(instance.occ(["shell", "alice"]))
        .types("echo \"$(id -un) $PWD $HOME $0 $(tty)\" | tr a-z A-Z")
        .asks("ALICE /HOME/ALICE /HOME/ALICE /BIN/BASH /DEV/PTS/")
        .types("stty size | sed s/^/size:/")
        .asks("size:")
        .types("echo begun | tr a-z A-Z; sleep 1000; echo AFTER SLEEP | tr A-Z a-z")
        .asks("BEGUN")
        .types("\u{3}")
        .types("exit 7")
        .ends();
    assert_eq!(code, 7, "{screen}");
    assert!(
        !screen.contains("after sleep"),
        "Ctrl-C goes to the shell: {screen}"
    );

    let (code, screen) = Terminal::open(instance.occ(["shell"]))
        .types("echo \"$(id -un) $PWD\" | tr a-z A-Z")
        .asks("ROOT /ROOT")
        .types("exit")
        .ends();
    assert_eq!(code, 0, "{screen}");
}

#[test]
fn disabled_or_unknown_account_gets_no_shell() {
    let instance = Instance::started("noshell");
    instance.add("alice", PASSWORD);
    instance.add("bob", PASSWORD);
    instance.user(["disable", "bob"], "");
    let refused = |args: [&str; 2], code: i32, text: &str| {
        let (ended, screen) = Terminal::open(instance.occ(args)).ends();
        assert_eq!(ended, code, "{screen}");
        assert!(screen.contains(text), "{screen}");
    };
    refused(["shell", "bob"], 5, "user 'bob' is disabled");
    refused(["shell", "nobodyhere"], 3, "nobodyhere");
    refused(["shell", "a:b"], 9, "a:b");
    instance
        .occ(["shell", "alice"])
        .run()
        .exits(2)
        .says("a shell needs a terminal");
    instance.occ(["stop"]).ok();
    refused(["shell", "alice"], 7, "Container not running.");
}
