//! `occ reset container` removes what is the instance's, and no more than asked.

use crate::harness::{Instance, Terminal, docker, run};

const PASSWORD: &str = "before the reset";

fn is_there(kind: &str, name: &str) -> bool {
    docker([kind, "inspect", name]).run().code == Some(0)
}

#[test]
fn the_container_goes_and_everybody_comes_back_with_start() {
    let instance = Instance::started("reset");
    instance.add("alice", PASSWORD);
    instance.use_image(&run().shifted);
    instance.occ(["update", "container"]).ok();
    let kept = format!("{}-previous", instance.name);
    let reset = ["reset", "container"];
    instance.occ(reset).run().exits(2).says("--force");
    let (code, screen) = Terminal::open(instance.occ(reset))
        .asks("Accounts and homes stay. [y/N] ")
        .types("n")
        .ends();
    assert_eq!(code, 1, "{screen}");
    assert!(is_there("container", &instance.name) && is_there("container", &kept));
    instance
        .occ(reset)
        .args(["--force"])
        .ok()
        .prints("accounts and homes stay");
    assert!(!is_there("container", &instance.name) && !is_there("container", &kept));
    instance.occ(reset).ok().prints("There is nothing");
    instance.start();
    assert_eq!(instance.login("alice", PASSWORD).unwrap(), 10000);
}

#[test]
fn volumes_go_only_with_the_flag_the_name_and_nobody_else_on_them() {
    let instance = Instance::started("wipe");
    instance.add("alice", PASSWORD);
    let users = format!("{}-users", instance.name);
    let other = format!("{}-other", instance.name);
    let mount = format!("{users}:/store");
    docker([
        "create",
        "--name",
        &other,
        "--volume",
        &mount,
        &instance.image,
        "true",
    ])
    .ok();
    let wipe = ["reset", "container", "--volumes", "--force"];
    instance.occ(wipe).run().exits(5).says(&other);
    docker(["rm", &other]).ok();
    assert_eq!(instance.login("alice", PASSWORD).unwrap(), 10000);

    let ask =
        || Terminal::open(instance.occ(["reset", "container", "--volumes"])).asks("Type its name");
    let (code, _) = ask().types("yes").ends();
    assert_eq!(code, 1);
    assert!(is_there("volume", &users) && is_there("container", &instance.name));
    let (code, screen) = ask().types(&instance.name).ends();
    assert_eq!(code, 0, "{screen}");
    assert!(!is_there("volume", &users) && !is_there("container", &instance.name));
    let config = std::fs::read_to_string(instance.config().join("occ/config.json")).unwrap();
    assert!(!config.contains("alice"), "{config}");
}
