//! What the gate's two processes hold and have used.

use crate::place::Place;
use bench::{Error, io, number};
use std::fs;
use std::time::Duration;

/// Of both, in KiB.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    /// What is shared with other processes counts in part.
    pub(crate) pss: u32,
    pub(crate) rss: u32,
}

impl Memory {
    pub(crate) fn of(place: &Place) -> Result<Self, Error> {
        let sum = |key| {
            let both = [place.monitor, place.web_half];
            let each = both.map(|pid| number(pid, "smaps_rollup", key));
            each.into_iter().sum::<Result<u32, Error>>()
        };
        Ok(Self {
            pss: sum("Pss:")?,
            rss: sum("Rss:")?,
        })
    }

    pub(crate) fn megabytes(self) -> f64 {
        f64::from(self.pss) * 1024.0 / 1e6
    }
}

/// CPU time of both, and of all processes that they waited for.
pub(crate) fn cpu(place: &Place) -> Result<Duration, Error> {
    let both = [place.monitor, place.web_half];
    both.into_iter().map(cpu_of).sum()
}

/// Columns 14 to 17 of /proc/PID/stat: user and system time, own and of children.
fn cpu_of(pid: u32) -> Result<Duration, Error> {
    let path = format!("/proc/{pid}/stat");
    let stat = fs::read_to_string(&path).map_err(io(&path))?;
    // The name before it may hold anything.
    let after_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let columns = after_name.split(' ').skip(11).take(4);
    let ticks: u64 = columns.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    // Linux tells all programs 100 a second.
    Ok(Duration::from_millis(ticks * 10))
}
