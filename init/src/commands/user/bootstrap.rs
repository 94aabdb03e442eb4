//! The first account of a new store, on the road of `user add`.

use super::add;
use crate::boot::bootstrap_env::FirstAccount;
use crate::cli::admin::Add;
use crate::error::Error;
use crate::log::say;
use crate::restore::Session;

/// Makes it. The caller has looked that no account ever was, and restores.
pub(crate) fn make_first(session: &mut Session, first: &FirstAccount) -> Result<(), Error> {
    if !session.holds_store() {
        return Err(Error::Busy {
            path: session.paths().store.clone(),
            holder: None,
        });
    }
    let options = Add {
        name: Some(first.user.clone()),
        ..Add::default()
    };
    let (account, weakness) = add::with_hash(session, &options, || first.hash())?;
    if let Some(weakness) = weakness {
        say(&format!("warning: {weakness}"));
    }
    say(&format!(
        "made the first account '{}' (uid {})",
        account.name, account.uid
    ));
    Ok(())
}
