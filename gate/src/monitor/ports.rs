//! Whose a listening port is, by /proc/net/tcp and tcp6. Text in, answers out.

/// TCP_LISTEN in the kernel's tcp_states.h.
const LISTEN: &str = "0A";

/// Whether the port is listened on, and by sockets of that uid alone, as the
/// texts of both files have it. Another person may have taken it after ours died.
pub(crate) fn is_listened_on_by(tables: &[String], port: u16, uid: u32) -> bool {
    let rows = tables.iter().flat_map(|table| table.lines().skip(1));
    let mut owners = rows
        .filter_map(listener)
        .filter(|row| row.0 == port)
        .peekable();
    owners.peek().is_some() && owners.all(|row| row.1 == uid)
}

/// `sl local rem st tx:rx tr:when retrnsmt uid …`: port and uid of a listener.
fn listener(row: &str) -> Option<(u16, u32)> {
    let mut fields = row.split_ascii_whitespace().skip(1);
    let (_, port) = fields.next()?.rsplit_once(':')?;
    let state = fields.nth(1)?;
    let uid = fields.nth(3)?.parse().ok()?;
    (state == LISTEN).then_some((u16::from_str_radix(port, 16).ok()?, uid))
}

/// The port that opencode says it listens on.
pub(crate) fn announced(line: &str) -> Option<u16> {
    let address = line.strip_prefix("opencode server listening on http://127.0.0.1:")?;
    address.trim_end().parse().ok().filter(|port| *port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TCP: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1000 00000000:0000 0A 00000000:00000000 00:00000000 00000000 10000        0 24573 1 0000000000000000 100 0 0 10 0
   1: 0100007F:1001 00000000:0000 0A 00000000:00000000 00:00000000 00000000 10001        0 24574 1 0000000000000000 100 0 0 10 0
   2: 0100007F:1002 0100007F:1000 01 00000000:00000000 00:00000000 00000000 10000        0 24575 1 0000000000000000 100 0 0 10 0
";
    const TCP6: &str = "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:1001 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 10000        0 1 1 0000000000000000 100 0 0 10 0
";

    #[test]
    fn a_port_is_its_listeners() {
        let tables = [TCP.to_owned(), TCP6.to_owned()];
        assert!(is_listened_on_by(&tables, 0x1000, 10_000));
        assert!(!is_listened_on_by(&tables, 0x1000, 10_001), "another's");
        assert!(
            !is_listened_on_by(&tables, 0x1001, 10_001),
            "shared with another"
        );
        assert!(
            !is_listened_on_by(&tables, 0x1002, 10_000),
            "only connected"
        );
        assert!(!is_listened_on_by(&[String::new()], 0x1000, 10_000));
    }

    #[test]
    fn the_line_of_a_ready_opencode() {
        assert_eq!(
            announced("opencode server listening on http://127.0.0.1:4096"),
            Some(4096)
        );
        for line in [
            "",
            "opencode server listening on http://0.0.0.0:4096",
            "opencode server listening on http://127.0.0.1:0",
            "opencode server listening on http://127.0.0.1:70000",
            "opencode server listening on http://127.0.0.1:80@evil:1",
            " opencode server listening on http://127.0.0.1:4096",
        ] {
            assert_eq!(announced(line), None, "{line}");
        }
    }
}
