//! `occ user enable` and `occ user disable`.

use accounts::wire::AccountView;

use super::{Changed, check_names, may_have_changed};
use crate::error::Result;
use crate::occ_init;
use crate::session::Session;
use crate::ui::interrupt;

/// Which of the two.
#[derive(Debug, Clone, Copy)]
pub(super) enum Verb {
    /// Let in again.
    Enable,
    /// Shut out.
    Disable,
}

impl Verb {
    const fn word(self) -> &'static str {
        match self {
            Self::Enable => "enable",
            Self::Disable => "disable",
        }
    }

    fn message(self, account: &AccountView, changed: bool) -> String {
        let name = &account.user_name;
        if changed {
            format!("User '{name}' {}d.", self.word())
        } else {
            format!("User '{name}' is {}d already.", self.word())
        }
    }
}

/// Enables or disables accounts, all in one exec.
pub(super) async fn run(session: &Session, verb: Verb, names: &[String]) -> Result<()> {
    check_names(names)?;
    let init = session.occ_init().await?;
    let _notice = interrupt::notice(may_have_changed(&names[0]));
    let args = occ_init::user(verb.word(), names.iter().map(String::as_str));
    let changed: Changed = init.call(args).await?;
    changed.show(session, |account, changed| verb.message(account, changed));
    session.follow(|users| users.extend_from_slice(names));
    Ok(())
}
