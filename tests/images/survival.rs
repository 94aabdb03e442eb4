//! Accounts outlive their container and its image.

use crate::harness::{Instance, run};

const ALICE: &str = "alice's own secret";
const BOB: &str = "bob's own secret";
const EVE: &str = "eve's own secret";

/// alice 10000, bob 10001, carol 10002 (removed), dave 10003, eve 10004
/// (disabled); alice and carol have a file each.
fn settle(instance: &Instance) {
    for (name, password, uid) in [
        ("alice", ALICE, 10000),
        ("bob", BOB, 10001),
        ("carol", "c c c", 10002),
        ("dave", "d d d", 10003),
        ("eve", EVE, 10004),
    ] {
        assert_eq!(instance.add(name, password), uid);
    }
    for name in ["alice", "carol"] {
        instance
            .exec_as(name, ["sh", "-c", "echo mine > ~/file && chmod 600 ~/file"])
            .ok();
    }
    instance.user(["remove", "carol", "--yes"], "");
    instance.user(["disable", "eve"], "");
}

/// Everybody is as `settle` left them.
#[track_caller]
fn all_as_before(instance: &Instance) {
    let accounts = instance.accounts();
    assert_eq!(accounts.names(), ["alice", "bob", "dave", "eve"]);
    for (name, uid) in [
        ("alice", 10000),
        ("bob", 10001),
        ("dave", 10003),
        ("eve", 10004),
    ] {
        assert_eq!(accounts.uid(name), uid, "{name}");
    }
    assert!(!accounts.has("carol"));
    assert_eq!(instance.login("alice", ALICE).unwrap(), 10000);
    assert_eq!(instance.login("bob", BOB).unwrap(), 10001);
    instance.shut_out("alice", BOB);
    instance.shut_out("eve", EVE);
    let files = instance.sh(
        "stat -c '%u:%g %a %n' /home/alice /home/alice/file /home/carol/file; cat /home/alice/file",
    );
    assert_eq!(
        files,
        "10000:10000 700 /home/alice\n10000:10000 600 /home/alice/file\n10002:10002 600 /home/carol/file\nmine"
    );
}

/// Numbers were not moved, are not given again, and come back with their name.
fn numbers_are_for_ever(instance: &Instance) {
    instance
        .refused(["add", "carol", "--password-stdin"], "new\n", 4)
        .says("--restore")
        .says("--new-uid");
    assert_eq!(instance.add("fred", "f f f"), 10005);
    instance.user(
        ["add", "carol", "--restore", "--password-stdin"],
        "carol again\n",
    );
    assert_eq!(instance.login("carol", "carol again").unwrap(), 10002);
    instance.shut_out("carol", "c c c");
    instance
        .exec_as("carol", ["cat", "/home/carol/file"])
        .ok()
        .prints("mine");
    instance.user(["enable", "eve"], "");
    assert_eq!(instance.login("eve", EVE).unwrap(), 10004);
}

/// The image has accounts of its own that were not there before.
#[track_caller]
fn is_on_the_shifted_image(instance: &Instance, before: &str) {
    assert_ne!(
        instance.inspect("{{.Image}}"),
        before,
        "the image is the same"
    );
    instance
        .exec(["getent", "passwd", "builder", "redis"])
        .ok()
        .prints("builder:x:1000:");
}

#[test]
fn a_new_container_on_a_changed_image_has_the_same_people() {
    let instance = Instance::started("recreate");
    settle(&instance);
    let before = instance.inspect("{{.Image}}");
    instance.remove_container();
    instance.use_image(&run().shifted);
    instance.start();
    is_on_the_shifted_image(&instance, &before);
    all_as_before(&instance);
    numbers_are_for_ever(&instance);
}

#[test]
fn an_update_of_a_running_container_keeps_the_people_and_can_go_back() {
    let instance = Instance::started("update");
    settle(&instance);
    let before = instance.inspect("{{.Image}}");
    instance
        .occ(["update", "container"])
        .ok()
        .prints("runs the newest");
    assert_eq!(instance.inspect("{{.Image}}"), before);

    instance.use_image(&run().shifted);
    instance
        .occ(["update", "container", "--check"])
        .ok()
        .prints("There is a newer");
    assert_eq!(
        instance.inspect("{{.Image}}"),
        before,
        "--check changes nothing"
    );
    instance
        .occ(["update", "container"])
        .ok()
        .prints("updated to the newest");
    is_on_the_shifted_image(&instance, &before);
    all_as_before(&instance);

    instance
        .occ(["update", "container", "--rollback"])
        .ok()
        .prints("is back on");
    assert_eq!(instance.inspect("{{.Image}}"), before);
    all_as_before(&instance);

    // Forward again: what happened in between is not undone by a rollback.
    instance.occ(["update", "container", "--rollback"]).ok();
    is_on_the_shifted_image(&instance, &before);
    numbers_are_for_ever(&instance);
}

#[test]
fn an_image_that_takes_somebodys_number_is_refused_before_anything_stops() {
    let instance = Instance::started("taken");
    instance.add("alice", ALICE);
    let before = instance.inspect("{{.Id}} {{.State.StartedAt}}");
    instance.use_image(&run().taken);
    instance
        .occ(["update", "container"])
        .run()
        .exits(5)
        .says("alice")
        .says("10000");
    instance.occ(["start", "--recreate"]).run().exits(5);
    assert_eq!(
        instance.inspect("{{.Id}} {{.State.StartedAt}}"),
        before,
        "the container was touched"
    );
    assert_eq!(instance.login("alice", ALICE).unwrap(), 10000);
}
