//! The first account, by the code in the log.

use occ_gate::wire::{MakeFirstReply, Secret, User, ask};

use crate::place::{Place, hash};
use crate::running::Monitor;
use crate::takeover::{Taken, address, logged_in};
use occ_gate_testing::until;

/// As occ-init does: the password on stdin, lines in /etc, one line of JSON.
const OCC_INIT: &str = r#"#!/bin/sh
request=$(cat)
echo "$* $request" >>/var/lib/asked
case $3 in
taken) echo '{"schema":1,"error":{"kind":"exists","message":"the name is taken"}}'; exit 4 ;;
esac
echo "$3:$(cat /var/lib/hash):19000:0:99999:7:::" >>/etc/shadow
echo "$3:x:10000:10000::/home/$3:/bin/sh" >>/etc/passwd
mkdir -p "/home/$3"
"#;

pub(crate) fn place() -> Place {
    let place = Place::with(&[]);
    place.write("bin/occ-init", OCC_INIT, 0o755);
    place.write("var/lib/hash", &hash("a long password"), 0o600);
    place
}

/// The code that the log shows last.
pub(crate) fn code(monitor: &Monitor) -> String {
    let mut found = None;
    until("a code in the log", || {
        let log = monitor.log();
        let last = log
            .rsplit("with the code ")
            .next()
            .filter(|_| log.contains("no account yet"));
        found = last.and_then(|rest| rest.get(..14)).map(str::to_owned);
        found.is_some()
    });
    found.unwrap()
}

pub(crate) fn make(web: &mut Taken, code: &str, user: &str, number: u8) -> MakeFirstReply {
    web.call(ask::MakeFirst {
        code: Secret::from_text(code).unwrap(),
        user: User::cut(user),
        password: Secret::from_text("a long password").unwrap(),
        address: address(number),
    })
}

#[test]
fn code_makes_one_account_and_is_gone() {
    let place = place();
    let monitor = place.start();
    let code = code(&monitor);
    let file = place.path("run/occ/first-account");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("{code}\n"));
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let mut web = monitor.take_over();
    assert!(web.call(ask::IsFirst {}));
    assert_eq!(
        make(&mut web, "0000-0000-0000", "alice", 1),
        MakeFirstReply::WrongCode
    );
    let taken = make(&mut web, &code, "taken", 1);
    assert!(
        matches!(&taken, MakeFirstReply::Rejected { text } if text.as_str() == "the name is taken"),
        "{taken:?}"
    );
    assert_eq!(
        make(&mut web, &code.to_lowercase(), "alice", 1),
        MakeFirstReply::Made
    );
    assert!(!web.call(ask::IsFirst {}));
    assert_eq!(make(&mut web, &code, "bob", 1), MakeFirstReply::Closed);
    assert!(!file.exists());
    logged_in(web.authenticate("alice", "a long password", 1));
    let asked = std::fs::read_to_string(place.path("var/lib/asked")).unwrap();
    assert_eq!(
        asked.lines().last(),
        Some(r#"user add alice --request-stdin --json {"schema":1,"password":"a long password"}"#)
    );
    assert!(!monitor.log().contains("a long password"));
}

#[test]
fn command_prints_the_code_as_long_as_there_is_one() {
    let place = place();
    let monitor = place.start();
    let code = code(&monitor);
    let (status, printed, said) = monitor.beside(&["first-account"]);
    assert_eq!(
        (status, printed, said),
        (Some(0), format!("{code}\n"), String::new())
    );
    let mut web = monitor.take_over();
    assert_eq!(make(&mut web, &code, "alice", 1), MakeFirstReply::Made);
    let (status, printed, said) = monitor.beside(&["first-account"]);
    assert_eq!((status, printed.as_str()), (Some(1), ""));
    assert!(
        said.contains("there is no code: there is an account"),
        "{said}"
    );
}

#[test]
fn there_is_no_code_where_somebody_has_an_account() {
    for place in [
        Place::with(&["alice"]),
        place().set("OCC_GATE_FIRST_ACCOUNT", "0"),
        locked_out(),
    ] {
        let monitor = place.start();
        let mut web = monitor.take_over();
        assert!(!web.call(ask::IsFirst {}));
        assert_eq!(
            make(&mut web, "0000-0000-0000", "bob", 1),
            MakeFirstReply::Closed
        );
        assert!(!place.path("run/occ/first-account").exists());
        assert!(!monitor.log().contains("no account yet"));
    }
}

/// Her account is disabled, so nobody can log in; there is an account all the same.
fn locked_out() -> Place {
    let mut place = Place::with(&["alice"]);
    let locked = format!("!{}", place.person("alice").hash);
    place.person("alice").hash = locked;
    place.write_accounts();
    std::fs::create_dir_all(place.path("var/lib/occ-init")).unwrap();
    let entry =
        r#"{"uid":10000,"shadow":"SHADOW","aging":":::::"}"#.replace("SHADOW", &"0".repeat(64));
    let applied = format!(r#"{{"accounts":{{"alice":{entry}}}}}"#);
    place.write("var/lib/occ-init/applied.json", &applied, 0o600);
    place
}

#[test]
fn an_account_made_otherwise_closes_the_door() {
    let mut place = place();
    let monitor = place.start();
    let code = code(&monitor);
    let mut web = monitor.take_over();
    let mut others = Place::with(&["carol"]);
    place.people.append(&mut others.people);
    place.write_accounts();
    until("the door is closed", || {
        !place.path("run/occ/first-account").exists()
    });
    assert_eq!(make(&mut web, &code, "alice", 1), MakeFirstReply::Closed);
    let (status, _) = monitor.stop();
    assert_eq!(status, Some(0));
}
