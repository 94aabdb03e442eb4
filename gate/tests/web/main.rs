//! The web half as browsers and attackers meet it: real sockets, a monitor and
//! an opencode that the tests hold in their hands.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed expectation is what these tests are for"
)]

mod accounts;
mod assets;
mod bar;
mod bar_in_chromium;
mod browser;
mod chromium;
mod fake_monitor;
mod first;
mod foreign;
mod framing;
mod harness;
mod idle;
mod limits;
mod logins;
mod looks;
mod pages;
mod passing;
mod passkeys;
mod proxies;
mod real_proxies;
mod renewals;
mod restarts;
mod second_step;
mod stopping;
mod streams;
mod terminal;
mod terminal_floods;
mod terminal_in_chromium;
mod tokens;
mod websocket;
