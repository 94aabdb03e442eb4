//! A headless Chromium behind a chromedriver, spoken to in plain WebDriver.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use occ_gate::wire::Token;
use serde_json::{Value, json};

use super::browser::PATIENCE;

const FLAGS: [&str; 6] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-proxy-server",
    "--no-first-run",
    "--disable-background-networking",
];

pub(crate) struct Chromium {
    driver: Child,
    address: SocketAddr,
    session: String,
}

impl Chromium {
    pub(crate) fn start() -> Self {
        let address = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={}", address.port()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver (Debian package chromium-driver)");
        let mut chromium = Self {
            driver,
            address,
            session: String::new(),
        };
        occ_gate_testing::until("chromedriver", || TcpStream::connect(address).is_ok());
        let options = json!({ "goog:chromeOptions": { "args": FLAGS } });
        let begun = chromium.post(
            "/session",
            &json!({ "capabilities": { "alwaysMatch": options } }),
        );
        chromium.session = format!("/session/{}", begun["sessionId"].as_str().unwrap());
        chromium
    }

    pub(crate) fn open(&self, url: &str) {
        self.post_in("/url", &json!({ "url": url }));
    }

    /// Sets the cookie of a session, as a login does.
    pub(crate) fn set_session(&self, url: &str, token: &Token) {
        let cookie = json!({
            "name": "occ_opencode", "value": token.expose().as_str(), "url": url, "path": "/",
            "httpOnly": true, "sameSite": "Strict",
        });
        self.tell("Network.enable", &json!({}));
        self.tell("Network.setCookie", &cookie);
    }

    /// Opens a page with this session.
    pub(crate) fn open_as(&self, token: &Token, url: &str) {
        self.set_session(url, token);
        self.open(url);
    }

    /// Runs a script in the page; its `return` value.
    pub(crate) fn script(&self, script: &str) -> Value {
        self.post_in("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Runs a script in the page that calls its last argument with its value.
    pub(crate) fn script_until_done(&self, script: &str) -> Value {
        self.post_in("/execute/async", &json!({ "script": script, "args": [] }))
    }

    /// Waits until a script returns true.
    pub(crate) fn until(&self, what: &str, script: &str) {
        occ_gate_testing::until(what, || self.script(script) == Value::Bool(true));
    }

    /// A key, pressed wherever the focus is.
    pub(crate) fn press(&self, key: &str) {
        let actions =
            json!([{ "type": "keyDown", "value": key }, { "type": "keyUp", "value": key }]);
        let keys = json!({ "actions": [{ "type": "key", "id": "keys", "actions": actions }] });
        self.post_in("/actions", &keys);
    }

    /// A command of Chromium's own protocol.
    pub(crate) fn tell(&self, command: &str, params: &Value) -> Value {
        self.post_in(
            "/goog/cdp/execute",
            &json!({ "cmd": command, "params": params }),
        )
    }

    fn post_in(&self, path: &str, body: &Value) -> Value {
        self.post(&format!("{}{path}", self.session), body)
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let (status, mut answer) = self.send("POST", path, &body.to_string());
        assert!(status == 200, "{path}: {answer}");
        answer["value"].take()
    }

    fn send(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        read(BufReader::new(stream))
    }
}

/// Status and body of an answer, which says its length.
fn read(mut reader: BufReader<TcpStream>) -> (u16, Value) {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let status = line.split(' ').nth(1).unwrap().parse().unwrap();
    let mut length = 0;
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).unwrap();
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    std::io::Read::read_exact(&mut reader, &mut body).unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // Ends Chromium, too.
        if !self.session.is_empty() && !std::thread::panicking() {
            self.send("DELETE", &self.session, "");
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
