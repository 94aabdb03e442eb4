//! Programs with a login in the browser; curl is the browser.

use super::Program;
use crate::harness::{Call, Container, until};
use serde_json::Value;
use std::cell::RefCell;
use std::path::Path;

fn curl<const N: usize>(args: [&str; N]) -> Call {
    Call::new("curl")
        .args(["--silent", "--noproxy", "*", "--max-time", "120"])
        .args(args)
}

/// A terminal of shellinabox, as its page talks to it.
struct Shell {
    url: String,
    session: String,
    screen: RefCell<String>,
}

impl Shell {
    fn open(port: u16) -> Self {
        let url = format!("http://127.0.0.1:{port}/");
        let session = until("shellinabox answers", || {
            let opened = post(&url, &[&format!("rooturl={url}")]);
            Some(opened?["session"].as_str()?.to_owned())
        });
        Self {
            url,
            session,
            screen: RefCell::default(),
        }
    }

    fn types(&self, text: &str) {
        let keys = text.bytes().map(|byte| format!("{byte:02X}"));
        let keys = format!("keys={}", keys.collect::<String>());
        let session = format!("session={}", self.session);
        post(&self.url, &[&session, &keys]);
    }

    /// Which of the texts comes; what was before it is forgotten.
    fn shows<'t>(&self, texts: &[&'t str]) -> &'t str {
        until("the terminal shows one of them", || {
            let session = format!("session={}", self.session);
            let more = post(&self.url, &[&session]);
            let mut screen = self.screen.borrow_mut();
            screen.push_str(
                more.as_ref()
                    .and_then(|more| more["data"].as_str())
                    .unwrap_or_default(),
            );
            let found = texts.iter().find(|text| screen.contains(**text))?;
            screen.clear();
            Some(*found)
        })
    }
}

/// A request of the terminal; `None` where the answer is no document.
fn post(url: &str, fields: &[&str]) -> Option<Value> {
    let fields = ["width=80", "height=24"].iter().chain(fields);
    let fields = fields.flat_map(|field| ["--data-urlencode", field]);
    serde_json::from_str(&curl([url]).args(fields).run().stdout).ok()
}

#[test]
fn people_log_in_at_a_terminal_in_the_browser() {
    let program = Program::new("shellinabox", "A terminal in the browser", 4200);
    program.lets_alice_in(|port, _, password| {
        let shell = Shell::open(port);
        shell.shows(&["login: "]);
        shell.types("alice\r");
        shell.shows(&["Password: "]);
        shell.types(&format!("{password}\r"));
        let refusals = ["Login incorrect", "has expired"];
        if shell.shows(&["$ ", refusals[0], refusals[1]]) != "$ " {
            return false;
        }
        shell.types("echo uid=$(id -u)\r");
        shell.shows(&["uid=10000\r\n"]);
        true
    });
}

/// The status of a page of the hub with these cookies; a form makes it a POST.
fn hub(jar: &Path, url: &str, form: &[&str]) -> String {
    let jar = jar.to_str().unwrap();
    let form = form.iter().flat_map(|field| ["--data-urlencode", field]);
    let status = ["--output", "/dev/null", "--write-out", "%{http_code}"];
    let call = curl(["--cookie", jar, "--cookie-jar", jar]).args(status);
    call.args(form).args([url]).run().stdout
}

/// Her server runs.
fn serves(container: &Container) -> bool {
    let programs = container.programs(10000);
    programs.iter().any(|name| name.starts_with("jupyterhub"))
}

#[test]
fn people_log_in_to_jupyterhub_and_a_server_of_theirs_starts() {
    let program = Program::new("jupyterhub", "JupyterHub", 8000);
    let place = tempfile::tempdir().unwrap();
    let jar = place.path().join("cookies");
    program.lets_alice_in(|port, container, password| {
        let page = |path: &str| format!("http://127.0.0.1:{port}/hub/{path}");
        let nobody = place.path().join("nobody");
        until("the hub answers", || {
            (hub(&nobody, &page("login"), &[]) == "200").then_some(())
        });
        // The cookies of an earlier login, while she is disabled: nothing of hers starts.
        let was_in = jar.exists() && password == super::ALICE && is_disabled(container);
        if was_in {
            starts_nothing(container, || hub(&jar, &page("spawn"), &[]));
        }
        let fresh = place.path().join("fresh");
        let _ = std::fs::remove_file(&fresh);
        let form = ["username=alice", &format!("password={password}")];
        let status = hub(&fresh, &page("login"), &form);
        if status != "302" {
            assert!(["200", "403"].contains(&&*status), "{status}");
            return false;
        }
        std::fs::rename(&fresh, &jar).unwrap();
        until("her server starts", || {
            hub(&jar, &page("spawn"), &[]);
            serves(container).then_some(())
        });
        true
    });
}

fn is_disabled(container: &Container) -> bool {
    container
        .sh("grep ^alice: /etc/passwd")
        .ends_with("/nologin")
}

/// The hub takes the old cookies, tries to start her server, and gives up.
fn starts_nothing(container: &Container, spawn: impl Fn() -> String) {
    until("the hub gives up", || {
        spawn();
        assert!(!serves(container));
        let logs = container.logs();
        logs.contains("This account is currently not available")
            .then_some(())
    });
    assert_eq!(container.programs(10000), [""; 0]);
}

#[test]
fn the_web_server_of_busybox_lets_people_in() {
    let program = Program::new("httpd", "busybox", 80);
    program.lets_alice_in(|port, _, password| {
        let url = format!("http://127.0.0.1:{port}/");
        let person = format!("alice:{password}");
        let page = until("the server answers", || {
            let page = curl(["--user", &person, &url]).run();
            (page.code == Some(0)).then_some(page.stdout)
        });
        assert!(
            page == "members only\n" || page.contains("401 Unauthorized"),
            "{page}"
        );
        page == "members only\n"
    });
}
