//! Every change of an account, against everything that can happen to its container. The
//! result is written as a table, and that of docs/accounts.md is it.

use crate::harness::{Container, Volumes, images, soon};
use std::thread;

const PAGE: &str = include_str!("../../docs/accounts.md");
/// The start of the table's header.
const HEADER: &str = "| | container removed |";

/// A change: the first cell of its row, how it is made inside the container, and the command
/// that shows it.
struct Change {
    row: &'static str,
    make: &'static str,
    show: &'static str,
}

const fn change(row: &'static str, make: &'static str, show: &'static str) -> Change {
    Change { row, make, show }
}

/// All rows of the table, in its order. Digests stand for hashes: no test prints one.
const CHANGES: [Change; 9] = [
    change(
        "account, uid, password, lock, ssh keys",
        "echo 'a new one' | occ-init user passwd alice --password-stdin
         echo 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG7XlDM31LdZr0AjzdymgbyWg7rQepVzcdAqVudzft8b' >/root/key
         occ-init user set alice --add-key /root/key
         occ-init user add zoe --no-password --disabled",
        "occ-init user keys alice; occ-init user list | grep zoe; id alice
         getent shadow alice zoe | sha256sum",
    ),
    change(
        "home with its files (volume `CONTAINER-home`)",
        "echo mine >/home/alice/file; chown alice:alice /home/alice/file",
        "stat -c '%u %a %Y' /home/alice/file && cat /home/alice/file",
    ),
    change(
        "a password changed inside with `passwd`",
        "echo 'bob:another one of bob' | chpasswd",
        "getent shadow bob | sha256sum",
    ),
    change(
        "a lock by root inside (`passwd -l`, `usermod -L`)",
        "passwd -l carol; usermod -L dave",
        "occ-init user list | grep -E '^(carol|dave) '",
    ),
    change(
        "expiry and aging set inside with `chage`",
        "chage --expiredate 2040-01-01 --maxdays 90 --warndays 5 erin",
        "getent shadow erin | cut -d: -f4-8",
    ),
    change(
        "a forced change set inside (`passwd -e`, `chage -d 0`)",
        "passwd -e frank; chage -d 0 grace",
        "getent shadow frank grace | cut -d: -f3",
    ),
    change(
        "gecos or shell changed inside with `chfn`, `chsh`",
        "chfn -f Heidi heidi; chsh -s /bin/dash heidi",
        "getent passwd heidi",
    ),
    change(
        "group memberships given inside with `usermod -aG`",
        "usermod -aG audio ivan",
        "id -Gn ivan",
    ),
    change(
        "removed account's uid and home",
        "occ-init user remove judy --yes",
        "stat -c '%u %a' /home/judy; cat /var/lib/opencode-users/removed/*.json
         ! occ-init user add judy --no-password 2>&1",
    ),
];

const PEOPLE: [&str; 10] = [
    "alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy",
];

/// Something that happens to a container; the header's cell of its column.
#[derive(Clone, Copy)]
enum Event {
    Removed,
    Updated,
    Killed,
}

const EVENTS: [(Event, &str); 3] = [
    (Event::Removed, "container removed"),
    (Event::Updated, "image updated"),
    (Event::Killed, "`kill -9` at any moment"),
];

/// Makes the people and their changes; returns what was shown before them and is after.
fn settle(container: &Container) -> [Vec<String>; 2] {
    for name in PEOPLE {
        let password = format!("{name} has a password\n");
        container.occ_init(["user", "add", name, "--password-stdin"], &password);
    }
    let before = shown(container);
    for change in CHANGES {
        container.exec(["sh", "-ec", change.make]).ok();
    }
    soon("records and /etc agree", || {
        let check = container.exec(["/usr/local/bin/occ-init", "check"]).run();
        (check.code == Some(0)).then_some(())
    });
    [before, shown(container)]
}

fn shown(container: &Container) -> Vec<String> {
    let show = |change: &Change| container.sh(&format!("{}; true", change.show));
    CHANGES.iter().map(show).collect()
}

/// Debian with system accounts that the image of before did not have.
fn newer() -> String {
    let more = "RUN useradd --system redis && useradd --system --user-group caddy";
    let dockerfile = format!(
        "FROM {}\n{more}\nCMD [\"sleep\", \"infinity\"]",
        images::with_packages("survives", "passwd")
    );
    images::image("survives-newer", &dockerfile, &[])
}

/// The cells of a column: `yes` if the change is there after the event, `no` if all is as
/// before the change.
fn column(event: Event, theme: &str) -> Vec<&'static str> {
    let volumes = Volumes::new(theme);
    let container = volumes.start(images::debian());
    let [before, changed] = settle(&container);
    let container = match event {
        Event::Killed => {
            container.crash();
            container.start_again();
            container
        }
        Event::Removed => {
            drop(container);
            volumes.start(images::debian())
        }
        Event::Updated => {
            drop(container);
            volumes.start(&newer())
        }
    };
    let after = shown(&container);
    let states = before.iter().zip(&changed).zip(&after);
    let cells = states
        .zip(&CHANGES)
        .map(
            |(((before, changed), after), change)| match (after == before, after == changed) {
                (true, _) => "no",
                (false, true) => "yes",
                (false, false) => panic!("{}: {after}, not {changed}", change.row),
            },
        );
    cells.collect()
}

/// The rows of the page's table: their cells, each by its first word.
fn table() -> Vec<Vec<&'static str>> {
    let start = PAGE.find(HEADER).expect("the page has the table");
    let length = PAGE[start..].find("\n\n").unwrap();
    let rows = PAGE[start..start + length].lines();
    rows.map(|row| row.split('|').map(str::trim).collect())
        .collect()
}

/// `yes` or `no`, whichever the cell begins with; what is kept is there.
fn first_word(cell: &str) -> &'static str {
    match cell.split([' ', ',', ':']).next() {
        Some("yes" | "kept") => "yes",
        Some("no") => "no",
        _ => panic!("neither yes, kept nor no: '{cell}'"),
    }
}

#[test]
fn the_table_of_the_page_is_what_survives() {
    let table = table();
    let (header, rows) = (&table[0], &table[2..]);
    assert_eq!(header[2..5], EVENTS.map(|(_, title)| title));
    let named: Vec<&str> = rows.iter().map(|row| row[1]).collect();
    assert_eq!(named, CHANGES.map(|change| change.row));
    let columns = thread::scope(|scope| {
        let themes = ["survives-0", "survives-1", "survives-2"];
        let columns = EVENTS.map(|(event, _)| event).into_iter().zip(themes);
        let columns: Vec<_> = columns
            .map(|(event, theme)| scope.spawn(move || column(event, theme)))
            .collect();
        let join = |column: thread::ScopedJoinHandle<'_, _>| column.join().unwrap();
        columns.into_iter().map(join).collect::<Vec<_>>()
    });
    for (index, row) in rows.iter().enumerate() {
        for (column, cells) in columns.iter().enumerate() {
            let written = first_word(row[column + 2]);
            assert_eq!(cells[index], written, "{}, {}", row[1], header[column + 2]);
        }
    }
}
