use super::*;
use nix::sys::stat::lstat;

#[test]
fn rename_and_write_in_place_change_the_version() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shadow");
    let version = || FileVersion::of(&lstat(&path).unwrap());
    std::fs::write(&path, "one").unwrap();
    let first = version();
    assert_eq!(version(), first);
    std::fs::write(&path, "three").unwrap();
    assert_ne!(version(), first);
    let second = version();
    std::fs::write(dir.path().join("new"), "three").unwrap();
    std::fs::rename(dir.path().join("new"), &path).unwrap();
    assert_ne!(version(), second);
}

#[test]
fn version_is_read_back_from_its_text() {
    let version = FileVersion::of(&lstat("/").unwrap());
    assert_eq!(FileVersion::parse(&version.to_string()), Some(version));
    for odd in ["", "1 2 3 4", "1 2 3 4 5 6", "1 2 3 4 x"] {
        assert_eq!(FileVersion::parse(odd), None, "{odd}");
    }
}
