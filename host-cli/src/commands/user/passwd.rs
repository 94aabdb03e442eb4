//! `occ user passwd`.

use accounts::wire::AccountReply;

use super::source::New;
use super::{check_names, may_have_changed};
use crate::cli::Passwd;
use crate::error::Result;
use crate::occ_init;
use crate::session::Session;
use crate::ui::{interrupt, prompt};

pub(super) async fn run(session: &Session, passwd: Passwd) -> Result<()> {
    let name = passwd.name;
    check_names(std::slice::from_ref(&name))?;
    let given = New::from_flags(passwd.source, false)?;
    let init = session.occ_init().await?;
    if given.is_none() {
        prompt::require(
            session.no_input,
            "a password",
            "--password-stdin or --generate",
        )?;
    }
    let new = if let Some(new) = given {
        new
    } else {
        let args = occ_init::user("show", [&*name]);
        init.call::<AccountReply>(args).await?;
        New::Password(prompt::new_password(&name)?)
    };
    let request = new.request(None)?;
    let _notice = interrupt::notice(may_have_changed(&name));
    let args = occ_init::user("passwd", ["--request-stdin", &name]);
    let mut reply: AccountReply = init
        .call_with(args, request.as_deref().map(Vec::as_slice))
        .await?;
    let message = format!("Password of '{name}' changed.");
    session
        .screen
        .password_change(&mut reply, &message, new.generated());
    session.follow(|users| users.push(name));
    Ok(())
}
