use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn backup_file_is_whole_and_private_or_absent() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("backup");
    let names = || std::fs::read_dir(directory.path()).unwrap().count();
    let mut target = BackupTarget::open(&path, false).unwrap();
    target.write(b"half").unwrap();
    drop(target);
    assert_eq!(names(), 0);

    let mut target = BackupTarget::open(&path, false).unwrap();
    target.write(b"whole").unwrap();
    target.keep().unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"whole");
    let mode = path.metadata().unwrap().permissions().mode();
    assert_eq!((mode & 0o777, names()), (0o600, 1));
}

#[test]
fn existing_file_is_replaced_only_with_force() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("backup");
    let mut late = BackupTarget::open(&path, false).unwrap();
    std::fs::write(&path, "mine").unwrap();
    let refused = BackupTarget::open(&path, false).err().unwrap();
    assert_eq!(refused.kind().exit_code(), 4);
    late.write(b"theirs").unwrap();
    assert_eq!(late.keep().unwrap_err().kind().exit_code(), 4);
    assert_eq!(std::fs::read(&path).unwrap(), b"mine");

    let mut target = BackupTarget::open(&path, true).unwrap();
    target.write(b"new").unwrap();
    target.keep().unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"new");
    for other in [directory.path(), Path::new("/dev/null")] {
        let refused = BackupTarget::open(other, true).err().unwrap();
        assert_eq!(refused.kind().exit_code(), 9);
    }
}

#[test]
fn file_without_a_backup_is_refused_before_any_call() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("backup");
    std::fs::write(&path, "PK").unwrap();
    for (path, code) in [(path.as_path(), 9), (directory.path(), 9)] {
        let refused = BackupSource::open(path).err().unwrap();
        assert_eq!(refused.kind().exit_code(), code, "{refused}");
        assert!(refused.to_string().contains(path.to_str().unwrap()));
    }
    let missing = BackupSource::open(Path::new("/nonexistent")).err().unwrap();
    assert_eq!(missing.kind().exit_code(), 9);
}
