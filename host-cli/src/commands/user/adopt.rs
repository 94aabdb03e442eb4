//! `occ user adopt`.

use accounts::wire::AccountReply;

use super::{Changed, check_names, may_have_changed};
use crate::cli::Adopt;
use crate::error::Result;
use crate::occ_init::{self, switched_on};
use crate::session::Session;
use crate::ui::interrupt;

/// Takes over an account that was made inside the container.
pub(super) async fn run(session: &Session, Adopt { name, dry_run }: Adopt) -> Result<()> {
    check_names(std::slice::from_ref(&name))?;
    let init = session.occ_init().await?;
    let _notice = interrupt::notice(may_have_changed(&name));
    let switches = switched_on([("--dry-run", dry_run)]);
    let args = occ_init::user("adopt", switches.chain([&*name]));
    let reply: AccountReply = init.call(args).await?;
    Changed::One(reply).show(session, |account, _| {
        let done = if dry_run {
            "would be adopted"
        } else {
            "adopted"
        };
        format!("User '{}' {done} (uid {}).", account.user_name, account.uid)
    });
    if dry_run {
        return Ok(());
    }
    session.follow(|users| users.push(name));
    Ok(())
}
