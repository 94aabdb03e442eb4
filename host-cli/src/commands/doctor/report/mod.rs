//! The report: one line a topic, with a fix where one is needed.

use std::process::ExitCode;

use accounts::wire::SCHEMA;
use serde::Serialize;

use crate::text;
use crate::ui::out;
use crate::ui::show::{self, Format, Screen};

/// One thing that was looked at.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    topic: &'static str,
    ok: bool,
    message: String,
    /// How to fix it; empty where nothing is wrong. Programs know it as `mend`.
    #[serde(rename = "mend")]
    fix: String,
}

/// All that was looked at, in that order.
#[derive(Debug, Default)]
pub(super) struct Report(Vec<Check>);

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    findings: usize,
    checks: &'a [Check],
}

impl Report {
    /// Adds a topic with nothing wrong.
    pub(super) fn fine(&mut self, topic: &'static str, message: impl Into<String>) {
        self.0.push(Check {
            topic,
            ok: true,
            message: message.into(),
            fix: String::new(),
        });
    }

    /// Adds a finding, with how to fix it.
    pub(super) fn wrong(
        &mut self,
        topic: &'static str,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.0.push(Check {
            topic,
            ok: false,
            message: message.into(),
            fix: out::addressed(&fix.into()),
        });
    }

    /// Topic and message of each finding.
    #[cfg(test)]
    pub(super) fn wrongs(&self) -> Vec<(&'static str, &str)> {
        let wrongs = self.0.iter().filter(|check| !check.ok);
        wrongs
            .map(|check| (check.topic, check.message.as_str()))
            .collect()
    }

    fn findings(&self) -> usize {
        self.0.iter().filter(|check| !check.ok).count()
    }

    /// Prints it; `-q` shows only what is wrong.
    pub(super) fn show(&self, screen: Screen) -> ExitCode {
        if screen.format == Format::Json {
            show::json(&Document {
                schema: SCHEMA,
                findings: self.findings(),
                checks: &self.0,
            });
        } else {
            let text = text(&self.0, screen.format == Format::Name, screen.colours);
            if !text.is_empty() {
                show::coloured(&text);
            }
        }
        ExitCode::from(u8::from(self.findings() > 0))
    }
}

fn text(checks: &[Check], quiet: bool, colours: bool) -> String {
    let (good, bad, end) = if colours {
        ("\u{1b}[32m", "\u{1b}[31m", "\u{1b}[0m")
    } else {
        ("", "", "")
    };
    let shown = checks.iter().filter(|check| !(quiet && check.ok));
    let lines = shown.map(|check| {
        let (topic, message) = (check.topic, text::message(&check.message));
        match &*text::line(&check.fix) {
            _ if check.ok => format!("{good}ok{end}     {topic}: {message}"),
            "" => format!("{bad}FAIL{end}   {topic}: {message}"),
            fix => format!("{bad}FAIL{end}   {topic}: {message}\n       fix: {fix}"),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
