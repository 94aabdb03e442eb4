//! opencode's page in Chromium, directly and through the gate, taking turns: the
//! time until its load event, with an empty cache each time.

use crate::http::Connection;
use crate::opencode::Opencode;
use crate::place::{PATIENCE, Place};
use bench::{Contender, Cost, Costs, Error, interleave, io, tool, until};
use hyper::Request;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const ROUNDS: usize = 41;
const FLAGS: [&str; 4] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-proxy-server",
];
const LOAD: &str =
    "const [page] = performance.getEntriesByType('navigation'); return page.loadEventEnd;";

/// opencode first, then the gate.
pub(crate) fn all(place: &Place, session: &str, opencode: &Opencode) -> Result<Vec<Costs>, Error> {
    let mut browser = Browser::start()?;
    let (name, value) = session.split_once('=').unwrap_or((session, ""));
    let gate = format!("http://{}/", place.address);
    browser.tell("Network.enable", &json!({}))?;
    let cookie =
        json!({"name": name, "value": value, "url": gate, "httpOnly": true, "sameSite": "Strict"});
    browser.tell("Network.setCookie", &cookie)?;
    let direct = format!("http://{}/", opencode.address);
    let browser = std::cell::RefCell::new(browser);
    let authorized = json!({"headers": {"Authorization": opencode.authorization}});
    let none = json!({"headers": {}});
    let load = |headers: &Value, url: &str| browser.borrow_mut().load(headers, url);
    // The programs have run the code by then.
    load(&authorized, &direct)?;
    load(&none, &gate)?;
    interleave(vec![
        Contender::new("opencode", ROUNDS, || load(&authorized, &direct)),
        Contender::new("gate", ROUNDS, || load(&none, &gate)),
    ])
}

/// A Chromium behind a chromedriver.
struct Browser {
    driver: Child,
    connection: Connection,
    session: String,
}

impl Browser {
    fn start() -> Result<Self, Error> {
        // Free a moment ago; nobody else here asks for ports.
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
        let address: SocketAddr = port.map_err(io("127.0.0.1"))?;
        let driver = Command::new(tool("chromedriver", "chromium-driver")?)
            .arg(format!("--port={}", address.port()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map_err(io("chromedriver"))?;
        let connection = until("chromedriver", PATIENCE, || {
            Ok(Connection::open(address).ok())
        })?;
        let mut browser = Self {
            driver,
            connection,
            session: String::new(),
        };
        let options = json!({"goog:chromeOptions": {"args": FLAGS}});
        let begun = browser.post(
            "/session",
            &json!({"capabilities": {"alwaysMatch": options}}),
        )?;
        let id = begun["sessionId"].as_str().unwrap_or_default();
        browser.session = format!("/session/{id}");
        Ok(browser)
    }

    /// The time from the navigation to the end of the load event.
    fn load(&mut self, headers: &Value, url: &str) -> Result<Cost, Error> {
        self.post_in("/url", &json!({"url": "about:blank"}))?;
        self.tell("Network.clearBrowserCache", &json!({}))?;
        self.tell("Network.setExtraHTTPHeaders", headers)?;
        self.post_in("/url", &json!({"url": url}))?;
        let took = self.post_in("/execute/sync", &json!({"script": LOAD, "args": []}))?;
        let millis = took.as_f64().filter(|millis| *millis > 0.0);
        let millis = millis.ok_or_else(|| Error::Other(format!("'{url}' was not loaded")))?;
        Ok(Cost {
            wall: Duration::from_secs_f64(millis / 1e3),
            ..Cost::default()
        })
    }

    /// A command of Chromium's own protocol.
    fn tell(&mut self, command: &str, params: &Value) -> Result<Value, Error> {
        let body = json!({"cmd": command, "params": params});
        self.post_in("/goog/cdp/execute", &body)
    }

    fn post_in(&mut self, path: &str, body: &Value) -> Result<Value, Error> {
        let path = format!("{}{path}", self.session);
        self.post(&path, body)
    }

    fn post(&mut self, path: &str, body: &Value) -> Result<Value, Error> {
        let answer = self
            .connection
            .ask(Request::post(path), &body.to_string())?;
        let mut value: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if answer.status.is_success() {
            Ok(value["value"].take())
        } else {
            Err(Error::Other(format!("chromedriver: {value}")))
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ends Chromium, too.
        let session = self.session.clone();
        let _ = self.connection.ask(Request::delete(session), "");
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
