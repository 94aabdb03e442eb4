use super::*;

#[test]
fn opencodes_are_shown_with_age_and_memory() {
    let status = json!({"schema": 1, "sessions": 3, "instances": [
        {"userName": "alice", "uid": 10000, "state": "ready", "sinceUSec": 40_000_000, "memoryBytes": 325_058_560},
        {"userName": "bob", "uid": 10001, "state": "starting", "sinceUSec": 7_198_000_000_u64, "memoryBytes": 0},
    ]});
    assert_eq!(
        lines(&status, 7200),
        "login: 3 sessions\n  opencode of alice: ready for 1 h, 310 MiB\n  opencode of bob: starting for 2 s, 0 MiB\n"
    );
}

#[test]
fn file_of_a_login_that_is_gone_is_ignored() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(read(dir.path()), None);
    fs::create_dir_all(dir.path().join("run/occ")).unwrap();
    let with_pid = |pid: u32| {
        let status = json!({"schema": 1, "pid": pid, "sessions": 0, "instances": [{"uid": 1, "userName": "x"}]});
        fs::write(dir.path().join("run/occ/gate.json"), status.to_string()).unwrap();
        read(dir.path())
    };
    assert_eq!(with_pid(0x7fff_ffff), None);
    assert!(with_pid(std::process::id()).unwrap()["instances"][0]["memoryBytes"].is_u64());
}

#[test]
fn a_web_half_that_ends_again_and_again_is_not_ready() {
    let web = |since: Value, restarts: u32| {
        let status = json!({"web": {"sinceUSec": since, "restarts": restarts}});
        judge(&status, 100).is_ok()
    };
    assert!(judge(&json!({}), 100).is_ok(), "of another version");
    assert!(web(json!(100_000_000), 0), "its first start");
    assert!(!web(json!(null), 0));
    assert!(!web(json!(null), 3));
    assert!(
        !web(json!(99_000_000), 3),
        "it ends at once, as the others did"
    );
    assert!(web(json!(98_000_000), 3));
}
