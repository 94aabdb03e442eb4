//! CPU affinity, sched_setaffinity(2): pins threads to one processor for a while. Decides
//! nothing.

use nix::sched::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};
use nix::unistd::Pid;

const SELF: Pid = Pid::from_raw(0);

/// While it lives, this thread and those that it starts are pinned to the processor where it
/// is.
pub(crate) struct Pinned {
    before: Option<CpuSet>,
}

impl Pinned {
    /// Does nothing where the kernel does not say which processors there are.
    pub(crate) fn begin() -> Self {
        Self {
            before: Self::pin().ok(),
        }
    }

    /// Returns the processors that were allowed before.
    fn pin() -> nix::Result<CpuSet> {
        let before = sched_getaffinity(SELF)?;
        let mut here = CpuSet::new();
        here.set(sched_getcpu()?)?;
        sched_setaffinity(SELF, &here)?;
        Ok(before)
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        let Some(before) = &self.before else { return };
        if sched_setaffinity(SELF, before).is_err() {
            // None of those is the container's any more: the kernel leaves those that are.
            let mut all = CpuSet::new();
            let _ = (0..CpuSet::count()).try_for_each(|cpu| all.set(cpu));
            let _ = sched_setaffinity(SELF, &all);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed() -> Vec<usize> {
        let set = sched_getaffinity(SELF).unwrap();
        let cpus = 0..CpuSet::count();
        cpus.filter(|cpu| set.is_set(*cpu) == Ok(true)).collect()
    }

    #[test]
    fn threads_are_pinned_for_as_long_as_it_lives() {
        let before = allowed();
        let pinned = Pinned::begin();
        let started = std::thread::spawn(allowed).join().unwrap();
        assert_eq!(started.len(), 1);
        assert_eq!(started, allowed());
        drop(pinned);
        assert_eq!(allowed(), before);
    }
}
