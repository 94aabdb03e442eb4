//! `occ user adopt`.

use accounts::wire::AccountReply;

use super::{Changed, check_names, may_have_changed};
use crate::error::Result;
use crate::occ_init;
use crate::session::Session;
use crate::ui::interrupt;

/// Takes over an account that was made inside the container.
pub(super) async fn run(session: &Session, name: String) -> Result<()> {
    check_names(std::slice::from_ref(&name))?;
    let init = session.occ_init().await?;
    let _notice = interrupt::notice(may_have_changed(&name));
    let args = occ_init::user("adopt", [&*name]);
    let reply: AccountReply = init.call(args).await?;
    Changed::One(reply).show(session, |account, _| {
        format!(
            "User '{}' adopted (uid {}).",
            account.user_name, account.uid
        )
    });
    session.follow(|users| users.push(name));
    Ok(())
}
