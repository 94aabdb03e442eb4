use expect_test::expect;

use super::*;

fn report() -> Report {
    let mut report = Report::default();
    report.fine(
        "engine",
        "Docker 20.10.24 answers at unix:///var/run/docker.sock",
    );
    report.wrong(
        "container",
        "there is no container 'opencode'",
        "`occ start`",
    );
    report
}

#[test]
fn each_finding_has_its_fix() {
    expect![[r"
        ok     engine: Docker 20.10.24 answers at unix:///var/run/docker.sock
        FAIL   container: there is no container 'opencode'
               fix: `occ start`"]]
    .assert_eq(&text(&report().0, false, false));
    expect![[r"
        FAIL   container: there is no container 'opencode'
               fix: `occ start`"]]
    .assert_eq(&text(&report().0, true, false));
    assert!(text(&report().0, false, true).starts_with("\u{1b}[32mok\u{1b}[0m"));
}
