use super::*;
use std::os::unix::fs::symlink;

#[test]
fn traps_are_wiped_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let (doomed, outside) = (dir.path().join("doomed"), dir.path().join("outside"));
    fs::create_dir_all(doomed.join("10000/tmp/full/er")).unwrap();
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("precious"), "kept").unwrap();
    symlink(&outside, doomed.join("10000/tmp/link")).unwrap();
    symlink("/", doomed.join("10000/tmp/full/root")).unwrap();
    fs::hard_link(outside.join("precious"), doomed.join("10000/hard")).unwrap();
    nix::unistd::mkfifo(&doomed.join("10000/fifo"), Mode::S_IRUSR).unwrap();
    fs::write(doomed.join("10000/tmp/a\nb\\"), "").unwrap();
    fs::set_permissions(
        doomed.join("10000/tmp/full"),
        fs::Permissions::from_mode(0o000),
    )
    .unwrap();
    wipe(&doomed).unwrap();
    assert_eq!(fs::read_dir(&doomed).unwrap().count(), 0);
    assert_eq!(
        fs::read_to_string(outside.join("precious")).unwrap(),
        "kept"
    );
}

#[test]
fn a_path_deeper_than_any_stack_is_wiped() {
    let dir = tempfile::tempdir().unwrap();
    let mut at = open(dir.path()).unwrap();
    for _ in 0..5000 {
        nix::sys::stat::mkdirat(&at, "d", Mode::S_IRWXU).unwrap();
        at = Dir::openat(&at, "d", flags(), Mode::empty()).unwrap();
    }
    wipe(dir.path()).unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}
