//! Starts COMMAND: the search in PATH, its environment, and the exit status and line when it
//! cannot start (127 not found, 126 cannot be run, 125 our own failure).

use std::ffi::{CStr, CString, OsStr};
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use nix::errno::Errno;

use super::run_as::Identity;
use crate::log::errno_text;
use crate::sys::spawn::{self, Group, Ids, Program, SpawnError, Step};
use crate::sys::{self, Environment, SignalMask, Terminal};

/// Own failure of `run`, as docker and env(1) have it.
pub(crate) const OWN_FAILURE: u8 = 125;
const NOT_FOUND: u8 = 127;
const CANNOT_INVOKE: u8 = 126;
/// The PATH that docker gives a container without one.
const DEFAULT_PATH: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const LISTEN_PID: &str = "LISTEN_PID";
/// Enough of a file to see its interpreter.
const HEAD: u64 = 4096;

/// COMMAND cannot run: our exit status and one line.
pub(crate) struct CommandError {
    pub(crate) status: u8,
    pub(crate) line: String,
}

/// The state of our start that COMMAND inherits.
pub(crate) struct Inherited {
    pub(crate) mask: SignalMask,
    pub(crate) ignore_sigchld: bool,
    pub(crate) terminal: Option<Terminal>,
    pub(crate) group: Group,
}

/// Starts COMMAND and returns its process id.
pub(crate) fn start(
    command: &[&CStr],
    env: &Environment,
    identity: Option<&Identity>,
    inherited: &Inherited,
) -> Result<i32, CommandError> {
    let name = command.first().map_or(&b""[..], |name| name.to_bytes());
    let paths = candidates(name, env.get("PATH").unwrap_or(DEFAULT_PATH));
    let dropped = naming_us(env, &sys::own_pid().to_string());
    let listen_pid = dropped.contains(&LISTEN_PID);
    let set = identity.map(variables).unwrap_or_default();
    let program = Program {
        paths: &paths,
        argv: command,
        env: &entries(env, &set, &dropped),
        listen_pid,
        mask: inherited.mask,
        ignore_sigchld: inherited.ignore_sigchld,
        terminal: inherited.terminal.filter(|_| inherited.group == Group::Own),
        group: inherited.group,
        stdout: None,
        identity: identity.map(|of| Ids {
            uid: of.uid,
            gid: of.gid,
            groups: &of.groups,
        }),
    };
    spawn::start(&program).map_err(|error| explain(name, &paths, error))
}

/// The variables by which systemd tells us, and not COMMAND, that they are meant for us
/// (sd_listen_fds(3), sd_watchdog_enabled(3)). The child sets its own LISTEN_PID.
fn naming_us(env: &Environment, own_pid: &str) -> Vec<&'static str> {
    let tables: [&[&str]; 2] = [&[LISTEN_PID, "LISTEN_PIDFDID"], &["WATCHDOG_PID"]];
    let is_ours = |names: &&&[&str]| {
        let first = names.first().and_then(|name| env.get(name));
        first == Some(own_pid.as_bytes())
    };
    tables
        .iter()
        .filter(is_ours)
        .copied()
        .flatten()
        .copied()
        .collect()
}

/// COMMAND's environment: ours, with the variables `set`, and without those `dropped`.
fn entries<'a>(
    env: &'a Environment,
    set: &'a [(&'static str, CString)],
    dropped: &[&str],
) -> Vec<&'a CStr> {
    let is_replaced = |entry: &CStr| {
        let name = entry.to_bytes().split(|byte| *byte == b'=').next();
        let is = |other: &str| name == Some(other.as_bytes());
        set.iter().any(|(name, _)| is(name)) || dropped.iter().any(|name| is(name))
    };
    let kept = env.entries();
    let set = set.iter().map(|(_, entry)| entry.as_c_str());
    kept.filter(|entry| !is_replaced(entry))
        .chain(set)
        .collect()
}

/// The paths to try, in order: as they are with a `/`, else one for each part
/// of PATH, an empty part being the current directory.
fn candidates(name: &[u8], path: &[u8]) -> Vec<CString> {
    let in_dir = |dir: &[u8]| {
        let slash: &[u8] = if dir.is_empty() { b"" } else { b"/" };
        CString::new([dir, slash, name].concat()).ok()
    };
    if name.is_empty() {
        Vec::new()
    } else if name.contains(&b'/') {
        CString::new(name).into_iter().collect()
    } else {
        path.split(|byte| *byte == b':')
            .filter_map(in_dir)
            .collect()
    }
}

/// The variables of `--user`, as login(1) sets them: names, and the whole entries.
fn variables(of: &Identity) -> Vec<(&'static str, CString)> {
    let table: [(&str, &[u8]); 4] = [
        ("HOME", &of.home),
        ("USER", &of.name),
        ("LOGNAME", &of.name),
        ("SHELL", &of.shell),
    ];
    let entry = |(name, value): (&'static str, &[u8])| {
        let text = CString::new([name.as_bytes(), b"=", value].concat());
        Some((name, text.ok()?))
    };
    table.into_iter().filter_map(entry).collect()
}

fn explain(name: &[u8], paths: &[CString], error: SpawnError) -> CommandError {
    let shown = String::from_utf8_lossy(name);
    let SpawnError { step, errno } = error;
    let own = |what: &str| CommandError {
        status: OWN_FAILURE,
        line: format!("{what}: {}", errno_text(errno)),
    };
    match step {
        Step::Fork if errno == Errno::EAGAIN => CommandError {
            status: OWN_FAILURE,
            line: "cannot make a process: as many as the container may have are there \
                   (docker's --pids-limit, or ulimit -u)"
                .to_owned(),
        },
        Step::Fork => own("cannot make a process"),
        Step::Stdout => own("cannot pass stdout on"),
        Step::Identity => own("cannot become the user"),
        Step::Exec if errno == Errno::ENOENT => {
            match paths.iter().map(as_path).find(|path| path.is_file()) {
                Some(found) => no_interpreter(found),
                None => CommandError {
                    status: NOT_FOUND,
                    line: format!("'{shown}' not found{}", where_looked(name)),
                },
            }
        }
        Step::Exec => cannot_run(&shown, &why_not(paths, errno)),
    }
}

fn why_not(paths: &[CString], error: Errno) -> String {
    let mut found = paths.iter().map(as_path).map(fs::metadata);
    match found.find_map(Result::ok) {
        Some(found) if error == Errno::EACCES && found.is_dir() => "it is a directory".to_owned(),
        Some(found) if error == Errno::EACCES && found.mode() & 0o111 == 0 => {
            "it has no execute permission; chmod +x gives it".to_owned()
        }
        Some(_) if error == Errno::EACCES && paths.iter().map(as_path).any(is_noexec) => {
            "its file system is mounted with noexec".to_owned()
        }
        _ if error == Errno::ENOEXEC => {
            "it is for another kind of machine, or damaged (exec format error)".to_owned()
        }
        _ => errno_text(error),
    }
}

fn is_noexec(path: &Path) -> bool {
    let flags = nix::sys::statvfs::statvfs(path).map(|found| found.flags());
    flags.is_ok_and(|flags| flags.contains(nix::sys::statvfs::FsFlags::ST_NOEXEC))
}

fn where_looked(name: &[u8]) -> &'static str {
    if name.contains(&b'/') { "" } else { " in PATH" }
}

fn as_path(path: &CString) -> &Path {
    Path::new(OsStr::from_bytes(path.to_bytes()))
}

/// The file is there and exec says ENOENT: it means the interpreter.
fn no_interpreter(path: &Path) -> CommandError {
    let mut head = Vec::new();
    // Regular files only: opening a FIFO would wait for a writer.
    if fs::metadata(path).is_ok_and(|meta| meta.is_file()) {
        let _ = File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut head));
    }
    let named = interpreter(&head).map(|found| format!(" '{}'", String::from_utf8_lossy(found)));
    let why = if has_windows_line_ends(&head) {
        "its first line ends as on Windows; sed -i 's/\\r$//' mends the file".to_owned()
    } else {
        format!(
            "its interpreter{} does not exist",
            named.unwrap_or_default()
        )
    };
    cannot_run(&path.to_string_lossy(), &why)
}

/// `#!/bin/bash\r`: the kernel looks for a program with the carriage return in its name.
fn has_windows_line_ends(head: &[u8]) -> bool {
    let first = head.split(|byte| *byte == b'\n').next();
    first.is_some_and(|line| line.starts_with(b"#!") && line.ends_with(b"\r"))
}

fn cannot_run(name: &str, why: &str) -> CommandError {
    CommandError {
        status: CANNOT_INVOKE,
        line: format!("cannot run '{name}': {why}"),
    }
}

/// The program header that names the dynamic loader, elf(5).
const PT_INTERP: usize = 3;

/// Where an ELF file has what: the offset of the program headers, their size and, behind it,
/// their count; and how many bytes an offset has.
struct Elf {
    headers: usize,
    size: usize,
    word: usize,
}

const ELF64: Elf = Elf {
    headers: 32,
    size: 54,
    word: 8,
};
const ELF32: Elf = Elf {
    headers: 28,
    size: 42,
    word: 4,
};

/// The interpreter that a script's first line or an ELF file's PT_INTERP names.
fn interpreter(head: &[u8]) -> Option<&[u8]> {
    if let Some(line) = head.strip_prefix(b"#!") {
        let line = line.split(|byte| *byte == b'\n').next()?.trim_ascii();
        return line.split(u8::is_ascii_whitespace).next();
    }
    let elf = match head.get(..6)? {
        b"\x7fELF\x02\x01" => ELF64,
        b"\x7fELF\x01\x01" => ELF32,
        _ => return None,
    };
    let headers = number(head, elf.headers, elf.word)?;
    let (size, count) = (number(head, elf.size, 2)?, number(head, elf.size + 2, 2)?);
    let header = (0..count)
        .filter_map(|at| headers.checked_add(at.checked_mul(size)?))
        .find(|at| number(head, *at, 4) == Some(PT_INTERP))?;
    let (from, length) = (
        number(head, header.checked_add(elf.word)?, elf.word)?,
        number(head, header.checked_add(4 * elf.word)?, elf.word)?,
    );
    head.get(from..from.checked_add(length)?)?
        .split(|byte| *byte == 0)
        .next()
}

/// A little-endian number of `length` bytes at `at`.
fn number(bytes: &[u8], at: usize, length: usize) -> Option<usize> {
    let field = bytes.get(at..at.checked_add(length)?)?.iter().rev();
    Some(field.fold(0, |sum, byte| (sum << 8) | usize::from(*byte)))
}

#[cfg(test)]
mod tests;
