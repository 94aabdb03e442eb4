//! Fuzz targets: whatever stands in a file of the volume, of /etc, of an import
//! or on the wire, nothing panics, nobody else's line changes, and no line is
//! root's that was not.
//!
//! Inputs are valid ones, damaged: see [`damage`]. Each target runs for
//! `FUZZ_SECONDS` (1 without it) from a seed that a failure prints; with that
//! `FUZZ_SEED` it fails at once. The case that is printed is the smallest found.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failure here is what these tests are for; seed and time come from outside"
)]

mod corpus;
mod damage;
#[path = "../support/mod.rs"]
mod support;
mod targets;

use damage::Bytes;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};
use std::fmt::Debug;
use std::io::Write as _;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Cases between two looks at the clock.
const ROUND: u32 = 64;

/// What a target says of a case; an error is a failure.
type Verdict = Result<(), String>;

#[test]
fn records() {
    fuzz(
        "records",
        damage::of(corpus::records(), 12),
        |Bytes(bytes)| targets::record(bytes),
    );
}

#[test]
fn account_files() {
    fuzz(
        "account_files",
        damage::of(corpus::files(), 12),
        |Bytes(bytes)| targets::account_file(bytes),
    );
}

#[test]
fn imports() {
    fuzz(
        "imports",
        damage::of(corpus::imports(), 12),
        |Bytes(bytes)| targets::import(bytes),
    );
}

#[test]
fn plans() {
    fuzz("plans", damage::worlds(), targets::plan);
}

#[test]
fn wire() {
    fuzz("wire", damage::of(corpus::wire(), 12), |Bytes(bytes)| {
        targets::wire(bytes)
    });
}

/// Runs a target for as long as it was asked for.
fn fuzz<S: Strategy<Value: Debug>>(name: &str, input: S, target: impl Fn(&S::Value) -> Verdict) {
    let seconds = number("FUZZ_SECONDS").unwrap_or(1);
    let given = number("FUZZ_SEED");
    // The checks of a change start where they always do: what fails there is that
    // change. `just fuzz` starts somewhere else each time.
    let mut seed = given
        .or_else(|| number("FUZZ_FIRST_SEED"))
        .unwrap_or_else(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            u64::try_from(since.as_nanos() >> 10).unwrap()
        });
    let (start, mut cases) = (Instant::now(), 0_u64);
    loop {
        let config = Config {
            cases: ROUND,
            rng_seed: RngSeed::Fixed(seed),
            failure_persistence: None,
            max_shrink_iters: 20_000,
            max_shrink_time: 20_000,
            ..Config::default()
        };
        let result =
            TestRunner::new(config).run(&input, |case| target(&case).map_err(TestCaseError::fail));
        if let Err(failure) = result {
            panic!("fuzz target {name} failed with FUZZ_SEED={seed}\n{failure}");
        }
        cases += u64::from(ROUND);
        if given.is_some() || start.elapsed() >= Duration::from_secs(seconds) {
            break;
        }
        seed = seed.wrapping_add(1);
    }
    // Not by the macros, whose output is shown for failed tests only.
    let report = format!(
        "fuzz target {name}: {cases} cases in {:.1?}\n",
        start.elapsed()
    );
    let _ = std::io::stderr().write_all(report.as_bytes());
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} must be a whole number")),
    )
}

/// A target that fails must fail the run, with the smallest case.
#[test]
#[should_panic(expected = "root2")]
fn a_failure_is_found_and_shrunk() {
    let input = damage::of(corpus::files(), 12);
    fuzz("a target that fails", input, |Bytes(bytes)| {
        let planted = bytes.windows(7).any(|window| window == b"root2::");
        if planted { Err("root2".into()) } else { Ok(()) }
    });
}
