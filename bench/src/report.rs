//! What a benchmark tells: tables on stdout, bars after them; with `--check` an exit status,
//! without it its part of docs/benchmarks.md.

use crate::page::{self, Picture};
use crate::{Error, Table, io, machine};
use std::fmt;
use std::io::Write as _;
use std::process::ExitCode;

/// What was found out so far.
#[derive(Debug, Default)]
pub struct Report {
    /// `--check`: only what the bars need, and they decide the exit status.
    pub check: bool,
    text: String,
    pictures: Vec<Picture>,
    versions: Vec<String>,
    bars: Vec<Bar>,
}

/// A number of the design, and what was measured.
#[derive(Debug)]
struct Bar {
    what: String,
    measured: String,
    limit: String,
    is_met: bool,
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.is_met { "ok    " } else { "MISSED" };
        let Self {
            what,
            measured,
            limit,
            ..
        } = self;
        write!(f, "{word}  {what}: {measured} ({limit})")
    }
}

impl Report {
    /// A paragraph.
    pub fn say(&mut self, text: &str) {
        self.text.push_str(text.trim_end());
        self.text.push_str("\n\n");
    }

    /// A table.
    pub fn table(&mut self, table: &Table) {
        self.say(&table.to_string());
    }

    /// A plot, and what it shows for people who do not see it. `file` lies in docs/pictures.
    pub fn picture(&mut self, file: &str, shows: &str, svg: String) {
        self.say(&format!("![{shows}](pictures/{file})"));
        let file = file.to_owned();
        self.pictures.push(Picture { file, svg });
    }

    /// Debian's packages whose programs were measured: their versions are told.
    pub fn packages(&mut self, packages: &[&str]) -> Result<(), Error> {
        self.versions.extend(machine::versions(packages)?);
        Ok(())
    }

    /// The version of something that is not one of Debian's packages.
    pub fn version(&mut self, program: &str, version: &str) {
        self.versions.push(format!("{program} {}", version.trim()));
    }

    /// A number that must not be above a limit.
    pub fn at_most(&mut self, what: &str, measured: f64, limit: f64, unit: &str) {
        let is_met = measured <= limit;
        let limit = format!("at most {} {unit}", in_hundredths(limit));
        self.bar(what, measured, limit, is_met);
    }

    /// A number that must not be below a limit.
    pub fn at_least(&mut self, what: &str, measured: f64, limit: f64, unit: &str) {
        let is_met = measured >= limit;
        let limit = format!("at least {} {unit}", in_hundredths(limit));
        self.bar(what, measured, limit, is_met);
    }

    fn bar(&mut self, what: &str, measured: f64, limit: String, is_met: bool) {
        self.bars.push(Bar {
            what: what.to_owned(),
            measured: format!("{measured:.2}"),
            limit,
            is_met,
        });
    }

    /// When, where and of what.
    fn tell_where(&mut self) -> Result<(), Error> {
        let place = machine::line(env!("CARGO_MANIFEST_DIR"))?;
        let versions = self.versions.join(", ");
        let of = format!("occ {}", env!("CARGO_PKG_VERSION"));
        self.say(&format!("{}: {of}, {versions}; {place}.", machine::date()?));
        Ok(())
    }

    fn is_met(&self) -> bool {
        self.bars.iter().all(|bar| bar.is_met)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        self.bars.iter().try_for_each(|bar| writeln!(f, "{bar}"))
    }
}

/// A limit that was measured itself has many digits.
fn in_hundredths(limit: f64) -> f64 {
    (limit * 100.0).round() / 100.0
}

/// The `main` of the benchmark `name`: measures, prints, and writes its part of
/// docs/benchmarks.md; with `--check` it exits 1 instead when a bar is missed. What can't be
/// measured is a failure either way.
pub fn main(name: &str, measure: impl FnOnce(&mut Report) -> Result<(), Error>) -> ExitCode {
    let mut report = Report::default();
    // Cargo adds `--bench`.
    let args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    for arg in args {
        if arg != "--check" {
            return fail(&format!("unknown argument '{arg}'; there is only --check"));
        }
        report.check = true;
    }
    let measured = measure(&mut report).and_then(|()| report.tell_where());
    if let Err(error) = measured.and_then(|()| publish(name, &report)) {
        return fail(&error.to_string());
    }
    if report.check && !report.is_met() {
        return fail("a bar was missed");
    }
    ExitCode::SUCCESS
}

fn publish(name: &str, report: &Report) -> Result<(), Error> {
    let text = report.to_string();
    let printed = std::io::stdout().write_all(text.as_bytes());
    printed.map_err(io("stdout"))?;
    if report.check {
        return Ok(());
    }
    page::write(name, &report.text, &report.pictures)
}

/// A line for whoever waits, on stderr.
pub fn say(what: &str) {
    let _ = writeln!(std::io::stderr(), "bench: {what}");
}

fn fail(why: &str) -> ExitCode {
    say(why);
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_missed_bar_is_enough() {
        let mut report = Report::default();
        report.at_most("time", 7.0, 12.0, "µs");
        assert!(report.is_met());
        report.at_least("ratio", 900.0, 1000.0, "times");
        assert!(!report.is_met());
        assert_eq!(
            report.to_string(),
            "ok      time: 7.00 (at most 12 µs)\n\
             MISSED  ratio: 900.00 (at least 1000 times)\n"
        );
    }
}
