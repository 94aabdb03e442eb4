//! Findings, each from the values that lead to it.

use super::*;

fn wrongs(look: impl Fn(&mut Report)) -> usize {
    let mut report = Report::default();
    look(&mut report);
    report.wrongs().len()
}

fn published(bind: &str, port: u16) -> Published {
    Published {
        bind: bind.parse().unwrap(),
        port,
    }
}

#[test]
fn open_container_without_an_enabled_account_is_reported() {
    let nobody = ListReply {
        schema: 1,
        changed: None,
        accounts: vec![],
    };
    for (bind, expected) in [("127.0.0.1", 0), ("0.0.0.0", 1)] {
        let found = wrongs(|report| exposure(report, Some(published(bind, 3000)), &nobody));
        assert_eq!(found, expected, "{bind}");
    }
}

/// Answers each request with a status.
fn serves(status: &'static str) -> u16 {
    use std::io::{Read, Write};
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let _ = client.read(&mut [0; 1024]);
            let _ = client.write_all(format!("HTTP/1.1 {status}\r\n\r\n").as_bytes());
        }
    });
    port
}

#[test]
fn port_in_use_is_reported() {
    let held = serves("303 See Other");
    let published = Some(published("127.0.0.1", held));
    assert_eq!(wrongs(|report| port(report, published, false, "box")), 1);
    assert_eq!(wrongs(|report| port(report, published, true, "box")), 0);
}

/// The container is healthy, and a browser gets nothing.
#[test]
fn login_that_refuses_the_name_is_reported() {
    let published = Some(published("127.0.0.1", serves("421 Misdirected Request")));
    let mut report = Report::default();
    port(&mut report, published, true, "box");
    let wrongs = report.wrongs();
    assert_eq!(wrongs.len(), 1, "{wrongs:?}");
    assert!(wrongs[0].1.contains("http://box.localhost:"), "{wrongs:?}");
}

#[test]
fn container_without_occ_init_as_entrypoint_is_reported() {
    let words = |words: &[&str]| Some(words.iter().map(|&word| word.to_owned()).collect());
    for (entrypoint, command, expected) in [
        (&["/usr/local/bin/occ-init", "--"][..], &["occ-gate"][..], 0),
        (&["tini", "--", "occ-init"], &["--", "x"], 0),
        (&["sleep"], &["1000"], 1),
        (&[], &["/not-occ-init"], 1),
    ] {
        let found = ContainerInspectResponse {
            config: Some(bollard::models::ContainerConfig {
                entrypoint: words(entrypoint),
                cmd: words(command),
                ..Default::default()
            }),
            ..Default::default()
        };
        let found = wrongs(|report| first_program(report, &found));
        assert_eq!(found, expected, "{entrypoint:?}");
    }
}

#[test]
fn older_occ_init_is_named() {
    let mut report = Report::default();
    age_of_init(&mut report, "0.0.1");
    assert!(report.wrongs()[0].1.contains("occ-init 0.0.1"));
}
