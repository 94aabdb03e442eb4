//! `occ-gate pam`: one attempt with PAM, as root, in a process of its own. The
//! command comes on stdin, never in argv or the environment; what PAM asks for
//! beyond the password goes to the monitor and from there to the page.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::io;
use std::net::IpAddr;
use std::process::ExitCode;

use accounts::account::Username;
use nonstick::items::ItemsMut as _;
use nonstick::{
    AuthnFlags, AuthtokFlags, ConversationAdapter as _, ErrorCode, PamShared as _, Transaction,
    TransactionBuilder,
};

use crate::helpers::pam_conversation::{Answers, PamConversation};
use crate::helpers::pipe::{Incoming, tell};
use crate::helpers::{password, privilege};
use crate::log;
use crate::monitor::files;
use crate::monitor::login::pam::{PamCommand, PamResult, PamTask, broken, unusable};
use crate::monitor::second_step;
use crate::wire::{PamText, Rejection, Secret, User};

/// /etc/pam.d/occ
const SERVICE: &str = "occ";
/// A name that no account can have: it is too long.
const NOBODY: &str = "occ-nobody-has-this-name-and-nobody-may";
/// Passwords that a person may choose in one login until PAM takes one.
const MOST_CHOICES: usize = 10;
/// Part of what pam_google_authenticator says if it can't write its file.
const UNWRITABLE: &str = "while writing config";

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
        PamTask::Pretend { password, like } => pretend(command, password, like.as_ref()),
        PamTask::Account => check_account(command),
        PamTask::Check { password, code } => check(command, password, code.clone()),
        PamTask::Change { old, new } => change(command, Some(old), new),
    }
}

/// The account step alone, after a passkey. It stands for the password in this as well: one
/// that has expired is replaced without being asked for.
fn check_account(command: &PamCommand) -> PamResult {
    let talk = PamConversation::new(&command.user, &Secret::default(), Answers::None);
    let checked = transaction(&command.user, command.address, talk)
        .and_then(|mut pam| pam.account_management(AuthnFlags::empty()));
    tell_step(command.user.as_str(), "account", checked);
    match checked {
        Ok(()) => PamResult::Accepted,
        Err(ErrorCode::NewAuthTokRequired) => renew(command, None),
        Err(error) => refusal(error),
    }
}

fn log_in(command: &PamCommand, password: &Secret, stdin: Incoming) -> PamResult {
    let answers = Answers::Person(RefCell::new(stdin));
    let checked = match proven(command, password, answers) {
        Ok(mut pam) => pam.account_management(AuthnFlags::DISALLOW_NULL_AUTHTOK),
        Err(result) => return result,
    };
    tell_step(command.user.as_str(), "account", checked);
    match checked {
        Ok(()) => PamResult::Accepted,
        // Only after all of authentication: a wrong password never gets here.
        Err(ErrorCode::NewAuthTokRequired) => renew(command, Some(password)),
        Err(error) => refusal(error),
    }
}

/// The password, and the code if PAM asks for one.
fn check(command: &PamCommand, password: &Secret, code: Option<Secret>) -> PamResult {
    let answers = code.map_or(Answers::None, Answers::Given);
    match proven(command, password, answers) {
        Ok(_) => PamResult::Accepted,
        Err(result) => result,
    }
}

/// Authenticates an account. One whose second step is on is never let in without a
/// question: the service's line may be missing, or its module.
fn proven(
    command: &PamCommand,
    password: &Secret,
    answers: Answers,
) -> Result<impl Transaction + use<>, PamResult> {
    let user = &command.user;
    second_step::remove_if_of_another(user.as_str());
    let talk = PamConversation::new(user, password, answers);
    let (asked, said) = (talk.was_asked.clone(), talk.said.clone());
    let pam = authenticated(user, command.address, talk);
    tell_step(
        user.as_str(),
        "auth",
        pam.as_ref().map(|_| ()).map_err(|error| *error),
    );
    let is_right = || pam.is_ok() || asked.get() || password::stored(user, password).is_some();
    if let Some(why) = second_step::fault(user.as_str())
        && is_right()
    {
        return Err(broken(&why));
    }
    match pam {
        Ok(_) if !asked.get() && second_step::is_on(user.as_str()) => Err(broken(
            "no code was asked of a person whose second step is on: see /etc/pam.d/occ",
        )),
        Ok(pam) => Ok(pam),
        // pam_google_authenticator refuses a code that it can't mark as used.
        Err(_) if asked.get() && said.borrow().contains(UNWRITABLE) => {
            let words = said.borrow();
            Err(broken(&format!("second step of {user}: {}", words.trim())))
        }
        Err(error) => Err(refusal(error)),
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
/// an account, so that nobody learns who has one.
fn pretend(command: &PamCommand, password: &Secret, like: Option<&User>) -> PamResult {
    password::spend_a_check(like, password);
    // An account that is no person's, such as root, would cost a second check.
    let is_name = Username::parse(command.user.as_str()).is_ok();
    let user = if is_name && !files::is_account(command.user.as_str()) {
        command.user.clone()
    } else {
        User::cut(NOBODY)
    };
    let talk = PamConversation::new(&user, password, Answers::None);
    let authenticated = authenticated(&user, command.address, talk).map(|_| ());
    tell_step("an unknown or closed account", "auth", authenticated);
    if let Err(error) = authenticated
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
    let talk = PamConversation::for_change(&command.user, old.unwrap_or(new), new);
    let said = talk.said.clone();
    let flags = match old {
        Some(_) => AuthtokFlags::CHANGE_EXPIRED_AUTHTOK,
        None => AuthtokFlags::empty(),
    };
    let changed = transaction(&command.user, command.address, talk)
        .and_then(|mut pam| pam.change_authtok(flags));
    tell_step(command.user.as_str(), "password", changed);
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

/// Logs the answer of one of PAM's steps, by its name in /etc/pam.d.
fn tell_step(user: &str, step: &str, answer: nonstick::Result<()>) {
    log::debug(|| match answer {
        Ok(()) => format!("pam: {user}: {step}: success"),
        Err(error) => format!("pam: {user}: {step}: {error} ({error:?})"),
    });
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
