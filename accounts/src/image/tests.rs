use super::*;

#[test]
fn groups_allow() {
    let allow = GroupsAllow::parse(b"# who\naudio: alice bob\nplugdev:*\nvideo:\n");
    let name = |name| Username::parse(name).unwrap();
    assert!(allow.allows("audio", &name("alice")));
    assert!(!allow.allows("audio", &name("carol")));
    assert!(allow.allows("plugdev", &name("carol")));
    assert!(!allow.allows("video", &name("alice")));
    assert!(!allow.allows("sudo", &name("alice")));
}

#[test]
fn homes_allow() {
    let file = b"# where\n/srv/people\n /data/ # disk two\r\n\n/\nsrv\n/a/../b\n/home\n/x:y\n\xff";
    let bases = HomeBases::parse(file);
    assert_eq!(bases.others().collect::<Vec<_>>(), ["/data", "/srv/people"]);
    let allows = |path| bases.allow(&Home::parse(path).unwrap());
    assert!(allows("/home/a") && allows("/data/a") && allows("/srv/people/a"));
    assert!(!allows("/srv/a") && !allows("/srv/people/x/a") && !allows("/b/a"));
    assert!(HomeBases::default().allow(&Home::parse("/home/a").unwrap()));
}

#[test]
fn image_accounts_round_trip() {
    let accounts =
        ImageAccounts::snapshot(b"root:x:0:0:::\nnode:x:1000:1000:::\n", b"Staff:x:50:\n");
    assert_eq!(
        ImageAccounts::parse_snapshot(&accounts.to_bytes()),
        accounts
    );
    assert!(accounts.has_user(&Username::parse("Node").unwrap()));
    assert!(accounts.has_group(&Username::parse("staff").unwrap()));
    assert_eq!(accounts.owner_of(1000), Some("node"));
    assert_eq!(accounts.owner_of(1001), None);
}

#[test]
fn image_accounts_that_are_easily_lost() {
    let accounts = ImageAccounts::snapshot(b"DOM user:x:1200:1200:::\n", b"");
    assert_eq!(
        ImageAccounts::parse_snapshot(&accounts.to_bytes()),
        accounts
    );
    let edited = ImageAccounts::parse(b"user node 1000\r\ngroup staff 50");
    assert_eq!(edited.owner_of(1000), Some("node"));
    assert_eq!(edited.owner_of(50), Some("staff"));
    for bad in ["user node", "user node x", "user", "", "users node 1000"] {
        assert_eq!(
            ImageAccounts::parse(bad.as_bytes()),
            ImageAccounts::default()
        );
    }
}
