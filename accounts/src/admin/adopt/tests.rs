use super::*;
use crate::account::DAY_USEC;

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
    let Found { account, losses } = found(PASSWD, &shadow, GROUP).unwrap();
    assert_eq!(account.uid.get(), 1001);
    assert_eq!(account.real_name.as_str(), "Eve,,,");
    assert_eq!(account.shell.as_str(), "/bin/sh");
    assert_eq!(account.hash.as_ref().map(PasswordHash::expose), Some(HASH));
    assert_eq!(account.password_changed_usec, Some(20_000 * DAY_USEC));
    assert_eq!(
        (account.member_of.clone(), losses),
        (vec!["audio".into()], vec![Loss::Group("sudo".into())])
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
fn a_forced_change_and_a_lock_are_kept() {
    let of = |shadow: &str| found(PASSWD, shadow, GROUP).unwrap().account;
    let forced = of(&format!("eve:{HASH}:0:0:99999:7:::\n"));
    assert!(forced.must_change);
    assert_eq!(forced.password_changed_usec, None);
    let locked = of(&format!("eve:!{HASH}:20000:0:99999:7::1:\n"));
    assert!(locked.locked);
    assert_eq!(locked.aging.expire, None, "open again once it is enabled");
}

#[test]
fn a_hash_in_passwd_is_kept() {
    let passwd = PASSWD.replace(":x:", &format!(":{HASH}:"));
    let account = found(&passwd, "", GROUP).unwrap().account;
    assert_eq!(account.hash.unwrap().expose(), HASH);
    let shadow = format!("eve:{HASH}:20000::::::\n");
    let account = found(PASSWD, &shadow, GROUP).unwrap().account;
    assert_eq!(account.hash.unwrap().expose(), HASH, "shadow's counts");
}

#[test]
fn every_loss_is_told() {
    let found = found(PASSWD, "eve:$1$salt$hash:20000::::::\n", "eve:x:1001:\n");
    assert_eq!(found.unwrap().losses, [Loss::Hash(InvalidHash::Scheme)]);
    let mut etc = Etc::default();
    etc.set(File::Passwd, PASSWD.into());
    etc.set(File::Group, "eve:x:1001:\n".into());
    etc.set(File::Subuid, "eve:165536:65536\nbob:231072:65536\n".into());
    etc.set(File::Subgid, "eve:100000:65536\n".into());
    let (name, allow) = (Username::parse("eve").unwrap(), GroupsAllow::default());
    let found = find(&name, &etc, UidRange::default(), &allow, 7).unwrap();
    assert_eq!(found.losses, [Loss::Range("subgid", 165_536)]);
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
