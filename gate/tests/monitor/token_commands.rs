//! `occ-gate token`: administrators list and revoke.

use std::time::Instant;

use crate::place::Place;
use crate::tokens::{assert_cut, command, handle_of, is_refused, list, make, open};

#[test]
fn administrators_list_and_revoke() {
    let place = Place::with(&["alice", "bob"]);
    let (monitor, mut web, alice) = place.start_with("alice");
    let bob = web.log_in(&place, "bob", 2).token;
    let names = ["one", "two", "three"];
    let [one, two, three] = names.map(|name| make(&mut web, &alice, name));
    let bobs = make(&mut web, &bob, "bobs");
    let (session, other) = (open(&mut web, &one), open(&mut web, &three));
    let (code, out, said) = command(&monitor, &["list", "alice"]);
    assert_eq!((code, out.lines().count()), (Some(0), 3), "{out} {said}");
    let (code, out, _) = command(&monitor, &["list", "--json", "bob"]);
    assert_eq!(code, Some(0));
    let reply: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&reply["userName"], &reply["tokens"][0]["name"]),
        (&"bob".into(), &"bobs".into())
    );
    assert!(reply["tokens"][0]["lastUseUSec"].is_null(), "{out}");

    let id = format!("{:08x}", handle_of(&mut web, &alice, "one").0);
    let since = Instant::now();
    let (code, out, said) = command(&monitor, &["revoke", "alice", &id]);
    assert_eq!(code, Some(0), "{said}");
    assert!(out.starts_with(&format!("revoked  {id}")), "{out}");
    assert_cut(&mut web, &session, since);
    assert!(is_refused(&mut web, &one));
    open(&mut web, &two);

    let (code, out, _) = command(&monitor, &["revoke", "alice", "--all", "--json"]);
    let reply: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &reply["changed"]), (Some(0), &true.into()));
    assert_cut(&mut web, &other, Instant::now());
    assert!(is_refused(&mut web, &two) && is_refused(&mut web, &three));
    assert!(list(&mut web, &alice).is_empty());
    open(&mut web, &bobs);
    let (_, out, _) = command(&monitor, &["revoke", "alice", "--all", "--json"]);
    assert!(out.contains(r#""changed":false"#), "{out}");
    let requests = std::fs::read_dir(place.path("var/lib/occ-gate/revoke")).unwrap();
    assert_eq!(requests.count(), 0, "all done");
    assert!(monitor.log().contains("revoked by an administrator"));
}

#[test]
fn administrators_are_told_what_is_wrong() {
    let place = Place::with(&["alice", "bob"]);
    let (monitor, mut web, alice) = place.start_with("alice");
    make(&mut web, &alice, "laptop");
    let id = format!("{:08x}", handle_of(&mut web, &alice, "laptop").0);
    for (args, code, says) in [
        (&["revoke", "bob", &id][..], 3, "'bob' has no token"),
        (&["revoke", "carol", "--all"], 3, "no such account 'carol'"),
        (
            &["revoke", "alice", "../x"],
            3,
            "'alice' has no token '../x'",
        ),
        (&["revoke", "alice"], 2, "required"),
        (&["list", "carol"], 3, "no such account 'carol'"),
    ] {
        let (ended, out, said) = command(&monitor, args);
        assert_eq!((ended, out.as_str()), (Some(code), ""), "{args:?}: {said}");
        assert!(said.contains(says), "{args:?}: {said}");
    }
    assert_eq!(list(&mut web, &alice).len(), 1);
}

/// Asked for while no monitor ran.
#[test]
fn a_revocation_waits_for_the_next_start() {
    let place = Place::with(&["alice"]);
    let (monitor, mut web, alice) = place.start_with("alice");
    let [kept, over] = ["kept", "over"].map(|name| make(&mut web, &alice, name));
    let id = format!("{:08x}", handle_of(&mut web, &alice, "over").0);
    drop(web);
    monitor.stop();
    let requests = place.path("var/lib/occ-gate/revoke");
    std::fs::write(requests.join(&id), "").unwrap();
    std::fs::write(requests.join("nonsense"), "").unwrap();
    let monitor = place.start();
    let mut web = monitor.take_over();
    assert!(is_refused(&mut web, &over));
    open(&mut web, &kept);
    assert!(!requests.join(id).exists());
}
