//! What the environment may set for the monitor, read once at the start. A value
//! that can't be is an error that names it; nothing is guessed.

use std::net::SocketAddr;
use std::time::Duration;

use crate::variables::{DAY, InvalidSetting, Variables};

/// The monitor's settings. The web half reads its own `OCC_GATE_…` variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    /// `OCC_GATE_LISTEN`: where the login page is.
    pub(crate) listen: SocketAddr,
    /// `OCC_GATE_ALLOW_SETUID=1`: opencode and its shells may use sudo, passwd.
    pub(crate) allow_setuid: bool,
    /// `OCC_GATE_SESSION_IDLE`: a session that is not used ends.
    pub(crate) session_idle: Duration,
    /// `OCC_GATE_SESSION_LIMIT`: a session ends at the latest.
    pub(crate) session_limit: Duration,
    /// `OCC_GATE_IDLE`: an opencode that nobody uses stops.
    pub(crate) instance_idle: Duration,
    /// `OCC_GATE_MAX_PROCESSES`: processes and threads of one person.
    pub(crate) max_processes: u64,
}

impl Settings {
    /// Reads them; `get` gives a variable's value. An empty one counts as unset.
    pub(crate) fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, InvalidSetting> {
        let read = Variables(get);
        Ok(Self {
            listen: read
                .parsed(
                    "OCC_GATE_LISTEN",
                    "an address and port such as 0.0.0.0:3000",
                )?
                .unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], 3000))),
            allow_setuid: read.switch("OCC_GATE_ALLOW_SETUID")?,
            session_idle: read.session_idle()?,
            session_limit: read.duration("OCC_GATE_SESSION_LIMIT", 30 * DAY)?,
            instance_idle: read.instance_idle()?,
            max_processes: read
                .parsed("OCC_GATE_MAX_PROCESSES", "a number from 64 on")?
                .map_or(Ok(4096), |number| match number {
                    64.. => Ok(number),
                    _ => Err(InvalidSetting {
                        name: "OCC_GATE_MAX_PROCESSES",
                        value: number.to_string(),
                        wanted: "a number from 64 on",
                    }),
                })?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &[(&str, &str)]) -> Result<Settings, String> {
        let get = |name: &str| {
            let found = set.iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Settings::read(get).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_set() {
        let settings = read(&[("OCC_GATE_LISTEN", "")]).unwrap();
        assert_eq!(settings.listen.to_string(), "0.0.0.0:3000");
        assert!(!settings.allow_setuid);
        assert_eq!(settings.instance_idle.as_secs(), 1800);
    }

    #[test]
    fn all_set() {
        let settings = read(&[
            ("OCC_GATE_LISTEN", "[::]:8080"),
            ("OCC_GATE_ALLOW_SETUID", "1"),
            ("OCC_GATE_SESSION_IDLE", "12h"),
            ("OCC_GATE_SESSION_LIMIT", "90s"),
            ("OCC_GATE_IDLE", "2d"),
            ("OCC_GATE_MAX_PROCESSES", "64"),
        ])
        .unwrap();
        assert_eq!(settings.listen.port(), 8080);
        assert!(settings.allow_setuid);
        assert_eq!(settings.session_idle.as_secs(), 43_200);
        assert_eq!(settings.session_limit.as_secs(), 90);
        assert_eq!(settings.instance_idle.as_secs(), 172_800);
        assert_eq!(settings.max_processes, 64);
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (name, value) in [
            ("OCC_GATE_LISTEN", "3000"),
            ("OCC_GATE_LISTEN", "localhost:3000"),
            ("OCC_GATE_ALLOW_SETUID", "yes"),
            ("OCC_GATE_SESSION_IDLE", "30"),
            ("OCC_GATE_SESSION_IDLE", "0s"),
            ("OCC_GATE_SESSION_IDLE", "+1s"),
            ("OCC_GATE_SESSION_IDLE", "ü"),
            ("OCC_GATE_IDLE", "99999999999999999999d"),
            ("OCC_GATE_SESSION_LIMIT", "4000d"),
            ("OCC_GATE_MAX_PROCESSES", "1"),
        ] {
            let error = read(&[(name, value)]).unwrap_err();
            assert!(
                error.starts_with(&format!("invalid {name} '{value}': must be ")),
                "{error}"
            );
        }
    }
}
