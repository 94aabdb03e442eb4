//! What one run of a program costs, as the kernel counts it.

use crate::{Error, io};
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use wait4::Wait4;

/// Of one process and the children that it waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// From its start to its end.
    pub wall: Duration,
    /// User and system time.
    pub cpu: Duration,
    /// Peak resident memory, in bytes.
    pub peak: u64,
}

/// Runs a program to its end. It must succeed; its stdout goes nowhere.
pub fn run(command: &mut Command) -> Result<Cost, Error> {
    let program = command.get_program().to_owned();
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let started = Instant::now();
    let mut child = command.spawn().map_err(io(&program))?;
    let mut said = Vec::new();
    if let Some(stderr) = &mut child.stderr {
        stderr.read_to_end(&mut said).map_err(io(&program))?;
    }
    let used = child.wait4().map_err(io(&program))?;
    let wall = started.elapsed();
    if !used.status.success() {
        return Err(Error::Failed {
            program: program.to_string_lossy().into_owned(),
            status: used.status,
            stderr: String::from_utf8_lossy(&said).trim_end().to_owned(),
        });
    }
    Ok(Cost {
        wall,
        cpu: used.rusage.utime + used.rusage.stime,
        peak: used.rusage.maxrss,
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
}
