//! What an init holds, and what wakes it, while its command sleeps.

use crate::inits::Init;
use bench::{Error, io};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// How long it is looked at.
pub(crate) const SECONDS: u64 = 60;
/// After this a start is over; ours begins to watch after one second.
const SETTLED: Duration = Duration::from_secs(5);

pub(crate) struct Rest {
    /// KiB.
    pub(crate) private_dirty: u32,
    pub(crate) threads: u32,
    pub(crate) wakeups: u32,
}

/// All at the same time.
pub(crate) fn all(inits: &[Init]) -> Result<Vec<Rest>, Error> {
    let mut running = Vec::new();
    for init in inits {
        let mut command = init.command(&["sleep", "1000"]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        running.push(Running(command.spawn().map_err(io(init.name))?));
    }
    let start = Instant::now();
    std::thread::sleep(SETTLED);
    let before: Vec<u32> = running
        .iter()
        .map(Running::switches)
        .collect::<Result<_, _>>()?;
    std::thread::sleep((SETTLED + Duration::from_secs(SECONDS)).saturating_sub(start.elapsed()));
    running
        .iter()
        .zip(before)
        .map(|(init, before)| {
            Ok(Rest {
                wakeups: init.switches()?.saturating_sub(before),
                private_dirty: init.number("smaps_rollup", "Private_Dirty:")?,
                threads: init.number("status", "Threads:")?,
            })
        })
        .collect()
}

struct Running(Child);

impl Running {
    /// Each wakeup ends in one.
    fn switches(&self) -> Result<u32, Error> {
        self.number("status", "voluntary_ctxt_switches:")
    }

    fn number(&self, file: &str, key: &str) -> Result<u32, Error> {
        bench::number(self.0.id(), file, key)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let id = nix::unistd::Pid::from_raw(self.0.id().cast_signed());
        let _ = nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM);
        let _ = self.0.wait();
    }
}
