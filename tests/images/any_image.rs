//! Any image: Debian, busybox alone, four files, nothing at all. What a libc
//! reads there decides, glibc's as well as musl's.

use crate::harness::{Container, Volumes, docker, images, until};

const FIRST: &str = "first of alice 1";
const SECOND: &str = "second of alice 2";

/// The lines of an account in an image.
struct Image<'a> {
    name: &'static str,
    tag: &'a str,
    /// The shell of somebody who never chose one.
    shell: &'static str,
}

impl Image<'_> {
    /// An enabled account, as both libcs read it.
    fn enabled(&self, name: &str, uid: u32) -> String {
        let shell = self.shell;
        format!(
            "passwd {name}:x:{uid}:{uid}::/home/{name}:{shell}\n\
             group {name}:{uid}\n\
             shadow {name} expires -1\n"
        )
    }
}

/// A disabled account, as both libcs read it in any image.
fn disabled(name: &str, uid: u32) -> String {
    format!(
        "passwd {name}:x:{uid}:{uid}::/home/{name}:/usr/sbin/nologin\n\
         group {name}:{uid}\n\
         shadow {name} expires 1 locked\n"
    )
}

/// The lines, and what alice's two passwords are.
#[track_caller]
fn alice(container: &Container, lines: &str, first: &str, second: &str) {
    let seen = container.reads("alice", &[FIRST, SECOND]);
    assert_eq!(seen, format!("{lines}{first}\n{second}\n"));
}

fn passwd(container: &Container) {
    let args = ["user", "passwd", "alice", "--password-stdin"];
    container.occ_init(args, &format!("{SECOND}\n"));
}

/// disable ends what alice runs, in an image without a shell too.
#[track_caller]
fn disable(container: &Container) {
    docker(["exec", "--detach", "--user", "alice", &container.name])
        .args(["read-musl", "--wait"])
        .ok();
    until("alice's program runs", || {
        (container.programs(10000) == ["read-musl"]).then_some(())
    });
    container.occ_init(["user", "disable", "alice"], "");
    assert_eq!(container.programs(10000), [""; 0]);
}

/// Everything that happens to accounts, with a new container in between.
fn lives(image: &Image) {
    let volumes = Volumes::new(&format!("any-{}", image.name));
    let here = image.enabled("alice", 10000);
    let container = volumes.start(image.tag);
    let (root, nobody) = (container.reads("root", &[]), container.reads("nobody", &[]));
    let add = ["user", "add", "alice", "--password-stdin"];
    container.occ_init(add, &format!("{FIRST}\n"));
    container.occ_init(["user", "add", "bob", "--no-password"], "");
    container.occ_init(["user", "add", "carol", "--no-password"], "");
    alice(&container, &here, "right", "wrong");
    let bob = format!("{}wrong\nwrong\n", image.enabled("bob", 10001));
    assert_eq!(container.reads("bob", &["", "*"]), bob);
    passwd(&container);
    alice(&container, &here, "wrong", "right");
    disable(&container);
    alice(&container, &disabled("alice", 10000), "wrong", "wrong");
    container.occ_init(["user", "remove", "carol", "--yes"], "");
    assert_eq!(container.reads("carol", &[]), "");
    drop(container);

    let container = volumes.start(image.tag);
    alice(&container, &disabled("alice", 10000), "wrong", "wrong");
    assert_eq!(container.reads("carol", &[]), "");
    container.occ_init(["user", "enable", "alice"], "");
    alice(&container, &here, "wrong", "right");
    drop(container);

    let container = volumes.start(image.tag);
    alice(&container, &here, "wrong", "right");
    assert_eq!(container.reads("bob", &["", "*"]), bob);
    assert_eq!(container.reads("root", &[]), root, "the image's own");
    assert_eq!(container.reads("nobody", &[]), nobody, "the image's own");
    let add = ["user", "add", "carol", "--restore", "--no-password"];
    container.occ_init(add, "");
    assert_eq!(container.reads("carol", &[]), image.enabled("carol", 10002));
    container.occ_init(["check"], "");
}

#[test]
fn debian() {
    lives(&Image {
        name: "debian",
        tag: images::debian(),
        shell: "/bin/bash",
    });
}

#[test]
fn debian_with_occ_init_for_arm64() {
    lives(&Image {
        name: "arm64",
        tag: &images::debian_with_arm64(),
        shell: "/bin/bash",
    });
}

#[test]
fn busybox_without_any_tool_of_shadow() {
    let image = Image {
        name: "busybox",
        tag: images::busybox(),
        shell: "/bin/sh",
    };
    lives(&image);
    let volumes = Volumes::new("any-login");
    let container = volumes.start(image.tag);
    let add = ["user", "add", "alice", "--password-stdin"];
    container.occ_init(add, &format!("{FIRST}\n"));
    assert_eq!(container.login("alice", FIRST).unwrap(), 10000);
    container.shut_out("alice", SECOND);
    container.occ_init(["user", "disable", "alice"], "");
    container.shut_out("alice", FIRST);
    container.occ_init(["user", "enable", "alice"], "");
    assert_eq!(container.login("alice", FIRST).unwrap(), 10000);
}

#[test]
fn four_files_and_not_even_a_shell() {
    lives(&Image {
        name: "four",
        tag: images::four_files(),
        shell: "/bin/bash",
    });
}

#[test]
fn nothing_at_all() {
    lives(&Image {
        name: "nothing",
        tag: images::nothing(),
        shell: "/bin/bash",
    });
}
