//! The turns of attempts: who waits, who starts and pays for it, and what frees a place.

use super::check::NotChecked;
use super::pam::PamResult;
use super::prompt::Question;
use super::{Action, Attempt, Context, Logins, Next, PamEvent, What};
use crate::log;
use crate::monitor::audit::Outcome;
use crate::wire::Rejection;

impl Logins {
    /// Lets an attempt wait for its turn, unless there were too many failures.
    pub(super) fn enqueue(
        &mut self,
        context: &Context<'_>,
        attempt: Box<Attempt>,
        next: Next,
    ) -> Vec<Action> {
        let (source, account) = (attempt.source, attempt.account);
        if let Some(seconds) = self.failures.refusal(source, account, context.now) {
            let why = NotChecked::SlowDown { seconds };
            return vec![attempt.refuse(why, Outcome::TooManyFailures)];
        }
        let mut actions = Vec::new();
        let pushed = self
            .queue
            .push(attempt.id, source, account, (attempt, next));
        if let Some((dropped, _)) = pushed {
            actions.push(dropped.refuse(NotChecked::Unavailable, Outcome::Busy));
        }
        actions.extend(self.start_waiting(context));
        actions
    }

    /// Starts the attempts that may start by now. The budget is looked at here: many may
    /// have come before the first of them failed.
    fn start_waiting(&mut self, context: &Context<'_>) -> Vec<Action> {
        let mut actions = Vec::new();
        let now = context.now;
        loop {
            let is_slowed = |source| self.failures.is_slowed(source, now);
            let Some((attempt, next)) = self.queue.start_next(is_slowed) else {
                return actions;
            };
            let (source, account) = (attempt.source, attempt.account);
            if let Some(seconds) = self.failures.refusal(source, account, now) {
                self.queue.ended(source, account);
                let (why, arrived) = (NotChecked::SlowDown { seconds }, attempt.arrived);
                let reply = attempt.refuse(why, Outcome::TooManyFailures);
                // Sooner it would tell how long the checks before it took.
                actions.push(self.delayed(arrived, reply));
                continue;
            }
            self.failures.started(source, account, now);
            if let What::Change { user, .. } = &attempt.what {
                let before = context.accounts.fingerprint(user);
                self.changing.insert(user.clone(), before);
            }
            actions.push(Action::Ask(attempt, next));
        }
    }

    /// Nobody waits for this call any more: what has not begun does not begin.
    pub(crate) fn forget(&mut self, id: u64) -> Option<Action> {
        let (attempt, _) = self.queue.remove(id)?;
        Some(attempt.refuse(NotChecked::Unavailable, Outcome::Unanswered))
    }

    /// Takes an answer of PAM's: the place of its helper is free for the next.
    pub(crate) fn pam_answered(
        &mut self,
        context: &mut Context<'_>,
        event: PamEvent,
    ) -> Vec<Action> {
        let PamEvent {
            mut attempt,
            result,
            helper,
        } = event;
        let (source, account) = (attempt.source, attempt.account);
        match result {
            PamResult::Accepted | PamResult::Changed { .. } => {
                self.failures.succeeded(source, account);
            }
            PamResult::Prompt { .. }
            | PamResult::NewPasswordNeeded { .. }
            | PamResult::Rejected {
                why: Rejection::New,
                ..
            }
            | PamResult::Broken { .. } => self.failures.undecided(source, account),
            PamResult::Refused | PamResult::Rejected { .. } => (),
        }
        self.queue.ended(source, account);
        let mut actions = match result {
            PamResult::Prompt { text, echo } => {
                attempt.audit.asks_for_code();
                self.pause(context, attempt, helper, Question::Pams { text, echo })
            }
            PamResult::NewPasswordNeeded { text } => {
                log::line(&format!("{}: a new password is needed", attempt.title()));
                self.pause(context, attempt, helper, Question::NewPassword { text })
            }
            result => self.conclude(context, *attempt, result),
        };
        // After the end of a change of the same person's.
        actions.extend(self.start_waiting(context));
        actions
    }
}
