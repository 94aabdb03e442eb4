//! A small tree to restore in.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

pub(crate) use crate::support::tree::STORE;

/// Passes the hash gate; no password has it.
pub(crate) const HASH: &str = "$6$rounds=100000$saltsaltsaltsalt$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// Makes the four files and what else a restore reads below `root`.
pub(crate) fn furnish(root: &Path) {
    let files = [
        ("etc/passwd", "root:x:0:0:root:/root:/bin/bash\n", 0o644),
        ("etc/shadow", "root:*:19000:0:99999:7:::\n", 0o640),
        ("etc/group", "root:x:0:\nshadow:x:42:\n", 0o644),
        ("etc/gshadow", "root:*::\nshadow:*::\n", 0o640),
        (
            "usr/share/occ/image-accounts",
            "user root 0\ngroup root 0\ngroup shadow 42\n",
            0o644,
        ),
        ("usr/sbin/nologin", "", 0o755),
    ];
    for (path, content, mode) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
    for directory in ["home", "etc/skel", "var/lib"] {
        fs::create_dir_all(root.join(directory)).unwrap();
    }
}

/// The same with a store that never had an account: a boot has nothing to do.
pub(crate) fn furnish_quiet(root: &Path) {
    furnish(root);
    let store = root.join(STORE);
    fs::create_dir_all(&store).unwrap();
    fs::set_permissions(&store, fs::Permissions::from_mode(0o700)).unwrap();
}

/// The same with the record of one account, alice.
pub(crate) fn furnish_alice(root: &Path) {
    furnish_quiet(root);
    let record = format!(
        r#"{{"userName":"alice","uid":10000,"gid":10000,"disposition":"regular","occ":{{"schema":1}},"privileged":{{"hashedPassword":["{HASH}"]}}}}"#
    );
    fs::write(root.join(STORE).join("alice.json"), record).unwrap();
}
