//! A running web half with its fake neighbours.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use occ_gate::limits::Limits;
use occ_gate::settings::Settings;
use occ_gate::web::serve;
use occ_gate::wire::Token;

use super::browser::{self, Answer};
use super::fake_monitor::FakeMonitor;
use occ_gate_testing::opencode::FakeOpencode;

/// Time for a head, a form and an unread answer, where a test waits for its end.
pub(crate) const IMPATIENCE: Duration = Duration::from_secs(3);

/// A web half, its monitor, and alice's opencode.
pub(crate) struct Gate {
    pub(crate) address: SocketAddr,
    pub(crate) monitor: FakeMonitor,
    pub(crate) opencode: FakeOpencode,
    pub(crate) thread: Option<JoinHandle<std::io::Result<()>>>,
    stop: UnixStream,
}

impl Gate {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// With these options.
    pub(crate) fn with(options: &[&str]) -> Self {
        let settings = Settings::from_options(options).unwrap();
        let limits = Limits::of(&settings);
        Self::limited(settings, limits)
    }

    /// With limits that a test need not wait long for.
    pub(crate) fn impatient() -> Self {
        let settings = Settings::from_options(&[]).unwrap();
        let limits = Limits {
            head_time: IMPATIENCE,
            form_time: IMPATIENCE,
            unread_time: IMPATIENCE,
            ..Limits::of(&settings)
        };
        Self::limited(settings, limits)
    }

    /// With room for few connections.
    pub(crate) fn narrow(connections: usize) -> Self {
        let settings = Settings::from_options(&[]).unwrap();
        let limits = Limits {
            connections,
            ..Limits::of(&settings)
        };
        Self::limited(settings, limits)
    }

    fn limited(settings: Settings, limits: Limits) -> Self {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let monitor = FakeMonitor::on(ours);
        let opencode = FakeOpencode::start("s3cret");
        let ready = Some((opencode.port, opencode.secret.to_owned()));
        monitor.set(|state| drop(state.opencodes.all.insert("alice".into(), ready)));
        let (stop, told) = UnixStream::pair().unwrap();
        let thread = Some(thread::spawn(move || {
            serve(settings, limits, theirs, listener, told)
        }));
        Self {
            address,
            monitor,
            opencode,
            thread,
            stop,
        }
    }

    /// `http://127.0.0.1:port`
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// As TERM does.
    pub(crate) fn tell_to_stop(&self) {
        (&self.stop).write_all(b"x").unwrap();
    }

    /// Sends a request with this Host, `Connection: close` and further lines.
    pub(crate) fn ask(&self, request: &str, lines: &[&str]) -> Answer {
        self.ask_with(request, lines, b"")
    }

    pub(crate) fn ask_with(&self, request: &str, lines: &[&str], body: &[u8]) -> Answer {
        let mut head = format!(
            "{request} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
            self.address
        );
        for line in lines {
            head += line;
            head += "\r\n";
        }
        if !body.is_empty() {
            head += "Content-Length: ";
            head += &body.len().to_string();
            head += "\r\n";
        }
        let mut bytes = (head + "\r\n").into_bytes();
        bytes.extend_from_slice(body);
        browser::ask(self.address, &bytes)
    }

    /// Sends a form as our own page would.
    pub(crate) fn post(&self, path: &str, form: &str, lines: &[&str]) -> Answer {
        let origin = format!("Origin: {}", self.origin());
        let mut all = vec![
            origin.as_str(),
            "Content-Type: application/x-www-form-urlencoded",
            "Sec-Fetch-Site: same-origin",
        ];
        all.extend_from_slice(lines);
        self.ask_with(&format!("POST {path}"), &all, form.as_bytes())
    }

    /// A session of alice's: its token and its Cookie line.
    pub(crate) fn alice(&self) -> (Token, String) {
        let token = self.monitor.session("alice");
        let line = format!("Cookie: occ_opencode={}", token.expose().as_str());
        (token, line)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.monitor.hang_up();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(
                thread::panicking() || ended.is_ok(),
                "the web half panicked"
            );
        }
    }
}
