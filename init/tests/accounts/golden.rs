//! The help of every command, whole (`just bless` takes changes over), and the calls in the
//! pages of docs/.

use expect_test::expect_file;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/help")
}

/// The names below `Commands:`.
fn commands(help: &str) -> Vec<String> {
    let list = help.split("\nCommands:\n").nth(1).unwrap_or_default();
    let lines = list.lines().take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names
        .filter(|name| !name.is_empty() && *name != "help")
        .map(str::to_owned)
        .collect()
}

/// Compares the help of a command and of all below it.
fn compare(path: &[String], seen: &mut BTreeSet<String>) {
    let output = Command::new(env!("CARGO_BIN_EXE_occ-init"))
        .args(path)
        .arg("--help")
        .env_clear()
        .output()
        .unwrap();
    let (help, said) = [output.stdout, output.stderr]
        .map(|bytes| String::from_utf8(bytes).unwrap())
        .into();
    assert!(
        output.status.success() && said.is_empty(),
        "{path:?}: {said}"
    );
    // Built beside occ, clap wraps what is longer, and alone it does not.
    let longest = help.lines().map(|line| line.chars().count()).max();
    assert!(
        longest <= Some(100),
        "{path:?}: a line of {longest:?} columns"
    );
    let file = [&["occ-init".to_owned()], path].concat().join("-") + ".txt";
    expect_file![golden().join(&file)].assert_eq(&help);
    seen.insert(file);
    for name in commands(&help) {
        compare(&[path, &[name]].concat(), seen);
    }
}

#[test]
fn help() {
    let mut seen = BTreeSet::new();
    compare(&[], &mut seen);
    for command in ["restore", "check", "user"] {
        compare(&[command.to_owned()], &mut seen);
    }
    assert!(seen.len() > 14, "{seen:?}");
    let files = fs::read_dir(golden()).unwrap();
    let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let stale: Vec<String> = files.filter(|file| !seen.contains(file)).collect();
    assert!(stale.is_empty(), "no command has this help: {stale:?}");
}

/// The words of every call in a page, up to a quote, a pipe, a redirection or a comment.
fn calls(page: &str) -> Vec<Vec<&str>> {
    let calls = page
        .lines()
        .flat_map(|line| line.split("occ-init ").skip(1));
    let calls = calls.map(|call| {
        call.split(['`', '|', '>', '<', '#', ';', '\''])
            .next()
            .unwrap()
    });
    let calls = calls.map(|call| call.split_whitespace().collect::<Vec<_>>());
    calls
        .filter(|words| matches!(words.first(), Some(&("user" | "check" | "restore"))))
        .collect()
}

/// With `--help` behind it nothing is done, but options that are none are still refused.
#[test]
fn every_call_in_the_pages_is_a_command() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let (mut seen, mut wrong) = (0, Vec::new());
    for page in fs::read_dir(root.join("docs")).unwrap() {
        let page = page.unwrap().path();
        if page.extension().is_none_or(|end| end != "md") {
            continue;
        }
        for words in calls(&fs::read_to_string(page).unwrap()) {
            let call = Command::new(env!("CARGO_BIN_EXE_occ-init"))
                .args(&words)
                .arg("--help")
                .output()
                .unwrap();
            seen += 1;
            if !call.status.success() {
                wrong.push(words.join(" "));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(seen > 10, "only {seen} calls: are the pages read right?");
}
