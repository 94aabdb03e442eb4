//! `docker run -it`: a person's shell as COMMAND.

use super::new_container;
use crate::harness::{Terminal, Volumes};

const CONTROL_C: &str = "\u{3}";
const CONTROL_Z: &str = "\u{1a}";

#[test]
fn a_shell_has_the_keyboard_its_jobs_and_the_window() {
    let _slot = Volumes::new("tty");
    for (user, who) in [("", "ROOT"), ("nobody", "NOBODY")] {
        let user = format!("OCC_INIT_USER={user}");
        let options = ["--rm", "-it", "--env", &user, "--env", "PS1=> "];
        let shell = ["bash", "--norc", "--noediting", "-b"];
        let shell = new_container("tty", &options, &shell);
        let (code, screen) = Terminal::open(shell)
            .types("echo \"i am $(id -un)\" | tr a-z A-Z")
            .asks(&format!("I AM {who}"))
            .types("stty rows 33 cols 77; stty size | tr ' ' x")
            .asks("33x77")
            .types("sh -c 'echo at $((40 + 2)); exec cat'")
            .asks("at 42")
            .types(CONTROL_Z)
            .asks("Stopped")
            .types("fg")
            .asks("fg\r\n")
            .asks("exec cat'")
            .types("hello")
            .asks("hello\r\nhello\r\n")
            .types(CONTROL_C)
            .asks("> ")
            .types("echo status $?")
            .asks("status 130")
            .types("exit 9")
            .ends();
        assert_eq!(code, 9, "{screen}");
        assert!(!screen.contains("job control"), "{screen}");
    }
}
