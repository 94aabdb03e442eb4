//! The processes that are left when COMMAND has ended: the whole pid namespace where
//! occ-init is its PID 1, its descendants where it is a subreaper. Signals them; decides
//! nothing.

use std::collections::HashSet;

use nix::errno::Errno;

use super::signals;
use crate::proc::{self, Stat};
use crate::sys::{self, Waited};

/// kill(2)'s "every process but 1 and myself".
const EVERYONE: i32 = -1;
/// Times that /proc is read again for processes forked meanwhile.
const ROUNDS: usize = 16;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Survivors {
    Namespace,
    Descendants,
}

impl Survivors {
    /// Sends TERM, and CONT so that stopped processes can act on it; HUP to those at a
    /// terminal, for an interactive shell ignores TERM.
    pub(crate) fn terminate(self) {
        self.signal(&[signals::TERM]);
        let all = match self {
            Self::Namespace => proc::pids().filter(|pid| *pid != sys::own_pid()).collect(),
            Self::Descendants => descendants(),
        };
        let at_terminal = |pid: &i32| Stat::read(*pid).is_some_and(|stat| stat.has_terminal);
        for pid in all.into_iter().filter(at_terminal) {
            let _ = sys::kill(pid, signals::HUP);
        }
        self.signal(&[signals::CONT]);
    }

    pub(crate) fn kill(self) {
        self.signal(&[signals::KILL]);
    }

    /// Returns true if no process is left; `waited` is the last answer of waitpid(2).
    ///
    /// A namespace may hold processes that are not our children: `docker exec` puts them
    /// there, and their end sends us no SIGCHLD.
    pub(crate) fn is_empty(self, waited: Waited) -> bool {
        waited == Waited::NoChildren
            && (self == Self::Descendants || sys::kill(EVERYONE, 0) == Err(Errno::ESRCH))
    }

    fn signal(self, list: &[u8]) {
        match self {
            Self::Namespace => {
                for signal in list {
                    // ESRCH: no process is there; EPERM: none that we may signal.
                    let _ = sys::kill(EVERYONE, *signal);
                }
            }
            Self::Descendants => signal_descendants(list),
        }
    }
}

/// Reads /proc until it shows no new process; each gets its signals once.
fn signal_descendants(list: &[u8]) {
    let mut done = HashSet::new();
    for _ in 0..ROUNDS {
        let mut new = descendants();
        new.retain(|pid| done.insert(*pid));
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
    let all: Vec<(i32, i32)> = proc::pids()
        .filter_map(|pid| Some((pid, Stat::read(pid)?.parent)))
        .collect();
    below(sys::own_pid(), &all)
}

/// The descendants of `root` among pairs of (pid, parent).
fn below(root: i32, all: &[(i32, i32)]) -> Vec<i32> {
    let mut found = vec![root];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        let children = all.iter().filter(|(_, of)| *of == parent);
        found.extend(children.map(|(pid, _)| *pid));
        next += 1;
    }
    found.split_off(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descendants_are_found_at_any_depth() {
        let all = [(1, 0), (5, 1), (6, 5), (7, 6), (8, 1), (9, 8), (10, 5)];
        assert_eq!(below(5, &all), [6, 10, 7]);
        assert!(below(9, &all).is_empty());
    }
}
