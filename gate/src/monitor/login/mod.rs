//! Decides logins and changes of passwords, from the call to the reply: who may
//! try (`rate_limit`, `queue`, `turns`), what PAM is asked (`pam`, `prompt`) and what comes
//! of its answer (`outcome`). Returns [`Action`]s for the monitor to perform.
//!
//! Every failure is answered at the same time: a whole multiple of
//! [`Limits::login_pace`] after the call. A name without an account makes the same work
//! as one with an account.

mod outcome;
mod passkey;
mod prompt;
mod queue;
mod requests;
mod turns;

pub(crate) mod access;
pub(crate) mod check;
pub(crate) mod device_cookie;
pub(crate) mod pam;
pub(crate) mod rate_limit;

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

use self::access::WrongAccess;
use self::check::{NotChecked, Purpose};
use self::device_cookie::DeviceKey;
use self::pam::{Helper, PamCommand, PamResult, PamTask, unusable};
use self::passkey::PasskeyStep;
use self::prompt::Paused;
use self::queue::LoginQueue;
use self::rate_limit::{Account, AddressBlock, FailureLimiter, Source};
use super::accounts::{AccountFingerprint, AccountPassword, Accounts};
use super::audit::{AuditLine, By, Outcome, Topic};
use super::files;
use super::passkeys::Signed;
use super::sessions::{Session, Sessions};
use super::web_process::WebId;
use crate::limits::Limits;
use crate::wire::ask::{Authenticate, ChangePassword};
use crate::wire::{
    Agent, ChangePasswordReply, Conversation, CredentialId, LoginReply, PamText, Rejection, Reply,
    Secret, TokenHash, User,
};

/// Everything about logins that lasts longer than a call.
pub(crate) struct Logins {
    pace: Duration,
    device_key: DeviceKey,
    failures: FailureLimiter,
    wrong_access: WrongAccess,
    queue: LoginQueue<(Box<Attempt>, Next)>,
    conversations: HashMap<Conversation, Paused>,
    /// People who change their password right now, and the account as it was before.
    changing: HashMap<String, Option<AccountFingerprint>>,
}

/// The state that a decision depends on.
pub(crate) struct Context<'a> {
    pub(crate) accounts: &'a Accounts,
    pub(crate) sessions: &'a mut Sessions,
    pub(crate) web: WebId,
    /// Since the monitor's start.
    pub(crate) now: Duration,
}

/// An action for the monitor, in this order.
pub(crate) enum Action {
    /// Call [`ask`], and [`Logins::pam_answered`] with the answer.
    Ask(Box<Attempt>, Next),
    Reply(u64, Reply),
    ReplyAt(Instant, u64, Reply),
    /// Save the sessions, and end the streams of these.
    SessionsChanged(Vec<TokenHash>),
    /// This person changed their own password: their access tokens stay good.
    KeepAccess(String, AccountPassword),
    /// The account of this person has changed: end what runs for them.
    StopOpencode(String),
    /// The person of this session showed their password, and a code if they have to:
    /// reply to that call.
    Checked(u64, TokenHash, Purpose),
}

/// One login or change of a password.
pub(crate) struct Attempt {
    id: u64,
    web: WebId,
    arrived: Instant,
    source: Source,
    account: Account,
    address: IpAddr,
    audit: AuditLine,
    /// The passkey that signed, once one has.
    passkey: Option<Signed>,
    /// The passkey that signed with a number that it gave before.
    copied: Option<CredentialId>,
    what: What,
}

enum What {
    Login {
        user: User,
        /// The account as it was when the login began, if there is one.
        fingerprint: Option<AccountFingerprint>,
        agent: Agent,
        device: Option<[u8; 16]>,
        /// The reply for the call: the login's, or that of an answer in it.
        reply: fn(LoginReply) -> Reply,
    },
    Change {
        user: String,
        session: TokenHash,
    },
    Check {
        user: String,
        session: TokenHash,
        purpose: Purpose,
    },
}

/// The next step of an attempt, when it is its turn.
pub(crate) enum Next {
    Start(PamCommand),
    Tell(Box<Helper>, Secret),
    /// A passkey comes before PAM.
    Passkey(Box<PasskeyStep>),
    /// Nobody has that passkey.
    Refuse,
}

/// An answer of a helper in an attempt.
pub(crate) struct PamEvent {
    attempt: Box<Attempt>,
    result: PamResult,
    helper: Option<Box<Helper>>,
}

impl What {
    fn user(&self) -> &str {
        match self {
            Self::Login { user, .. } => user.as_str(),
            Self::Change { user, .. } | Self::Check { user, .. } => user,
        }
    }

    /// The name for the log. A typed name may be a password, so only names of accounts are
    /// logged.
    fn account(&self) -> Option<&str> {
        let is_there = match self {
            Self::Login {
                user, fingerprint, ..
            } => fingerprint.is_some() || files::is_account(user.as_str()),
            Self::Change { .. } | Self::Check { .. } => true,
        };
        is_there.then(|| self.user())
    }

    fn topic(&self) -> Topic {
        match self {
            Self::Login { .. } => Topic::Login,
            Self::Change { .. } => Topic::PasswordChange,
            Self::Check { purpose, .. } => purpose.topic(),
        }
    }
}

impl Attempt {
    fn new(
        context: &Context<'_>,
        id: u64,
        (source, address): (Source, IpAddr),
        by: By,
        what: What,
    ) -> Box<Self> {
        let audit = AuditLine::new(what.topic(), address, what.account(), by);
        Box::new(Self {
            id,
            web: context.web,
            arrived: Instant::now(),
            source,
            account: Account::named(what.user()),
            address,
            audit,
            passkey: None,
            copied: None,
            what,
        })
    }

    fn of_session(context: &Context<'_>, id: u64, session: &Session, what: What) -> Box<Self> {
        let source = Source::Session(session.handle);
        Self::new(context, id, (source, session.address), By::Password, what)
    }

    /// The beginning of a line about it, beside its audit line.
    fn title(&self) -> String {
        let user = self.what.account().unwrap_or("an unknown name");
        format!("login: {user} from {}", self.address)
    }

    /// Ends one whose turn does not come: the reply to its call.
    fn refuse(self, why: NotChecked, outcome: Outcome) -> Action {
        self.audit.end(outcome);
        let reply = match &self.what {
            What::Login { reply, .. } => reply(why.into()),
            What::Change { .. } => Reply::ChangePassword(Ok(why.into())),
            What::Check { purpose, .. } => purpose.refusal(why),
        };
        Action::Reply(self.id, reply)
    }
}

fn change_reply(id: u64, reply: ChangePasswordReply) -> Action {
    Action::Reply(id, Reply::ChangePassword(Ok(reply)))
}

impl Logins {
    pub(crate) fn new(device_key: DeviceKey, limits: &Limits) -> Self {
        Self {
            pace: limits.login_pace,
            device_key,
            failures: FailureLimiter::default(),
            wrong_access: WrongAccess::default(),
            queue: LoginQueue::default(),
            conversations: HashMap::new(),
            changing: HashMap::new(),
        }
    }

    pub(crate) fn is_changing(&self, user: &str) -> bool {
        self.changing.contains_key(user)
    }

    /// The people who change their password right now.
    pub(crate) fn changing(&self) -> impl Iterator<Item = &str> {
        self.changing.keys().map(String::as_str)
    }

    /// Drops what waits: the web half that called is gone, and with it the
    /// changes that wait for their turn.
    pub(crate) fn forget_web(&mut self) {
        self.queue.clear_waiting();
        self.conversations.clear();
    }

    /// Begins a login; `is_own` tells that its address is one of this container's.
    pub(crate) fn authenticate(
        &mut self,
        context: &Context<'_>,
        id: u64,
        credentials: Authenticate,
        is_own: bool,
    ) -> Vec<Action> {
        let Authenticate {
            user,
            password,
            address,
            agent,
            device,
        } = credentials;
        let fingerprint = context.accounts.fingerprint(user.as_str());
        let (source, device) = self.source(user.as_str(), device.as_ref(), address, is_own);
        let task = if fingerprint.is_some() {
            PamTask::Login(password)
        } else {
            let number = Account::named(user.as_str()).number();
            let like = context.accounts.stand_in(number);
            let like = like.map(|person| User::cut(person.name.as_str()));
            PamTask::Pretend { password, like }
        };
        let command = PamCommand {
            user: user.clone(),
            address,
            task,
        };
        let what = What::Login {
            user,
            fingerprint,
            agent,
            device,
            reply: Reply::Authenticate,
        };
        let attempt = Attempt::new(context, id, (source, address), By::Password, what);
        self.enqueue(context, attempt, Next::Start(command))
    }

    /// Where the failures of a browser's login count, and the number of its device cookie if
    /// that is of this person's.
    fn source(
        &self,
        user: &str,
        device: Option<&Secret>,
        address: IpAddr,
        is_own: bool,
    ) -> (Source, Option<[u8; 16]>) {
        let number = device.and_then(|cookie| self.device_key.check(user, cookie));
        let source = match number {
            Some(number) => Source::Device(number),
            None => Source::Address(AddressBlock::of(address, is_own)),
        };
        (source, number)
    }

    /// Begins a change of the password of a session's person.
    pub(crate) fn change_password(
        &mut self,
        context: &Context<'_>,
        id: u64,
        session: &Session,
        ChangePassword { token, old, new }: ChangePassword,
    ) -> Vec<Action> {
        if let Some(text) = unusable(&old, &new) {
            let (why, text) = (Rejection::New, PamText::cut(&text));
            return vec![change_reply(
                id,
                ChangePasswordReply::Rejected { why, text },
            )];
        }
        if self.is_changing(&session.user) {
            return vec![change_reply(
                id,
                ChangePasswordReply::SlowDown { seconds: 1 },
            )];
        }
        let command = PamCommand {
            user: User::cut(&session.user),
            address: session.address,
            task: PamTask::Change { old, new },
        };
        let what = What::Change {
            user: session.user.clone(),
            session: token.hash(),
        };
        let attempt = Attempt::of_session(context, id, session, what);
        self.enqueue(context, attempt, Next::Start(command))
    }
}

/// Asks PAM, or goes on asking; `patience` is how long PAM may work.
pub(crate) async fn ask(mut attempt: Box<Attempt>, next: Next, patience: Duration) -> PamEvent {
    let started = match next {
        Next::Passkey(step) => match passkey::check(&mut attempt, *step).await {
            Some(command) => Helper::start(&command).await.map(Box::new).map(Some),
            None => Ok(None),
        },
        Next::Refuse => Ok(None),
        Next::Start(command) => Helper::start(&command).await.map(Box::new).map(Some),
        Next::Tell(mut helper, text) => helper.tell(&text).await.map(|()| Some(helper)),
    };
    let (result, helper) = match started {
        Ok(Some(mut helper)) => (helper.answer(patience).await, Some(helper)),
        Ok(None) => (PamResult::Refused, None),
        Err(error) => (pam::broken(&error.to_string()), None),
    };
    PamEvent {
        attempt,
        result,
        helper,
    }
}
