//! The web half's requests about passkeys. A challenge for a login names nobody; all else
//! goes by a session.

use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;
use webauthn_rs::prelude::Uuid;

use super::check::{Check, CheckTask, Checked, relying_party};
use super::known::Known;
use super::record::{self, Changed};
use super::{Ceremony, Passkeys, check};
use crate::clock;
use crate::log;
use crate::monitor::accounts::Person;
use crate::monitor::event_loop::Monitor;
use crate::monitor::login::check::Purpose;
use crate::monitor::login::rate_limit::AddressBlock;
use crate::monitor::random;
use crate::monitor::sessions::Session;
use crate::own_address::is_own_address;
use crate::web::http::host::Authority;
use crate::wire::ask::{AddPasskey, BeginPasskey, BeginPasskeyLogin, PasskeyLogin, RemovePasskey};
use crate::wire::{
    AddPasskeyReply, ChallengeReply, Gone, Handle, Options, Origin, PASSKEYS_LIMIT, PasskeyEntry,
    PasskeyName, Reply, Token, TokenHash,
};

impl Monitor {
    /// A challenge for whoever asks, to log in with.
    pub(crate) fn begin_passkey_login(&mut self, ask: &BeginPasskeyLogin) -> ChallengeReply {
        let source = AddressBlock::of(ask.address, is_own_address(ask.address));
        let now = self.now();
        let Some(party) = self.party(&ask.origin) else {
            return ChallengeReply::Off;
        };
        let Ok((options, state)) = party.start_discoverable_authentication() else {
            return ChallengeReply::Off;
        };
        let origin = ask.origin.clone();
        let ceremony = Ceremony::Login { origin, state };
        let options = serde_json::to_value(&options).unwrap_or_default();
        self.passkeys.open(source, ceremony, &options, now)
    }

    /// The relying party, if passkeys are wanted and the origin is one of ours.
    fn party(&self, origin: &Origin) -> Option<webauthn_rs::Webauthn> {
        let (_, authority) = origin.as_str().split_once("://")?;
        let is_ours = Authority::parse(authority)?.is_ours(self.listed_hosts());
        (is_ours && !self.passkeys.is_off).then(|| relying_party(origin.as_str()))?
    }

    /// Goes the way of every login: few at once, failures counted, answered at one time.
    pub(crate) fn passkey_login(&mut self, id: u64, ask: PasskeyLogin) {
        self.read_accounts();
        let now = self.now();
        let claim = self.passkeys.claim(&ask, &self.accounts, now);
        let is_own = is_own_address(ask.address);
        let actions =
            self.log_in(|logins, context| logins.with_passkey(context, id, ask, claim, is_own));
        self.perform_login(actions);
    }

    pub(crate) fn list_passkeys(&mut self, _: &Token, session: &Session) -> Vec<PasskeyEntry> {
        self.passkeys.refresh();
        let uses = &self.passkeys.uses;
        let entry = |known: &Known| {
            Some(PasskeyEntry {
                handle: handle_of(&known.id)?,
                name: PasskeyName::try_from(Box::from(known.name.as_str())).ok()?,
                made: known.made_usec / 1_000_000,
                last_use: uses.last(&known.credential).map(|last| last.at),
            })
        };
        let known = self.passkeys.known.of(&session.user);
        known.iter().filter_map(entry).collect()
    }

    /// A challenge for a person who adds a passkey, once they have shown that it is they: a
    /// passkey outlives the session, so a stolen session must not be able to add one.
    pub(crate) fn begin_passkey(&mut self, id: u64, ask: BeginPasskey) {
        self.read_accounts();
        let session = self.sessions.find(&ask.token, clock::now()).cloned();
        let Some(session) = session else {
            return self.reply(id, Reply::BeginPasskey(Err(Gone)));
        };
        if let Err(reply) = self.party_for_another(&session.user, &ask.origin) {
            return self.reply(id, Reply::BeginPasskey(Ok(reply)));
        }
        let (whose, answers) = ((ask.token.hash(), &session), (ask.password, ask.code));
        self.check_person(id, whose, answers, Purpose::BeginPasskey(ask.origin));
    }

    /// The relying party, if the person may add a passkey to those that they have.
    fn party_for_another(
        &mut self,
        user: &str,
        origin: &Origin,
    ) -> Result<webauthn_rs::Webauthn, ChallengeReply> {
        let party = self.party(origin).ok_or(ChallengeReply::Off)?;
        self.passkeys.refresh();
        let is_full = self.passkeys.known.of(user).len() >= PASSKEYS_LIMIT;
        if is_full {
            Err(ChallengeReply::Full)
        } else {
            Ok(party)
        }
    }

    /// The end of [`Self::begin_passkey`], for a person who was checked.
    pub(crate) fn passkey_begun(
        &mut self,
        (token, session): (TokenHash, &Session),
        origin: &Origin,
    ) -> Result<ChallengeReply, Gone> {
        let person = self.accounts.get(&session.user).cloned().ok_or(Gone)?;
        Ok(match self.party_for_another(&session.user, origin) {
            Ok(party) => self.begin_adding(&party, &person, (token, session), origin),
            Err(reply) => reply,
        })
    }

    fn begin_adding(
        &mut self,
        party: &webauthn_rs::Webauthn,
        person: &Person,
        (token, session): (TokenHash, &Session),
        origin: &Origin,
    ) -> ChallengeReply {
        let known = self.passkeys.known.of(&session.user);
        let excluded = known.iter().filter_map(credential_bytes).collect();
        let name = person.name.as_str();
        let display_name = match person.display_name.as_str() {
            "" => name,
            display_name => display_name,
        };
        // Another one each time: an authenticator keeps one passkey for each, and two
        // containers of one host name must not overwrite each other's.
        let number = Uuid::from_bytes(*random::bytes());
        let started = party.start_passkey_registration(number, name, display_name, Some(excluded));
        let Ok((options, state)) = started else {
            return ChallengeReply::Off;
        };
        let options = kept_by_the_authenticator(serde_json::to_value(&options));
        let source = AddressBlock::of(session.address, is_own_address(session.address));
        let ceremony = Ceremony::Add {
            session: token,
            origin: origin.clone(),
            state,
        };
        let now = self.now();
        self.passkeys.open(source, ceremony, &options, now)
    }

    /// Checks what the authenticator made, and adds it to the person's record.
    pub(crate) fn add_passkey(&mut self, id: u64, ask: AddPasskey) {
        self.read_accounts();
        let session = self.sessions.find(&ask.token, clock::now()).cloned();
        let Some(session) = session else {
            return self.reply(id, Reply::AddPasskey(Err(Gone)));
        };
        let begun = self.new_passkey(&ask);
        let begun = begun.and_then(|check| Ok((check, self.turn(&session.user)?)));
        let (check, turn) = match begun {
            Ok(begun) => begun,
            Err(reply) => return self.reply(id, Reply::AddPasskey(Ok(reply))),
        };
        let nobody = self.passkeys.nobody;
        let (user, name) = (session.user, ask.name);
        let is_new = !self.passkeys.known.has(ask.credential.as_str());
        self.reply_when_done(id, async move {
            let _turn = turn;
            let reply = match check::ask(&check, nobody).await {
                Checked::Made { credential, .. } if credential != ask.credential || !is_new => {
                    AddPasskeyReply::Twice
                }
                Checked::Made {
                    credential,
                    public_key,
                } => add(&user, &name, credential.as_str(), &public_key).await,
                Checked::NotKept => AddPasskeyReply::NotKept,
                Checked::No { why } => {
                    log::line(&format!("passkey: {user}: not added: {why}"));
                    AddPasskeyReply::Refused
                }
                Checked::Signed { .. } | Checked::Copied => AddPasskeyReply::Refused,
            };
            Reply::AddPasskey(Ok(reply))
        });
    }

    /// One of the few changes that run at once; a person has so many an hour.
    fn turn(&mut self, user: &str) -> Result<OwnedSemaphorePermit, AddPasskeyReply> {
        let now = self.now();
        let turn = self.passkeys.changes.clone().try_acquire_owned();
        let turn = turn.map_err(|_| {
            log::line(&format!("passkey: {user}: too many are being changed"));
            AddPasskeyReply::Unavailable
        })?;
        let is_allowed = self.passkeys.limit.allows(user, now);
        is_allowed.then_some(turn).ok_or(AddPasskeyReply::TooOften)
    }

    /// The check of a new passkey; its challenge must be of this very session.
    fn new_passkey(&mut self, ask: &AddPasskey) -> Result<Check, AddPasskeyReply> {
        let now = self.now();
        let ceremony = self.passkeys.challenges.take(ask.challenge.hash(), now);
        let Some(Ceremony::Add {
            session,
            origin,
            state,
        }) = ceremony
        else {
            return Err(AddPasskeyReply::Refused);
        };
        if session != ask.token.hash() || self.passkeys.is_off {
            return Err(AddPasskeyReply::Refused);
        }
        self.passkeys.refresh();
        Ok(Check {
            origin,
            task: CheckTask::Add { state },
            proof: ask.proof.clone(),
        })
    }

    /// Removes one of a person's own.
    pub(crate) fn remove_passkey(&mut self, id: u64, ask: &RemovePasskey) {
        let session = self.sessions.find(&ask.token, clock::now()).cloned();
        let Some(session) = session else {
            return self.reply(id, Reply::RemovePasskey(Err(Gone)));
        };
        let (user, handle) = (session.user, ask.handle);
        let Ok(turn) = self.turn(&user) else {
            return self.reply(id, Reply::RemovePasskey(Ok(false)));
        };
        self.reply_when_done(id, async move {
            let _turn = turn;
            let passkey = format!("{:08x}", handle.0);
            let removed = record::remove(&user, &passkey).await;
            if removed == Changed::Done {
                log::line(&format!("passkey: {user}: {passkey} removed"));
            }
            let is_gone = matches!(removed, Changed::Done | Changed::Absent);
            Reply::RemovePasskey(Ok(is_gone))
        });
    }
}

impl Passkeys {
    fn open(
        &mut self,
        source: AddressBlock,
        ceremony: Ceremony,
        options: &Value,
        now: std::time::Duration,
    ) -> ChallengeReply {
        let Some(options) = Options::new(&options.to_string()) else {
            return ChallengeReply::Off;
        };
        let challenge = Token::new(*random::bytes());
        let name: TokenHash = challenge.hash();
        self.challenges.open(name, source, ceremony, now);
        ChallengeReply::Ready { challenge, options }
    }
}

/// The login page asks for no name, so the authenticator must know whose passkey it is.
fn kept_by_the_authenticator(options: serde_json::Result<Value>) -> Value {
    let mut options = options.unwrap_or_default();
    if let Some(selection) = options.pointer_mut("/publicKey/authenticatorSelection") {
        selection["residentKey"] = json!("required");
        selection["requireResidentKey"] = json!(true);
    }
    options
}

async fn add(
    user: &str,
    name: &PasskeyName,
    credential: &str,
    public_key: &Value,
) -> AddPasskeyReply {
    let id = format!("{:08x}", random::number() & 0xffff_ffff);
    let entry = json!({
        "id": id, "name": name.as_str(), "credentialId": credential,
        "publicKey": public_key, "madeUSec": clock::now().saturating_mul(1_000_000),
    });
    match record::add(user, &entry).await {
        Changed::Done => {
            log::line(&format!(
                "passkey: {user}: '{}' ({id}) added",
                name.as_str()
            ));
            AddPasskeyReply::Added
        }
        Changed::Twice => AddPasskeyReply::Twice,
        Changed::Full => AddPasskeyReply::Full,
        Changed::Absent | Changed::Failed => AddPasskeyReply::Unavailable,
    }
}

fn handle_of(id: &str) -> Option<Handle> {
    u64::from_str_radix(id, 16).ok().map(Handle)
}

fn credential_bytes(known: &Known) -> Option<Vec<u8>> {
    use base64ct::{Base64UrlUnpadded, Encoding as _};
    Base64UrlUnpadded::decode_vec(&known.credential).ok()
}
