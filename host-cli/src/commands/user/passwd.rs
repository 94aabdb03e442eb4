//! `occ user passwd`.

use accounts::wire::AccountReply;

use super::source::New;
use super::{arguments, check_names, may_have_changed};
use crate::cli::Passwd;
use crate::error::Result;
use crate::session::Session;
use crate::ui::show::Shown;
use crate::ui::{interrupt, prompt};
use crate::{config, occ_init};

/// Sets a password.
pub(super) async fn run(session: &Session, passwd: Passwd) -> Result<()> {
    let name = passwd.name;
    check_names(std::slice::from_ref(&name))?;
    let given = New::from_flags(passwd.source, false)?;
    let (docker, container) = session.running().await?;
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
        let mut args = arguments("show");
        args.push(name.clone());
        occ_init::call::<AccountReply>(&docker, &container, args, None).await?;
        New::Password(prompt::new_password(&name)?)
    };
    let request = new.request(None)?;
    let _notice = interrupt::notice(may_have_changed(&name));
    let mut args = arguments("passwd");
    args.extend(["--request-stdin".to_owned(), name.clone()]);
    let mut reply: AccountReply = occ_init::call(
        &docker,
        &container,
        args,
        request.as_deref().map(Vec::as_slice),
    )
    .await?;
    let shown = match new.shown() {
        Shown::Generated(secret) => Shown::Generated(secret),
        Shown::Hidden | Shown::Nothing => Shown::Nothing,
    };
    session.screen.password_change(
        &mut reply,
        &format!("Password of '{name}' changed."),
        &shown,
    );
    config::follow(&session.mirror, |users| users.push(name));
    Ok(())
}
