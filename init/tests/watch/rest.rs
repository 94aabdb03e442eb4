//! When nothing happens, when there is nothing to watch, and when watching is
//! not possible.

use crate::container::{BINARY, Container, HUP, Setup, TERM, Volume, watches};
use crate::tree::hash;
use std::time::Duration;

#[test]
fn nothing_wakes_pid_1_at_rest() {
    let volume = Volume::new();
    let container = Container::with(&volume, &["alice"]);
    container.chpasswd("alice", 'n');
    container.soon("the record has it", || volume.hash("alice") == hash('n'));
    container.stays_at_rest(&volume, Duration::from_secs(5));
    // Other files of /etc wake it, but start nothing.
    let before = container.starts();
    for name in ["hosts", "shadow-", "group"] {
        container
            .tree
            .write(&format!("etc/{name}"), b"root:x:0:\n", 0o644);
    }
    container.until_idle();
    assert_eq!(container.starts(), before);
}

#[test]
fn command_does_not_inherit_the_watch() {
    let volume = Volume::new();
    let container = Setup::new().boot(&volume);
    let command = container.children()[0];
    container.soon("it watches", || watches(container.pid()));
    assert!(!watches(command));
}

#[test]
fn where_no_account_ever_was_the_watch_comes_later_and_misses_nothing() {
    let volume = Volume::new();
    let setup = Setup::new();
    fs_write_lock(&volume);
    let container = setup.boot(&volume);
    container.add("alice", 'a');
    container.chpasswd("alice", 'n');
    container.soon("the record has it", || volume.hash("alice") == hash('n'));
    assert!(watches(container.pid()));
    container.stays_at_rest(&volume, Duration::from_secs(3));
}

#[test]
fn what_changed_before_the_watch_is_taken_in_at_the_end() {
    let volume = Volume::new();
    fs_write_lock(&volume);
    let mut container = Setup::new().boot(&volume);
    container.add("alice", 'a');
    container.chpasswd("alice", 'n');
    container.signal(TERM);
    container.end();
    assert_eq!(volume.hash("alice"), hash('n'), "{}", container.said());
}

/// As every boot but the first finds the store.
fn fs_write_lock(volume: &Volume) {
    std::fs::write(volume.path(".lock"), "").unwrap();
}

#[test]
fn who_restores_nothing_watches_nothing() {
    for (options, before) in [
        ("--no-restore", ""),
        ("-v", "mount -o remount,bind,ro /etc"),
    ] {
        let volume = Volume::new();
        let setup = Setup::new().options(options).before(before);
        let mut container = setup.boot(&volume);
        assert!(!watches(container.pid()), "{options} {before}");
        container.signal(TERM);
        assert_eq!(container.end().0, 143);
        assert_eq!(container.starts(), 0);
    }
    let volume = Volume::new();
    let wrapper = "setpriv --reuid 65534 --regid 65534 --clear-groups";
    let readable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    let setup = Setup::new().wrapper(wrapper);
    std::fs::set_permissions(setup.tree.root(), readable).unwrap();
    let copy = setup.tree.path("run/occ-init-copy");
    std::fs::copy(env!("CARGO_BIN_EXE_occ-init"), &copy).unwrap();
    let container = setup.before("OCC=/run/occ-init-copy").boot(&volume);
    assert!(!watches(container.pid()));
}

#[test]
fn a_second_init_inside_leaves_it_to_the_first() {
    let volume = Volume::new();
    let container = Container::with(&volume, &["alice"]);
    container.occ("occ -- true");
    container.occ(&format!(
        "{BINARY} -- sleep 1000 < /dev/null > /dev/null 2>&1 &"
    ));
    container.until("the second runs", || container.processes("sleep") == 2);
    let list = container.run("ls -l /proc/[0-9]*/fd | grep -c inotify");
    assert_eq!(String::from_utf8_lossy(&list.stdout).trim(), "1");
}

#[test]
fn without_inotify_one_line_and_the_other_moments() {
    for error in ["EMFILE", "ENOSYS"] {
        let volume = Volume::new();
        let mut first = Container::with(&volume, &["alice"]);
        first.crash();
        let wrapper = format!("strace -o /dev/null -e inject=inotify_init1:error={error}");
        let setup = Setup::new().wrapper(&wrapper);
        let mut container = setup.traps(&["HUP"]).boot(&volume);
        let lines = |said: &str| said.matches("cannot watch '/etc'").count();
        container.soon("it says so", || lines(&container.said()) == 1);
        container.swap_hash("alice", 'm');
        container.signal(HUP);
        container.soon("SIGHUP has it taken", || volume.hash("alice") == hash('m'));
        container.soon("COMMAND gets it all the same", || {
            container.out().contains("hup")
        });
        container.until("that restore is over", || container.children().len() <= 2);
        container.swap_hash("alice", 'n');
        container.signal(TERM);
        container.end();
        assert_eq!(
            volume.hash("alice"),
            hash('n'),
            "{error}: {}",
            container.said()
        );
    }
}

#[test]
fn with_inotify_hup_is_commands_alone() {
    let volume = Volume::new();
    let container = Setup::new().traps(&["HUP", "IO"]).boot(&volume);
    container.signal(HUP);
    container.soon("COMMAND gets it", || container.out().contains("hup"));
    assert_eq!(container.starts(), 0, "{}", container.said());
    // The watch has signals of its own, which never swallow one that is sent.
    container.add("alice", 'a');
    container.soon("it is seen", || container.starts() > 0);
    assert!(!container.out().contains("io"), "{}", container.out());
    container.signal(29);
    container.soon("COMMAND gets it", || container.out().contains("io"));
}
