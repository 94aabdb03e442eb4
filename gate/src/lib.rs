//! `occ-gate`: the login in front of opencode, split in two by privilege.
//!
//! ```text
//! browser ── http ──► web half ── wire, on a socketpair ──► monitor ──► PAM
//!                     own uid, no capabilities              root, no http
//!                        │                                     │
//!                        └── http ──► a person's opencode ◄────┘ starts, stops
//! ```
//!
//! The monitor starts the web half as `occ-gate web`, its end of the wire as
//! stdin and the listening socket as stdout: `helpers::web` drops all privileges,
//! then calls `web::run(wire: UnixStream, listener: TcpListener) -> ExitCode`. The
//! monitor made the listening socket and keeps it, so that nobody can take the
//! port while a web half is started anew. Of the environment the web half gets
//! the `OCC_GATE_…` variables. It ends when the wire does, and in order on TERM.
//!
//! The web half reads what strangers send and holds no power: what it may have
//! done is what `wire` can say. Both halves are this one program; it is a
//! library only so that tests speak the same wire.

pub mod health;
pub mod helpers;
pub mod limits;
pub mod monitor;
pub mod settings;
pub mod token;
pub mod web;
pub mod wire;

mod clock;
mod lock;
mod log;
mod own_address;
mod proc_net;
mod processes;
mod shell;
mod sys;
