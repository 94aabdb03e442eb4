//! `occ user enable` and `occ user disable`.

use super::{Changed, check_names, may_have_changed};
use crate::error::Result;
use crate::occ_init;
use crate::session::Session;
use crate::ui::interrupt;

/// Enables or disables accounts, as `verb` says, all in one exec.
pub(super) async fn run(session: &Session, verb: &str, names: &[String]) -> Result<()> {
    check_names(names)?;
    let init = session.occ_init().await?;
    let _notice = interrupt::notice(may_have_changed(&names[0]));
    let args = occ_init::user(verb, names.iter().map(String::as_str));
    let changed: Changed = init.call(args).await?;
    changed.show(session, |account, changed| {
        let name = &account.user_name;
        if changed {
            format!("User '{name}' {verb}d.")
        } else {
            format!("User '{name}' is {verb}d already.")
        }
    });
    session.follow(|users| users.extend_from_slice(names));
    Ok(())
}
