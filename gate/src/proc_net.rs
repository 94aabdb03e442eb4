//! Whose a listening TCP port is, out of /proc/net/tcp (proc(5)). Pure.
//!
//! A person's opencode may end at any time, and another person's process take
//! the port: the next request with her secret would reach it.

/// A listening socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Listener {
    pub(crate) uid: u32,
    pub(crate) inode: u64,
}

/// 127.0.0.1 as the kernel prints it: a number of the machine's own byte order.
const LOOPBACK: u32 = u32::from_ne_bytes([127, 0, 0, 1]);
const LISTEN: &str = "0A";

/// Who listens at exactly 127.0.0.1 and the port. None if nobody does, or more
/// than one (SO_REUSEPORT).
pub(crate) fn listener(table: &str, port: u16) -> Option<Listener> {
    let address = format!("{LOOPBACK:08X}:{port:04X}");
    let mut found = table.lines().filter_map(|line| row(line, &address));
    match (found.next(), found.next()) {
        (Some(listener), None) => Some(listener),
        _ => None,
    }
}

/// `sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode …`
fn row(line: &str, address: &str) -> Option<Listener> {
    let mut words = line.split_ascii_whitespace().skip(1);
    if words.next()? != address || words.nth(1)? != LISTEN {
        return None;
    }
    let uid = words.nth(3)?.parse().ok()?;
    let inode = words.nth(1)?.parse().ok()?;
    Some(Listener { uid, inode })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1000 00000000:0000 0A 00000000:00000000 00:00000000 00000000 10000        0 111 1 0000000000000000 100 0 0 10 0
   1: 00000000:1001 00000000:0000 0A 00000000:00000000 00:00000000 00000000 10001        0 112 1 0000000000000000 100 0 0 10 0
   2: 0100007F:1002 0100007F:9999 01 00000000:00000000 00:00000000 00000000 10002        0 113 1 0000000000000000 100 0 0 10 0
   3: 0100007F:1003 00000000:0000 0A 00000000:00000000 00:00000000 00000000 10003        0 114 1 0000000000000000 100 0 0 10 0
   4: 0100007F:1003 00000000:0000 0A 00000000:00000000 00:00000000 00000000 10003        0 115 1 0000000000000000 100 0 0 10 0
   5: 0100007F:1004 00000000:0000 0A
";

    #[test]
    fn the_row_of_a_port_names_its_owner() {
        assert_eq!(
            listener(TABLE, 0x1000),
            Some(Listener {
                uid: 10000,
                inode: 111
            })
        );
    }

    #[test]
    fn nothing_but_one_listener_on_loopback_counts() {
        for port in [0x1001, 0x1002, 0x1003, 0x1004, 0x1005] {
            assert_eq!(listener(TABLE, port), None, "{port:x}");
        }
        assert_eq!(listener("", 0x1000), None);
    }

    #[test]
    fn the_kernels_own_table_is_read() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let uid = nix::unistd::geteuid().as_raw();
        assert_eq!(
            listener(&table, port).map(|listener| listener.uid),
            Some(uid)
        );
        drop(socket);
    }
}
