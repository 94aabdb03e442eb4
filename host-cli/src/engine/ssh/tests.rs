use super::*;

fn line(user: Option<&str>, port: Option<u16>, socket: Option<&str>) -> String {
    arguments(&Ssh {
        host: "there".into(),
        user: user.map(str::to_owned),
        port,
        socket: socket.map(str::to_owned),
    })
    .join(" ")
}

#[test]
fn ssh_gets_user_port_and_host_and_runs_dockers_own_transport() {
    let always = "-o BatchMode=yes -o ConnectTimeout=30 -T";
    assert_eq!(
        line(None, None, None),
        format!("{always} -- there docker system dial-stdio")
    );
    assert_eq!(
        line(Some("me"), Some(2222), Some("/run/d.sock")),
        format!(
            "{always} -l me -p 2222 -- there docker --host unix:///run/d.sock system dial-stdio"
        )
    );
}

#[test]
fn last_lines_of_ssh_are_kept() {
    let said = "debug\n\none\ntwo\r\n\u{1b}three\n";
    assert_eq!(last_lines(said.as_bytes()), "one; two; \\u{1b}three");
}
