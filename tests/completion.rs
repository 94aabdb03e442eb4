//! TAB in a real shell.

use crate::harness::{Call, Instance};
use std::path::Path;

/// A PATH on which `occ` is the one under test.
fn path() -> String {
    let own = Path::new(env!("CARGO_BIN_EXE_occ")).parent().unwrap();
    format!("{}:{}", own.display(), std::env::var("PATH").unwrap())
}

/// What bash offers for the last of the words.
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
