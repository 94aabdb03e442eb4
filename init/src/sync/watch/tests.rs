use super::*;
use std::fs;

struct Two {
    dir: tempfile::TempDir,
    watch: Watch,
}

fn two() -> Two {
    let dir = tempfile::tempdir().unwrap();
    let (etc, store) = (dir.path().join("etc"), dir.path().join("store"));
    fs::create_dir(&etc).unwrap();
    fs::create_dir(&store).unwrap();
    let mut watch = Watch::on(etc, store).unwrap();
    watch.add();
    Two { dir, watch }
}

impl Two {
    fn swap(&self, file: &str) {
        let path = self.dir.path().join(file);
        let new = path.with_file_name(".new");
        fs::write(&new, file).unwrap();
        fs::rename(new, path).unwrap();
    }

    fn marked(&self, place: WatchedDir, file: &str) -> Mark {
        let path = self.dir.path().join(file);
        let stat = nix::sys::stat::lstat(&path).unwrap();
        let mark = Mark::new(place, path.file_name().unwrap().to_str().unwrap(), &stat);
        let line = mark.line();
        Mark::parse(line.trim_end().as_bytes()).unwrap()
    }

    fn news(&mut self, marks: &[Mark]) -> bool {
        self.watch.read();
        self.watch.settle(marks)
    }
}

#[test]
fn only_what_matters_counts() {
    for (file, counts) in [
        ("etc/shadow", true),
        ("etc/passwd", true),
        ("etc/group", false),
        ("etc/shadow-", false),
        ("etc/.pwd.lock", false),
        ("store/alice.json", true),
        ("store/.lock", false),
        ("store/.occ-alice.json", false),
    ] {
        let mut two = two();
        two.swap(file);
        assert_eq!(two.news(&[]), counts, "{file} by rename");
        assert!(!two.news(&[]), "once");
        fs::write(two.dir.path().join(file), "in place").unwrap();
        assert_eq!(two.news(&[]), counts, "{file} in place");
    }
}

#[test]
fn a_record_that_goes_counts() {
    let mut two = two();
    two.swap("store/alice.json");
    two.news(&[]);
    fs::create_dir(two.dir.path().join("store/removed")).unwrap();
    assert!(!two.news(&[]));
    let path = two.dir.path().join("store/alice.json");
    fs::rename(&path, two.dir.path().join("store/removed/10000.json")).unwrap();
    assert!(two.news(&[]));
    two.swap("store/bob.json");
    two.news(&[]);
    fs::remove_file(two.dir.path().join("store/bob.json")).unwrap();
    assert!(two.news(&[]));
}

#[test]
fn what_is_as_marked_is_no_news() {
    let mut two = two();
    two.swap("etc/shadow");
    two.swap("store/alice.json");
    let marks = [
        two.marked(WatchedDir::Etc, "etc/shadow"),
        two.marked(WatchedDir::Store, "store/alice.json"),
    ];
    assert!(!two.news(&marks));
    two.swap("etc/shadow");
    assert!(two.news(&marks), "swapped by somebody else since");
    let marks = [two.marked(WatchedDir::Etc, "etc/shadow")];
    two.swap("etc/shadow");
    two.swap("store/alice.json");
    let last = [two.marked(WatchedDir::Store, "store/alice.json")];
    assert!(two.news(&[&marks[..], &last[..]].concat()));
    fs::write(two.dir.path().join("etc/shadow"), "other words").unwrap();
    assert!(
        two.news(&[two.marked(WatchedDir::Etc, "etc/shadow")]),
        "in place"
    );
}

#[test]
fn more_names_than_many_are_news() {
    let mut two = two();
    let names: Vec<String> = (0..=MANY).map(|n| format!("store/u{n}.json")).collect();
    let mut marks = Vec::new();
    for name in &names {
        two.swap(name);
        marks.push(two.marked(WatchedDir::Store, name));
    }
    assert!(two.news(&marks));
    assert!(!two.news(&[]));
}

#[test]
fn a_store_made_later_is_watched_and_its_records_are_news() {
    let dir = tempfile::tempdir().unwrap();
    let (etc, store) = (dir.path().join("etc"), dir.path().join("store"));
    fs::create_dir(&etc).unwrap();
    for has_record in [false, true] {
        let mut watch = Watch::on(etc.clone(), store.clone()).unwrap();
        watch.add();
        let blind = watch.blind_spot().unwrap();
        assert!(blind.starts_with("cannot watch '"), "{blind}");
        fs::create_dir(&store).unwrap();
        if has_record {
            fs::write(store.join("alice.json"), "{}").unwrap();
        }
        watch.complete();
        assert_eq!(watch.blind_spot(), None);
        watch.read();
        assert_eq!(watch.settle(&[]), has_record);
        fs::remove_dir_all(&store).unwrap();
    }
}
