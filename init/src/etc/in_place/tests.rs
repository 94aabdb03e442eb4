use super::*;
use crate::fs::dir::open_directory;

const OLD: &[u8] = b"root:x:0\nalice:x:10000\nbob:x:10001\nnobody:x:65534\n";
const NEW: [&[u8]; 4] = [
    b"root:x:0\nalice:x:10000\nnobody:x:65534\n",
    b"root:x:0\nalice:x:10000\nbob:x:10001\ncarol:x:10002\nnobody:x:65534\n",
    b"root:x:0\nalicf:x:10000\nbob:x:10001\nnobody:x:65534\n",
    b"",
];

/// A directory where a write of `new` over `old` left `now`.
fn interrupted(new: &[u8], now: &[u8]) -> (tempfile::TempDir, Directory) {
    let dir = tempfile::tempdir().unwrap();
    let files = [("passwd-", OLD), (".occ-redo-passwd", new), ("passwd", now)];
    for (name, content) in files {
        std::fs::write(dir.path().join(name), content).unwrap();
    }
    let directory = open_directory(dir.path()).unwrap();
    (dir, directory)
}

#[test]
fn whatever_a_kill_leaves_is_finished() {
    for new in NEW {
        let whole = padded(new, OLD.len());
        for done in 0..=whole.len() {
            let rest = OLD.get(done..).unwrap_or_default();
            let (dir, directory) = interrupted(new, &[&whole[..done], rest].concat());
            finish(&directory, "passwd").unwrap();
            let found = std::fs::read(dir.path().join("passwd")).unwrap();
            assert_eq!(
                found.escape_ascii().to_string(),
                new.escape_ascii().to_string()
            );
            assert!(!dir.path().join(".occ-redo-passwd").exists());
        }
    }
}

#[test]
fn what_somebody_mended_stays() {
    for mended in [
        &b"root:x:0\n"[..],
        b"root:x:0\nalice:x:10000\nzoe:x:1\n",
        NEW[0],
    ] {
        let (dir, directory) = interrupted(NEW[0], mended);
        finish(&directory, "passwd").unwrap();
        assert_eq!(std::fs::read(dir.path().join("passwd")).unwrap(), mended);
        assert!(!dir.path().join(".occ-redo-passwd").exists());
    }
}

#[test]
fn no_old_line_shows_its_end() {
    let whole = padded(NEW[0], OLD.len());
    assert!(whole.starts_with(NEW[0]) && whole.len() == OLD.len());
    assert!(whole[NEW[0].len()..].iter().all(|&b| b == b'\n'));
}
