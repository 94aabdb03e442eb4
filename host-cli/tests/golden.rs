//! All that people read: the help of every command, and what is said where
//! no engine answers or the command line is wrong. `just bless` takes changes
//! over; the diff is then to be looked at.

#![allow(clippy::unwrap_used)] // A test that cannot go on fails.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use expect_test::expect_file;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// `occ ARGS`, with nothing of this machine but a home that is empty.
fn occ(home: &Path, args: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_occ"))
        .args(args)
        .env_clear()
        .env("HOME", home)
        .env("DOCKER_HOST", "unix:///nonexistent/engine.sock")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| {
        let text = String::from_utf8(bytes).unwrap();
        text.replace(home.to_str().unwrap(), "HOME")
    };
    let code = output.status.code().unwrap();
    (code, text(output.stdout), text(output.stderr))
}

/// The names in the lists of commands: between the usage and the options.
fn commands(help: &str) -> Vec<String> {
    let list = help.split("\nUsage: ").nth(1).unwrap_or_default();
    let list = list.split("\nOptions:\n").next().unwrap_or_default();
    let lists = ["Commands:", "People:", "The container:", "occ itself:"];
    let lines = list.lines().skip_while(|line| !lists.contains(line));
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names
        .filter(|name| !name.is_empty() && *name != "help")
        .map(str::to_owned)
        .collect()
}

/// Compares the help of a command and of all below it.
fn compare(path: &[String], home: &Path, seen: &mut BTreeSet<String>) {
    let args: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
    let (code, help, said) = occ(home, &args);
    assert_eq!((code, said.as_str()), (0, ""), "{args:?}");
    let longest = help.lines().map(|line| line.chars().count()).max();
    assert!(
        longest <= Some(100),
        "{args:?}: a line of {longest:?} columns"
    );
    let file = [&["occ".to_owned()], path].concat().join("-") + ".txt";
    expect_file![golden().join("help").join(&file)].assert_eq(&help);
    seen.insert(file);
    for name in commands(&help) {
        compare(&[path, &[name]].concat(), home, seen);
    }
}

#[test]
fn help() {
    let home = tempfile::tempdir().unwrap();
    let mut seen = BTreeSet::new();
    compare(&[], home.path(), &mut seen);
    assert!(seen.len() > 25, "{seen:?}");
    let files = std::fs::read_dir(golden().join("help")).unwrap();
    let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let stale: Vec<String> = files.filter(|file| !seen.contains(file)).collect();
    assert!(stale.is_empty(), "no command has this help: {stale:?}");
}

/// Mistakes that people make. Each line is an `occ` of its own.
const WRONG: &str = "
user
user ad alice
user add al
user add 1alice
user add al-ice
user add müller
user add alice --password secret
user add alice --generate --no-password
user add alice --uid x
user add alice --ssh-key-file /nonexistent
user add --no-input
user add alice --restore --new-uid
user add alice --restore --uid 12000
user adopt
user adopt a:b
user enable a:b
user export alice
user disable alice --yes
user show
user show a:b
user disable
user remove
user remove alice --purge
user passwd alice --no-password
user import /nonexistent
user token
user token list
user token list a:b
user token revoke alice
user token revoke alice x
user token revoke alice 0a1b2c3d --all
user passkey
user passkey list
user passkey list a:b
user passkey remove alice
user passkey remove alice x
user list --output yaml
lst
list
add alice
start --port 0
start --port 65536
start --port -1
start --port http
start --bind localhost
start --bind 127.0.0.1:80
start --bind 256.0.0.1
start --image -x
start --container ../x
update
update container --check --rollback
config get prot
config set port http
config set port 0
config set port 65536
config set container -
config set container ../x
config set port
config set colour red
config unset prot
config unset users
config
config set users alice
config set bind localhost
logs -n many
logs alice
restart --wait-timeout -1
shell
shell a:b
status alice
stop now
doctor --fix
reset
reset everything
reset container --purge
update image
man
man /dev/null/x
strat
start --wait-timeout soon
backup
backup create
backup restore /nonexistent
backup create /nonexistent/people.tar
backup create .
backup restore /dev/null
backup restore .
completions tcsh
--host npipe:////./pipe/x user list
--host ftp://there user list
--context production user list
--host unix:///x --context y user list
--host unix:d.sock user list
--host unix://d.sock user list
--host tcp://there:0 user list
--host tcp://there:70000 user list
--host tcp://there/path user list
--host ssh:// user list
--host ssh://-oProxyCommand=x user list
--host ssh://me:hunter2@there user list
--host tcp://[::1]:1 user list
--container x user list
--color sometimes user list
user list
user add alice --generate
";

/// Commands that need no engine, in this order on one configuration.
const ANSWERS: &str = "
config path
config list
config set port 4000
config set port 4000
config set bind ::1
config set image registry:5000/img:tag
config get port
config get base_image
config get gate_idle
config get users
config unset bind
config unset bind
config list
config list -o name
man HOME/man
";

#[test]
fn answers() {
    let home = tempfile::tempdir().unwrap();
    let mut text = String::new();
    for line in ANSWERS.lines().filter(|line| !line.is_empty()) {
        let line_here = line.replace("HOME", home.path().to_str().unwrap());
        let args: Vec<&str> = line_here.split(' ').collect();
        let answer = |args: &[&str]| {
            let (code, out, said) = occ(home.path(), args);
            assert_eq!((code, said.as_str()), (0, ""), "{line}");
            out
        };
        let document = answer(&[&["--json"], &args[..]].concat());
        let _: serde_json::Value = serde_json::from_str(&document).unwrap();
        assert_eq!(document.lines().count(), 1, "{line}");
        let out = answer(&args);
        writeln!(text, "$ occ {line}\n{out}{document}").unwrap();
    }
    expect_file![golden().join("answers.txt")].assert_eq(&text);
}

#[test]
fn errors() {
    let home = tempfile::tempdir().unwrap();
    let mut text = String::new();
    for line in WRONG.lines().filter(|line| !line.is_empty()) {
        let args: Vec<&str> = line.split(' ').collect();
        let (code, out, said) = occ(home.path(), &args);
        assert_eq!(out, "", "{line}: an error is on stderr alone");
        let (json_code, out, _) = occ(home.path(), &[&args[..], &["--json"]].concat());
        assert_eq!(code, json_code, "{line}: --json ends the same");
        let document: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(out.lines().count(), 1);
        writeln!(
            text,
            "$ occ {line}\n{}exit {code}, {}\n",
            said, document["error"]["kind"]
        )
        .unwrap();
    }
    expect_file![golden().join("errors.txt")].assert_eq(&text);
}
