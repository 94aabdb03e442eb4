use std::fs::File;
use std::io::{Read as _, Write as _};

use super::*;
use crate::wire::ask::{Ask as _, Ping};
use crate::wire::{Call, Message, Reply, encode};

fn within<T>(doing: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let limited = async { tokio::time::timeout(std::time::Duration::from_secs(60), doing).await };
    runtime.block_on(limited).unwrap()
}

fn message(id: u64) -> Zeroizing<Vec<u8>> {
    let reply = Reply::Ping(());
    encode(&Message::Reply { id, reply }).unwrap()
}

/// A file that holds this text.
fn file(text: &str) -> OwnedFd {
    use std::io::Seek as _;
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.rewind().unwrap();
    file.into()
}

fn content(fd: OwnedFd) -> String {
    let mut text = String::new();
    File::from(fd).read_to_string(&mut text).unwrap();
    text
}

fn number(message: Option<Message>) -> u64 {
    let Some(Message::Reply { id, reply }) = message else {
        panic!("no reply");
    };
    assert_eq!(Ping::from_reply(reply), Some(()));
    id
}

#[test]
fn a_file_comes_with_its_own_message() {
    within(async {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (queue, outgoing) = mpsc::channel(16);
        for id in 0..6 {
            let frame = message(id);
            let fd = (id % 2 == 1).then(|| file(&id.to_string()));
            queue.send(Outgoing { frame, fd }).await.ok().unwrap();
        }
        drop(queue);
        write(&ours, outgoing).await;
        drop(ours);
        let mut incoming = Incoming::default();
        for id in 0..6 {
            assert_eq!(number(incoming.read(&theirs).await.unwrap()), id);
            if id % 2 == 1 {
                assert_eq!(incoming.take_fd().map(content), Some(id.to_string()));
            }
        }
        assert!(incoming.read::<Message>(&theirs).await.unwrap().is_none());
    });
}

#[test]
fn a_file_comes_with_a_message_in_pieces() {
    within(async {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let frame = message(7);
        let (first, rest) = frame.split_at(3);
        send_some(&ours, first, Some(&file("seven"))).unwrap();
        let mut incoming = Incoming::default();
        let (read, ()) = tokio::join!(incoming.read(&theirs), async {
            send_some(&ours, rest, None).unwrap();
            send_some(&ours, &message(8), None).unwrap();
        });
        assert_eq!(number(read.unwrap()), 7);
        assert_eq!(incoming.take_fd().map(content).as_deref(), Some("seven"));
        assert_eq!(number(incoming.read(&theirs).await.unwrap()), 8);
        assert!(incoming.take_fd().is_none());
    });
}

/// The other end of a pair tells when the last copy of one is closed.
fn is_closed(watched: &std::os::unix::net::UnixStream) -> bool {
    watched.set_nonblocking(true).unwrap();
    matches!((&*watched).read(&mut [0]), Ok(0))
}

#[test]
fn a_file_that_nobody_takes_is_closed() {
    within(async {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (kept, sent) = std::os::unix::net::UnixStream::pair().unwrap();
        send_some(&ours, &message(1), Some(&sent.into())).unwrap();
        let mut incoming = Incoming::default();
        assert_eq!(number(incoming.read(&theirs).await.unwrap()), 1);
        assert!(!is_closed(&kept), "it may still be taken");
        send_some(&ours, &message(2), None).unwrap();
        assert_eq!(number(incoming.read(&theirs).await.unwrap()), 2);
        assert!(is_closed(&kept) && incoming.take_fd().is_none());
    });
}

#[test]
fn a_buffer_that_ends_within_a_message_mixes_no_files_up() {
    within(async {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (queue, outgoing) = mpsc::channel(4096);
        // All lengths that can be left at the end of the buffer come up.
        for id in 0..2000 {
            let fd = (id % 7 == 0).then(|| file(&id.to_string()));
            let frame = message(id);
            queue.send(Outgoing { frame, fd }).await.ok().unwrap();
        }
        drop(queue);
        let mut incoming = Incoming::default();
        let read = async {
            for id in 0..2000 {
                assert_eq!(number(incoming.read(&theirs).await.unwrap()), id);
                if id % 7 == 0 {
                    assert_eq!(incoming.take_fd().map(content), Some(id.to_string()));
                }
            }
        };
        tokio::join!(write(&ours, outgoing), read);
    });
}

#[test]
fn files_that_are_too_many_are_closed() {
    within(async {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let frame = message(1);
        let (kept, sent) = std::os::unix::net::UnixStream::pair().unwrap();
        let sent = OwnedFd::from(sent);
        for byte in frame.chunks(8) {
            send_some(&ours, byte, Some(&sent)).unwrap();
        }
        drop(sent);
        let mut incoming = Incoming::default();
        assert!(incoming.read::<Message>(&theirs).await.is_err());
        drop(incoming);
        drop(theirs);
        assert!(is_closed(&kept));
    });
}

#[test]
fn a_file_that_is_sent_to_the_monitor_is_closed() {
    within(async {
        let (ours, theirs) = UnixStream::pair().unwrap();
        // The monitor's end has no room for files: the kernel closes them.
        let (kept, sent) = std::os::unix::net::UnixStream::pair().unwrap();
        let (mut reader, _) = theirs.into_split();
        let call = encode(&Call {
            id: 1,
            request: crate::wire::Request::Ping(crate::wire::ask::Ping {}),
        });
        send_some(&ours, &call.unwrap(), Some(&sent.into())).unwrap();
        let mut frames = Frames::default();
        let call = crate::wire::stream::read::<Call>(&mut reader, &mut frames).await;
        assert!(call.unwrap().is_some() && is_closed(&kept));
    });
}
