//! `occ user adopt`.

use accounts::wire::AccountReply;

use super::{Changed, arguments, check_names, may_have_changed};
use crate::error::Result;
use crate::session::Session;
use crate::ui::interrupt;
use crate::{config, occ_init};

/// Takes over an account that was made inside the container.
pub(super) async fn run(session: &Session, name: String) -> Result<()> {
    check_names(std::slice::from_ref(&name))?;
    let (docker, container) = session.running().await?;
    let _notice = interrupt::notice(may_have_changed(&name));
    let mut args = arguments("adopt");
    args.push(name.clone());
    let reply: AccountReply = occ_init::call(&docker, &container, args, None).await?;
    Changed::One(reply).show(session, |account, _| {
        format!(
            "User '{}' adopted (uid {}).",
            account.user_name, account.uid
        )
    });
    config::follow(&session.mirror, |users| users.push(name));
    Ok(())
}
