//! End to end: the real `occ` against a real engine, image, PAM and opencode.
//!
//! `just e2e` runs it. Without an engine it fails with one line; nothing here
//! is ever skipped. Everything has names of this run alone (`occe2e-PID-…`) and
//! is removed again, also after Ctrl-C; only the images `occe2e:local` and
//! `occe2e:kept-…` stay, as a cache for the next run. A lower layer's own tests
//! hold what they can; that is not tested here again.
//!
//! | folder | what is tested there | Podman |
//! |---|---|---|
//! | `accounts/` | people and their accounts: `occ user`, `occ backup` | yes |
//! | `engine/` | `occ` and its engine: start, stop, doctor, completion, remote engines | yes |
//! | `images/` | occ-init in containers of many images; Compose, Kubernetes, Swarm, Quadlet, updates | no |
//! | `kills/` | programs killed in the middle | no |
//! | `login/` | the login and the pages, with curl and with Chromium | no |
//! | `packages/` | the packages of a release on clean machines | no |
//! | `docs/` | README, pages, transcripts and the tests' own files | no |
//!
//! `just e2e-on HOST` runs the folders with a yes on another engine, and `./test` two files
//! of them on Podman: `engine::lifecycle` and `engine::doctor`. In the others
//! the engine is only a tool: occ asks nothing of it that the first two do not ask.
// The whole crate is tests, but clippy knows that of functions marked so alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod accounts;
mod docs;
mod engine;
mod harness;
mod images;
mod kills;
mod login;
mod packages;
