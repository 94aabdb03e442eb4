//! The web half as browsers and attackers meet it: real sockets, a monitor and
//! an opencode that the tests hold in their hands.

mod accounts;
mod assets;
mod browser;
mod fake_monitor;
mod fake_opencode;
mod foreign;
mod framing;
mod harness;
mod idle;
mod limits;
mod logins;
mod pages;
mod passing;
mod proxies;
mod streams;
