//! Which init of a container is its first one, and keeps its status and its accounts: not by
//! its name, and not by the number that it has.

use crate::container::{BINARY, Container, Setup, Volume, watches};
use crate::tree::hash;
use serde_json::Value;

/// occ-init as Docker's and Podman's users place it, by a shell that knows it as `$OCC`.
const OTHER_NAMES: [(&str, &str); 3] = [
    ("a link", "ln -s \"$OCC\" /run/tini; OCC=/run/tini"),
    (
        "a copy, as podman's --init-path is one",
        "cp \"$OCC\" /run/podman-init; OCC=/run/podman-init",
    ),
    (
        "the init of the file system",
        "touch /run/init; mount --bind \"$OCC\" /run/init; OCC=/run/init",
    ),
];

/// A program that anybody may run, wherever ours lies.
const NOBODY: &str = "cp -f /proc/1/exe /run/anybody; \
    setpriv --reuid 65534 --regid 65534 --clear-groups /run/anybody health";

fn is_ready(container: &Container) {
    container.soon("it is ready", || container.ran("occ health").0 == 0);
}

/// What the status file says of the init that wrote it.
fn writer(container: &Container) -> [Value; 3] {
    let status = container.status();
    ["pid", "child", "startedUSec"].map(|field| status[field].clone())
}

#[test]
fn any_name_will_do() {
    for (name, before) in OTHER_NAMES {
        let volume = Volume::new();
        let container = Setup::new().before(before).boot(&volume);
        container.add("alice", 'a');
        is_ready(&container);
        let (code, _, err) = container.ran(NOBODY);
        assert_eq!((code, err.as_str()), (0, ""), "{name}");
        container.until_idle();
        container.chpasswd("alice", 'n');
        container.soon("the record has it", || volume.hash("alice") == hash('n'));
        let mut process = container.process_of(10_000);
        container.occ("occ user disable alice");
        container.soon("her process is gone", || !container.runs(10_000));
        process.wait().unwrap();
    }
}

/// `docker run --init`, and a pod that shares its PID namespace.
#[test]
fn below_another_init_it_is_the_first_of_ours() {
    let volume = Volume::new();
    let wrapper = "dumb-init --single-child --";
    let container = Setup::new().wrapper(wrapper).boot(&volume);
    container.add("alice", 'a');
    is_ready(&container);
    assert_ne!(container.status()["pid"], 1);
    container.until_idle();
    container.chpasswd("alice", 'n');
    container.soon("the record has it", || volume.hash("alice") == hash('n'));
    let (code, _, err) = container.ran("occ user disable alice");
    assert_eq!(code, 0);
    assert!(
        err.contains("processes of the account were not ended"),
        "{err}"
    );
}

#[test]
fn one_inside_another_takes_nothing_from_it() {
    let nested = [
        "occ -- true".to_owned(),
        "occ --no-restore -- true".to_owned(),
        format!("ln -sf {BINARY} /run/catatonit; /run/catatonit -- true"),
        format!("cp {BINARY} /run/dumb-init; /run/dumb-init -- true"),
        format!("unshare --mount {BINARY} -- true"),
        // Each of these is a PID 1 too.
        format!("unshare --pid --fork --mount-proc {BINARY} -- sleep 0.1"),
        format!("unshare --pid --fork {BINARY} -- sleep 0.1"),
    ];
    for (name, before) in OTHER_NAMES {
        let volume = Volume::new();
        let container = Setup::new().before(before).boot(&volume);
        container.add("alice", 'a');
        is_ready(&container);
        let first = writer(&container);
        assert_eq!(first[0], 1);
        for script in &nested {
            container.occ(script);
            assert_eq!(writer(&container), first, "{name}: {script}");
            let (code, _, err) = container.ran("occ health");
            assert_eq!(code, 0, "{name}: {script}: {err}");
        }
    }
}

#[test]
fn while_one_runs_inside_accounts_stay_the_first_ones() {
    for script in [
        "sleep 1000".to_owned(),
        format!("unshare --pid --fork --mount-proc {BINARY} -- sleep 1000"),
    ] {
        let volume = Volume::new();
        let container = Container::with(&volume, &["alice"]);
        is_ready(&container);
        let first = writer(&container);
        let quiet = "</dev/null >/dev/null 2>&1 &";
        container.occ(&format!("{BINARY} -- {script} {quiet}"));
        container.until("the one inside runs", || container.processes("sleep") >= 2);
        container.chpasswd("alice", 'n');
        container.soon("the record has it", || volume.hash("alice") == hash('n'));
        assert!(watches(container.pid()));
        let list = container.ran("ls -l /proc/[0-9]*/fd | grep -c inotify");
        assert_eq!(list.1.trim(), "1", "{script}");
        assert_eq!(writer(&container), first, "{script}");
        assert_eq!(container.ran("occ health").0, 0, "{script}");
    }
}

#[test]
fn a_started_again_container_has_its_place_again() {
    let volume = Volume::new();
    let mut first = Container::with(&volume, &["alice"]);
    is_ready(&first);
    let before = writer(&first);
    first.crash();
    // The same files, as `docker restart` finds them.
    let setup = Setup::new();
    let old = first.tree.path("run/occ-init");
    let copied = std::process::Command::new("cp")
        .arg("-a")
        .args([old, setup.tree.path("run")])
        .status();
    assert!(copied.unwrap().success());
    let second = setup.boot(&volume);
    is_ready(&second);
    assert_ne!(writer(&second), before);
    second.chpasswd("alice", 'n');
    second.soon("the record has it", || volume.hash("alice") == hash('n'));
}

#[test]
fn a_container_in_the_pid_namespace_of_another_keeps_its_own_accounts() {
    let volumes = [Volume::new(), Volume::new()];
    let one = Container::with(&volumes[0], &["alice"]);
    let two = Setup::new().boot_in(&one, &volumes[1]);
    two.add("bob", 'b');
    for container in [&one, &two] {
        is_ready(container);
        let (_, out, _) = container.ran("occ status");
        assert!(out.ends_with(", running\n"), "{out}");
    }
    assert_ne!(writer(&one), writer(&two));
    assert_ne!(two.status()["pid"], 1);
    one.chpasswd("alice", 'm');
    two.chpasswd("bob", 'n');
    one.soon("the first record has it", || {
        volumes[0].hash("alice") == hash('m')
    });
    two.soon("the second record has it", || {
        volumes[1].hash("bob") == hash('n')
    });
    assert_eq!(one.shadow("bob"), "");
    // bob of the second has the uid of alice of the first.
    let mut process = one.process_of(10_000);
    two.occ("occ user disable bob");
    two.until_idle();
    assert!(one.runs(10_000), "alice is not bob");
    let (code, _, err) = two.ran("occ --root /nowhere health --live");
    assert_eq!(code, 1);
    let other = "process 1 is 'occ-init', and not this container's occ-init";
    assert!(err.contains(other), "{err}");
    drop(two);
    is_ready(&one);
    drop(one);
    process.wait().unwrap();
}
