//! Every door at which an account can be tried, against every state that an
//! account can be in: real sshd, dropbear, su, login and cron of Debian and
//! busybox. What was seen is written as a table, and that of docs/security.md is it.

use crate::harness::images::{File, image, with_packages};
use crate::harness::{
    BUILD, Container, DAEMON, FORK_RACER, Terminal, Volumes, docker, source, until,
};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::OnceLock;
use std::thread;

const PAGE: &str = include_str!("../../../docs/security.md");
/// The first cell of the table's header.
const HEADER: &str = "| door |";
const PACKAGES: &str = "busybox-static cron dropbear-bin faketime login openssh-client openssh-server \
    pamtester passwd procps systemd-userdbd";

/// The states, as the table's header has them, and who is in each.
const PEOPLE: [Person; 8] = [
    Person::new("password", "alice", 10000),
    Person::new("key only", "carol", 10001),
    Person::new("expired inside", "dave", 10002),
    Person::new("forced change", "heidi", 10003),
    Person::new("locked inside", "ivan", 10004),
    Person::new("disabled", "erin", 10005),
    Person::new("enabled again", "frank", 10006),
    Person::new("removed", "grace", 10007),
];
/// The words of pam_unix, sshd and pamtester for a password that has to be changed first.
const NEW_PASSWORD: [&str; 4] = [
    "required to change your password",
    "Password change required",
    "new one required",
    "New password",
];

struct Person {
    state: &'static str,
    name: &'static str,
    uid: u32,
}

impl Person {
    const fn new(state: &'static str, name: &'static str, uid: u32) -> Self {
        Self { state, name, uid }
    }

    fn password(&self) -> String {
        format!("{} has a password", self.name)
    }

    /// The cell of the table for a program that ended with `status` and printed
    /// `said`, which is the uid for everybody who is in.
    #[track_caller]
    fn cell(&self, door: &str, status: i32, said: &str) -> &'static str {
        let broken = ["refused", "kex_exchange", "timed out", "not found"];
        let is_broken = status == 124 || broken.iter().any(|words| said.contains(words));
        assert!(!is_broken, "'{door}' itself is broken: {status}: {said}");
        if status != 0 && NEW_PASSWORD.iter().any(|words| said.contains(words)) {
            return "new password";
        }
        if status != 0 {
            return "shut";
        }
        let uid = said.split_whitespace().last().unwrap_or_default();
        assert_eq!(uid, self.uid.to_string(), "'{door}', {}: {said}", self.name);
        "in"
    }
}

/// Debian with everything that lets people in.
pub(crate) fn house() -> &'static str {
    static IMAGE: OnceLock<String> = OnceLock::new();
    IMAGE.get_or_init(build_house)
}

fn build_house() -> String {
    let dockerfile = format!(
        "FROM {}\n\
         COPY serve.sh knock.sh /opt/\n\
         COPY pam.occ /etc/pam.d/occ\n\
         RUN cp /bin/busybox /opt/busybox && chmod 4755 /opt/busybox \\\n\
         && printf '#!/bin/sh\\necho \"$PASSWORD\"\\n' > /root/askpass && chmod 755 /root/askpass \\\n\
         && for key in of-record of-home; do ssh-keygen -q -t ed25519 -N '' -f /root/$key || exit 1; done \\\n\
         && mkdir -m 1777 /ticks\n\
         CMD [\"sleep\", \"infinity\"]",
        with_packages("doors", PACKAGES)
    );
    let files = [
        File::at(source("tests/images/doors/serve.sh"), 0o755),
        File::at(source("tests/images/doors/knock.sh"), 0o755),
        File::at(source("image/pam.occ"), 0o644),
    ];
    image("doors", &dockerfile, &files)
}

/// A key in the home, and a job each minute for both kinds of cron.
const FURNISH: &str = r"
name=$0
install -d -m 700 -o $name -g $name /home/$name/.ssh
install -m 600 -o $name -g $name /root/of-home.pub /home/$name/.ssh/authorized_keys
mkdir -p /bbcron
printf '* * * * * id -u >> /ticks/crond-%s\n' $name > /bbcron/$name
printf '* * * * * id -u >> /ticks/cron-%s\n' $name > /var/spool/cron/crontabs/$name
chown $name:crontab /var/spool/cron/crontabs/$name
chmod 600 /var/spool/cron/crontabs/$name
";

fn move_in(container: &Container, person: &Person) {
    let key = ["--ssh-key-file", "/root/of-record.pub"];
    let add = ["user", "add", person.name, key[0], key[1]];
    let occ_init = container.exec(["/usr/local/bin/occ-init"]).args(add);
    if person.state == "key only" {
        occ_init.args(["--no-password"]).ok();
    } else {
        let password = format!("{}\n", person.password());
        occ_init.args(["--password-stdin"]).input(password).ok();
    }
    container.exec(["sh", "-ec", FURNISH, person.name]).ok();
}

/// The lines of everybody in passwd and shadow.
fn lines(container: &Container) -> HashMap<String, String> {
    let files = container.sh("cat /etc/passwd /etc/shadow");
    let mut lines = HashMap::<String, String>::new();
    for line in files.lines() {
        let name = line.split(':').next().unwrap().to_owned();
        writeln!(lines.entry(name).or_default(), "{line}").unwrap();
    }
    lines
}

/// Somebody is logged in by ssh.
fn session(container: &Container, name: &str, uid: u32) {
    let ssh = "ssh -p 2201 -i /root/of-record -o StrictHostKeyChecking=no";
    container.sh(&format!(
        "setsid -f {ssh} {name}@127.0.0.1 sleep 1000 >/dev/null 2>&1 </dev/null"
    ));
    until("the session is there", || {
        let programs = container.programs(uid);
        programs.iter().any(|name| name == "sleep").then_some(())
    });
}

/// Root shuts people out inside, with the tools of shadow; each is in a record afterwards.
fn shut_inside(container: &Container) {
    container
        .sh("chage --expiredate 2000-01-01 dave; chage --lastday 0 heidi; usermod --lock ivan");
    until("the records hold it", || {
        let check = container.exec(["/usr/local/bin/occ-init", "check"]).run();
        (check.code == Some(0)).then_some(())
    });
    let list = container.occ_init(["user", "list"], "").stdout;
    let status = |name: &str| {
        let line = list.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().to_owned()
    };
    assert_eq!(status("dave"), "expired");
    assert_eq!(status("heidi"), "enabled");
    assert_eq!(status("ivan"), "disabled");
}

/// Brings everybody into their state. frank, who comes back, and carol, dave and heidi,
/// whom nobody touches for good, have the lines afterwards that they had before.
fn bring_about(container: &Container) {
    shut_inside(container);
    let before = lines(container);
    session(container, "erin", 10005);
    container.detach("erin", DAEMON);
    container.detach("erin", FORK_RACER);
    let several = ["carol", "dave", "erin", "frank", "heidi"];
    let [carol, dave, erin, frank, heidi] = several;
    container.occ_init(["user", "disable", carol, dave, erin, frank, heidi], "");
    assert_eq!(container.programs(10005), [""; 0]);
    let shut = lines(container);
    for name in several {
        assert_ne!(shut[name], before[name]);
    }
    container.occ_init(["user", "enable", carol, dave, frank, heidi], "");
    container.occ_init(["user", "remove", "grace", "--yes"], "");
    let after = lines(container);
    for name in [carol, dave, frank, heidi, "alice", "bob"] {
        assert!(after[name] == before[name], "the lines of '{name}' differ");
    }
}

/// login(1) at a terminal; it asks whoever comes.
fn login(container: &Container, person: &Person) -> &'static str {
    let door = "login at a terminal";
    let call = docker(["exec", "-it", &container.name, "login", person.name]);
    let asked = Terminal::open(call).asks("Password: ");
    let (came, screen) = asked.types(&person.password()).asks_one_of(&[
        "$ ",
        "Login incorrect",
        "has expired",
        "Current password: ",
    ]);
    match came {
        "$ " => (),
        "Current password: " => return "new password",
        _ => return "shut",
    }
    let (status, screen) = screen.types("id -u; exit").ends();
    let said = screen.trim_end().rsplit("id -u; exit").next().unwrap();
    let said = said.replace("logout", "");
    person.cell(door, status, &said)
}

/// Every door for one person: what stands in the cells, by door.
fn knock(container: &Container, person: &Person) -> BTreeMap<String, &'static str> {
    let address = format!("127.0.1.{}", person.uid % 100 + 1);
    let knocked = container
        .exec(["/opt/knock.sh", person.name, &person.password(), &address])
        .within(BUILD)
        .ok();
    let mut cells = BTreeMap::new();
    for line in knocked.stdout.lines() {
        let [door, status, said] = line.splitn(3, '|').collect::<Vec<_>>()[..] else {
            panic!("{knocked:#?}");
        };
        cells.insert(
            door.to_owned(),
            person.cell(door, status.parse().unwrap(), said),
        );
    }
    let exec = container.exec_as(person.name, ["id", "-u"]).run();
    let door = "docker exec --user";
    let status = exec.code.unwrap();
    cells.insert(door.into(), person.cell(door, status, &exec.stdout));
    cells.insert("login at a terminal".into(), login(container, person));
    cells
}

/// The page's table.
fn table() -> &'static str {
    let start = PAGE.find(HEADER).expect("the page has the table");
    let length = PAGE[start..].find("\n\n").unwrap();
    &PAGE[start..start + length]
}

/// The doors of the page's table, in its order.
fn listed() -> Vec<&'static str> {
    let rows = table().lines().skip(2);
    rows.map(|row| row.split('|').nth(1).unwrap().trim())
        .collect()
}

/// The table as it is to be: the doors in the page's order, those that it
/// lacks after them.
fn written(seen: &[BTreeMap<String, &'static str>]) -> String {
    let row = |cells: Vec<&str>| format!("| {} |", cells.join(" | "));
    let states = PEOPLE.iter().map(|person| person.state);
    let mut rows = vec![
        row(["door"].into_iter().chain(states).collect()),
        format!("|{}", "---|".repeat(PEOPLE.len() + 1)),
    ];
    let mut doors = listed();
    let found = seen[0].keys().map(String::as_str);
    doors.extend(found.filter(|door| !listed().contains(door)));
    for door in doors {
        let cells = seen.iter();
        let cells = cells.map(|cells| *cells.get(door).unwrap_or(&"not a door"));
        rows.push(row([door].into_iter().chain(cells).collect()));
    }
    rows.join("\n")
}

#[test]
fn the_table_of_the_page_is_what_happens() {
    let volumes = Volumes::new("doors");
    let container = volumes.start(house());
    let bob = Person::new("", "bob", 10008);
    for person in PEOPLE.iter().chain([&bob]) {
        move_in(&container, person);
    }
    container.exec(["/opt/serve.sh"]).ok();
    bring_about(&container);
    let seen: Vec<_> = thread::scope(|scope| {
        let container = &*container;
        let knocks = PEOPLE
            .each_ref()
            .map(|person| scope.spawn(|| knock(container, person)));
        knocks
            .into_iter()
            .map(|knock| knock.join().unwrap())
            .collect()
    });
    let written = written(&seen);
    assert!(
        written == table(),
        "docs/security.md has another table than this:\n{written}"
    );
}
