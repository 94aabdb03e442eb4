//! The monitor's side of `occ-gate check-passkey`, and what both say. The answer of an
//! authenticator is a stranger's bytes in JSON, CBOR and DER: a process without privileges
//! reads it, one for each.

use std::ffi::OsString;
use std::process::Stdio;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;
use webauthn_rs::prelude::{
    DiscoverableAuthentication, PasskeyRegistration, Url, Webauthn, WebauthnBuilder,
};

use crate::log;
use crate::monitor::subprocess;
use crate::wire::{CHALLENGE_SECONDS, CredentialId, Frames, Origin, Proof, encode, stream};

/// A signature takes a millisecond; a busy machine may take its time.
const PATIENCE: Duration = Duration::from_secs(10);

/// The command for the process.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Check {
    pub(crate) origin: Origin,
    pub(crate) task: CheckTask,
    pub(crate) proof: Proof,
}

/// The question.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CheckTask {
    /// Did this passkey sign the challenge?
    Login {
        state: DiscoverableAuthentication,
        /// The public key, as it was added.
        public_key: Value,
        /// The counter of the last login.
        counter: u32,
    },
    /// Is this a new passkey, made for the challenge?
    Add { state: PasskeyRegistration },
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Checked {
    /// It did.
    Signed { counter: u32 },
    /// It is.
    Made {
        credential: CredentialId,
        public_key: Value,
    },
    /// The authenticator does not keep it, so no login page could find it.
    NotKept,
    /// It did, but its counter did not grow.
    Copied,
    /// No, and why, for the log.
    No { why: Box<str> },
}

/// The relying party of an origin, if browsers know passkeys for it: a name, not an address,
/// by https or on this machine.
pub(crate) fn relying_party(origin: &str) -> Option<Webauthn> {
    let url = Url::parse(origin).ok()?;
    let host = url.domain()?;
    let is_local = host == "localhost" || host.ends_with(".localhost");
    (url.scheme() == "https" || is_local).then_some(())?;
    let party = WebauthnBuilder::new(host, &url).ok()?;
    let timeout = Duration::from_secs(CHALLENGE_SECONDS);
    party.rp_name("opencode").timeout(timeout).build().ok()
}

/// The ids that the process takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Nobody {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// Asks a process of its own; `No` also if it fails.
pub(crate) async fn ask(check: &Check, nobody: Nobody) -> Checked {
    let asked = timeout(PATIENCE, try_ask(check, nobody)).await;
    let asked = asked.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()));
    asked.unwrap_or_else(|error| {
        log::line(&format!("cannot check a passkey: {error}"));
        no("it could not be checked")
    })
}

async fn try_ask(check: &Check, nobody: Nobody) -> std::io::Result<Checked> {
    let missing = || std::io::Error::other("no pipe");
    let options = [("--uid", nobody.uid), ("--gid", nobody.gid)];
    let options = options.map(|(name, id)| OsString::from(format!("{name}={id}")));
    let mut child = subprocess::command("check-passkey")
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().ok_or_else(missing)?;
    let mut stdout = child.stdout.take().ok_or_else(missing)?;
    let frame = encode(check).map_err(std::io::Error::other)?;
    stdin.write_all(&frame).await?;
    let answer = stream::read(&mut stdout, &mut Frames::default()).await;
    // Reaped here, so that no zombie waits.
    let _ = child.kill().await;
    let ended = || std::io::Error::other("it ended without an answer");
    answer.map_err(std::io::Error::other)?.ok_or_else(ended)
}

pub(crate) fn no(why: &str) -> Checked {
    Checked::No { why: why.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passkeys_are_for_names_by_https_or_on_this_machine() {
        for good in [
            "https://code.example.com",
            "https://code.example.com:8443",
            "http://localhost:3000",
            "http://box.localhost:3000",
            "https://box.localhost",
        ] {
            assert!(relying_party(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "code.example.com",
            "http://code.example.com",
            "http://127.0.0.1:3000",
            "https://192.0.2.1",
            "https://[::1]:3000",
            "http://localhost.example.com",
            "http://notlocalhost:3000",
        ] {
            assert!(relying_party(bad).is_none(), "{bad}");
        }
    }
}
