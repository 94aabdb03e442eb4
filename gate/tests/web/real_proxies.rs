//! Behind the real Caddy and nginx, with the examples that the project ships.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use occ_gate_testing::until;

use super::harness::Gate;

const BEHIND: &[&str] = &["--hosts=code.example.com", "--trusted-proxies=127.0.0.1"];

/// A proxy with TLS in front of a gate.
struct Proxy {
    child: Child,
    port: u16,
    gate: Gate,
    _directory: tempfile::TempDir,
}

impl Proxy {
    /// `command` gets the example, made to fit, as a file in its directory.
    fn start(example: &str, https: &str, command: impl FnOnce(&Path) -> Command) -> Self {
        let gate = Gate::with(BEHIND);
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path();
        certificate(place);
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../image/proxies")
            .join(example);
        let config = fs::read_to_string(path).unwrap();
        let fitted = config
            .replace("127.0.0.1:3000", &gate.address.to_string())
            .replace(
                "/etc/ssl/certs/code.example.com.pem",
                &place.join("cert.pem").display().to_string(),
            )
            .replace(
                "/etc/ssl/private/code.example.com.key",
                &place.join("key.pem").display().to_string(),
            )
            .replacen(
                https,
                &https
                    .replace("443", &port.to_string())
                    .replace(".com {", &format!(".com:{port} {{")),
                1,
            );
        assert_ne!(config, fitted);
        fs::write(place.join(example), fitted).unwrap();
        let child = command(place)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let child = child
            .unwrap_or_else(|error| panic!("{example}: {error} (Debian packages caddy, nginx)"));
        let proxy = Self {
            child,
            port,
            gate,
            _directory: directory,
        };
        until(example, || TcpStream::connect(("127.0.0.1", port)).is_ok());
        proxy
    }

    fn curl(&self, path: &str) -> Command {
        let mut curl = Command::new("curl");
        curl.args([
            "--silent",
            "--insecure",
            "--noproxy",
            "*",
            "--http1.1",
            "--max-time",
            "60",
        ])
        .arg("--resolve")
        .arg(format!("code.example.com:{}:127.0.0.1", self.port))
        .arg(format!("https://code.example.com:{}{path}", self.port));
        curl
    }

    fn origin(&self) -> String {
        format!("Origin: https://code.example.com:{}", self.port)
    }

    /// Logs in, then looks at a page, an event and a websocket.
    fn is_passed_through(&self) {
        let login = self
            .curl("/_occ/login")
            .args([
                "--include",
                "--data",
                "user=alice&password=secret",
                "--header",
                &self.origin(),
                "--header",
                "X-Forwarded-For: 6.6.6.6",
            ])
            .output()
            .unwrap();
        let login = text(&login);
        assert!(login.starts_with("HTTP/1.1 303 "), "{login}");
        assert!(
            login
                .to_ascii_lowercase()
                .contains("strict-transport-security: max-age=31536000"),
            "{login}"
        );
        let cookie = login
            .split("__Host-occ_opencode=")
            .nth(1)
            .unwrap_or_else(|| panic!("{login}"));
        assert!(
            cookie.split("\r\n").next().unwrap().ends_with("; Secure"),
            "{login}"
        );
        let cookie = format!(
            "Cookie: __Host-occ_opencode={}",
            cookie.split(';').next().unwrap()
        );
        let asked = self.gate.monitor.was_asked("authenticate");
        assert!(
            asked.contains("address=127.0.0.1 "),
            "a browser's claim was believed: {asked}"
        );

        assert_eq!(
            text(&self.curl("/").args(["--header", &cookie]).output().unwrap()),
            "<h1>opencode</h1>"
        );
        self.passes_events(&cookie);
        let mut upgrade = self.curl("/pty/1/connect");
        upgrade.args([
            "--include",
            "--max-time",
            "3",
            "--header",
            &cookie,
            "--header",
            &self.origin(),
        ]);
        let answer = text(&upgrade_to_websocket(&mut upgrade).output().unwrap());
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    }

    fn passes_events(&self, cookie: &str) {
        let before = self.gate.opencode.listeners();
        let mut curl = self
            .curl("/global/event")
            .args(["--no-buffer", "--header", cookie])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(curl.stdout.take().unwrap()).lines();
        until("a listener of events", || {
            self.gate.opencode.listeners() > before
        });
        for number in 0..3 {
            self.gate.opencode.emit(&format!("event {number}"));
            let expected = format!("data: event {number}");
            assert!(
                lines.by_ref().any(|line| line.unwrap() == expected),
                "{expected}"
            );
        }
        curl.kill().unwrap();
        curl.wait().unwrap();
    }
}

fn upgrade_to_websocket(command: &mut Command) -> &mut Command {
    command.args([
        "--header",
        "Connection: Upgrade",
        "--header",
        "Upgrade: websocket",
        "--header",
        "Sec-WebSocket-Version: 13",
        "--header",
        "Sec-WebSocket-Key: a2V5a2V5a2V5a2V5a2V5cw==",
    ])
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // In order, so that nginx's workers end with it.
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let _ = self.child.wait();
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn certificate(place: &Path) {
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=code.example.com",
            "-addext",
            "subjectAltName=DNS:code.example.com",
            "-keyout",
            "key.pem",
            "-out",
            "cert.pem",
        ])
        .current_dir(place)
        .output()
        .expect("openssl");
    assert!(made.status.success(), "{made:?}");
}

#[test]
fn nginx() {
    let proxy = Proxy::start("nginx.conf", "listen 443 ssl", |place| {
        let mut nginx = Command::new("nginx");
        nginx
            .arg("-p")
            .arg(place)
            .arg("-c")
            .arg(place.join("nginx.conf"))
            .args(["-e", "stderr", "-g"]);
        nginx.arg(format!(
            "daemon off; user root; pid {0}/pid; error_log stderr;",
            place.display()
        ));
        nginx
    });
    proxy.is_passed_through();
}

#[test]
fn caddy() {
    let proxy = Proxy::start("Caddyfile", "code.example.com {", |place| {
        // No admin socket and no port 80: other instances may have them.
        let file = place.join("Caddyfile");
        let config = fs::read_to_string(&file).unwrap();
        fs::write(
            &file,
            format!("{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{config}"),
        )
        .unwrap();
        let mut caddy = Command::new("caddy");
        caddy
            .args(["run", "--adapter", "caddyfile", "--config"])
            .arg(file)
            .env("HOME", place)
            .env("XDG_DATA_HOME", place)
            .env("XDG_CONFIG_HOME", place);
        caddy
    });
    proxy.is_passed_through();
}
