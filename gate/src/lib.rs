//! `occ-gate`: the login in front of opencode, split in two by privilege.
//!
//! ```text
//! browser ── http ──► web half ── wire, on a socketpair ──► monitor ──► PAM
//!                     own uid, no capabilities              root, no http
//!                        │                                     │
//!                        └── http ──► a person's opencode ◄────┘ starts, stops
//! ```
//!
//! The web half reads what strangers send and holds no power: what it may have
//! done is what `wire` can say. Both halves are this one program; it is a
//! library only so that tests speak the same wire.

pub mod wire;
