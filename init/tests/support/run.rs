//! A program's whole run, and what it prints, with a deadline.

use super::{PATIENCE, until};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::Read;
use std::os::fd::AsFd;
use std::process::{Child, Output};
use std::thread::JoinHandle;

/// Closes stdin and reads both streams to their ends; a program that does not end in
/// time is killed, and the test fails.
#[track_caller]
pub(crate) fn output(mut child: Child) -> Output {
    drop(child.stdin.take());
    let stdout = child.stdout.take().map(collect);
    let stderr = child.stderr.take().map(collect);
    let mut child = Killed(child);
    let mut status = None;
    until("the program ends", || {
        status = child.0.try_wait().unwrap();
        status.is_some()
    });
    let both = [stdout, stderr];
    let ended =
        |stream: &Option<JoinHandle<_>>| stream.as_ref().is_none_or(JoinHandle::is_finished);
    until("its streams end", || both.iter().all(ended));
    let [stdout, stderr] = both.map(|stream| stream.map(|stream| stream.join().unwrap()));
    Output {
        status: status.unwrap(),
        stdout: stdout.unwrap_or_default(),
        stderr: stderr.unwrap_or_default(),
    }
}

/// Killed when dropped, if it still runs.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Reads to the end beside the test.
fn collect(mut from: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

/// One of a program's streams, read by lines.
pub(crate) struct Reader<R> {
    from: R,
    unread: Vec<u8>,
}

impl<R: Read + AsFd> Reader<R> {
    pub(crate) fn new(from: R) -> Self {
        let unread = Vec::new();
        Self { from, unread }
    }

    /// The next line without its end; what is left when the stream ends.
    #[track_caller]
    pub(crate) fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.unread.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                return String::from_utf8(line).unwrap().trim_end().to_owned();
            }
            if !self.more() {
                return self.take();
            }
        }
    }

    /// All that is left.
    #[track_caller]
    pub(crate) fn rest(mut self) -> String {
        while self.more() {}
        self.take()
    }

    fn take(&mut self) -> String {
        String::from_utf8(std::mem::take(&mut self.unread)).unwrap()
    }

    /// Returns false at the end.
    #[track_caller]
    fn more(&mut self) -> bool {
        let limit = PollTimeout::try_from(PATIENCE.as_millis()).unwrap();
        let mut polled = [PollFd::new(self.from.as_fd(), PollFlags::POLLIN)];
        let ready = poll(&mut polled, limit).unwrap();
        assert_eq!(ready, 1, "waited {PATIENCE:?} in vain for output");
        let mut buffer = [0; 4096];
        let count = self.from.read(&mut buffer).unwrap();
        self.unread.extend(&buffer[..count]);
        count > 0
    }
}
