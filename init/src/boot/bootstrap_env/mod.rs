//! The first account of a new store, named by the container's environment: for containers
//! that are started without `occ`, where no command can be called.
//!
//! Reads the environment and the password file; `commands::user::bootstrap` makes the account.

use crate::error::{Error, io, usage};
use crate::fs::dir::kind;
use crate::password::{self, Password};
use crate::sys::Environment;
use accounts::account::{PasswordHash, secret_of};
use nix::fcntl::OFlag;
use nix::sys::stat::{Mode, SFlag, fstat};
use std::ffi::OsString;
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// The names of all of them begin like this; none reaches COMMAND.
const PREFIX: &str = "OPENCODE_BOOTSTRAP_";
const USER: &str = "OPENCODE_BOOTSTRAP_USER";
const PASSWORD_FILE: &str = "OPENCODE_BOOTSTRAP_PASSWORD_FILE";
const PASSWORD_HASH: &str = "OPENCODE_BOOTSTRAP_PASSWORD_HASH";
const PASSWORD: &str = "OPENCODE_BOOTSTRAP_PASSWORD";
/// Variables whose values are overwritten where the kernel has them.
pub(crate) const SECRETS: [&str; 2] = [PASSWORD, PASSWORD_HASH];

/// The account that is asked for. No `Debug`: it holds a secret.
pub(crate) struct FirstAccount {
    pub(crate) user: String,
    secret: Secret,
}

enum Secret {
    /// A file that holds the password in one line.
    File(PathBuf),
    /// A crypt(5) hash.
    Hash(Zeroizing<Vec<u8>>),
    Password(Zeroizing<Vec<u8>>),
}

/// Returns true if the environment names anything about a first account.
pub(crate) fn is_set(env: &Environment) -> bool {
    env.has_prefix(PREFIX)
}

/// Removes all of them, and overwrites the secrets.
pub(crate) fn remove(env: &mut Environment) {
    for name in SECRETS {
        env.remove(name);
    }
    env.split_off(PREFIX);
}

impl FirstAccount {
    /// Reads the environment and removes the variables. Returns `None` if nothing is asked
    /// for. An empty variable counts as unset, for compose files cannot unset one.
    pub(crate) fn take(env: &mut Environment) -> Result<Option<Self>, Error> {
        let value = |name| {
            let value = env.get(name).filter(|value| !value.is_empty())?;
            Some(Zeroizing::new(value.to_vec()))
        };
        let user = value(USER);
        let secrets = [
            value(PASSWORD_FILE)
                .map(|path| Secret::File(PathBuf::from(OsString::from_vec(path.to_vec())))),
            value(PASSWORD_HASH).map(Secret::Hash),
            value(PASSWORD).map(Secret::Password),
        ];
        remove(env);
        Self::new(user.as_deref(), secrets.into_iter().flatten().collect())
    }

    fn new(user: Option<&Vec<u8>>, mut secrets: Vec<Secret>) -> Result<Option<Self>, Error> {
        let wrong = match (user, secrets.pop(), secrets.is_empty()) {
            (None, None, _) => return Ok(None),
            (Some(user), Some(secret), true) => {
                let user = String::from_utf8_lossy(user).into_owned();
                return Ok(Some(Self { user, secret }));
            }
            (None, Some(_), _) => format!("{USER} is not set"),
            (Some(_), None, _) => {
                format!("{USER} needs {PASSWORD_FILE}, {PASSWORD_HASH} or {PASSWORD}")
            }
            (Some(_), Some(_), false) => {
                format!("give one of {PASSWORD_FILE}, {PASSWORD_HASH} and {PASSWORD}")
            }
        };
        Err(Error::Usage(wrong))
    }

    /// A warning about a password in the environment; logged at each boot.
    pub(crate) fn warning(&self) -> Option<String> {
        matches!(self.secret, Secret::Password(_)).then(|| {
            format!(
                "warning: {PASSWORD} shows in 'docker inspect' and to every 'docker exec'; \
                 use {PASSWORD_FILE}"
            )
        })
    }

    /// The hash for the record, and what is said about a weak password.
    pub(crate) fn hash(&self) -> Result<(PasswordHash, Option<&'static str>), Error> {
        let hashed = |password: Password| Ok((password.hash()?, password.weakness()));
        match &self.secret {
            Secret::Hash(text) => Ok((password::parse_hash(text)?, None)),
            Secret::Password(bytes) => hashed(Password::new(bytes.clone())?),
            Secret::File(path) => hashed(Password::new(line_of(path)?)?),
        }
    }
}

/// The file's one line. Links are followed, for that is how Kubernetes mounts
/// secrets; a FIFO or a device would keep the boot waiting.
fn line_of(path: &PathBuf) -> Result<Zeroizing<Vec<u8>>, Error> {
    /// A password has 255 at most, a newline 2, a mark of UTF-8 before it 3; one more shows
    /// what is longer.
    const LONGEST: usize = 261;
    let failed = |errno| io("read", path)(errno);
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let file = nix::fcntl::open(path, flags, Mode::empty()).map_err(failed)?;
    let state = fstat(&file).map_err(failed)?;
    if kind(&state) != SFlag::S_IFREG {
        let path = path.display();
        return Err(usage(&format!("'{path}' is not a regular file")));
    }
    let content = password::read_secret(file.as_fd(), LONGEST).map_err(failed)?;
    Ok(Zeroizing::new(secret_of(&content).to_vec()))
}

#[cfg(test)]
mod tests;
