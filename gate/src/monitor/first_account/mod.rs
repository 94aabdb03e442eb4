//! The first account, made in the browser by whoever can read the container's log: a code
//! stands there while there is no account at all, another one at each start. Decides who
//! may; `occ-init user add` makes the account, with all its rules.

mod requests;

use std::time::Duration;

use accounts::account::Username;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::audit::{AuditLine, By, Outcome, Topic};
use super::login::rate_limit::{Account, AddressBlock, FailureLimiter, Source};
use super::web_process::WebId;
use super::{occ_init, random};
use crate::log;
use crate::wire::ask::MakeFirst;
use crate::wire::{MakeFirstReply, PamText, Secret};

/// Letters and digits that nobody takes for one another (Crockford's base 32).
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// 60 bits: nobody guesses it, however often they may try.
const LENGTH: usize = 12;
const GROUP: usize = 4;

/// The code as administrators see it: `XXXX-XXXX-XXXX`. Typed in any case, with or without
/// the dashes, and with O, I and L for the digits that they look like.
struct Code(Zeroizing<String>);

impl Code {
    fn from_random(bytes: &[u8; LENGTH]) -> Self {
        let mut text = Zeroizing::new(String::with_capacity(LENGTH));
        text.extend(bytes.iter().map(|byte| letter(usize::from(*byte))));
        Self(text)
    }

    fn shown(&self) -> String {
        let mut shown = String::new();
        for (at, letter) in self.0.chars().enumerate() {
            if at > 0 && at % GROUP == 0 {
                shown.push('-');
            }
            shown.push(letter);
        }
        shown
    }

    /// Compares digests, so that the time tells nothing of the code.
    fn is(&self, typed: &[u8]) -> bool {
        let mut meant = Zeroizing::new(String::with_capacity(typed.len()));
        for byte in typed.iter().filter(|byte| !matches!(byte, b'-' | b' ')) {
            meant.push(match byte.to_ascii_uppercase() {
                b'O' => '0',
                b'I' | b'L' => '1',
                other => char::from(other),
            });
        }
        Sha256::digest(meant.as_bytes()) == Sha256::digest(self.0.as_bytes())
    }
}

fn letter(number: usize) -> char {
    char::from(LETTERS[number % LETTERS.len()])
}

/// The state of the door.
pub(crate) struct FirstAccount {
    is_wanted: bool,
    code: Option<Code>,
    failures: FailureLimiter,
    is_making: bool,
}

/// A change of the door, for the log and the file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Same,
    /// With the code.
    Opened(String),
    Closed,
}

/// The call that asked for the account.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Making {
    pub(crate) web: WebId,
    pub(crate) id: u64,
}

/// An account to make.
pub(crate) struct Order {
    making: Making,
    audit: AuditLine,
    name: Username,
    password: Secret,
}

impl FirstAccount {
    pub(crate) fn new(is_wanted: bool) -> Self {
        Self {
            is_wanted,
            code: None,
            failures: FailureLimiter::default(),
            is_making: false,
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.code.is_some()
    }

    /// Follows the accounts: `are_none` is true while there is nobody at all.
    pub(crate) fn set_open(&mut self, are_none: bool) -> Change {
        match (&self.code, self.is_wanted && are_none) {
            (None, true) => {
                let code = self.code.insert(Code::from_random(&random::bytes()));
                Change::Opened(code.shown())
            }
            (Some(_), false) => {
                self.code = None;
                Change::Closed
            }
            _ => Change::Same,
        }
    }

    /// Returns the account to make, or why none is made.
    pub(crate) fn ask(
        &mut self,
        ask: MakeFirst,
        making: Making,
        is_own: bool,
        now: Duration,
    ) -> Result<Order, MakeFirstReply> {
        let Some(code) = self.code.as_ref().filter(|_| !self.is_making) else {
            return Err(MakeFirstReply::Closed);
        };
        let source = Source::Address(AddressBlock::of(ask.address, is_own));
        let account = Account::named("");
        let audit = |user| AuditLine::new(Topic::Setup, ask.address, user, By::SetupCode);
        if let Some(seconds) = self.failures.refusal(source, account, now) {
            audit(None).end(Outcome::TooManyFailures);
            return Err(MakeFirstReply::SlowDown { seconds });
        }
        self.failures.started(source, account, now);
        if !code.is(ask.code.expose()) {
            audit(None).end(Outcome::Refused);
            return Err(MakeFirstReply::WrongCode);
        }
        self.failures.undecided(source, account);
        let name = Username::parse(ask.user.as_str()).map_err(|error| {
            audit(None).end(Outcome::NotTaken);
            rejected(&error.to_string())
        })?;
        self.is_making = true;
        Ok(Order {
            making,
            audit: audit(Some(name.as_str())),
            name,
            password: ask.password,
        })
    }

    /// The account was made or not.
    pub(crate) fn made(&mut self, made: Result<(), String>) -> MakeFirstReply {
        self.is_making = false;
        match made {
            Ok(()) => MakeFirstReply::Made,
            Err(why) => rejected(&why),
        }
    }
}

fn rejected(why: &str) -> MakeFirstReply {
    MakeFirstReply::Rejected {
        text: PamText::cut(why),
    }
}

impl Order {
    /// Runs `occ-init user add`. The error is one line for whoever asked.
    pub(crate) async fn run(self) -> (Making, Result<(), String>) {
        let made = self.add().await;
        let outcome = match &made {
            Ok(()) => Outcome::Ok,
            Err(_) => Outcome::NotTaken,
        };
        if let Err(why) = &made {
            log::line(&format!("first account: not made: {why}"));
        }
        self.audit.end(outcome);
        (self.making, made)
    }

    async fn add(&self) -> Result<(), String> {
        let words = ["user", "add", self.name.as_str(), "--request-stdin"];
        let made = occ_init::run(&words, &self.request()?).await;
        made.map_err(|error| error.message)
    }

    fn request(&self) -> Result<Zeroizing<Vec<u8>>, String> {
        let password = std::str::from_utf8(self.password.expose());
        let password = password.map_err(|_| "the password is not text".to_owned())?;
        let request = Request {
            schema: 1,
            password,
        };
        // With room for every byte as an escape, so that no copy is left behind.
        let mut text = Zeroizing::new(Vec::with_capacity(64 + 6 * password.len()));
        serde_json::to_writer(&mut *text, &request).map_err(|error| error.to_string())?;
        Ok(text)
    }
}

/// The document for `--request-stdin`.
#[derive(Serialize)]
struct Request<'a> {
    schema: u32,
    password: &'a str,
}

#[cfg(test)]
mod tests;
