use super::*;

#[test]
fn what_is_not_for_people_is_withheld() {
    let all = [
        ("PATH", true),
        ("LANG", true),
        ("ANTHROPIC_API_KEY", true),
        ("OCC_GATE_HOSTS", false),
        ("OCC_INIT_GRACE", false),
        ("OPENCODE_BOOTSTRAP_PASSWORD", false),
        ("OPENCODE_SERVER_PASSWORD", false),
        ("OPENCODE_DISABLE_SHARE", true),
        ("XDG_RUNTIME_DIR", false),
    ];
    for (name, is_passed) in all {
        let found = passed([(name.into(), "x".into())].into_iter());
        assert_eq!(found.count() == 1, is_passed, "{name}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn the_port_is_found_in_any_noise() {
    let noise = [
        vec![b'x'; 100_000],
        b"\nopencode server listening on http://127.0.0.1:4096\nmore".to_vec(),
    ]
    .concat();
    let (found, mut port) = mpsc::channel(1);
    read_lines(noise.as_slice(), "alice".to_owned(), Some(found)).await;
    assert_eq!(port.recv().await, Some(4096));
}

#[test]
fn the_line_of_a_ready_opencode() {
    let ready = "opencode server listening on http://127.0.0.1:4096";
    assert_eq!(announced_port(ready), Some(4096));
    for line in [
        "",
        "opencode server listening on http://0.0.0.0:4096",
        "opencode server listening on http://127.0.0.1:0",
        "opencode server listening on http://127.0.0.1:70000",
        "opencode server listening on http://127.0.0.1:80@evil:1",
        " opencode server listening on http://127.0.0.1:4096",
    ] {
        assert_eq!(announced_port(line), None, "{line}");
    }
}
