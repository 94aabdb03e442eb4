//! Everything that can happen to the monitor. Values only.

use super::first_account::Making;
use super::login::PamEvent;
use super::opencode::process::ProcessEvent;
use super::opencode::table::Generation;
use super::web_process::{FromWeb, WebId};
use crate::wire::{Reply, TerminalId};

/// One event; the monitor takes one after the other.
pub(crate) enum Event {
    /// A web half called, or ended.
    Web(WebId, FromWeb),
    /// It is time to start a web half.
    StartWeb,
    /// A PAM helper answered.
    Pam(Box<PamEvent>),
    /// It is time to send a reply.
    Reply(WebId, u64, Box<Reply>),
    /// A person's opencode is ready, or ended.
    Opencode(String, Generation, ProcessEvent),
    /// The first account was made, or could not be.
    FirstAccount(Making, Result<(), String>),
    /// The shell of a terminal has ended.
    Terminal(TerminalId),
    /// All is ended that terminals of this uid had left behind.
    Swept(u32),
    /// Accounts may have changed.
    Accounts,
    /// An administrator may have revoked a token.
    Requests,
    /// Some time went by.
    Tick,
    /// TERM or INT came.
    Stop,
    /// Whatever has not ended by now is killed.
    StopNow,
}
