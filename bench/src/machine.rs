//! The machine that was measured, and the versions of what was: one line under each part of
//! docs/benchmarks.md. Names neither the machine nor its owner.

use crate::{Error, answer, io};
use std::fs;
use std::process::Command;

/// `2 cores of an AMD EPYC 7B13, 25 GB, ext4, Debian GNU/Linux 12 (bookworm), Linux 6.1.0`.
/// The file system is that of `place`.
pub(crate) fn line(place: &str) -> Result<String, Error> {
    let read = |path: &str| fs::read_to_string(path).map_err(io(path));
    let cpu = field(&read("/proc/cpuinfo")?, "model name", ':').unwrap_or_default();
    let memory = field(&read("/proc/meminfo")?, "MemTotal", ':').unwrap_or_default();
    let memory: u64 = memory.trim_end_matches(" kB").parse().unwrap_or(0);
    let system = field(&read("/etc/os-release")?, "PRETTY_NAME", '=').unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kind = answer(Command::new("stat").args(["--file-system", "--format=%T", place]))?;
    let kernel = read("/proc/sys/kernel/osrelease")?;
    Ok(format!(
        "{cores} cores of {}, {} GB, {}, {}, Linux {}",
        if cpu.is_empty() {
            std::env::consts::ARCH
        } else {
            &cpu
        },
        memory * 1024 / 1_000_000_000,
        // How stat(1) calls all three of them.
        if kind.trim() == "ext2/ext3" {
            "ext4"
        } else {
            kind.trim()
        },
        system,
        kernel.split(['-', '+']).next().unwrap_or_default().trim(),
    ))
}

/// Today, as 2026-11-28.
pub(crate) fn date() -> Result<String, Error> {
    Ok(answer(Command::new("date").arg("+%F"))?.trim().to_owned())
}

/// `tini 0.19.0-1+b3`, of each of Debian's packages.
pub(crate) fn versions(packages: &[&str]) -> Result<Vec<String>, Error> {
    if packages.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = Command::new("dpkg-query");
    query.args(["--show", "--showformat", "${Package} ${Version}\\n"]);
    let told = answer(query.args(packages))?;
    Ok(told.lines().map(str::to_owned).collect())
}

/// The value of the first line `KEY SEPARATOR VALUE`, without quotes.
fn field(text: &str, key: &str, separator: char) -> Option<String> {
    let value = text.lines().find_map(|line| {
        let (found, value) = line.split_once(separator)?;
        (found.trim() == key).then_some(value)
    })?;
    Some(value.trim().trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_and_versions_are_told() {
        let line = line("/").unwrap();
        assert!(
            line.contains(" cores of ") && line.contains("Linux "),
            "{line}"
        );
        assert_eq!(date().unwrap().len(), "2026-11-28".len());
        let versions = versions(&["bash"]).unwrap();
        assert!(versions[0].starts_with("bash 5"), "{versions:?}");
    }

    #[test]
    fn a_field_is_found_with_and_without_quotes() {
        assert_eq!(
            field("NAME=x\nPRETTY_NAME=\"A b\"\n", "PRETTY_NAME", '=').unwrap(),
            "A b"
        );
        assert_eq!(
            field("MemTotal:   12 kB\n", "MemTotal", ':').unwrap(),
            "12 kB"
        );
        assert_eq!(field("", "MemTotal", ':'), None);
    }
}
