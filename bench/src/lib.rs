//! What the benchmarks share, so that each of them holds only what it measures.
//!
//! A benchmark is a `[[bench]]` with `harness = false` in the crate concerned;
//! `bench/run` starts it. Its `main` hands [`main`] a function that fills a
//! [`Report`]: contenders are run side by side ([`interleave`]), their medians
//! go into a [`Table`] and a plot ([`plot`]), which become a part of docs/benchmarks.md, and
//! what they must reach into [`Report::at_most`] and its like.
//!
//! It measures programs from outside, as their users do; nothing here knows what
//! they are for.

mod cost;
mod figures;
mod machine;

mod page;
pub mod plot;
mod process;
mod report;
mod rounds;
mod table;
mod tool;

pub use cost::{Cost, answer, run};
pub use figures::{rounded, spread, thousands, times};
pub use process::{number, until};
pub use report::{Report, main, say};
pub use rounds::{Contender, Costs, interleave, shuffle};
pub use table::Table;
pub use tool::tool;

use std::path::PathBuf;
use std::process::ExitStatus;

/// Why nothing could be measured.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program that a row is about is not installed.
    #[error("'{program}' is not installed\nhint: apt-get install {package}")]
    Missing {
        /// Its name.
        program: &'static str,
        /// Debian's package.
        package: &'static str,
    },
    /// A program failed, so that what it cost says nothing.
    #[error("'{program}' failed ({status}): {stderr}")]
    Failed {
        /// As it was started.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// What it said.
        stderr: String,
    },
    /// A file or a process could not be had.
    #[error("cannot use '{}': {source}", .path.display())]
    Io {
        /// What.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Anything else that makes a row meaningless.
    #[error("{0}")]
    Other(String),
}

/// For `map_err`: names the file or program.
pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Error {
    |source| Error::Io {
        path: path.into(),
        source,
    }
}
