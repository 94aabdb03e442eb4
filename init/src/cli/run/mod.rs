//! The command line up to COMMAND, and the environment twins of `run`'s
//! options. Pure: arguments and a lookup in, a value or a usage error out.
//!
//! By hand, not by clap: it is on the way of every container start, and the
//! rule "the first operand decides, everything behind it is COMMAND's" is not
//! one that clap has.

use std::ffi::CStr;
use std::time::Duration;

use super::globals::Globals;
use super::run_values::{grace, path, remaps, rewrites, shown, user};
use super::usage::{UsageError, named, wrong};

/// The help text; it covers the admin commands too.
pub(crate) const HELP: &str = include_str!("../../help.txt");

/// Every environment twin begins with this; none of them reaches COMMAND.
pub(crate) const TWIN_PREFIX: &str = "OCC_INIT_";

const DEFAULT_GRACE: Duration = Duration::from_secs(3);

#[derive(Debug, PartialEq)]
pub(crate) enum Parsed<'a> {
    Run(Run<'a>),
    Status(Globals),
    Health(Globals, Probe),
    /// restore, check, user: they parse their own arguments.
    Admin,
    Help,
    Version,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Probe {
    Live,
    Ready,
}

/// `run`: COMMAND and how it is run.
#[derive(Debug, Default, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "one per flag")]
pub(crate) struct Run<'a> {
    pub(crate) globals: Globals,
    /// Forward signals to COMMAND's process group instead of COMMAND.
    pub(crate) group: bool,
    /// How long what remains may take after COMMAND; zero: nobody is asked.
    pub(crate) grace: Duration,
    /// Signals received → sent, 0 for none; a later pair wins.
    pub(crate) rewrite: Vec<(u8, u8)>,
    /// Exit statuses of COMMAND → ours; a later pair wins.
    pub(crate) remap_exit: Vec<(u8, u8)>,
    /// `NAME[:GROUP]`
    pub(crate) user: Option<Vec<u8>>,
    /// COMMAND gets a session of its own.
    pub(crate) setsid: bool,
    pub(crate) strict: bool,
    pub(crate) no_restore: bool,
    /// At least one: the program.
    pub(crate) command: &'a [&'a CStr],
}

/// Reads `args` (without the program's name). `env` looks a variable up.
pub(crate) fn parse<'a>(
    args: &'a [&'a CStr],
    env: impl Fn(&str) -> Option<Vec<u8>>,
) -> Result<Parsed<'a>, UsageError> {
    let mut line = Line {
        args,
        ..Line::default()
    };
    match line.options(Scope::Run)? {
        Stop::Answer(answer) => return Ok(answer),
        Stop::Operand => {}
        Stop::End => return line.into_run(env),
    }
    match line.peek() {
        b"run" => {
            line.at += 1;
            match line.options(Scope::Run)? {
                Stop::Answer(answer) => Ok(answer),
                Stop::Operand | Stop::End => line.into_run(env),
            }
        }
        b"restore" | b"check" | b"user" => Ok(Parsed::Admin),
        b"status" => line.into_look(Scope::Status),
        b"health" => line.into_look(Scope::Health),
        _ => line.into_run(env),
    }
}

/// Which options are known besides the globals.
#[derive(Clone, Copy, PartialEq)]
enum Scope {
    Run,
    Status,
    Health,
}

enum Stop<'a> {
    /// `--help` or `--version`.
    Answer(Parsed<'a>),
    /// At the first operand.
    Operand,
    /// Behind `--`, or at the end.
    End,
}

#[derive(Default)]
struct Line<'a> {
    args: &'a [&'a CStr],
    at: usize,
    run: Run<'a>,
    grace: Option<Duration>,
    probe: Option<Probe>,
}

impl<'a> Line<'a> {
    fn peek(&self) -> &'a [u8] {
        self.args.get(self.at).map_or(b"", |arg| arg.to_bytes())
    }

    /// Reads options up to the first operand or `--`.
    fn options(&mut self, scope: Scope) -> Result<Stop<'a>, UsageError> {
        while self.at < self.args.len() {
            let arg = self.peek();
            if !arg.starts_with(b"-") || arg == b"-" {
                return Ok(Stop::Operand);
            }
            self.at += 1;
            if arg == b"--" {
                return Ok(Stop::End);
            }
            let answer = match arg.strip_prefix(b"--") {
                Some(long) => self.long(long, scope)?,
                None => self.shorts(arg.get(1..).unwrap_or_default(), scope)?,
            };
            if let Some(answer) = answer {
                return Ok(Stop::Answer(answer));
            }
        }
        Ok(Stop::End)
    }

    /// Short options are flags, so they may be written together.
    fn shorts(&mut self, letters: &[u8], scope: Scope) -> Result<Option<Parsed<'a>>, UsageError> {
        for letter in letters {
            match letter {
                b'h' => return Ok(Some(Parsed::Help)),
                b'V' => return Ok(Some(Parsed::Version)),
                b'q' => self.run.globals.quiet = true,
                b'v' => self.run.globals.verbose = true,
                b'g' if scope == Scope::Run => self.run.group = true,
                // Tini's users write it; it is the default here.
                b's' if scope == Scope::Run => {}
                _ => return wrong(unknown(char::from(*letter))),
            }
        }
        Ok(None)
    }

    fn long(&mut self, option: &'a [u8], scope: Scope) -> Result<Option<Parsed<'a>>, UsageError> {
        let mut parts = option.splitn(2, |byte| *byte == b'=');
        let name = parts.next().unwrap_or_default();
        let Ok(name) = std::str::from_utf8(name) else {
            return wrong(format!("unknown option '--{}'", shown(name)));
        };
        let inline = parts.next();
        match name {
            "root" => self.run.globals.root = Some(path(self.value(name, inline)?)),
            "store" => self.run.globals.store = Some(path(self.value(name, inline)?)),
            "grace" if scope == Scope::Run => {
                self.grace = Some(self.read(name, inline, grace)?);
            }
            "rewrite" if scope == Scope::Run => {
                let list = self.read(name, inline, rewrites)?;
                self.run.rewrite.extend(list);
            }
            "remap-exit" if scope == Scope::Run => {
                let list = self.read(name, inline, remaps)?;
                self.run.remap_exit.extend(list);
            }
            "user" if scope == Scope::Run => {
                self.run.user = Some(self.read(name, inline, user)?);
            }
            _ if inline.is_some() => {
                return wrong(format!(
                    "unknown option or a value it does not take: '--{name}'"
                ));
            }
            _ => return self.flag(name, scope),
        }
        Ok(None)
    }

    fn flag(&mut self, name: &str, scope: Scope) -> Result<Option<Parsed<'a>>, UsageError> {
        match name {
            "help" => return Ok(Some(Parsed::Help)),
            "version" => return Ok(Some(Parsed::Version)),
            "no-store-lock" => self.run.globals.no_store_lock = true,
            "json" => self.run.globals.json = true,
            "quiet" => self.run.globals.quiet = true,
            "verbose" => self.run.globals.verbose = true,
            "group" if scope == Scope::Run => self.run.group = true,
            "subreaper" if scope == Scope::Run => {}
            "setsid" if scope == Scope::Run => self.run.setsid = true,
            "strict" if scope == Scope::Run => self.run.strict = true,
            "no-restore" if scope == Scope::Run => self.run.no_restore = true,
            "live" if scope == Scope::Health => self.probe = Some(Probe::Live),
            "ready" if scope == Scope::Health => self.probe = Some(Probe::Ready),
            "single-child" => {
                return wrong("unknown option '--single-child'; it is the default here".to_owned());
            }
            _ => return wrong(format!("unknown option '--{name}'")),
        }
        Ok(None)
    }

    fn read<T>(
        &mut self,
        name: &str,
        inline: Option<&'a [u8]>,
        read: impl Fn(&[u8]) -> Result<T, UsageError>,
    ) -> Result<T, UsageError> {
        named(&format!("--{name}"), read(self.value(name, inline)?))
    }

    /// The value of `--name=value` or `--name value`.
    fn value(&mut self, name: &str, inline: Option<&'a [u8]>) -> Result<&'a [u8], UsageError> {
        if let Some(value) = inline {
            return Ok(value);
        }
        match self.args.get(self.at) {
            Some(arg) => {
                self.at += 1;
                Ok(arg.to_bytes())
            }
            None => wrong(format!("option '--{name}' needs a value")),
        }
    }

    fn into_look(mut self, scope: Scope) -> Result<Parsed<'a>, UsageError> {
        self.at += 1;
        if let Stop::Answer(answer) = self.options(scope)? {
            return Ok(answer);
        }
        if self.at < self.args.len() {
            return wrong(format!("unexpected argument '{}'", shown(self.peek())));
        }
        let globals = self.run.globals;
        Ok(match scope {
            Scope::Health => Parsed::Health(globals, self.probe.unwrap_or(Probe::Ready)),
            Scope::Status | Scope::Run => Parsed::Status(globals),
        })
    }

    fn into_run(self, env: impl Fn(&str) -> Option<Vec<u8>>) -> Result<Parsed<'a>, UsageError> {
        let command = self.args.get(self.at..).unwrap_or_default();
        if command.is_empty() {
            return wrong("no COMMAND to run: occ-init [OPTIONS] [--] COMMAND [ARG…]");
        }
        let twins = Twins(&env);
        let mut run = self.run;
        twins.flag("QUIET", &mut run.globals.quiet)?;
        twins.flag("VERBOSE", &mut run.globals.verbose)?;
        twins.flag("NO_STORE_LOCK", &mut run.globals.no_store_lock)?;
        twins.flag("GROUP", &mut run.group)?;
        run.grace = twins
            .value("GRACE", grace, self.grace)?
            .unwrap_or(DEFAULT_GRACE);
        twins.list("REWRITE", rewrites, &mut run.rewrite)?;
        twins.list("REMAP_EXIT", remaps, &mut run.remap_exit)?;
        run.user = twins.value("USER", user, run.user)?;
        twins.flag("SETSID", &mut run.setsid)?;
        twins.flag("STRICT", &mut run.strict)?;
        twins.flag("NO_RESTORE", &mut run.no_restore)?;
        run.command = command;
        Ok(Parsed::Run(run))
    }
}

/// The error for a letter; some are of other inits, and called otherwise here.
fn unknown(letter: char) -> String {
    let here = match letter {
        'e' => "; tini's '-e CODE' is '--remap-exit CODE:0' here",
        'p' => "; tini's '-p' has nothing like it here",
        'w' => "; tini's '-w' is '-v' here",
        'r' => "; dumb-init's '-r FROM:TO' is '--rewrite FROM:TO' here",
        'c' => "; dumb-init's '-c' is the default here",
        'P' => "; catatonit's '-P' is 'occ-init --remap-exit 143:0,130:0 -- sleep infinity' here",
        'l' | 'L' => "; the license is MIT",
        _ => "",
    };
    format!("unknown option '-{letter}'{here}")
}

/// The options' environment twins, which are looked at where the command line has none.
struct Twins<'e>(&'e dyn Fn(&str) -> Option<Vec<u8>>);

impl Twins<'_> {
    /// An empty variable counts as unset: compose files can't unset one.
    fn value<T>(
        &self,
        name: &str,
        read: impl Fn(&[u8]) -> Result<T, UsageError>,
        from_line: Option<T>,
    ) -> Result<Option<T>, UsageError> {
        if from_line.is_some() {
            return Ok(from_line);
        }
        let variable = format!("{TWIN_PREFIX}{name}");
        match (self.0)(&variable).filter(|value| !value.is_empty()) {
            None => Ok(None),
            Some(value) => named(&variable, read(&value)).map(Some),
        }
    }

    fn flag(&self, name: &str, flag: &mut bool) -> Result<(), UsageError> {
        let read = |value: &[u8]| match shown(value).to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(true),
            "0" | "false" | "no" | "off" => Ok(false),
            other => wrong(format!("'{other}' is not 1 or 0")),
        };
        *flag = self.value(name, read, flag.then_some(true))? == Some(true);
        Ok(())
    }

    /// Puts the twin's pairs in front, for the later ones win.
    fn list<T>(
        &self,
        name: &str,
        read: impl Fn(&[u8]) -> Result<Vec<T>, UsageError>,
        list: &mut Vec<T>,
    ) -> Result<(), UsageError> {
        let first = self.value(name, read, None)?.unwrap_or_default();
        list.splice(..0, first);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
