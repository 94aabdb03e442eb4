//! One check of PAM and nothing else, in a process of its own: what a login can't
//! cost less than. This program starts itself for it, in the gate's place.

use crate::place::{PASSWORD, Place};
use nix::sched::{CloneFlags, setns};
use nonstick::{AuthnFlags, ConversationAdapter, ErrorCode, Transaction as _, TransactionBuilder};
use std::cell::Cell;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::process::{Command, ExitCode};

/// Set for such a process: whom to check, and whose mounts to use.
const USER: &str = "OCC_BENCH_CHECK_USER";
const MOUNTS: &str = "OCC_BENCH_CHECK_MOUNTS";

/// What such a process is told.
pub(crate) struct Order {
    user: String,
    mounts: String,
}

/// The order, in a process that was started for one.
pub(crate) fn asked() -> Option<Order> {
    let user = std::env::var(USER).ok()?;
    let mounts = std::env::var(MOUNTS).ok()?;
    Some(Order { user, mounts })
}

/// Checks somebody's password by the gate's own PAM service.
pub(crate) fn command(place: &Place, user: &str) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.env(USER, user);
    command.env(MOUNTS, format!("/proc/{}/ns/mnt", place.monitor));
    command
}

/// Succeeds when PAM lets them in, as it must.
pub(crate) fn main(order: &Order) -> ExitCode {
    match enter(order).map(|()| check(&order.user)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(why)) => said(&why.to_string()),
        Err(why) => said(&why.to_string()),
    }
}

fn said(why: &str) -> ExitCode {
    bench::say(&format!("PAM: {why}"));
    ExitCode::FAILURE
}

fn enter(order: &Order) -> std::io::Result<()> {
    let mounts = File::open(&order.mounts)?;
    Ok(setns(mounts, CloneFlags::CLONE_NEWNS)?)
}

/// What the gate asks of PAM as well.
fn check(user: &str) -> nonstick::Result<()> {
    let talk = Talk(Cell::new(false));
    let mut pam = TransactionBuilder::new_with_service("occ")
        .username(user)
        .build(talk.into_conversation())?;
    pam.authenticate(AuthnFlags::DISALLOW_NULL_AUTHTOK)?;
    pam.account_management(AuthnFlags::DISALLOW_NULL_AUTHTOK)
}

/// Gives the password, once.
struct Talk(Cell<bool>);

impl ConversationAdapter for Talk {
    fn prompt(&self, _request: impl AsRef<OsStr>) -> nonstick::Result<OsString> {
        Err(ErrorCode::ConversationError)
    }

    fn masked_prompt(&self, _request: impl AsRef<OsStr>) -> nonstick::Result<OsString> {
        if self.0.replace(true) {
            return Err(ErrorCode::ConversationError);
        }
        Ok(PASSWORD.into())
    }

    fn error_msg(&self, _message: impl AsRef<OsStr>) {}

    fn info_msg(&self, _message: impl AsRef<OsStr>) {}
}
