//! An image with an entrypoint script of its own, and a program that runs as one person.

use super::{ALICE, Program, dockerfile};
use crate::harness::images::{self, File};
use crate::harness::{docker, until};

/// What it says depends on the accounts and on CMD.
const ENTRYPOINT: &str = "#!/bin/sh
set -e
echo \"starts '$*' for alice ($(id -u alice 2>/dev/null || echo nobody))\"
exec \"$@\"
";
const SERVE: &str = "#!/bin/sh\nexec sleep infinity\n";

/// An image as others make them, without occ-init.
fn your_image() -> String {
    let dockerfile = "FROM debian:bookworm-slim\n\
        COPY docker-entrypoint.sh /\n\
        COPY serve /usr/local/bin/\n\
        ENTRYPOINT [\"/docker-entrypoint.sh\"]\n\
        CMD [\"serve\"]\n";
    let files = [
        File::new("docker-entrypoint.sh", ENTRYPOINT, 0o755),
        File::new("serve", SERVE, 0o755),
    ];
    images::yours(dockerfile, &files)
}

#[test]
fn an_entrypoint_script_runs_when_the_accounts_are_there() {
    let text = dockerfile("An image with an entrypoint script");
    let text = text.replace("your-image", &your_image());
    let program = Program::beside("script", &text, 80, &[]);
    program.lets_alice_in(|_, container, password| container.login("alice", password).is_ok());
    let container = program.volumes.start_published(&program.image, 80);
    until("it has started", || {
        container
            .logs()
            .contains("starts 'serve' for alice (10000)")
            .then_some(())
    });
    docker(["stop", "--time", "600", &container.name]).ok();
    assert_eq!(
        container.inspect("{{.State.ExitCode}}"),
        "143",
        "TERM reached it"
    );
}

/// The account is made before, by the same image.
#[test]
fn a_program_of_one_person_runs_as_them_and_not_while_they_are_disabled() {
    let program = Program::beside("one-person", dockerfile("SFTP alone"), 22, &[]);
    let run = |options: &[&str], args: &[&str]| {
        docker(["run", "--rm", "--interactive", "--entrypoint", "occ-init"])
            .args([
                "--volume",
                &program.volumes.users(),
                "--volume",
                &program.volumes.homes(),
            ])
            .args(options)
            .args([&program.image])
            .args(args)
            .input(format!("{ALICE}\n"))
            .run()
    };
    run(&[], &["user", "add", "alice", "--password-stdin"]).exits(0);
    let whoami = ["--user", "alice", "--", "sh", "-c", "id -u && cd && pwd"];
    let told = run(&[], &whoami).exits(0);
    assert_eq!(told.text(), "10000\n/home/alice");
    run(&[], &["user", "disable", "alice"]).exits(0);
    let refused = run(&[], &whoami);
    assert_ne!(refused.code, Some(0), "{refused:#?}");
    assert!(
        refused.stderr.contains("the account 'alice' is disabled"),
        "{refused:#?}"
    );
}
