//! URLs of engines, taken and refused.

use super::*;

fn shown(url: &str) -> String {
    parse(url, None).unwrap().to_string()
}

#[test]
fn reads_what_docker_reads() {
    assert_eq!(shown("unix:///run/d.sock"), "unix:///run/d.sock");
    assert_eq!(shown("tcp://127.0.0.1:4243"), "tcp://127.0.0.1:4243");
    assert_eq!(shown("tcp://engine"), "tcp://engine:2375");
    assert_eq!(shown("engine:99"), "tcp://engine:99");
    assert_eq!(shown("tcp://[::1]"), "tcp://[::1]:2375");
    assert_eq!(shown("http://[::1]:99/"), "tcp://[::1]:99");
    assert_eq!(shown("https://engine"), "tcp://engine:2376");
    assert_eq!(shown("ssh://me@there:2222"), "ssh://me@there:2222");
    assert_eq!(shown("ssh://alias_1"), "ssh://alias_1");
    assert_eq!(shown("ssh://me@[::1]:2222"), "ssh://me@[::1]:2222");
    assert_eq!(shown("ssh://[fe80::1]"), "ssh://[fe80::1]");
    assert_eq!(
        shown("ssh://there/run/podman/podman.sock"),
        "ssh://there/run/podman/podman.sock"
    );
}

#[test]
fn tls_files_always_mean_tls() {
    let files = TlsFiles {
        ca: Some("/certs/ca.pem".into()),
        client: None,
    };
    for url in ["tcp://there", "http://there", "https://there"] {
        let endpoint = parse(url, Some(&files)).unwrap();
        assert_eq!(
            endpoint,
            Endpoint::Tcp(Tcp {
                host: "there".into(),
                port: TLS_PORT,
                tls: Some(files.clone())
            })
        );
    }
}

#[test]
fn refuses_everything_else_and_repeats_no_password() {
    for refused in [
        "unix://d.sock",
        "unix://",
        "npipe:////./pipe/d",
        "",
        "tcp://",
        "tcp://a:b",
        "tcp://a:0",
        "tcp://a:70000",
        "tcp://a/path",
        "tcp://me@a",
        "tcp://a b",
        "tcp://a?x=1",
        "ssh://",
        "ssh://-oProxyCommand=x",
        "ssh://-lx@there",
        "ssh://me:hunter2@there",
        "tcp://me:hunter2@there",
    ] {
        let error = parse(refused, None).unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
