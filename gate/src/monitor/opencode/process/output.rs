//! What a session's processes write: the first lines go into the log, the last ones are
//! kept for their owner, and one names the port.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::log;
use crate::wire::{LINES_LIMIT, Line};

/// Lines of one opencode that go into the log.
const LOGGED_LINES: usize = 20;
const LINE_LIMIT: usize = 400;
/// For the last lines of processes that have ended.
const REST: Duration = Duration::from_secs(1);
const ANNOUNCED: &str = "opencode server listening on http://127.0.0.1:";

/// The last lines, the oldest first.
#[derive(Default)]
pub(super) struct LastLines(VecDeque<Line>);

impl LastLines {
    fn push(&mut self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        if self.0.len() == LINES_LIMIT {
            self.0.pop_front();
        }
        self.0.push_back(Line::cut(line.trim_end()));
    }
}

/// The text without the escape sequences that programs colour it with.
fn without_sequences(line: &str) -> String {
    let mut plain = String::new();
    let mut rest = line.chars();
    while let Some(char) = rest.next() {
        if char != '\u{1b}' {
            plain.push(if char == '\t' { ' ' } else { char });
        } else if rest.as_str().starts_with('[') {
            rest.next();
            // CSI: parameters, then one final byte.
            rest.find(|char| matches!(char, '\u{40}'..='\u{7e}'));
        }
    }
    plain
}

/// Two streams that are read to their end, so that nobody blocks on a full pipe.
pub(super) struct Output {
    lines: Rc<RefCell<LastLines>>,
    readers: [JoinHandle<()>; 2],
}

impl Output {
    /// Reads them in tasks of their own. The port comes by the channel.
    pub(super) fn read(
        stdout: impl AsyncRead + Unpin + 'static,
        stderr: impl AsyncRead + Unpin + 'static,
        name: &str,
    ) -> (Self, mpsc::Receiver<u16>) {
        let (found, port) = mpsc::channel(1);
        let lines = Rc::<RefCell<LastLines>>::default();
        let out = read_lines(stdout, name.to_owned(), Rc::clone(&lines), Some(found));
        let err = read_lines(stderr, name.to_owned(), Rc::clone(&lines), None);
        let readers = [tokio::task::spawn_local(out), tokio::task::spawn_local(err)];
        (Self { lines, readers }, port)
    }

    /// The last lines of processes that have ended.
    pub(super) async fn into_last_lines(self) -> Vec<Line> {
        let [mut out, mut err] = self.readers;
        let both = async {
            let _ = (&mut out).await;
            let _ = (&mut err).await;
        };
        let _ = timeout(REST, both).await;
        out.abort();
        err.abort();
        let lines = std::mem::take(&mut *self.lines.borrow_mut());
        lines.0.into()
    }
}

/// The port that opencode says it listens on. Something before it may have left its line
/// unended.
fn announced_port(line: &str) -> Option<u16> {
    let (_, address) = line.split_once(ANNOUNCED)?;
    address.trim_end().parse().ok().filter(|port| *port > 0)
}

async fn read_lines(
    mut from: impl AsyncRead + Unpin,
    name: String,
    last: Rc<RefCell<LastLines>>,
    mut found: Option<mpsc::Sender<u16>>,
) {
    let mut logged = 0;
    let mut take = |line: &[u8]| {
        let text = without_sequences(&String::from_utf8_lossy(line));
        if let Some(port) = announced_port(&text)
            && let Some(found) = found.take()
        {
            let _ = found.try_send(port);
            return;
        }
        last.borrow_mut().push(&text);
        if logged < LOGGED_LINES {
            logged += 1;
            log::line(&format!("opencode of {name}: {text}"));
        }
    };
    let mut line = Vec::new();
    let mut buffer = [0; 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        for &byte in &buffer[..count] {
            if byte == b'\n' {
                take(&line);
                line.clear();
            } else if line.len() < LINE_LIMIT {
                // The rest of a long line is read and dropped.
                line.push(byte);
            }
        }
    }
    if !line.is_empty() {
        take(&line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn the_port_is_found_in_any_noise() {
        let noise = [
            vec![b'x'; 100_000],
            b"\nno end of opencode server listening on http://127.0.0.1:4096\nmore".to_vec(),
        ]
        .concat();
        let (found, mut port) = mpsc::channel(1);
        let last = Rc::<RefCell<LastLines>>::default();
        let name = "alice".to_owned();
        read_lines(noise.as_slice(), name, Rc::clone(&last), Some(found)).await;
        assert_eq!(port.recv().await, Some(4096));
        let last = last.borrow();
        let last: Vec<&str> = last.0.iter().map(Line::as_str).collect();
        assert_eq!(last, ["x".repeat(240).as_str(), "more"]);
    }

    #[test]
    fn the_line_of_a_ready_opencode() {
        for ready in ["", "profile says "] {
            let ready = format!("{ready}opencode server listening on http://127.0.0.1:4096");
            assert_eq!(announced_port(&ready), Some(4096));
        }
        for line in [
            "",
            "opencode server listening on http://0.0.0.0:4096",
            "opencode server listening on http://127.0.0.1:0",
            "opencode server listening on http://127.0.0.1:70000",
            "opencode server listening on http://127.0.0.1:80@evil:1",
        ] {
            assert_eq!(announced_port(line), None, "{line}");
        }
    }

    #[test]
    fn the_last_lines_are_few_and_harmless() {
        let mut last = LastLines::default();
        for number in 0..100 {
            last.push(&format!("line {number}"));
        }
        for line in [
            "\u{1b}[91m\u{1b}[1mError: \u{1b}[0mbad\r",
            " \t \r",
            "\u{1b}]0;title\u{7}\u{202e}x\u{1b}",
            "\u{1b}[31",
            &"\u{e9}".repeat(1000),
        ] {
            last.push(&without_sequences(line));
        }
        let last: Vec<&str> = last.0.iter().map(Line::as_str).collect();
        assert_eq!(last.len(), LINES_LIMIT);
        assert_eq!(last[..2], ["line 83", "line 84"]);
        assert_eq!(last[17..19], ["Error: bad", "]0;titlex"]);
        assert_eq!(last[19].len(), crate::wire::LINE_LIMIT);
    }
}
