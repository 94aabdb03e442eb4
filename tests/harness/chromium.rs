//! A headless Chromium, driven through chromedriver, in a network of its own.
//!
//! Containers come and go on the machine, and Chromium drops every request when
//! a network interface does. So it lives in a network namespace with nothing but
//! loopback, and what connects to the instance's port there is passed on.

use std::cell::OnceCell;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;

use super::{Call, PATIENCE, source, until};

const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--window-size=1280,900",
];

/// The address of chromedriver, which is alone in its network.
const DRIVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9515);

/// Runs `test` in a thread whose network has the instance at its usual port and
/// a chromedriver, and nothing else.
pub(crate) fn with_browsers<F: Future<Output = ()>>(
    port: u16,
    test: impl FnOnce(Browsers) -> F + Send,
) {
    let (pass_on, listeners) = mpsc::channel::<TcpListener>();
    thread::scope(|scope| {
        scope.spawn(move || {
            for listener in listeners {
                thread::spawn(move || relay(&listener, port));
            }
        });
        scope.spawn(move || {
            nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET)
                .expect("a network namespace (needs root)");
            Call::new("ip").args(["link", "set", "lo", "up"]).ok();
            pass_on
                .send(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap())
                .unwrap();
            drop(pass_on);
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(test(Browsers::start()));
        });
    });
}

/// Passes connections on to the same port, out there.
fn relay(listener: &TcpListener, port: u16) {
    for inside in listener.incoming() {
        let (Ok(inside), Ok(outside)) = (inside, TcpStream::connect((Ipv4Addr::LOCALHOST, port)))
        else {
            continue;
        };
        let (mut inside_too, mut outside_too) =
            (inside.try_clone().unwrap(), outside.try_clone().unwrap());
        thread::spawn(move || copy(&mut &inside, &mut outside_too));
        thread::spawn(move || copy(&mut &outside, &mut inside_too));
    }
}

fn copy(from: &mut impl io::Read, to: &mut TcpStream) {
    let _ = io::copy(from, to);
    let _ = to.shutdown(std::net::Shutdown::Both);
}

/// A chromedriver; ends with all of its browsers.
pub(crate) struct Browsers {
    driver: Child,
}

impl Browsers {
    fn start() -> Self {
        let driver = Command::new("chromedriver")
            .arg(format!("--port={}", DRIVER.port()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver (Debian package chromium-driver)");
        until("chromedriver answers", || TcpStream::connect(DRIVER).ok());
        Self { driver }
    }

    /// A new browser that knows nothing yet.
    pub(crate) async fn open(&self) -> Browser {
        let profile = tempfile::tempdir().unwrap();
        let mut flags: Vec<String> = FLAGS.iter().map(ToString::to_string).collect();
        flags.push(format!("--user-data-dir={}", profile.path().display()));
        let wanted =
            json!({ "goog:chromeOptions": { "args": flags, "binary": "/usr/bin/chromium" } });
        let Value::Object(wanted) = wanted else {
            unreachable!()
        };
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(wanted)
            .connect(&format!("http://{DRIVER}"))
            .await
            .expect("a browser");
        Browser {
            client,
            authenticator: OnceCell::new(),
            _profile: profile,
        }
    }
}

impl Drop for Browsers {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// One person's browser.
pub(crate) struct Browser {
    pub(crate) client: Client,
    authenticator: OnceCell<String>,
    _profile: TempDir,
}

impl Browser {
    pub(crate) async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// Runs a script in the page; its `return` value.
    pub(crate) async fn script(&self, script: &str) -> Value {
        self.client.execute(script, vec![]).await.unwrap()
    }

    /// Runs a script in the page that calls `done` with its value.
    pub(crate) async fn script_until_done(&self, script: &str) -> Value {
        let script = format!("const done = arguments[arguments.length - 1]; {script}");
        self.client.execute_async(&script, vec![]).await.unwrap()
    }

    /// Waits until a script returns something true, and returns it.
    pub(crate) async fn until(&self, what: &str, script: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // A page that is just being replaced has no answer.
            if let Ok(value) = self.client.execute(script, vec![]).await
                && !matches!(value, Value::Null | Value::Bool(false))
            {
                return value;
            }
            if Instant::now() > deadline {
                self.keep("failed").await;
                let page = self
                    .script("return location.href + '\\n' + document.body.innerText")
                    .await;
                panic!("{what} never came; the page says {page}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the page says something.
    pub(crate) async fn says(&self, text: &str) {
        let text = Value::from(text);
        self.until(
            &format!("the text {text}"),
            &format!("return document.body.innerText.includes({text})"),
        )
        .await;
    }

    /// Gives the browser an authenticator, as in a phone: it keeps passkeys and knows its
    /// person, who presses it when [`Browser::press`] says so.
    pub(crate) async fn add_authenticator(&self) {
        let body = json!({
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": true,
            "hasUserVerification": true, "isUserVerified": true,
        });
        let id = self.ask_driver("webauthn/authenticator", &body).await;
        self.authenticator
            .set(id.as_str().unwrap().to_owned())
            .unwrap();
        self.press(false).await;
    }

    /// Lets the person press the authenticator whenever it asks, or never.
    pub(crate) async fn press(&self, whenever_asked: bool) {
        let enabled = json!({ "enabled": whenever_asked });
        self.ask_authenticator("setAutomaticPresenceSimulation", enabled)
            .await;
    }

    /// The authenticator's passkeys, as another one may be given them: with their keys.
    pub(crate) async fn copy_passkeys(&self) -> Value {
        let mut found = self.ask_authenticator("getCredentials", json!({})).await;
        found["credentials"].take()
    }

    /// Puts copies in the place of the authenticator's passkeys.
    pub(crate) async fn replace_passkeys(&self, copies: &Value) {
        self.ask_authenticator("clearCredentials", json!({})).await;
        for copy in copies.as_array().unwrap() {
            let copy = json!({ "credential": copy });
            self.ask_authenticator("addCredential", copy).await;
        }
    }

    /// A command of Chromium's own protocol for the authenticator.
    async fn ask_authenticator(&self, command: &str, mut params: Value) -> Value {
        let id = self.authenticator.get().expect("an authenticator");
        params["authenticatorId"] = json!(id);
        let command = format!("WebAuthn.{command}");
        let body = json!({ "cmd": command, "params": params });
        self.ask_driver("goog/cdp/execute", &body).await
    }

    /// A command of chromedriver that fantoccini has not; its value.
    async fn ask_driver(&self, path: &'static str, body: &Value) -> Value {
        let body = body.to_string();
        let command = DriverCommand { path, body };
        self.client.issue_cmd(command).await.unwrap()
    }

    /// Keeps what is to be seen, as a PNG.
    pub(crate) async fn keep(&self, name: &str) {
        let png = self.client.screenshot().await.unwrap();
        std::fs::write(screens().join(format!("{name}.png")), png).unwrap();
    }
}

/// A POST of a session's: its path below the session, and its document.
#[derive(Debug)]
struct DriverCommand {
    path: &'static str,
    body: String,
}

impl WebDriverCompatibleCommand for DriverCommand {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.clone()))
    }
}

/// The directory of the PNGs.
pub(crate) fn screens() -> PathBuf {
    let screens = source("target/screens");
    std::fs::create_dir_all(&screens).unwrap();
    screens
}
