//! A socket in front of the engine that keeps what is sent to it, and can kill
//! whoever sends it.

use super::Call;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use tempfile::TempDir;

/// The engine's own socket.
pub(crate) fn engine_socket() -> PathBuf {
    let named = std::env::var("DOCKER_HOST").unwrap_or_default();
    let path = named.strip_prefix("unix://");
    PathBuf::from(path.unwrap_or("/var/run/docker.sock"))
}

/// A moment in a run: the request of that number, counted from 0.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Moment {
    /// The engine never sees it.
    Before(usize),
    /// The engine has it, and nobody reads the answer.
    After(usize),
}

/// The process to kill, and when. Its number is set once it is there.
struct Kill {
    moment: Moment,
    process: OnceLock<u32>,
}

#[derive(Default)]
struct Shared {
    /// The request lines, as they came.
    requests: Mutex<Vec<String>>,
    connections: Mutex<usize>,
    kill: Option<Kill>,
}

/// Listens until the test ends.
pub(crate) struct Wiretap {
    directory: TempDir,
    shared: Arc<Shared>,
}

impl Wiretap {
    pub(crate) fn on_the_engine() -> Self {
        Self::with(None)
    }

    /// Kills the process that `aim` names, with SIGKILL.
    pub(crate) fn that_kills(moment: Moment) -> Self {
        Self::with(Some(Kill {
            moment,
            process: OnceLock::new(),
        }))
    }

    fn with(kill: Option<Kill>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(directory.path().join("tap.sock")).unwrap();
        let shared = Arc::new(Shared {
            kill,
            ..Shared::default()
        });
        let kept = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                carry(client.unwrap(), &kept);
            }
        });
        Self { directory, shared }
    }

    /// Says whom to kill; requests wait for this.
    pub(crate) fn aim(&self, process: u32) {
        self.shared
            .kill
            .as_ref()
            .unwrap()
            .process
            .set(process)
            .unwrap();
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn url(&self) -> String {
        format!("unix://{}", self.directory().join("tap.sock").display())
    }

    pub(crate) fn connections(&self) -> usize {
        *self.shared.connections.lock().unwrap()
    }

    /// The request lines, in their order.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }
}

impl Shared {
    /// Keeps a request; true if the process is killed at it.
    fn keep(&self, line: String) -> Option<bool> {
        let number = {
            let mut requests = self.requests.lock().unwrap();
            requests.push(line);
            requests.len() - 1
        };
        match self.kill.as_ref()?.moment {
            Moment::Before(at) => (at == number).then_some(false),
            Moment::After(at) => (at == number).then_some(true),
        }
    }

    fn signal(&self, signal: &str) {
        if let Some(kill) = &self.kill {
            let process = kill.process.wait().to_string();
            Call::new("kill").args([signal, &process]).ok();
        }
    }
}

fn carry(client: UnixStream, shared: &Arc<Shared>) {
    let engine = UnixStream::connect(engine_socket()).unwrap();
    *shared.connections.lock().unwrap() += 1;
    let shared = Arc::clone(shared);
    let up = (client.try_clone().unwrap(), engine.try_clone().unwrap());
    std::thread::spawn(move || {
        pump(up.0, up.1, |bytes, to| {
            let Some(line) = request_line(bytes) else {
                return to.write_all(bytes);
            };
            match shared.keep(line) {
                None => to.write_all(bytes),
                Some(forwarded) => {
                    if forwarded {
                        // Else it could be over before it is killed.
                        shared.signal("-STOP");
                        to.write_all(bytes)?;
                    }
                    shared.signal("-KILL");
                    Err(std::io::ErrorKind::ConnectionAborted.into())
                }
            }
        });
    });
    std::thread::spawn(move || pump(engine, client, |bytes, to| to.write_all(bytes)));
}

/// A client of HTTP/1.1 waits for the answer, so a request begins a chunk.
fn request_line(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().next()?;
    line.ends_with(" HTTP/1.1").then(|| line.to_owned())
}

/// The end of one direction ends that direction only.
fn pump(
    mut from: UnixStream,
    mut to: UnixStream,
    mut pass: impl FnMut(&[u8], &mut UnixStream) -> std::io::Result<()>,
) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if pass(&buffer[..length], &mut to).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
