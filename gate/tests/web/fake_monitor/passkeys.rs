//! Passkeys: every challenge has the same name, and one credential is good.

use occ_gate::wire::{
    AddPasskeyReply, ChallengeReply, Handle, LoginReply, Options, Origin, PasskeyEntry,
    PasskeyName, SecondView, Secret, Token, ask,
};

use super::logins::log_in;
use super::second_step::SecondStep;
use super::sessions::{Sessions, minutes_ago};

#[derive(Default)]
pub(crate) struct Passkeys {
    /// The credential that was added, and is good for a login.
    pub(crate) credential: Option<String>,
    /// The answer to the next ones that are added, whatever they are.
    pub(crate) refuses: Option<AddPasskeyReply>,
}

impl Passkeys {
    pub(super) fn add(&mut self, ask: &ask::AddPasskey) -> AddPasskeyReply {
        let is_ours =
            ask.challenge == challenge() && ask.proof.as_str().contains("attestationObject");
        if let Some(refusal) = self.refuses.clone() {
            return refusal;
        }
        if !is_ours {
            return AddPasskeyReply::Refused;
        }
        self.credential = Some(ask.credential.as_str().to_owned());
        AddPasskeyReply::Added
    }

    pub(super) fn log_in(&self, sessions: &mut Sessions, ask: ask::PasskeyLogin) -> LoginReply {
        let is_ours = ask.challenge == challenge() && ask.proof.as_str().contains("signature");
        if is_ours && self.credential.as_deref() == Some(ask.credential.as_str()) {
            log_in(sessions, "alice", ask.device)
        } else {
            LoginReply::Refused
        }
    }
}

/// The token that names each challenge.
fn challenge() -> Token {
    Token::new([123; 32])
}

fn ready(options: &serde_json::Value) -> ChallengeReply {
    ChallengeReply::Ready {
        challenge: challenge(),
        options: Options::new(&options.to_string()).unwrap(),
    }
}

/// The relying party's name: the host without its port.
fn host(origin: &Origin) -> String {
    let authority = origin.as_str().split("://").nth(1).unwrap();
    authority.split(':').next().unwrap().to_owned()
}

pub(super) fn begin_passkey_login(origin: &Origin) -> ChallengeReply {
    ready(
        &serde_json::json!({"publicKey": {"challenge": "AAAA", "rpId": host(origin),
        "allowCredentials": [], "userVerification": "required", "timeout": 120_000},
        "mediation": "conditional"}),
    )
}

pub(super) fn begin_adding(
    ask: &ask::BeginPasskey,
    user: &str,
    second: &SecondStep,
) -> ChallengeReply {
    let code = ask.code.as_ref().map(Secret::expose);
    let is_code_right = second.view != SecondView::On || code == Some(b"11111111");
    if let Some(seconds) = second.slow_down {
        return ChallengeReply::SlowDown { seconds };
    }
    if ask.password.expose() != b"secret" || !is_code_right {
        return ChallengeReply::Wrong;
    }
    let origin = &ask.origin;
    ready(&serde_json::json!({"publicKey": {"challenge": "BBBB",
        "rp": {"id": host(origin), "name": "opencode"},
        "user": {"id": "AAECAwQFBgcICQoLDA0ODw", "name": user, "displayName": user},
        "pubKeyCredParams": [{"type": "public-key", "alg": -7}], "excludeCredentials": [],
        "authenticatorSelection": {"residentKey": "required", "requireResidentKey": true,
            "userVerification": "required"},
        "extensions": {"credProps": true}, "attestation": "none", "timeout": 120_000}}))
}

/// The one that everybody is shown.
pub(super) fn entry() -> PasskeyEntry {
    PasskeyEntry {
        handle: Handle(55),
        name: PasskeyName::try_from(Box::from("phone")).unwrap(),
        made: minutes_ago(3000),
        last_use: Some(minutes_ago(50)),
    }
}
