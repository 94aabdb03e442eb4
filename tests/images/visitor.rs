//! A person at the login of a container that something else than occ started: curl with
//! cookies of its own, wherever the login is published.

use crate::harness::{Call, PATIENCE, until};

/// One browser of one person.
pub(super) struct Visitor {
    /// The command that runs curl where the login can be reached.
    place: Vec<String>,
    url: String,
    jar: String,
}

impl Visitor {
    /// `place`: words before `curl`; `jar`: a file there that need not exist.
    pub(super) fn new(place: &[&str], port: u16, jar: &str) -> Self {
        Self {
            place: place.iter().map(|word| (*word).to_owned()).collect(),
            url: format!("http://localhost:{port}"),
            jar: jar.to_owned(),
        }
    }

    /// The body, and the status as the last line; nothing reached is `000`.
    fn call(&self, path: &str, options: &[&str], input: &str) -> String {
        let seconds = PATIENCE.as_secs().to_string();
        let mut words = self.place.iter().map(String::as_str).chain(["curl"]);
        let curl = Call::new(words.next().unwrap()).args(words);
        let curl = curl
            .args(["--silent", "--noproxy", "*", "--max-time", &seconds])
            .args(["--cookie", &self.jar, "--cookie-jar", &self.jar])
            .args(["--header", "Accept: text/html"])
            .args(["--write-out", "\n%{http_code}"])
            .args(options)
            .args([format!("{}{path}", self.url)]);
        curl.input(input).run().stdout
    }

    /// Logs in and has opencode's own page.
    #[track_caller]
    pub(super) fn log_in(&self, name: &str, password: &str) {
        let origin = format!("Origin: {}", self.url);
        let form = format!("user={name}&password={password}");
        let options = ["--header", &origin, "--data", "@-"];
        let status = until("the login answers", || {
            let answer = self.call("/_occ/login", &options, &form);
            let status = answer.lines().last().unwrap_or_default().to_owned();
            (!matches!(status.as_str(), "000" | "503")).then_some(status)
        });
        assert_eq!(status, "303", "{name} was not let in");
        self.is_in();
    }

    /// Is logged in and has opencode's own page.
    #[track_caller]
    pub(super) fn is_in(&self) {
        until("opencode's page", || {
            let page = self.call("/", &[], "");
            page.contains("<title>OpenCode").then_some(())
        });
    }
}
