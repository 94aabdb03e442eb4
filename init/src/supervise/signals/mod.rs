//! Signal numbers and their names, 1 to 64, as signal(7) and `kill -l` have
//! them on x86-64 and arm64. No system calls. Which are forwarded is `phase`'s.
//!
//! nix's `Signal` stops at 31, and musl starts RTMIN at 35 where glibc has 34:
//! names here follow glibc, whatever we are linked with.

pub(crate) const HIGHEST: u8 = 64;
pub(crate) const HUP: u8 = 1;
pub(crate) const INT: u8 = 2;
pub(crate) const KILL: u8 = 9;
pub(crate) const PIPE: u8 = 13;
pub(crate) const QUIT: u8 = 3;
pub(crate) const TERM: u8 = 15;
pub(crate) const CHLD: u8 = 17;
pub(crate) const CONT: u8 = 18;
pub(crate) const STOP: u8 = 19;
pub(crate) const TSTP: u8 = 20;
pub(crate) const TTIN: u8 = 21;
pub(crate) const TTOU: u8 = 22;
pub(crate) const XFSZ: u8 = 25;
pub(crate) const WINCH: u8 = 28;
pub(crate) const IO: u8 = 29;
/// By which systemd, and podman for it, is asked to halt.
pub(crate) const HALT: u8 = RTMIN + 3;
const RTMIN: u8 = 34;
const RTMAX: u8 = HIGHEST;
/// By which the kernel tells of a watched descriptor. A real-time one, because
/// they queue: two pending SIGIOs are one, and somebody's for COMMAND would be
/// lost in ours.
pub(crate) const READABLE: u8 = RTMAX;

const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
    "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/// Returns true for a signal by which an engine asks a container's program to end.
pub(crate) const fn asks_to_end(signal: u8) -> bool {
    matches!(signal, TERM | INT | QUIT | HALT)
}

/// The number of `15`, `TERM`, `sigterm`, `RTMIN+2`, `RTMAX-1`; None when it
/// is no signal.
pub(crate) fn parse(text: &str) -> Option<u8> {
    if let Some(number) = decimal(text) {
        return (1..=HIGHEST).contains(&number).then_some(number);
    }
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    if let Some(rest) = name.strip_prefix("RTMIN") {
        let number = offset(rest, '+').and_then(|by| RTMIN.checked_add(by));
        return number.filter(|number| *number <= RTMAX);
    }
    if let Some(rest) = name.strip_prefix("RTMAX") {
        let number = offset(rest, '-').and_then(|by| RTMAX.checked_sub(by));
        return number.filter(|number| *number >= RTMIN);
    }
    let named = numbered().find(|(_, known)| *known == name);
    named.map(|(number, _)| number)
}

fn numbered() -> impl Iterator<Item = (u8, &'static str)> {
    (1..).zip(NAMES)
}

/// Digits and nothing else: `u8::from_str` would also take `+5`.
pub(crate) fn decimal(text: &str) -> Option<u8> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain)
}

fn offset(rest: &str, sign: char) -> Option<u8> {
    if rest.is_empty() {
        Some(0)
    } else {
        rest.strip_prefix(sign).and_then(decimal)
    }
}

/// `SIGTERM`, `SIGRTMIN+2`, `signal 32`.
pub(crate) fn name(number: u8) -> String {
    match (numbered().find(|(known, _)| *known == number), number) {
        (Some((_, name)), _) => format!("SIG{name}"),
        (None, RTMIN) => "SIGRTMIN".to_owned(),
        (None, 35..=RTMAX) => format!("SIGRTMIN+{}", number - RTMIN),
        (None, _) => format!("signal {number}"),
    }
}

#[cfg(test)]
mod tests;
