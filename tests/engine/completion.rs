//! TAB in a real shell.

use crate::harness::{Call, Instance, Terminal, occ};

/// A PATH on which `occ` is the one under test.
fn path() -> String {
    let occ = occ();
    let own = occ.parent().unwrap();
    format!("{}:{}", own.display(), std::env::var("PATH").unwrap())
}

/// Words that bash offers for the last one.
fn offered(instance: &Instance, words: &[&str]) -> String {
    let script = r#"
        source <(occ completions bash)
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_TYPE=9
        COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
        $(complete -p occ | sed -n 's/.*-F \([^ ]*\).*/\1/p') occ "${!#}" ""
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    Call::new("bash")
        .args(["-c", script, "bash"])
        .args(words)
        .env("PATH", path())
        .env("XDG_CONFIG_HOME", instance.config())
        .ok()
        .text()
        .to_owned()
}

#[test]
fn names_are_those_in_the_container_and_as_last_seen_when_it_is_away() {
    let instance = Instance::started("tab");
    instance.add("alice", "a a a a");
    instance.add("albert", "a a a a");
    instance.add("bob", "b b b b");
    let name = instance.name.as_str();
    let show = ["occ", "--container", name, "user", "show", "al"];
    assert_eq!(offered(&instance, &show), "albert\nalice");
    // Made by somebody else: the configuration here does not know it yet.
    instance
        .exec(["occ-init", "user", "add", "alma", "--no-password"])
        .ok();
    assert_eq!(offered(&instance, &show), "albert\nalice\nalma");
    instance.occ(["stop"]).ok();
    assert_eq!(offered(&instance, &show), "albert\nalice");
    assert_eq!(offered(&instance, &["occ", "user", "rem"]), "remove");
    assert_eq!(offered(&instance, &["occ", "config", "get", "po"]), "port");
}

/// A shell at a terminal, what it is told first, and how it is left alone.
const SHELLS: [(&str, &[&str], &str); 3] = [
    ("bash", &["--norc", "-i"], "source <(occ completions bash)"),
    (
        "zsh",
        &["-f", "-i"],
        "autoload -Uz compinit; compinit -u -d $HOME/dump; source <(occ completions zsh)",
    ),
    (
        "fish",
        &["--no-config", "-i"],
        "occ completions fish | source",
    ),
];

/// The typed line ends in TAB; that the shell has put the rest of the name there
/// shows when the line is run.
#[test]
fn bash_zsh_and_fish_complete_a_name_that_is_only_in_the_container() {
    let instance = Instance::started("shells");
    instance
        .exec(["occ-init", "user", "add", "wilhelmina", "--no-password"])
        .ok();
    let home = tempfile::tempdir().unwrap();
    for (shell, args, begin) in SHELLS {
        let call = Call::new(shell)
            .args(args)
            .env("PATH", path())
            .env("TERM", "xterm")
            .env("HOME", home.path())
            .env("XDG_DATA_HOME", home.path())
            .env("XDG_CONFIG_HOME", instance.config());
        let line = format!("occ --container {} user show wil\t", instance.name);
        let (found, terminal) = Terminal::open(call)
            .types(&format!("{begin}; echo rea\"\"dy"))
            .asks("ready")
            .types(&line)
            .asks_one_of(&["Home:     /home/wilhelmina", "no such account"]);
        assert!(found.ends_with("/wilhelmina"), "{shell} completes nothing");
        let (code, screen) = terminal.types("exit 0").ends();
        assert_eq!(code, 0, "{shell}: {screen}");
    }
}
