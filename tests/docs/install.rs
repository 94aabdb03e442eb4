//! The commands in docs/install.md work as they are written: its `sh` blocks, which
//! install from a clone and remove that again.

use super::readme::{blocks, shell};
use crate::harness::source;

#[test]
fn commands_in_install_md_work() {
    let document = std::fs::read_to_string(source("docs/install.md")).unwrap();
    let blocks = blocks(&document);
    assert!(blocks.len() >= 3, "{blocks:?}");
    let home = tempfile::tempdir().unwrap();
    let script = format!(
        "set -euo pipefail\ncd {}\n{}",
        source("").display(),
        blocks.join("\n")
    );
    let version = concat!("occ ", env!("CARGO_PKG_VERSION"), "\n");
    shell(&script, home.path()).ok().prints(version);
    let left = shell("find ~ -type f", home.path()).ok();
    assert_eq!(left.text(), "");
}
