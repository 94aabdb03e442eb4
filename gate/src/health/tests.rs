use std::net::TcpListener;

use super::*;

/// One answer on a port of its own.
fn server(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = [0; 1024];
        assert!(stream.read(&mut head).unwrap() > 0);
        stream.write_all(answer.as_bytes()).unwrap();
    });
    address
}

#[test]
fn status_of_the_answer_is_read() {
    for (answer, status) in [
        ("HTTP/1.1 200 OK\r\n\r\n", Some(200)),
        ("HTTP/1.1 503 Service Unavailable\r\n\r\n", Some(503)),
        ("HTTP/1.1 2", None),
        ("SSH-2.0-OpenSSH\r\n", None),
    ] {
        assert_eq!(get(server(answer), "/").ok(), status, "{answer}");
    }
}

#[test]
fn refused_connection_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    assert!(get(address, "/").is_err());
}

#[test]
fn any_address_is_reached_on_loopback() {
    for (listen, expected) in [
        ("0.0.0.0:3000", "127.0.0.1:3000"),
        ("[::]:80", "[::1]:80"),
        ("10.0.0.5:1", "10.0.0.5:1"),
    ] {
        assert_eq!(local(listen.parse().unwrap()).to_string(), expected);
    }
}
