//! Reading `OCC_GATE_…` variables, for both halves. Nothing is guessed: a value
//! that can't be is an error that names it. An empty one counts as unset.

use std::time::Duration;

/// Why a value can't be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid {name} '{}': must be {wanted}", .value.escape_debug())]
pub struct InvalidSetting {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    pub(crate) wanted: &'static str,
}

/// In seconds.
pub(crate) const DAY: u64 = 24 * 60 * 60;

/// Every variable of ours that there is.
const KNOWN: [&str; 9] = [
    "OCC_GATE_ALLOW_SETUID",
    "OCC_GATE_HOSTS",
    "OCC_GATE_IDLE",
    "OCC_GATE_LISTEN",
    "OCC_GATE_MAX_PROCESSES",
    "OCC_GATE_NAME",
    "OCC_GATE_SESSION_IDLE",
    "OCC_GATE_SESSION_LIMIT",
    "OCC_GATE_TRUSTED_PROXIES",
];

/// A name that looks like one of ours and is none: most likely mistyped.
pub(crate) fn is_unknown(name: &str) -> bool {
    name.starts_with("OCC_GATE_") && !KNOWN.contains(&name)
}

/// The environment: gives a variable's value.
pub(crate) struct Variables<F>(pub(crate) F);

impl<F: Fn(&str) -> Option<String>> Variables<F> {
    /// The value, unless it is empty.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    /// Anything that is read from text.
    pub(crate) fn parsed<T: std::str::FromStr>(
        &self,
        name: &'static str,
        wanted: &'static str,
    ) -> Result<Option<T>, InvalidSetting> {
        let parse = |value: String| {
            value.parse().map_err(|_| InvalidSetting {
                name,
                value,
                wanted,
            })
        };
        self.get(name).map(parse).transpose()
    }

    /// `OCC_GATE_IDLE`: how long nobody uses an opencode until it stops.
    pub(crate) fn instance_idle(&self) -> Result<Duration, InvalidSetting> {
        self.duration("OCC_GATE_IDLE", 30 * 60)
    }

    /// `OCC_GATE_SESSION_IDLE`: how long nobody uses a session until it ends.
    pub(crate) fn session_idle(&self) -> Result<Duration, InvalidSetting> {
        self.duration("OCC_GATE_SESSION_IDLE", 7 * DAY)
    }

    /// 0 or 1.
    pub(crate) fn switch(&self, name: &'static str) -> Result<bool, InvalidSetting> {
        match self.get(name).as_deref() {
            None | Some("0") => Ok(false),
            Some("1") => Ok(true),
            Some(value) => Err(InvalidSetting {
                name,
                value: value.to_owned(),
                wanted: "0 or 1",
            }),
        }
    }

    /// Such as `30m`; `default` is in seconds.
    pub(crate) fn duration(
        &self,
        name: &'static str,
        default: u64,
    ) -> Result<Duration, InvalidSetting> {
        let Some(value) = self.get(name) else {
            return Ok(Duration::from_secs(default));
        };
        seconds(&value)
            .map(Duration::from_secs)
            .ok_or(InvalidSetting {
                name,
                value,
                wanted: "a time such as 90s, 30m, 12h or 7d, at most 3650d",
            })
    }
}

/// Digits and a unit: s, m, h or d.
fn seconds(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => DAY,
        _ => return None,
    };
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = number.parse::<u64>().ok()?.checked_mul(unit)?;
    (is_number && (1..=3650 * DAY).contains(&seconds)).then_some(seconds)
}
