//! The whole output of every command that needs a container:
//! messages, documents, errors and exit codes, against a golden file.
//! `UPDATE_EXPECT=1` takes changes over; the diff is then to be looked at.

use crate::harness::{Instance, run, source};
use expect_test::expect_file;
use std::fmt::Write as _;
use std::path::Path;

/// One `occ` a line; after `<<` is what it reads. `!` does something else.
const TRANSCRIPT: &str = "
status
status --json
user list --json
logs
restart --json
update container --json
stop
stop --json
reset container --force --json
start --image IMAGE --port PORT
start
start --json
status
status --json
status -o name
user list
user list --json
user add alice --password-stdin << a a a
user add bob --password-stdin --json << b b b
user add carol --generate
user add dave --generate --json
user add erin --generate -q
user add frank --no-password -o name
user add alice --no-password
user add alice --no-password --json
user add alice --generate --if-missing
user add alice --generate --if-missing --json
user add sudo --no-password
user add sudo --no-password --json
user add grace --no-password --uid 10000 --json
user add grace --no-password --groups shadow
user add grace
user add grace --json
user add grace --password-stdin <<
user list
user list -q
user list --json
user show alice
user show alice --json
user show alcie
user show alcie --json
user show alice -q
user passwd alice --generate
user passwd alice --generate --json
user passwd alice --generate -q
user passwd alcie --generate
user passwd root --generate
user disable bob
user disable bob
user enable bob --json
user enable bob --json
user disable bob frank
user enable bob frank --json
user enable bob alcie --json
user remove bob
user remove bob --json
user remove erin --yes
user remove frank dave --yes --json
user remove alice bob carol --yes
user add erin --no-password
user add erin --no-password --json
user add erin --no-password --restore
user import --dry-run << grace::::Grace::
user import << heidi:h h h:::Heidi::
user import --json << ivan:i i i:::Ivan::
user import << sudo:s s s:::::
!for one in judy:10008 mallory:10009; do groupadd -g ${one#*:} ${one%:*}; useradd -u ${one#*:} -g ${one%:*} ${one%:*}; done
user adopt judy
user adopt mallory --json
user adopt nobody
user adopt nobody --json
user export --json
backup create DIR/people.tar
backup create DIR/people.tar
backup create DIR/again.tar --json
backup restore DIR/people.tar
backup restore DIR/people.tar --json
backup restore DIR/people.tar --force
backup restore DIR/people.tar --force --json
update container --check
update container --check --json
update container
update container --json
update container --rollback
!next
update container --check --json
update container --json
update container --rollback
update container --rollback --json
restart
restart --json
shell alice
doctor -q
stop
stop
stop --json
status -q
user list
user add grace --generate --json
reset container
reset container --force
reset container --force
start --image IMAGE --port PORT -q
stop -q
reset container --volumes --force --json
";

/// Stands for what differs from run to run.
fn steady(instance: &Instance, directory: &Path, text: &str) -> String {
    let names = [
        (directory.to_str().unwrap(), "DIR"),
        (instance.image.as_str(), "IMAGE"),
        (instance.name.as_str(), "NAME"),
    ];
    let text = names
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    let text = text.replace(&format!(":{}", instance.port), ":PORT");
    // The engine's own word changes some time after the start.
    let text = text.replace("starting", "healthy");
    text.split_inclusive(|c: char| !is_inner(c))
        .map(steady_word)
        .collect()
}

fn is_inner(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_.:-".contains(c)
}

/// A password, a number of seconds or bytes, an id, or a time.
fn steady_word(word: &str) -> String {
    let text = word.trim_end_matches(|c: char| !is_inner(c));
    let rest = &word[text.len()..];
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let id = text.strip_prefix("sha256:").unwrap_or(text);
    let (number, colon) = match text.strip_prefix(':') {
        Some(number) => (number, ":"),
        None => (text, ""),
    };
    let kind = match text {
        _ if matches!(id.len(), 64 | 12) && hex(id) => "ID",
        _ if number.len() == 16 && digits(number) => "USEC",
        _ if number.len() >= 4 && digits(number) && !number.starts_with("10") => "NUMBER",
        _ if text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            "PASSWORD"
        }
        _ if text.len() > 20 && text.starts_with("20") && text.contains('T') => "TIME",
        _ => return word.to_owned(),
    };
    format!("{colon}{kind}{rest}")
}

/// Runs one line and writes down what came of it.
fn play(instance: &Instance, directory: &Path, line: &str, text: &mut String) {
    match line.strip_prefix('!') {
        Some("next") => return instance.use_image(&run().shifted),
        Some(script) => return drop(instance.sh(script)),
        None => (),
    }
    let (command, input) = line.split_once(" <<").unwrap_or((line, ""));
    let input = input.strip_prefix(' ').unwrap_or(input);
    let port = instance.port.to_string();
    let words = command.split(' ').map(|word| match word {
        "IMAGE" => instance.image.clone(),
        "PORT" => port.clone(),
        _ => word.replace("DIR", directory.to_str().unwrap()),
    });
    let input = if input.is_empty() {
        String::new()
    } else {
        format!("{input}\n")
    };
    let done = instance.occ([]).args(words).input(input).run();
    if command.contains("--json") {
        drop(done.json());
    }
    let told = steady(instance, directory, &done.stdout);
    write!(text, "$ occ {line}\n{told}").unwrap();
    for said in steady(instance, directory, &done.stderr).lines() {
        writeln!(text, "2> {said}").unwrap();
    }
    writeln!(text, "exit {}\n", done.code.unwrap()).unwrap();
}

#[test]
fn every_command_says_what_it_said() {
    let instance = Instance::new("texts");
    let directory = tempfile::tempdir().unwrap();
    let golden = source("tests/docs/transcript.txt");
    let mut text = String::new();
    for line in TRANSCRIPT.lines().filter(|line| !line.is_empty()) {
        play(&instance, directory.path(), line, &mut text);
    }
    expect_file![golden].assert_eq(&text);
}
