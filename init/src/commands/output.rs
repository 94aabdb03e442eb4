//! Output of a command: text for people, one line of JSON for programs, and the exit
//! status. Prints nothing.

use crate::restore::summary::Summary;

#[derive(Default)]
pub(crate) struct Output {
    /// For people; may be several lines.
    pub(crate) text: String,
    /// For programs: one line.
    pub(crate) json: String,
    /// 0, except for `check` with findings.
    pub(crate) status: u8,
}

impl Output {
    /// Output whose JSON is one of the wire documents.
    pub(crate) fn new(text: String, document: &impl serde::Serialize) -> Self {
        Self {
            text,
            json: serde_json::to_string(document).unwrap_or_default(),
            status: 0,
        }
    }

    /// PID 1 reads standard output: the last line is the summary.
    pub(crate) fn for_pid1(summary: &Summary) -> Self {
        let json = serde_json::to_string(summary).unwrap_or_default();
        Self {
            text: json.clone(),
            json,
            status: 0,
        }
    }
}
