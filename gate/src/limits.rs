//! Limits of both halves that are no settings. Tests shorten them.

use std::time::Duration;

use crate::settings::Settings;

/// Once a minute is enough for a session that lasts for days.
const TOUCH: Duration = Duration::from_secs(60);

/// Counts and times.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// For a request's head, and between two requests.
    pub head_time: Duration,
    /// For a form's body.
    pub form_time: Duration,
    /// How long sent bytes may lie unread.
    pub unread_time: Duration,
    /// How often the monitor is told that a session is used.
    pub touch_time: Duration,
    /// For open requests when the gate stops.
    pub stop_time: Duration,
    /// Failed logins are answered at whole multiples of this after their call.
    pub login_pace: Duration,
    /// How long PAM may work, not counting the time in which a person types.
    pub pam_time: Duration,
}

impl Limits {
    /// The limits of every gate; a short session is touched more often.
    pub fn of(settings: &Settings) -> Self {
        Self {
            connections: 1000,
            head_time: Duration::from_secs(10),
            form_time: Duration::from_secs(10),
            unread_time: Duration::from_secs(30),
            touch_time: TOUCH.min(settings.session_idle / 4),
            stop_time: Duration::from_secs(2),
            login_pace: Duration::from_secs(3),
            pam_time: Duration::from_secs(10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_session_is_touched_more_often() {
        for (idle, touch) in [("7d", 60_000), ("1m", 15_000), ("1s", 250)] {
            let settings = Settings::from_options(&[&format!("--session-idle={idle}")]).unwrap();
            assert_eq!(Limits::of(&settings).touch_time.as_millis(), touch);
        }
    }
}
