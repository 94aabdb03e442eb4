//! The words between the page and us besides the terminal's bytes. Pure.

use serde::Deserialize;

use crate::web::http::form::Form;
use crate::wire::TerminalSize;

/// Longest text frame of the page.
const LONGEST: usize = 100;

/// A text frame of the page.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Control {
    /// The window has another size.
    Resize(TerminalSize),
    /// So many bytes more are on the screen.
    Shown(u32),
}

impl Control {
    /// Returns `None` for what no page of ours sends.
    pub(super) fn parse(text: &str) -> Option<Self> {
        (text.len() <= LONGEST).then(|| serde_json::from_str(text).ok())?
    }
}

/// `cols=80&rows=24`
pub(super) fn size_of_query(query: &str) -> Option<TerminalSize> {
    let form = Form::parse(query.as_bytes())?;
    let side = |name: &str| std::str::from_utf8(form.bytes(name)?).ok()?.parse().ok();
    TerminalSize::new(side("cols")?, side("rows")?)
}

/// Why a terminal ended, as the code of a close frame and a word for the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The shell is over.
    Exit,
    /// The session is over.
    Session,
    TooMany,
    /// The shell could not be started.
    Failed,
    /// The page sent what it never sends.
    Protocol,
    /// The gate stops, or the monitor is away.
    Away,
}

impl End {
    /// Those from 4000 on are an application's own (RFC 6455 §7.4.2).
    pub(super) fn code(self) -> u16 {
        match self {
            Self::Exit => 4000,
            Self::Session => 4001,
            Self::TooMany => 4002,
            Self::Failed => 4003,
            Self::Protocol => 1008,
            Self::Away => 1001,
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Exit => "exit",
            Self::Session => "session",
            Self::TooMany => "too many",
            Self::Failed => "failed",
            Self::Protocol => "protocol",
            Self::Away => "away",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_frames_have_bounds() {
        let size = TerminalSize::new(80, 24).unwrap();
        let resize = r#"{"resize":{"cols":80,"rows":24}}"#;
        assert_eq!(Control::parse(resize), Some(Control::Resize(size)));
        let shown = r#"{"shown":4294967295}"#;
        assert_eq!(Control::parse(shown), Some(Control::Shown(u32::MAX)));
        let padded = format!("{}{resize}", " ".repeat(LONGEST));
        let nested = "[".repeat(LONGEST);
        for bad in [
            "",
            "{}",
            "null",
            "resize",
            r#"{"resize":{"cols":0,"rows":24}}"#,
            r#"{"resize":{"cols":65535,"rows":65535}}"#,
            r#"{"resize":{"cols":99999999999,"rows":1}}"#,
            r#"{"resize":{"cols":80}}"#,
            r#"{"resize":{"cols":80,"rows":24},"shown":1}"#,
            r#"{"shown":-1}"#,
            r#"{"shown":4294967296}"#,
            r#"{"shown":1.5}"#,
            r#"{"user":"root"}"#,
            &padded,
            &nested,
        ] {
            assert_eq!(Control::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_query_has_a_size() {
        assert_eq!(size_of_query("cols=80&rows=24"), TerminalSize::new(80, 24));
        for bad in [
            "",
            "cols=80",
            "cols=0&rows=24",
            "cols=x&rows=24",
            "cols=70000&rows=1",
        ] {
            assert_eq!(size_of_query(bad), None, "{bad}");
        }
    }
}
