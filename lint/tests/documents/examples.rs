//! The examples make the container that Compose makes: same volumes, capabilities, port and
//! time to stop.

use super::read;
use std::collections::BTreeSet;

const COMPOSE: &str = "image/compose.yaml";
const OTHERS: [&str; 3] = [
    "image/kubernetes/opencode.yaml",
    "image/quadlet/opencode.container",
    "image/swarm.yaml",
];

/// The words of a file that are one of these, or follow one of these prefixes.
fn words(path: &str) -> BTreeSet<String> {
    let text = read(path);
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    let lines: Vec<&str> = lines.collect();
    let is_end = |c: char| !(c.is_alphanumeric() || "_/-".contains(c));
    let words = lines.iter().flat_map(|line| line.split(is_end));
    words.map(str::to_owned).collect()
}

/// Capabilities and directories in the container.
fn of_the_container(path: &str) -> BTreeSet<String> {
    let is_capability =
        |word: &str| word.len() > 3 && word.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    let is_setting = |word: &str| word.starts_with("OCC_") || word.starts_with("OPENCODE_");
    let is_place = |word: &str| word == "/home" || word.starts_with("/var/lib/");
    let kept = words(path).into_iter();
    let kept = kept.filter(|word| is_place(word) || is_capability(word) && !is_setting(word));
    kept.collect()
}

#[test]
fn volumes_and_capabilities_are_those_of_compose() {
    let ours = of_the_container(COMPOSE);
    assert_eq!(ours.len(), 9, "{ours:?}");
    for other in OTHERS {
        assert_eq!(of_the_container(other), ours, "{other}");
    }
}

#[test]
fn port_and_time_to_stop_are_those_of_compose() {
    for path in OTHERS.into_iter().chain([COMPOSE]) {
        let words = words(path);
        assert!(words.contains("3000"), "{path}: port 3000");
        assert!(
            words.contains("30") || words.contains("30s"),
            "{path}: 30 s to stop"
        );
    }
}
