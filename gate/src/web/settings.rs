//! What the environment may set for the web half, read once at the start. A
//! value that can't be is an error that names it.

use std::time::Duration;

use crate::variables::{InvalidSetting, Variables};
use crate::web::http::forwarded::Network;
use crate::web::http::host::Authority;

/// Once a minute is enough for a session that lasts for days.
const TOUCH: Duration = Duration::from_secs(60);
/// Longest name of a gate; it stands in every request.
const LONGEST_NAME: usize = 64;

/// The web half's settings.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `OCC_GATE_NAME`: in the cookies' names, for cookies ignore ports.
    pub(super) name: String,
    /// `OCC_GATE_HOSTS`: host names that this gate answers to besides localhost.
    pub(super) hosts: Vec<String>,
    /// `OCC_GATE_TRUSTED_PROXIES`: whose X-Forwarded-* counts.
    pub(super) trusted_proxies: Vec<Network>,
    /// `OCC_GATE_IDLE`: an opencode that nobody uses stops.
    pub(super) idle: Duration,
    /// Connections at once.
    pub(super) connections: usize,
    /// For a request's head, and between two requests.
    pub(super) head_time: Duration,
    /// For a form's body.
    pub(super) form_time: Duration,
    /// How long sent bytes may lie unread.
    pub(super) unread_time: Duration,
    /// How often the monitor hears that a session is used.
    pub(super) touch_time: Duration,
    /// For open requests when the gate stops.
    pub(super) stop_time: Duration,
}

impl Settings {
    /// Reads them; `get` gives a variable's value. Lists are divided by commas or spaces.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, InvalidSetting> {
        let read = Variables(get);
        let words = |name| -> Vec<String> {
            let value = read.get(name).unwrap_or_default();
            let words = value.split([',', ' ']).filter(|word| !word.is_empty());
            words.map(str::to_owned).collect()
        };
        let hosts = words("OCC_GATE_HOSTS").into_iter().map(host);
        let proxies = words("OCC_GATE_TRUSTED_PROXIES").into_iter().map(network);
        Ok(Self {
            name: name(read.get("OCC_GATE_NAME"))?,
            hosts: hosts.collect::<Result<_, _>>()?,
            trusted_proxies: proxies.collect::<Result<_, _>>()?,
            idle: read.instance_idle()?,
            connections: 1000,
            head_time: Duration::from_secs(10),
            form_time: Duration::from_secs(10),
            unread_time: Duration::from_secs(30),
            touch_time: TOUCH.min(read.session_idle()? / 4),
            stop_time: Duration::from_secs(2),
        })
    }
}

fn name(value: Option<String>) -> Result<String, InvalidSetting> {
    match value {
        None => Ok("opencode".to_owned()),
        Some(value) if value.len() <= LONGEST_NAME => Ok(value),
        Some(value) => Err(InvalidSetting {
            name: "OCC_GATE_NAME",
            value,
            wanted: "at most 64 bytes: it stands in the names of cookies",
        }),
    }
}

fn host(value: String) -> Result<String, InvalidSetting> {
    match Authority::parse(&value) {
        Some(_) => Ok(value.to_ascii_lowercase()),
        None => Err(InvalidSetting {
            name: "OCC_GATE_HOSTS",
            value,
            wanted: "host names such as code.example.com or code.example.com:8443",
        }),
    }
}

fn network(value: String) -> Result<Network, InvalidSetting> {
    value.parse().map_err(|()| InvalidSetting {
        name: "OCC_GATE_TRUSTED_PROXIES",
        value,
        wanted: "addresses such as 10.0.0.2 or 10.0.0.0/8",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &[(&str, &str)]) -> Result<Settings, String> {
        let get = |name: &str| {
            set.iter()
                .find(|(other, _)| *other == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Settings::read(get).map_err(|error| error.to_string())
    }

    #[test]
    fn lists_are_read() {
        let settings = read(&[
            ("OCC_GATE_HOSTS", "Code.Example.com, 10.0.0.1:3000"),
            ("OCC_GATE_TRUSTED_PROXIES", "10.0.0.0/8 ::1"),
        ])
        .unwrap();
        assert_eq!(settings.hosts, ["code.example.com", "10.0.0.1:3000"]);
        assert_eq!(settings.trusted_proxies.len(), 2);
        assert_eq!(settings.name, "opencode");
    }

    #[test]
    fn a_short_session_is_touched_more_often() {
        let touch = |idle| read(&[("OCC_GATE_SESSION_IDLE", idle)]).unwrap().touch_time;
        assert_eq!(touch(""), Duration::from_secs(60));
        assert_eq!(touch("1m"), Duration::from_secs(15));
        assert_eq!(touch("1s"), Duration::from_millis(250));
    }

    #[test]
    fn what_cannot_be_is_named() {
        let error = |name, value| read(&[(name, value)]).unwrap_err();
        assert_eq!(
            error("OCC_GATE_HOSTS", "https://x"),
            "invalid OCC_GATE_HOSTS 'https://x': must be host names such as code.example.com or code.example.com:8443"
        );
        assert_eq!(
            error("OCC_GATE_TRUSTED_PROXIES", "a,10.0.0.1"),
            "invalid OCC_GATE_TRUSTED_PROXIES 'a': must be addresses such as 10.0.0.2 or 10.0.0.0/8"
        );
        let long = Box::leak("x".repeat(65).into_boxed_str());
        assert!(
            error("OCC_GATE_NAME", long)
                .ends_with("must be at most 64 bytes: it stands in the names of cookies")
        );
    }
}
