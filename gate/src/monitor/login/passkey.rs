//! A login with a passkey: a process reads the proof, PAM's account step decides about
//! everything that is no password, and then it is a login like any other.

use super::pam::{PamCommand, PamResult, PamTask};
use super::{Action, Attempt, Context, Logins, Next, PamEvent, What};
use crate::log;
use crate::monitor::audit::By;
use crate::monitor::passkeys::check::{self, Check, Checked, Nobody};
use crate::monitor::passkeys::{Claim, Signature, Signed, copied};
use crate::wire::ask::PasskeyLogin;
use crate::wire::{Conversation, CredentialId, Reply, User};

/// The check of a passkey, and PAM's command if it proves its person.
pub(crate) struct PasskeyStep {
    /// Its id in the record.
    id: String,
    credential: CredentialId,
    check: Check,
    nobody: Nobody,
    command: PamCommand,
}

impl Logins {
    /// Begins a login; without a claim it is nobody's, and ends as refused.
    pub(crate) fn with_passkey(
        &mut self,
        context: &Context<'_>,
        id: u64,
        login: PasskeyLogin,
        claim: Option<Claim>,
        is_own: bool,
    ) -> Vec<Action> {
        let user = claim.as_ref().map_or("", |claim| &claim.user);
        let (source, device) = self.source(user, login.device.as_ref(), login.address, is_own);
        let what = What::Login {
            user: User::cut(user),
            fingerprint: context.accounts.fingerprint(user),
            agent: login.agent,
            device,
            reply: Reply::PasskeyLogin,
        };
        let from = (source, login.address);
        let attempt = Attempt::new(context, id, from, By::Passkey, what);
        let next = claim.map_or(Next::Refuse, |claim| {
            let command = PamCommand {
                user: User::cut(&claim.user),
                address: login.address,
                task: PamTask::Account,
            };
            Next::Passkey(Box::new(PasskeyStep {
                id: claim.id,
                credential: login.credential,
                check: claim.check,
                nobody: claim.nobody,
                command,
            }))
        });
        self.enqueue(context, attempt, next)
    }
}

impl Logins {
    /// The person and the passkey of a login that waits for a new password.
    pub(crate) fn waits_with_passkey(
        &self,
        conversation: Conversation,
    ) -> Option<(String, CredentialId)> {
        let attempt = &self.conversations.get(&conversation)?.attempt;
        let credential = attempt.passkey.as_ref()?.credential.clone();
        match &attempt.what {
            What::Login { user, .. } => Some((user.as_str().to_owned(), credential)),
            What::Change { .. } | What::Check { .. } => None,
        }
    }

    /// Ends a login that waits.
    pub(crate) fn drop_conversation(&mut self, conversation: Conversation) {
        self.conversations.remove(&conversation);
    }
}

/// Returns PAM's command if the passkey signed; the attempt keeps what it signed with.
pub(super) async fn check(attempt: &mut Attempt, step: PasskeyStep) -> Option<PamCommand> {
    match check::ask(&step.check, step.nobody).await {
        Checked::Signed { counter } => {
            let credential = step.credential;
            attempt.passkey = Some(Signed {
                credential,
                counter: Some(counter),
            });
            Some(step.command)
        }
        Checked::Copied => {
            let copied = copied(step.command.user.as_str(), &step.id);
            log::line(&format!("{}: {copied}", attempt.title()));
            attempt.copied = Some(step.credential);
            None
        }
        Checked::No { why } => {
            log::line(&format!(
                "{}: the passkey proves nothing: {why}",
                attempt.title()
            ));
            None
        }
        Checked::Made { .. } | Checked::NotKept => None,
    }
}

impl PamEvent {
    /// The passkey of a login that PAM lets in, perhaps with another password, and whose it
    /// was; once, so that each signature counts once.
    pub(crate) fn take_signature(&mut self) -> Option<Signature> {
        let What::Login { user, .. } = &self.attempt.what else {
            return None;
        };
        let is_let_in = matches!(
            self.result,
            PamResult::Accepted | PamResult::NewPasswordNeeded { .. }
        );
        let signed = self.attempt.passkey.as_mut().filter(|_| is_let_in)?;
        Some(Signature {
            user: user.as_str().to_owned(),
            credential: signed.credential.clone(),
            counter: signed.counter.take()?,
        })
    }

    /// The passkey that this login has shown to be copied.
    pub(crate) fn copied(&self) -> Option<&CredentialId> {
        self.attempt.copied.as_ref()
    }

    /// Refuses it after all.
    pub(crate) fn refuse(&mut self) {
        self.result = PamResult::Refused;
        self.helper = None;
    }
}
