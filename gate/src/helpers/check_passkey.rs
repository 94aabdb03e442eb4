//! `occ-gate check-passkey`: reads what an authenticator says, and tells whether it proves
//! anything. It starts as root, becomes nobody for good, and only then reads. It decides
//! nothing: the monitor knows whose passkey it is.

use std::io;
use std::process::ExitCode;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use clap::Args;
use nix::sys::resource::{Resource, setrlimit};
use webauthn_rs::prelude::{
    DiscoverableAuthentication, Passkey, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Webauthn, WebauthnError,
};

use crate::helpers::pipe::{Incoming, tell};
use crate::helpers::privilege;
use crate::monitor::passkeys::check::{Check, CheckTask, Checked, no, relying_party};
use crate::wire::CredentialId;

/// Seconds of CPU: far more than a signature takes, far less than forever.
const CPU_SECONDS: u64 = 5;
/// Bytes of memory.
const MEMORY: u64 = 256 * 1024 * 1024;

/// The ids to become.
#[derive(Args)]
pub struct Options {
    #[arg(long)]
    uid: u32,
    #[arg(long)]
    gid: u32,
}

/// Answers one command; the exit status means nothing.
pub fn main(options: &Options) -> ExitCode {
    let answer = match drop_all(options).and_then(|()| Incoming::default().read()) {
        Ok(check) => checked(&check),
        Err(error) => no(&error.to_string()),
    };
    match tell(&answer) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn drop_all(options: &Options) -> io::Result<()> {
    if options.uid == 0 || options.gid == 0 {
        return Err(io::Error::other("it must not be root"));
    }
    privilege::set_no_new_privs()?;
    privilege::become_somebody(options.uid, options.gid, &[])?;
    privilege::protect_secrets()?;
    for (resource, most) in [
        (Resource::RLIMIT_CPU, CPU_SECONDS),
        (Resource::RLIMIT_AS, MEMORY),
        (Resource::RLIMIT_FSIZE, 0),
        (Resource::RLIMIT_NPROC, 0),
    ] {
        setrlimit(resource, most, most)?;
    }
    Ok(())
}

/// The library's judgement.
fn checked(check: &Check) -> Checked {
    let Some(party) = relying_party(check.origin.as_str()) else {
        return no("no passkeys for this origin");
    };
    let proof = check.proof.as_str();
    match &check.task {
        CheckTask::Login {
            state,
            public_key,
            counter,
        } => signed(&party, state, (public_key, *counter), proof),
        CheckTask::Add { state } => made(&party, state, proof),
    }
}

fn signed(
    party: &Webauthn,
    state: &DiscoverableAuthentication,
    (public_key, counter): (&serde_json::Value, u32),
    proof: &str,
) -> Checked {
    let Ok(proof) = serde_json::from_str::<PublicKeyCredential>(proof) else {
        return no("no assertion");
    };
    if is_from_a_frame(&proof.response.client_data_json) {
        return no("another site's page asked for it");
    }
    let mut public_key = public_key.clone();
    // Of the record and the last login, whichever counted further.
    if let Some(recorded) = public_key.pointer_mut("/cred/counter") {
        let counter = recorded.as_u64().unwrap_or(0).max(counter.into());
        *recorded = counter.into();
    }
    let Ok(passkey) = serde_json::from_value::<Passkey>(public_key) else {
        return no("the record has no passkey in a form that is known");
    };
    match party.finish_discoverable_authentication_v2(&proof, state.clone(), &passkey) {
        // The library asks for this as well: a passkey stands for password and person.
        Ok(result) if !result.user_verified() => no("nobody was verified"),
        Ok(result) => Checked::Signed {
            counter: result.counter(),
        },
        Err(WebauthnError::CredentialPossibleCompromise) => Checked::Copied,
        Err(error) => no(&error.to_string()),
    }
}

/// Returns whether the browser says that our page was in a frame of another site's. The
/// library asks only when a passkey is added.
fn is_from_a_frame(client_data: &[u8]) -> bool {
    let said = serde_json::from_slice::<serde_json::Value>(client_data);
    said.is_ok_and(|said| said.get("crossOrigin") == Some(&serde_json::Value::Bool(true)))
}

fn made(party: &Webauthn, state: &PasskeyRegistration, proof: &str) -> Checked {
    let Ok(proof) = serde_json::from_str::<RegisterPublicKeyCredential>(proof) else {
        return no("no attestation");
    };
    // The browser's own word, which nothing signs: only the person themselves is misled.
    let props = proof.extensions.cred_props.as_ref();
    if props.and_then(|props| props.rk) == Some(false) {
        return Checked::NotKept;
    }
    let passkey = match party.finish_passkey_registration(&proof, state) {
        Ok(passkey) => passkey,
        Err(error) => return no(&error.to_string()),
    };
    let credential = Base64UrlUnpadded::encode_string(passkey.cred_id());
    match (
        CredentialId::new(&credential),
        serde_json::to_value(&passkey),
    ) {
        (Some(credential), Ok(public_key)) => Checked::Made {
            credential,
            public_key,
        },
        _ => no("its credential is too long"),
    }
}
