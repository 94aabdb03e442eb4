//! `user passwd`, and where passwords come from.

use super::apply::{apply, begin, warn_about};
use super::lookup::find;
use super::reply::with_password;
use super::ssh_keys::parse_keys;
use crate::cli::admin::Source;
use crate::clock::now_usec;
use crate::commands::output::Output;
use crate::error::{Error, usage};
use crate::log::say;
use crate::password::{self, Password};
use crate::restore::Paths;
use accounts::account::{PasswordHash, SshKey, Username};
use accounts::wire::Request;
use zeroize::{Zeroize, Zeroizing};

/// The password or hash that was given.
#[derive(Default)]
pub(super) struct Credentials {
    pub(super) hash: Option<PasswordHash>,
    /// The password that `--generate` made.
    pub(super) generated: Option<Zeroizing<String>>,
    /// ssh keys that came in a request.
    pub(super) ssh_keys: Vec<SshKey>,
}

impl Credentials {
    pub(super) fn of(hash: PasswordHash) -> Self {
        Self {
            hash: Some(hash),
            ..Self::default()
        }
    }
}

/// Sets a new password. A disabled account stays disabled.
pub(super) fn passwd(
    typed: &str,
    source: &Source,
    paths: &Paths,
    quiet: bool,
) -> Result<Output, Error> {
    let name = Username::parse(typed)?;
    // Before anybody is asked for a password in vain; the locks are not held
    // while a person types.
    drop(find(&begin(paths)?, &name)?);
    let credentials = credentials(source)?;
    let hash = credentials
        .hash
        .ok_or(Error::Request("no password and no hash in it"))?;
    let mut session = begin(paths)?;
    let mut record = find(&session, &name)?;
    record.update(|account| account.set_password(hash, now_usec()));
    session.save(&record)?;
    let summary = apply(&mut session)?;
    warn_about(&summary, &name)?;
    let (account, generated) = (record.account(), credentials.generated.as_deref());
    let message = format!("Password of '{name}' changed.");
    Ok(with_password(message, account, generated, quiet, false))
}

/// Reads, asks for or makes a password, and hashes it.
pub(super) fn credentials(source: &Source) -> Result<Credentials, Error> {
    if source.generate {
        let password = Password::generate()?;
        Ok(Credentials {
            generated: Some(password.reveal()),
            ..hashed(&password)?
        })
    } else if source.password_stdin {
        hashed(&Password::from_stdin()?)
    } else if source.password_hash_stdin {
        Ok(Credentials::of(password::hash_from_stdin()?))
    } else if source.request_stdin {
        of_request(password::request_from_stdin()?)
    } else if password::can_ask() {
        hashed(&Password::from_terminal()?)
    } else {
        Err(usage(
            "a password is needed: give --password-stdin or --generate, or use a terminal",
        ))
    }
}

fn hashed(password: &Password) -> Result<Credentials, Error> {
    if let Some(weakness) = password.weakness() {
        say(&format!("warning: {weakness}"));
    }
    Ok(Credentials::of(password.hash()?))
}

fn of_request(mut request: Request) -> Result<Credentials, Error> {
    let credentials = match (request.password.take(), request.password_hash.take()) {
        (Some(password), _) => hashed(&Password::new(Zeroizing::new(password.into_bytes()))?)?,
        (None, Some(mut text)) => {
            let hash = PasswordHash::parse(&text);
            text.zeroize();
            Credentials::of(hash?)
        }
        (None, None) => Credentials::default(),
    };
    let ssh_keys = parse_keys(&request.ssh_authorized_keys.unwrap_or_default())?;
    Ok(Credentials {
        ssh_keys,
        ..credentials
    })
}
