//! A socket in front of the engine that keeps what is sent to it.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// What each connection carried towards the engine.
type Sent = Arc<Mutex<Vec<Vec<u8>>>>;

/// The engine's own socket.
pub(super) fn engine_socket() -> PathBuf {
    let named = std::env::var("DOCKER_HOST").unwrap_or_default();
    let path = named.strip_prefix("unix://");
    PathBuf::from(path.unwrap_or("/var/run/docker.sock"))
}

/// Listens until the test ends.
pub(super) struct Wiretap {
    directory: TempDir,
    sent: Sent,
}

impl Wiretap {
    pub(super) fn on_the_engine() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(directory.path().join("tap.sock")).unwrap();
        let sent = Sent::default();
        let kept = Arc::clone(&sent);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                carry(client.unwrap(), &kept);
            }
        });
        Self { directory, sent }
    }

    pub(super) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(super) fn url(&self) -> String {
        format!("unix://{}", self.directory().join("tap.sock").display())
    }

    pub(super) fn connections(&self) -> usize {
        self.sent.lock().unwrap().len()
    }

    /// The request lines, in the order of their connections.
    pub(super) fn requests(&self) -> Vec<String> {
        let sent = self.sent.lock().unwrap();
        let texts = sent.iter().map(|bytes| String::from_utf8_lossy(bytes));
        texts
            .flat_map(|text| {
                let lines = text.lines().filter(|line| line.ends_with(" HTTP/1.1"));
                lines.map(str::to_owned).collect::<Vec<_>>()
            })
            .collect()
    }
}

fn carry(client: UnixStream, sent: &Sent) {
    let engine = UnixStream::connect(engine_socket()).unwrap();
    let index = {
        let mut all = sent.lock().unwrap();
        all.push(Vec::new());
        all.len() - 1
    };
    let kept = Arc::clone(sent);
    let up = (client.try_clone().unwrap(), engine.try_clone().unwrap());
    std::thread::spawn(move || {
        let keep = |bytes: &[u8]| kept.lock().unwrap()[index].extend(bytes);
        pump(up.0, up.1, keep);
    });
    std::thread::spawn(move || pump(engine, client, |_| ()));
}

/// The end of one direction ends that direction only.
fn pump(mut from: UnixStream, mut to: UnixStream, mut keep: impl FnMut(&[u8])) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        keep(&buffer[..length]);
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
