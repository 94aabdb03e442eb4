//! The architecture that an image is built for: the engine's. Programs for another one
//! would only fail at the end of the build, or at the first start.

use std::path::Path;

use bollard::Docker;

use crate::error::{Error, Result};

/// ELF's magic, and where its field `e_machine` is; both of ours are little endian.
const MAGIC: &[u8] = b"\x7fELF";
const MACHINE: std::ops::Range<usize> = 18..20;
/// The field's values, under the names that engines and Debian use.
const MACHINES: [(&str, [u8; 2]); 2] = [("amd64", [0x3e, 0]), ("arm64", [0xb7, 0])];

/// Asks the engine. One that does not say has that of this machine.
pub(super) async fn of_engine(docker: &Docker) -> Result<String> {
    let version = docker
        .version()
        .await
        .map_err(Error::engine("tell its version"))?;
    Ok(version.arch.unwrap_or_else(|| own().to_owned()))
}

/// This machine's, under the name that engines use.
fn own() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// Refuses a program that is not for that architecture.
pub(super) fn check(name: &str, path: &Path, wanted: &str) -> Result<()> {
    let bytes = std::fs::read(path).map_err(Error::file("read", path))?;
    let is_for = match of_program(&bytes) {
        Some(found) if found == wanted => return Ok(()),
        Some(found) => format!("is for {found}"),
        None => "is for neither amd64 nor arm64".to_owned(),
    };
    Err(Error::failed(
        format!(
            "the image is to be for {wanted}, as the engine is, and {name} in '{}' {is_for}",
            path.display()
        ),
        format!(
            "install occ for {wanted} on the engine's machine, or name programs for {wanted} with OCC_INIT_BIN and OCC_GATE_BIN"
        ),
    ))
}

fn of_program(bytes: &[u8]) -> Option<&'static str> {
    let machine = bytes.get(MACHINE).filter(|_| bytes.starts_with(MAGIC))?;
    let mut known = MACHINES.iter();
    known.find_map(|(name, value)| (machine == value).then_some(*name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The start of a program for such a machine.
    fn program(machine: u8) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        bytes[..4].copy_from_slice(MAGIC);
        bytes[MACHINE.start] = machine;
        bytes
    }

    #[test]
    fn a_program_says_what_it_is_for() {
        assert_eq!(of_program(&program(0x3e)), Some("amd64"));
        assert_eq!(of_program(&program(0xb7)), Some("arm64"));
        assert_eq!(of_program(&program(0x28)), None, "32-bit arm");
        assert_eq!(of_program(b"#!/bin/sh\nexec something else\n"), None);
        assert_eq!(of_program(MAGIC), None);
        let test = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(of_program(&test), Some(own()));
    }

    #[test]
    fn a_program_for_another_machine_is_refused_with_its_path() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("occ-gate");
        std::fs::write(&path, program(0x3e)).unwrap();
        check("occ-gate", &path, "amd64").unwrap();
        let error = check("occ-gate", &path, "arm64").unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "the image is to be for arm64, as the engine is, and occ-gate in '{}' is for amd64",
                path.display()
            )
        );
    }
}
