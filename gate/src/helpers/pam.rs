//! `occ-gate pam`: one attempt with PAM, as root, in a process of its own. The
//! command comes on stdin, never in argv or the environment; what PAM asks for
//! beyond the password goes to the monitor and from there to the page.

use std::cell::{Cell, RefCell};
use std::ffi::{OsStr, OsString};
use std::io::{self, Read as _, Write as _};
use std::net::IpAddr;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::process::ExitCode;

use accounts::account::Username;
use nonstick::items::ItemsMut as _;
use nonstick::{
    AuthnFlags, AuthtokFlags, ConversationAdapter, ErrorCode, PamShared as _, Transaction,
    TransactionBuilder,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::helpers::{password, privilege};
use crate::monitor::files;
use crate::monitor::login::pam::{PamCommand, PamResult, PamTask, broken, unusable};
use crate::wire::{Frames, PamText, Rejection, Secret, User, encode};

/// /etc/pam.d/occ
const SERVICE: &str = "occ";
/// A name that no account can have: it is too long.
const NOBODY: &str = "occ-nobody-has-this-name-and-nobody-may";
/// Passwords that a person may choose in one login until PAM takes one.
const MOST_CHOICES: usize = 10;
/// Most words of PAM's that are kept for the page.
const SAID: usize = 512;

/// Answers one command; the exit status means nothing.
pub fn main() -> ExitCode {
    let mut stdin = Incoming::default();
    let says = match privilege::protect_secrets().and_then(|()| stdin.read()) {
        Ok(command) => carry_out(&command, stdin),
        Err(error) => broken(&error.to_string()),
    };
    if tell(&says).is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn carry_out(command: &PamCommand, stdin: Incoming) -> PamResult {
    match &command.task {
        PamTask::Login(password) => log_in(command, password, stdin),
        PamTask::Pretend { password, like } => pretend(command, password, like.as_ref(), stdin),
        PamTask::Account => check_account(command),
        PamTask::Change { old, new } => change(command, Some(old), new),
    }
}

/// The account step alone, after a passkey. It stands for the password in this as well: one
/// that has expired is replaced without being asked for.
fn check_account(command: &PamCommand) -> PamResult {
    let talk = PamConversation::new(&Secret::default(), None);
    let checked = transaction(&command.user, command.address, talk)
        .and_then(|mut pam| pam.account_management(AuthnFlags::empty()));
    match checked {
        Ok(()) => PamResult::Accepted,
        Err(ErrorCode::NewAuthTokRequired) => renew(command, None),
        Err(error) => refusal(error),
    }
}

fn log_in(command: &PamCommand, password: &Secret, stdin: Incoming) -> PamResult {
    let talk = PamConversation::new(password, Some(stdin));
    let checked = match authenticated(&command.user, command.address, talk) {
        Ok(mut pam) => pam.account_management(AuthnFlags::DISALLOW_NULL_AUTHTOK),
        Err(error) => return refusal(error),
    };
    match checked {
        Ok(()) => PamResult::Accepted,
        // Only after all of authentication: a wrong password never gets here.
        Err(ErrorCode::NewAuthTokRequired) => renew(command, Some(password)),
        Err(error) => refusal(error),
    }
}

/// Asks for a new password until PAM takes one. The old one stays in this process; without
/// one the login was proven by a passkey.
fn renew(command: &PamCommand, old: Option<&Secret>) -> PamResult {
    let mut stdin = Incoming::default();
    let mut text = PamText::default();
    for _ in 0..MOST_CHOICES {
        let new = tell(&PamResult::NewPasswordNeeded { text }).and_then(|()| stdin.read());
        let Ok(new): io::Result<Secret> = new else {
            return PamResult::Refused;
        };
        text = match unusable_in_place_of(command, old, &new) {
            Some(why) => PamText::cut(&why),
            None => match change(command, old, &new) {
                PamResult::Rejected {
                    why: Rejection::New,
                    text: words,
                } => PamText::cut(&not_taken(words.as_str())),
                result => return result,
            },
        };
    }
    PamResult::Refused
}

fn unusable_in_place_of(
    command: &PamCommand,
    old: Option<&Secret>,
    new: &Secret,
) -> Option<String> {
    let is_current = || password::stored(&command.user, new).is_some();
    match old {
        Some(old) => unusable(old, new),
        None if is_current() => unusable(new, new),
        None => unusable(&Secret::default(), new),
    }
}

/// With PAM's words about it, if it has any.
fn not_taken(words: &str) -> String {
    match words.trim() {
        "" => "The new password was not accepted.".to_owned(),
        words => format!("The new password was not accepted: {words}"),
    }
}

/// Takes as long as a wrong password does, by a check at the cost of somebody's who has
/// an account, and asks what a module would ask, so that nobody learns who has one.
fn pretend(
    command: &PamCommand,
    password: &Secret,
    like: Option<&User>,
    stdin: Incoming,
) -> PamResult {
    password::spend_a_check(like, password);
    // An account that is no person's, such as root, would cost a second check.
    let is_name = Username::parse(command.user.as_str()).is_ok();
    let user = if is_name && !files::is_account(command.user.as_str()) {
        command.user.clone()
    } else {
        User::cut(NOBODY)
    };
    let talk = PamConversation::new(password, Some(stdin));
    if let Err(error) = authenticated(&user, command.address, talk)
        && let broken @ PamResult::Broken { .. } = refusal(error)
    {
        return broken;
    }
    PamResult::Refused
}

/// One transaction: pam_unix takes the lock of the account files, checks the old password
/// once more and writes the new one before it lets go, so nothing that an administrator
/// sets meanwhile is undone. It asks root for no old password, unless it is told that the
/// old one has expired: then it asks as it asks everybody. After a passkey there is none.
fn change(command: &PamCommand, old: Option<&Secret>, new: &Secret) -> PamResult {
    let said = std::rc::Rc::new(RefCell::new(String::new()));
    let talk = PamConversation {
        new: Some(OsString::from_vec(new.expose().to_vec())),
        said: said.clone(),
        ..PamConversation::new(old.unwrap_or(new), None)
    };
    let flags = match old {
        Some(_) => AuthtokFlags::CHANGE_EXPIRED_AUTHTOK,
        None => AuthtokFlags::empty(),
    };
    let changed = transaction(&command.user, command.address, talk)
        .and_then(|mut pam| pam.change_authtok(flags));
    match changed {
        Ok(()) => PamResult::Changed {
            hash: password::stored(&command.user, new),
        },
        Err(ErrorCode::AuthTokLockBusy) => broken("the account files are locked"),
        Err(ErrorCode::ConversationError) => broken("a module asks for more than passwords"),
        Err(ErrorCode::AuthenticationError | ErrorCode::PermissionDenied | ErrorCode::MaxTries) => {
            rejected(Rejection::Old, "")
        }
        Err(_) => rejected(Rejection::New, &said.borrow()),
    }
}

fn rejected(why: Rejection, text: &str) -> PamResult {
    PamResult::Rejected {
        why,
        text: PamText::cut(text),
    }
}

/// Tells a failure of the person from one of PAM.
fn refusal(error: ErrorCode) -> PamResult {
    match error {
        ErrorCode::AuthenticationError
        | ErrorCode::UserUnknown
        | ErrorCode::PermissionDenied
        | ErrorCode::MaxTries
        | ErrorCode::AccountExpired
        | ErrorCode::NewAuthTokRequired
        | ErrorCode::CredentialsExpired
        | ErrorCode::AuthTokExpired
        | ErrorCode::ConversationError
        | ErrorCode::Abort
        | ErrorCode::CredentialsInsufficient => PamResult::Refused,
        other => broken(&other.to_string()),
    }
}

fn authenticated(
    user: &User,
    address: IpAddr,
    talk: PamConversation,
) -> nonstick::Result<impl Transaction + use<>> {
    let mut pam = transaction(user, address, talk)?;
    pam.authenticate(AuthnFlags::DISALLOW_NULL_AUTHTOK)?;
    Ok(pam)
}

fn transaction(
    user: &User,
    address: IpAddr,
    talk: PamConversation,
) -> nonstick::Result<impl Transaction + use<>> {
    let mut pam = TransactionBuilder::new_with_service(SERVICE)
        .username(user.as_str())
        .build(talk.into_conversation())?;
    let address = address.to_string();
    pam.items_mut()
        .set_remote_host(Some(OsStr::new(&address)))?;
    Ok(pam)
}

/// PAM's conversation: the first hidden prompt gets the password, any other the new one
/// in a change, and else goes to the person.
struct PamConversation {
    password: OsString,
    /// In a change of the password.
    new: Option<OsString>,
    is_given: Cell<bool>,
    person: Option<RefCell<Incoming>>,
    said: std::rc::Rc<RefCell<String>>,
}

impl PamConversation {
    fn new(password: &Secret, person: Option<Incoming>) -> Self {
        Self {
            password: OsString::from_vec(password.expose().to_vec()),
            new: None,
            is_given: Cell::new(false),
            person: person.map(RefCell::new),
            said: std::rc::Rc::default(),
        }
    }

    fn ask(&self, text: &OsStr, echo: bool) -> nonstick::Result<OsString> {
        let person = self.person.as_ref().ok_or(ErrorCode::ConversationError)?;
        let prompt = PamResult::Prompt {
            text: PamText::cut(&text.to_string_lossy()),
            echo,
        };
        let answer = tell(&prompt).and_then(|()| person.borrow_mut().read());
        let answer: Secret = answer.map_err(|_| ErrorCode::ConversationError)?;
        Ok(OsString::from_vec(answer.expose().to_vec()))
    }
}

impl ConversationAdapter for PamConversation {
    fn prompt(&self, request: impl AsRef<OsStr>) -> nonstick::Result<OsString> {
        self.ask(request.as_ref(), true)
    }

    fn masked_prompt(&self, request: impl AsRef<OsStr>) -> nonstick::Result<OsString> {
        if !self.is_given.replace(true) {
            return Ok(self.password.clone());
        }
        match &self.new {
            Some(new) => Ok(new.clone()),
            None => self.ask(request.as_ref(), false),
        }
    }

    fn error_msg(&self, message: impl AsRef<OsStr>) {
        let mut said = self.said.borrow_mut();
        if said.len() < SAID {
            said.push_str(&String::from_utf8_lossy(message.as_ref().as_bytes()));
            said.push(' ');
        }
    }

    fn info_msg(&self, _message: impl AsRef<OsStr>) {}
}

/// Frames from the monitor, one after the other.
#[derive(Default)]
struct Incoming(Frames);

impl Incoming {
    fn read<T: DeserializeOwned>(&mut self) -> io::Result<T> {
        loop {
            if let Some(found) = self.0.take().map_err(io::Error::other)? {
                return Ok(found);
            }
            let count = io::stdin().read(self.0.room())?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.0.filled(count);
        }
    }
}

fn tell(what: &impl Serialize) -> io::Result<()> {
    let frame = encode(what).map_err(io::Error::other)?;
    let mut out = io::stdout();
    out.write_all(&frame)?;
    out.flush()
}
