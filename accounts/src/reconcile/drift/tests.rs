//! Every kind of difference, word for word.

use super::*;
use crate::account::Username;
use crate::reconcile::Change;

fn plan(writes: Vec<(File, Vec<u8>)>, changes: Vec<(Username, Change)>) -> Plan {
    Plan {
        writes,
        changes,
        restored: Vec::new(),
        locked_out: Vec::new(),
        problems: Vec::new(),
    }
}

fn told(file: File, old: &str, new: &str) -> Vec<String> {
    let mut etc = Etc::default();
    etc.set(file, old.into());
    let plan = plan(vec![(file, new.into())], Vec::new());
    drift(&etc, &plan).iter().map(ToString::to_string).collect()
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table, one difference a line")]
fn every_field_of_a_line() {
    let cases: [(File, &str, &str, &[&str]); 11] = [
        (
            File::Passwd,
            "a:y:1:2:Eve:/tmp:/bin/zsh\n",
            "a:x:3:3::/home/a:/bin/sh\n",
            &[
                "'a' in /etc/passwd: comment is 'Eve', empty is recorded",
                "'a' in /etc/passwd: gid is '2', '3' is recorded",
                "'a' in /etc/passwd: home is '/tmp', '/home/a' is recorded",
                "'a' in /etc/passwd: shell is '/bin/zsh', '/bin/sh' is recorded",
                "'a' in /etc/passwd: the password field is not as it must be",
                "'a' in /etc/passwd: uid is '1', '3' is recorded",
            ],
        ),
        (
            File::Passwd,
            "a:x:1:1::$6$salt$hash:/bin/sh\n",
            "a:x:1:1::/home/a:/bin/sh\n",
            &["'a' in /etc/passwd: home is something else, '/home/a' is recorded"],
        ),
        (
            File::Shadow,
            "a:$6$s$x:1:0:99999:7:::\n",
            "a:$6$s$y:2:0:90:7:30:::\n",
            &["'a' in /etc/shadow: the line has 9 fields, not 10"],
        ),
        (
            File::Shadow,
            "a:$6$s$x:1:0:99999:7:::\n",
            "a:$6$s$y:2:1:90:14:30:9:\n",
            &[
                "'a' in /etc/shadow: another password than the recorded one",
                "'a' in /etc/shadow: day of the last change is '1', '2' is recorded",
                "'a' in /etc/shadow: expiry is empty, '9' is recorded",
                "'a' in /etc/shadow: inactivity is empty, '30' is recorded",
                "'a' in /etc/shadow: maximum age is '99999', '90' is recorded",
                "'a' in /etc/shadow: minimum age is '0', '1' is recorded",
                "'a' in /etc/shadow: warning is '7', '14' is recorded",
            ],
        ),
        (
            File::Shadow,
            "a:!$6$s$x:::::::\nb:$6$s$x:::::::\n",
            "a:$6$s$x:::::::\nb:!$6$s$x:::::::\n",
            &[
                "'a' in /etc/shadow: locked, and recorded as enabled",
                "'b' in /etc/shadow: not locked, and recorded as disabled",
            ],
        ),
        (
            File::Shadow,
            "a:*:::::::\na:*:::::::\nb:*:::::::\n",
            "a:*:::::::\nc:*:::::::\n",
            &[
                "'a' in /etc/shadow: 2 lines are there, one is enough",
                "'b' in /etc/shadow: what is left of somebody removed is there",
                "'c' in /etc/shadow: no line is there",
            ],
        ),
        (
            File::Group,
            "sudo:x:27:a,root\naudio:x:29:\na:x:5:b\n",
            "sudo:x:27:root\naudio:x:29:a\na:x:5:\n",
            &[
                "'a' in /etc/group: member of 'sudo', which record or image does not allow",
                "'a' in /etc/group: no member of 'audio', which record and image ask for",
                "'b' in /etc/group: member of 'a', which record or image does not allow",
            ],
        ),
        (
            File::Gshadow,
            "audio:*:a:\na:$6$x::\n",
            "audio:*::\na:!::\n",
            &[
                "'a' in /etc/gshadow: member of 'audio', which record or image does not allow",
                "'a' in /etc/gshadow: the password field is not as it must be",
            ],
        ),
        (
            File::Subuid,
            "a:1:2\n",
            "a:100000:65536\n",
            &[
                "'a' in /etc/subuid: count is '2', '65536' is recorded",
                "'a' in /etc/subuid: first id is '1', '100000' is recorded",
            ],
        ),
        (
            File::Passwd,
            "# a\n\na:x:1:1:::\n",
            "# a\n\na:x:1:1:::\n",
            &[],
        ),
        (File::Passwd, "+::::::\n#a:b\n", "", &[]),
    ];
    for (file, old, new, expected) in cases {
        assert_eq!(told(file, old, new), expected, "{old:?}");
    }
}

#[test]
fn who_comes_or_goes_is_told_elsewhere() {
    let mut etc = Etc::default();
    etc.set(File::Group, "a:x:1:\nsudo:x:27:a\n".into());
    let new = b"b:x:2:\nsudo:x:27:\n".to_vec();
    let name = |name| Username::parse(name).unwrap();
    let changes = vec![(name("a"), Change::Remove), (name("b"), Change::Add)];
    assert_eq!(drift(&etc, &plan(vec![(File::Group, new)], changes)), []);
}
