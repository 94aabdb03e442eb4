use super::*;

const HASH: &str = "$y$j9T$saltsaltsaltsaltsalt..$0123456789012345678901234567890123456789abc";

fn found(passwd: &str, shadow: &str, group: &str) -> Result<Found, NotAdoptable> {
    let mut etc = Etc::default();
    etc.set(File::Passwd, passwd.into());
    etc.set(File::Shadow, shadow.into());
    etc.set(File::Group, group.into());
    let allow = GroupsAllow::parse(b"audio: *\n");
    let name = Username::parse("eve").unwrap();
    find(&name, &etc, UidRange::default(), &allow, 7)
}

const PASSWD: &str = "eve:x:1001:1001:Eve,,,:/home/eve:/bin/sh\n";
const GROUP: &str = "sudo:x:27:eve\naudio:x:29:www, eve\neve:x:1001:\n";

#[test]
fn what_useradd_wrote() {
    let shadow = format!("eve:{HASH}:20000:1:90:7:30:21000:\n");
    let Found { account, ungranted } = found(PASSWD, &shadow, GROUP).unwrap();
    assert_eq!(account.uid.get(), 1001);
    assert_eq!(account.real_name.as_str(), "Eve,,,");
    assert_eq!(account.shell.as_str(), "/bin/sh");
    assert_eq!(account.hash.as_ref().map(PasswordHash::expose), Some(HASH));
    assert_eq!(account.password_changed_usec, Some(20_000 * DAY_USEC));
    assert_eq!(
        (account.member_of.clone(), ungranted),
        (vec!["audio".into()], vec!["sudo".into()])
    );
    assert!(!account.locked);
    // Nothing changes for the person: the line is written as it was.
    assert_eq!(shadow::line(&account), shadow.trim_end());
    let mut passwd_line = String::new();
    passwd::push_line(&mut passwd_line, &account, &account.shell);
    assert_eq!(passwd_line, PASSWD.trim_end());
}

#[test]
fn passwords_that_are_none() {
    let of = |field: &str| {
        found(PASSWD, &format!("eve:{field}:20000::::::\n"), GROUP)
            .unwrap()
            .account
    };
    for (field, locked, has_hash, refused) in [
        ("!", true, false, false),
        ("!!", true, false, false),
        ("*", false, false, false),
        ("", false, false, false),
        ("!*", true, false, false),
        (HASH, false, true, false),
        ("$1$salt$0123456789012345678901", false, false, true),
        ("!x", true, false, true),
    ] {
        let account = of(field);
        assert_eq!(
            (
                account.locked,
                account.hash.is_some(),
                account.hash_refused.is_some()
            ),
            (locked, has_hash, refused),
            "{field}"
        );
    }
    assert_eq!(of(&format!("!{HASH}")).hash.unwrap().expose(), HASH);
    assert!(found(PASSWD, "", GROUP).unwrap().account.hash.is_none());
}

#[test]
fn lines_that_are_no_account_of_ours() {
    let reason = |passwd: &str, group: &str| found(passwd, "", group).unwrap_err();
    assert_eq!(reason("", GROUP), NotAdoptable::NoLine);
    assert_eq!(reason("eve:x:1001\n", GROUP), NotAdoptable::NoLine);
    assert_eq!(
        reason(&PASSWD.repeat(2), GROUP),
        NotAdoptable::Twice("passwd")
    );
    assert_eq!(
        reason(PASSWD, "users:x:100:\n"),
        NotAdoptable::NoPrivateGroup(1001)
    );
    assert_eq!(
        reason(&PASSWD.replace(":1001:Eve", ":100:Eve"), GROUP),
        NotAdoptable::NoPrivateGroup(1001)
    );
    for bad in [
        "eve:x:0:0::/home/eve:",
        "eve:x:999:999::/home/eve:",
        "eve:x:65534:65534::/home/eve:",
    ] {
        assert!(matches!(reason(bad, GROUP), NotAdoptable::Uid(_)), "{bad}");
    }
    for bad in ["/eve", "/home/../etc", "/"] {
        assert!(
            matches!(
                reason(&PASSWD.replace("/home/eve", bad), GROUP),
                NotAdoptable::Text(_)
            ),
            "{bad}"
        );
    }
}
