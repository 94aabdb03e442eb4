//! Terminals on the wire: their size, their number, and the reply to who wants one.
//!
//! The terminal itself, the master of a pty, is a file descriptor: it comes with
//! [`TerminalReply::Opened`] and with no other message.

use serde::{Deserialize, Serialize};

/// Most terminals of one person.
pub const TERMINALS_LIMIT: usize = 4;
/// Most columns or lines. Programs reserve memory for each cell.
const LONGEST_SIDE: u16 = 1000;

/// Columns and lines, each from 1 to 1000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Sides")]
pub struct TerminalSize {
    cols: u16,
    rows: u16,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sides {
    cols: u16,
    rows: u16,
}

impl TryFrom<Sides> for TerminalSize {
    type Error = &'static str;

    fn try_from(sides: Sides) -> Result<Self, Self::Error> {
        Self::new(sides.cols, sides.rows).ok_or("no size of a terminal")
    }
}

impl TerminalSize {
    /// Returns `None` for a size that no terminal has.
    pub fn new(cols: u16, rows: u16) -> Option<Self> {
        let fits = |side: u16| (1..=LONGEST_SIDE).contains(&side);
        (fits(cols) && fits(rows)).then_some(Self { cols, rows })
    }

    /// Characters in a line.
    pub fn cols(self) -> u16 {
        self.cols
    }

    /// Lines.
    pub fn rows(self) -> u16 {
        self.rows
    }
}

/// Names a terminal. Never the same one twice in the life of a monitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TerminalId(pub u64);

/// The reply to [`super::ask::Terminal`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TerminalReply {
    /// It is open. This message, and no other, brings a file descriptor.
    Opened {
        /// For [`super::ask::CloseTerminal`].
        id: TerminalId,
        /// The shell's pid.
        shell: u32,
    },
    /// The person has [`TERMINALS_LIMIT`] already.
    TooMany,
    /// It can't be opened; the log says why.
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_bounds() {
        let parse = |text: &str| serde_json::from_str::<TerminalSize>(text).ok();
        assert_eq!(parse(r#"{"cols":80,"rows":24}"#), TerminalSize::new(80, 24));
        assert!(TerminalSize::new(1, 1000).is_some());
        for bad in [
            r#"{"cols":0,"rows":24}"#,
            r#"{"cols":80,"rows":0}"#,
            r#"{"cols":1001,"rows":24}"#,
            r#"{"cols":65535,"rows":65535}"#,
            r#"{"cols":65536,"rows":24}"#,
            r#"{"cols":-1,"rows":24}"#,
            r#"{"cols":80.5,"rows":24}"#,
            r#"{"cols":"80","rows":24}"#,
            r#"{"cols":80}"#,
            r#"{"cols":80,"rows":24,"x":1}"#,
            "{}",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
