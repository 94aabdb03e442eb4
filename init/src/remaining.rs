//! The processes that are there beside COMMAND: the whole pid namespace when
//! we are its PID 1, our descendants when we are a subreaper.

use std::collections::HashSet;
use std::fs;

use nix::errno::Errno;

use crate::signals;
use crate::sys::{self, Waited};

/// kill(2)'s "every process but 1 and myself".
const EVERYONE: i32 = -1;
/// Times that /proc is read again for processes forked meanwhile.
const ROUNDS: usize = 16;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remaining {
    Namespace,
    Descendants,
}

impl Remaining {
    /// TERM, and CONT so that the stopped can obey.
    pub(crate) fn terminate(self) {
        self.signal(&[signals::TERM, signals::CONT]);
    }

    pub(crate) fn kill(self) {
        self.signal(&[signals::KILL]);
    }

    /// Whether nobody is left, when waitpid(2) last said `waited`.
    ///
    /// In a namespace there may be processes that are not our children:
    /// `docker exec` puts them there, and their end sends us no SIGCHLD.
    pub(crate) fn is_empty(self, waited: Waited) -> bool {
        waited == Waited::NoChildren
            && (self == Self::Descendants || sys::kill(EVERYONE, 0) == Err(Errno::ESRCH))
    }

    fn signal(self, list: &[u8]) {
        match self {
            Self::Namespace => {
                for signal in list {
                    // ESRCH: nobody is there; EPERM: nobody whom we may signal.
                    let _ = sys::kill(EVERYONE, *signal);
                }
            }
            Self::Descendants => signal_descendants(list),
        }
    }
}

/// Until a look at /proc shows nobody new; each gets its signals once.
fn signal_descendants(list: &[u8]) {
    let mut done = HashSet::new();
    for _ in 0..ROUNDS {
        let new: Vec<i32> = descendants()
            .into_iter()
            .filter(|pid| done.insert(*pid))
            .collect();
        if new.is_empty() {
            return;
        }
        for pid in new {
            for signal in list {
                let _ = sys::kill(pid, *signal);
            }
        }
    }
}

fn descendants() -> Vec<i32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let all: Vec<(i32, i32)> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid: i32| Some((pid, parent(&fs::read(format!("/proc/{pid}/stat")).ok()?)?)))
        .collect();
    below(sys::own_pid(), &all)
}

/// The fourth field of /proc/PID/stat; the second may hold spaces and brackets.
fn parent(stat: &[u8]) -> Option<i32> {
    let name_end = stat.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(stat.get(name_end + 1..)?).ok()?;
    rest.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// Who descends from `root` among pairs of (pid, parent).
fn below(root: i32, all: &[(i32, i32)]) -> Vec<i32> {
    let mut found = vec![root];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(
            all.iter()
                .filter(|(_, of)| *of == parent)
                .map(|(pid, _)| *pid),
        );
        next += 1;
    }
    found.split_off(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_move_the_parent() {
        assert_eq!(parent(b"7 (a) S 1) R 42 7 7 0"), Some(42));
        assert_eq!(parent(b"7 (sh"), None);
        assert_eq!(parent(b""), None);
    }

    #[test]
    fn descendants_at_any_depth_and_nobody_else() {
        let all = [(1, 0), (5, 1), (6, 5), (7, 6), (8, 1), (9, 8), (10, 5)];
        assert_eq!(below(5, &all), [6, 10, 7]);
        assert!(below(9, &all).is_empty());
    }
}
