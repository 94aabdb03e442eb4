//! What one run of a program costs, as the kernel counts it.

use crate::{Error, io};
use nix::sys::memfd::{MFdFlags, memfd_create};
use std::fs::File;
use std::io::{Read, Seek};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use wait4::Wait4;

/// Of one process and the children that it waited for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// From its start to its end.
    pub wall: Duration,
    /// User and system time.
    pub cpu: Duration,
    /// Peak resident memory, in bytes.
    pub peak: u64,
}

/// Runs a program to its end. It must succeed; its stdout goes nowhere. Its stderr goes
/// into memory: whoever reads it from a pipe takes a processor from what is measured.
pub fn run(command: &mut Command) -> Result<Cost, Error> {
    let program = command.get_program().to_owned();
    let said = memfd_create("stderr", MFdFlags::MFD_CLOEXEC);
    let mut said = File::from(said.map_err(|errno| io(&program)(errno.into()))?);
    let stderr = said.try_clone().map_err(io(&program))?;
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(stderr);
    let started = Instant::now();
    let mut child = command.spawn().map_err(io(&program))?;
    let used = child.wait4().map_err(io(&program))?;
    let wall = started.elapsed();
    let mut text = Vec::new();
    let read = said.rewind().and_then(|()| said.read_to_end(&mut text));
    read.map_err(io(&program))?;
    succeeded(command, used.status, &text)?;
    Ok(Cost {
        wall,
        cpu: used.rusage.utime + used.rusage.stime,
        peak: used.rusage.maxrss,
    })
}

/// What a program says on stdout; it must succeed. Costs nothing: it prepares.
pub fn answer(command: &mut Command) -> Result<String, Error> {
    let program = command.get_program().to_owned();
    let ended = command
        .stdin(Stdio::null())
        .output()
        .map_err(io(&program))?;
    succeeded(command, ended.status, &ended.stderr)?;
    Ok(String::from_utf8_lossy(&ended.stdout).into_owned())
}

fn succeeded(command: &Command, status: ExitStatus, said: &[u8]) -> Result<(), Error> {
    if status.success() {
        return Ok(());
    }
    Err(Error::Failed {
        program: command.get_program().to_string_lossy().into_owned(),
        status,
        stderr: String::from_utf8_lossy(said).trim_end().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_costs_what_it_uses() {
        let script = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done";
        let cost = run(Command::new("sh").args(["-c", script])).unwrap();
        assert!(cost.cpu > Duration::from_millis(1), "{cost:?}");
        assert!(cost.peak > 64 * 1024 && cost.peak < 1 << 30, "{cost:?}");
    }

    #[test]
    fn a_failure_is_not_measured() {
        let failed = run(Command::new("sh").args(["-c", "echo why >&2; exit 3"])).unwrap_err();
        assert_eq!(failed.to_string(), "'sh' failed (exit status: 3): why");
        assert!(run(&mut Command::new("/nonexistent")).is_err());
    }

    #[test]
    fn what_prepares_is_heard_or_fails() {
        let sh = |script: &str| answer(Command::new("sh").args(["-c", script]));
        assert_eq!(sh("echo this").unwrap(), "this\n");
        assert!(sh("exit 3").is_err());
    }
}
