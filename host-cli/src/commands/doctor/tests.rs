//! Findings, each from the values that lead to it.

use super::*;

#[test]
fn open_container_without_an_enabled_account_is_reported() {
    let nobody = ListReply {
        schema: 1,
        changed: None,
        accounts: vec![],
    };
    let wrongs = |bind: &str| {
        let mut report = Report::default();
        let published = Published {
            bind: bind.parse().unwrap(),
            port: 3000,
        };
        exposure(&mut report, Some(published), &nobody);
        report.wrongs().len()
    };
    assert_eq!((wrongs("127.0.0.1"), wrongs("0.0.0.0")), (0, 1));
}

#[test]
fn port_in_use_is_reported() {
    let holder = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let published = Some(Published {
        bind: "127.0.0.1".parse().unwrap(),
        port: holder.local_addr().unwrap().port(),
    });
    let wrongs = |running| {
        let mut report = Report::default();
        port(&mut report, published, running);
        report.wrongs().len()
    };
    assert_eq!((wrongs(false), wrongs(true)), (1, 0));
}

#[test]
fn container_without_occ_init_as_entrypoint_is_reported() {
    let wrongs = |entrypoint: &[&str], command: &[&str]| {
        let words = |words: &[&str]| Some(words.iter().map(|&word| word.to_owned()).collect());
        let config = bollard::models::ContainerConfig {
            entrypoint: words(entrypoint),
            cmd: words(command),
            ..Default::default()
        };
        let mut report = Report::default();
        first_program(
            &mut report,
            &ContainerInspectResponse {
                config: Some(config),
                ..Default::default()
            },
        );
        report.wrongs().len()
    };
    assert_eq!(wrongs(&["/usr/local/bin/occ-init", "--"], &["occ-gate"]), 0);
    assert_eq!(wrongs(&["tini", "--", "occ-init"], &["--", "x"]), 0);
    assert_eq!(wrongs(&["sleep"], &["1000"]), 1);
    assert_eq!(wrongs(&[], &["/not-occ-init"]), 1);
}

#[test]
fn older_occ_init_is_named() {
    let mut report = Report::default();
    age_of_init(&mut report, "0.0.1");
    assert!(report.wrongs()[0].1.contains("occ-init 0.0.1"));
}
