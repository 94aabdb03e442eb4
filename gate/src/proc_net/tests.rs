use super::*;

const TCP: &str = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1000 00000000:0000 0A 00000000:00000000 00:00000000 00000000 10000        0 111 1 0000000000000000 100 0 0 10 0
   1: 00000000:1001 00000000:0000 0A 00000000:00000000 00:00000000 00000000 10001        0 112 1 0000000000000000 100 0 0 10 0
   2: 0100007F:1002 0100007F:9999 01 00000000:00000000 00:00000000 00000000 10002        0 113 1 0000000000000000 100 0 0 10 0
   3: 0100007F:1003 00000000:0000 0A 00000000:00000000 00:00000000 00000000 10003        0 114 1 0000000000000000 100 0 0 10 0
   4: 0100007F:1003 00000000:0000 0A 00000000:00000000 00:00000000 00000000 10003        0 115 1 0000000000000000 100 0 0 10 0
   5: 0100007F:1004 00000000:0000 0A
";
#[test]
fn one_listener_on_loopback_is_found() {
    let expected = Listener {
        uid: 10000,
        inode: 111,
    };
    assert_eq!(only_at_loopback(TCP, 0x1000), Some(expected));
}

#[test]
fn nothing_but_one_listener_on_loopback_counts() {
    for port in [0x1001, 0x1002, 0x1003, 0x1004, 0x1005] {
        assert_eq!(only_at_loopback(TCP, port), None, "{port:x}");
    }
    assert_eq!(only_at_loopback("", 0x1000), None);
}

/// Somebody who listens at the same number elsewhere is in nobody's way.
#[test]
fn another_address_does_not_count() {
    let other = "   6: 0200007F:1000 00000000:0000 0A 00000000:00000000 00:00000000 00000000 10001        0 116 1 0000000000000000 100 0 0 10 0\n";
    let found = only_at_loopback(&format!("{TCP}{other}"), 0x1000);
    assert_eq!(found.map(|listener| listener.uid), Some(10_000));
}

#[test]
fn kernels_own_table_is_read() {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    let uid = nix::unistd::geteuid().as_raw();
    let found = loopback_listener(port).unwrap();
    assert_eq!(found.map(|listener| listener.uid), Some(uid));
}
