//! A person is added at a terminal and logs in through PAM.

use crate::harness::{Instance, Terminal, docker};

const PASSWORD: &str = "correct horse 7 battery";

/// `su NAME` at a terminal in the container, run by `from`.
fn su(instance: &Instance, from: &str, name: &str, password: &str) -> (i32, String) {
    let call = docker([
        "exec",
        "-it",
        "--user",
        from,
        &instance.name,
        "su",
        name,
        "-c",
        "id -un",
    ]);
    Terminal::open(call)
        .asks("Password: ")
        .types(password)
        .ends()
}

#[test]
fn a_password_typed_twice_at_a_terminal_logs_in() {
    let instance = Instance::started("login");
    let dialogue = Terminal::open(instance.occ(["user", "add", "alice"]));
    let (code, screen) = dialogue
        .asks("Password for 'alice': ")
        .types(PASSWORD)
        .asks("Again: ")
        .types(PASSWORD)
        .ends();
    assert_eq!(code, 0, "{screen}");
    assert!(
        screen.contains("User 'alice' created (uid 10000).\r\nPassword: ********\r\n"),
        "{screen}"
    );
    assert!(!screen.contains(PASSWORD), "echoed: {screen}");
    assert_eq!(instance.accounts().uid("alice"), 10000);
    instance.add("bob", "hunter2 hunter2");

    assert_eq!(instance.login("alice", PASSWORD).unwrap(), 10000);
    instance.shut_out("alice", "correct horse 7 batter");
    instance.shut_out("alice", "");
    let (code, screen) = su(&instance, "bob", "alice", PASSWORD);
    assert!(code == 0 && screen.contains("alice"), "{code}: {screen}");
    let (code, screen) = su(&instance, "bob", "alice", "hunter2 hunter2");
    assert!(
        code == 1 && screen.contains("Authentication failure"),
        "{code}: {screen}"
    );
}

#[test]
fn the_pam_service_of_the_image_decides_the_same() {
    let instance = Instance::started("pam");
    instance.add("alice", PASSWORD);
    instance.user(["add", "bob", "--no-password"], "");
    // su asks the service `su`; here that has the rules of ours.
    instance.sh("cp /etc/pam.d/occ /etc/pam.d/su");
    assert_eq!(instance.login("alice", PASSWORD).unwrap(), 10000);
    instance.shut_out("alice", "wrong");
    instance.shut_out("alice", "");
    instance.shut_out("bob", "");
    instance.user(["disable", "bob"], "");
    instance.shut_out("bob", "");
}

#[test]
fn questions_are_asked_again_and_a_name_is_proposed() {
    let instance = Instance::started("ask");
    let dialogue = Terminal::open(instance.occ(["user", "add"]));
    let (code, screen) = dialogue
        .asks("Username [opencode]: ")
        .types("")
        .asks("Password for 'opencode': ")
        .types(PASSWORD)
        .asks("Again: ")
        .types("mistyped")
        .asks("Password for 'opencode': ")
        .types(PASSWORD)
        .asks("Again: ")
        .types(PASSWORD)
        .ends();
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains("The passwords differ."), "{screen}");
    assert_eq!(instance.accounts().names(), ["opencode"]);
    instance.login("opencode", PASSWORD).unwrap();

    // That the name is taken comes before any question.
    let (code, screen) = Terminal::open(instance.occ(["user", "add", "opencode"])).ends();
    assert_eq!(code, 4, "{screen}");
    assert!(!screen.contains("Password for"), "{screen}");
}

#[test]
fn without_a_terminal_it_asks_nothing_and_names_the_flags() {
    let instance = Instance::started("mute");
    instance
        .refused(["add", "alice"], "", 2)
        .says("--password-stdin")
        .says("--generate");
    instance.refused(["add"], "", 2).says("user add alice`");
    let made = instance.user(["add", "alice", "--generate"], "");
    let password = made
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("Password: "))
        .unwrap();
    assert!(
        password.len() == 24 && password.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        "{made:?}"
    );
    instance.login("alice", password).unwrap();
    // Quiet swallows everything but what nobody could read again.
    let made = instance.user(["passwd", "alice", "--generate", "--quiet"], "");
    instance.shut_out("alice", password);
    instance.login("alice", made.text()).unwrap();
}
