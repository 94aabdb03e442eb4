//! Who may log in: managed, enabled people, as passwd(5), shadow(5) and the lists
//! of occ-init and the image say. Bytes in, values out.

use std::collections::{BTreeMap, BTreeSet};

use accounts::applied::Applied;
use accounts::image::ImageAccounts;
use accounts::name::Username;
use accounts::text::{Home, Shell};
use accounts::{shadow, table};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Uids of people: `accounts::id` says why.
const UIDS: std::ops::RangeInclusive<u32> = 1000..=4_294_967_293;
const NOBODY: u32 = 65_534;
/// The 16-bit −1, which old calls take for "no change".
const NO_CHANGE: u32 = 65_535;

/// What is read to know them.
#[derive(Default)]
pub(crate) struct AccountFiles {
    pub(crate) passwd: Vec<u8>,
    pub(crate) shadow: zeroize::Zeroizing<Vec<u8>>,
    /// Users and groups of the image: nobody of these is a person.
    pub(crate) image_accounts: Vec<u8>,
    /// What occ-init restored, if it did: only those are managed.
    pub(crate) applied: Option<Vec<u8>>,
}

/// Somebody who may log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) name: Username,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) display_name: String,
    pub(crate) home: Home,
    pub(crate) shell: Shell,
    pub(crate) fingerprint: AccountFingerprint,
}

/// Digest of what a session rests on: name, uid, hash, expiry, shell. Another
/// fingerprint ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct AccountFingerprint([u8; 32]);

/// Everybody who may log in, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Accounts(BTreeMap<String, Person>);

impl Accounts {
    /// Who may log in on a day, counted from 1970.
    pub(crate) fn read(files: &AccountFiles, today: u32) -> Self {
        let image = ImageAccounts::parse(&files.image_accounts);
        // A list that can't be read shuts everybody out rather than letting one in.
        let applied = files
            .applied
            .as_ref()
            .map(|bytes| serde_json::from_slice::<Applied>(bytes).unwrap_or_default());
        let passwords = passwords(&files.shadow);
        let mut people = BTreeMap::new();
        let mut uids = BTreeSet::new();
        let mut shared = BTreeSet::new();
        for line in table::lines(&files.passwd) {
            let fields = table::fields(line);
            if let Some(uid) = fields.get(2).and_then(|field| table::number(field))
                && !uids.insert(uid)
            {
                shared.insert(uid);
            }
            let person = passwords
                .get(fields[0])
                .and_then(|entry| person(&fields, entry, today));
            if let Some(person) = person
                && !image.has_user(&person.name)
                && image.owner_of(person.uid).is_none()
                && applied
                    .as_ref()
                    .is_none_or(|applied| applied.has(fields[0], person.uid))
            {
                // The first line of a name is the one that getpwnam(3) finds.
                people
                    .entry(person.name.as_str().to_owned())
                    .or_insert(person);
            }
        }
        people.retain(|_, person| !shared.contains(&person.uid));
        Self(people)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Person> {
        self.0.get(name)
    }

    pub(crate) fn fingerprint(&self, name: &str) -> Option<AccountFingerprint> {
        self.get(name).map(|person| person.fingerprint)
    }
}

/// The first shadow line of each name that can be used.
fn passwords(file: &[u8]) -> BTreeMap<&[u8], shadow::Entry<'_>> {
    let mut found = BTreeMap::new();
    for entry in table::lines(file).filter_map(shadow::Entry::parse) {
        found.entry(entry.name).or_insert(entry);
    }
    found
}

fn person(fields: &[&[u8]], entry: &shadow::Entry<'_>, today: u32) -> Option<Person> {
    let &[name, _, uid, gid, gecos, home, shell] = fields else {
        return None;
    };
    let text = |field| std::str::from_utf8(field).ok();
    let name = Username::parse(text(name)?).ok()?;
    let uid = table::number(uid)?;
    let shell = Shell::parse(text(shell)?).ok()?;
    let has_password = !matches!(entry.password.first(), None | Some(b'!' | b'*'));
    let expire = entry.aging().1.expire;
    let is_open = has_password && expire.is_none_or(|day| today < day) && !lets_nobody_in(&shell);
    let is_person =
        UIDS.contains(&uid) && !matches!(uid, NOBODY | NO_CHANGE) && !name.is_reserved();
    let gecos = String::from_utf8_lossy(gecos);
    (is_open && is_person).then_some(())?;
    Some(Person {
        fingerprint: fingerprint(&name, uid, entry.password, expire, &shell),
        display_name: gecos.split(',').next().unwrap_or_default().to_owned(),
        gid: table::number(gid).filter(|gid| UIDS.contains(gid))?,
        home: Home::parse(text(home)?).ok()?,
        name,
        uid,
        shell,
    })
}

fn fingerprint(
    name: &Username,
    uid: u32,
    hash: &[u8],
    expire: Option<u32>,
    shell: &Shell,
) -> AccountFingerprint {
    let mut digest = Sha256::new();
    digest.update(format!(
        "{}:{uid}:{expire:?}:{}:",
        name.as_str(),
        shell.as_str()
    ));
    digest.update(hash);
    AccountFingerprint(digest.finalize().into())
}

/// Whether a shell is one of those that shut an account.
pub(crate) fn lets_nobody_in(shell: &Shell) -> bool {
    let last = shell.as_str().rsplit('/').next().unwrap_or_default();
    matches!(last, "nologin" | "false")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n\
        alice:x:10000:10000:Alice Doe,room 1:/home/alice:/bin/bash\n\
        bob:x:10001:10001::/home/bob:/bin/sh\n";
    pub(crate) const SHADOW: &str = "root:*:19000:0:99999:7:::\n\
        alice:$6$a$a:19000:0:99999:7:::\n\
        bob:$6$b$b:19000:0:99999:7:::\n";

    fn files(passwd: &str, shadow: &str) -> AccountFiles {
        AccountFiles {
            passwd: passwd.into(),
            shadow: shadow.as_bytes().to_vec().into(),
            ..AccountFiles::default()
        }
    }

    pub(crate) fn people() -> Accounts {
        Accounts::read(&files(PASSWD, SHADOW), 20_000)
    }

    fn names(files: &AccountFiles) -> Vec<String> {
        Accounts::read(files, 20_000).0.into_keys().collect()
    }

    #[test]
    fn people_are_found() {
        let people = people();
        let alice = people.get("alice").unwrap();
        assert_eq!((alice.uid, alice.gid), (10_000, 10_000));
        assert_eq!(alice.display_name, "Alice Doe");
        assert!(people.get("root").is_none());
        assert!(people.get("Alice").is_none());
    }

    #[test]
    fn whoever_is_shut_out_is_not_among_them() {
        for (passwd, shadow) in [
            ("alice:x:10000", "alice:x:0"),
            ("alice:x:10000", "alice:x:999"),
            ("alice:x:10000:", "alice:x:65534:"),
            ("alice:x:10000:10000", "alice:x:10000:0"),
            ("/home/alice:/bin/bash", "/home/alice:/usr/sbin/nologin"),
            ("/home/alice:/bin/bash", "/home/alice:/bin/false"),
            ("/home/alice:/bin/bash", "/home/alice:"),
            (":/home/alice:", ":/alice:"),
            (":/home/alice:", ":/home/../root:"),
            ("/bin/bash\nbob", "/bin/bash:\nbob"),
            ("bob:x:10001:", "bob:x:10000:"),
        ] {
            let changed = PASSWD.replacen(passwd, shadow, 1);
            assert_ne!(changed, PASSWD);
            let names = names(&files(&changed, SHADOW));
            assert!(!names.contains(&"alice".to_owned()), "{changed}");
        }
        for field in ["", "!", "*", "!$6$a$a", "!!"] {
            let changed = SHADOW.replace("$6$a$a", field);
            assert_eq!(names(&files(PASSWD, &changed)), ["bob"], "{field}");
        }
        for (expire, open) in [
            ("1", false),
            ("0", false),
            ("20000", false),
            ("20001", true),
        ] {
            let changed = SHADOW.replace(
                "$6$a$a:19000:0:99999:7:::",
                &format!("$6$a$a:19000:0:99999:7::{expire}:"),
            );
            assert_eq!(names(&files(PASSWD, &changed)).len() == 2, open, "{expire}");
        }
        assert_eq!(names(&files(PASSWD, "")), [""; 0]);
        assert_eq!(names(&files("", SHADOW)), [""; 0]);
    }

    #[test]
    fn the_image_and_the_lists_of_occ_init_count() {
        let image = |list: &str| AccountFiles {
            image_accounts: list.into(),
            ..files(PASSWD, SHADOW)
        };
        assert_eq!(names(&image("user alice 500\n")), ["bob"]);
        assert_eq!(names(&image("group other 10001\n")), ["alice"]);
        let applied = |json: &str| AccountFiles {
            applied: Some(json.into()),
            ..files(PASSWD, SHADOW)
        };
        let alice = format!(
            r#"{{"accounts":{{"alice":{{"uid":10000,"shadow":"{}","aging":""}}}}}}"#,
            "0".repeat(64)
        );
        assert_eq!(names(&applied(&alice)), ["alice"]);
        assert_eq!(names(&applied(&alice.replace("10000", "10009"))), [""; 0]);
        assert_eq!(names(&applied("{}")), [""; 0]);
        assert_eq!(names(&applied("garbage")), [""; 0]);
    }

    #[test]
    fn fingerprint_covers_all_that_a_session_depends_on() {
        let before = people().fingerprint("alice").unwrap();
        let after = |passwd: &str, shadow: &str| {
            Accounts::read(&files(passwd, shadow), 20_000).fingerprint("alice")
        };
        assert_eq!(
            after(&PASSWD.replace("Alice Doe", "Al"), SHADOW),
            Some(before)
        );
        assert_eq!(
            after(PASSWD, &SHADOW.replace(":19000:0:", ":19001:0:")),
            Some(before)
        );
        for (passwd, shadow) in [
            (PASSWD.replace("x:10000:", "x:10009:"), SHADOW.to_owned()),
            (
                PASSWD.replacen("/bin/bash\nbob", "/bin/sh\nbob", 1),
                SHADOW.to_owned(),
            ),
            (PASSWD.to_owned(), SHADOW.replace("$6$a$a", "$6$a$c")),
            (
                PASSWD.to_owned(),
                SHADOW.replacen(
                    "$6$a$a:19000:0:99999:7:::",
                    "$6$a$a:19000:0:99999:7::30000:",
                    1,
                ),
            ),
        ] {
            let now = after(&passwd, &shadow);
            assert!(now.is_some() && now != Some(before), "{passwd}{shadow}");
        }
    }
}
