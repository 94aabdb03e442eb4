use super::*;
use crate::layout::STORE;
use std::os::unix::fs::PermissionsExt as _;

const TIMEOUT: Duration = Duration::from_secs(60);

/// The answer for a tree that a boot with nothing to do leaves, once `change` has changed it.
fn answer(change: impl FnOnce(&Path)) -> Precheck {
    let dir = tempfile::tempdir().unwrap();
    for path in ["etc", "usr/share/occ", STORE] {
        fs::create_dir_all(dir.path().join(path)).unwrap();
    }
    fs::write(dir.path().join(IMAGE_ACCOUNTS), "").unwrap();
    let store = dir.path().join(STORE);
    fs::set_permissions(&store, fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(store.join(".lock"), "").unwrap();
    let paths = Paths {
        root: dir.path().to_owned(),
        store,
        without_lock: false,
    };
    change(dir.path());
    run(&paths, TIMEOUT)
}

#[test]
fn store_that_never_had_an_account_needs_no_restore() {
    assert_eq!(answer(|_| ()), Precheck::NotNeeded);
}

#[test]
fn every_trace_of_an_account_needs_one() {
    for path in [
        "var/lib/opencode-users/alice.json",
        "var/lib/opencode-users/uids/10000",
        "var/lib/opencode-users/removed/10000.json",
        "var/lib/opencode-users/.occ-alice.json",
        "var/lib/occ-init/applied.json",
        "etc/passwd.lock",
        "etc/shadow.lock",
    ] {
        let answer = answer(|root| {
            let file = root.join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, "").unwrap();
        });
        assert_eq!(answer, Precheck::Needed, "{path}");
    }
}

#[test]
fn missing_files_of_a_first_boot_need_one() {
    for path in [STORE, IMAGE_ACCOUNTS, "etc"] {
        let answer = answer(|root| {
            let gone = root.join(path);
            fs::rename(&gone, gone.with_extension("gone")).unwrap();
        });
        assert_eq!(answer, Precheck::Needed, "{path}");
    }
}

#[test]
fn store_that_others_may_read_needs_one() {
    let open = fs::Permissions::from_mode(0o755);
    let answer = answer(|root| fs::set_permissions(root.join(STORE), open).unwrap());
    assert_eq!(answer, Precheck::Needed);
}

#[test]
fn only_a_store_without_a_mount_of_its_own_is_looked_at_without_a_thread() {
    let dir = tempfile::tempdir().unwrap();
    let is_within = |root: &Path, store: &Path| {
        is_within_the_root(&Paths {
            root: root.to_owned(),
            store: store.to_owned(),
            without_lock: false,
        })
    };
    assert!(is_within(dir.path(), &dir.path().join("missing")));
    fs::create_dir_all(dir.path().join(STORE)).unwrap();
    assert!(is_within(dir.path(), &dir.path().join(STORE)));
    let root = Path::new("/");
    assert!(!is_within(root, Path::new("/proc/self")));
    assert!(!is_within(dir.path(), Path::new("/proc/self")), "elsewhere");
    std::os::unix::fs::symlink("/proc", dir.path().join("link")).unwrap();
    assert!(!is_within(dir.path(), &dir.path().join("link/self")));
}

#[test]
fn look_that_hangs_is_left_alone() {
    let (from, into) = std::io::pipe().unwrap();
    let hangs = move || {
        let _ = std::io::read_to_string(from);
        Precheck::Needed
    };
    let answer = within(Duration::from_millis(20), hangs);
    assert_eq!(answer, Precheck::NoAnswer);
    drop(into);
}
