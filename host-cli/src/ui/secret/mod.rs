//! Passwords and the request document that carries them, wiped after use.
//!
//! A secret is read without std's buffered stdin, which nobody can wipe, and
//! leaves only on the exec's stdin: never in argv, environment or errors.

use std::io;
use std::os::fd::AsFd;

use accounts::account::{check_password, secret_of};
use accounts::wire::{REQUEST_LIMIT, Request, SCHEMA};
use rand::TryRng;
use rand::rngs::SysRng;
use rustix::stdio::stdin;
use zeroize::{Zeroize, Zeroizing};

use crate::error::{Error, Result};

/// Characters of a generated password.
const GENERATED: usize = 24;
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A password or a hash. Never printed by `Debug`.
pub(crate) struct Secret(Zeroizing<String>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Secret {
    /// A password: 1 to 255 bytes of UTF-8 without control characters.
    pub(crate) fn password(bytes: &[u8]) -> Result<Self> {
        let invalid = |why: &str| Error::Invalid(format!("invalid password: {why}"));
        check_password(bytes).map_err(|why| invalid(&why.to_string()))?;
        Self::text(bytes).ok_or_else(|| invalid("it is not UTF-8"))
    }

    /// A crypt(5) hash; occ-init judges it, here it only has to be one line.
    pub(crate) fn hash(bytes: &[u8]) -> Result<Self> {
        let fine = !bytes.is_empty() && bytes.iter().all(u8::is_ascii_graphic);
        let text = if fine { Self::text(bytes) } else { None };
        text.ok_or_else(|| {
            Error::Invalid("invalid password hash: not one line of printable ASCII".into())
        })
    }

    fn text(bytes: &[u8]) -> Option<Self> {
        std::str::from_utf8(bytes)
            .ok()
            .map(|text| Self(Zeroizing::new(text.to_owned())))
    }

    /// 24 alphanumeric characters from the operating system's generator: six bits at
    /// a time; 62 and 63 are thrown away, so no character is likelier than another.
    pub(crate) fn generate() -> Result<Self> {
        let mut text = Zeroizing::new(String::with_capacity(GENERATED));
        let mut byte = Zeroizing::new([0_u8; 1]);
        while text.len() < GENERATED {
            SysRng.try_fill_bytes(&mut byte[..]).map_err(|error| {
                Error::failed(format!("the system's random generator failed: {error}"), "")
            })?;
            if let Some(character) = ALPHABET.get(usize::from(byte[0] & 0x3f)) {
                text.push(char::from(*character));
            }
        }
        Ok(Self(text))
    }

    /// The text itself, for the request and for showing a generated one.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

/// The document for `--request-stdin` of occ-init, as bytes that wipe themselves.
pub(crate) fn request(
    password: Option<&Secret>,
    hash: Option<&Secret>,
    keys: Option<Vec<String>>,
) -> Result<Zeroizing<Vec<u8>>> {
    to_bytes(Request {
        password: password.map(|secret| secret.expose().to_owned()),
        password_hash: hash.map(|secret| secret.expose().to_owned()),
        ssh_authorized_keys: keys,
        ..Request::default()
    })
}

/// The document of a request, whose secrets are wiped.
pub(crate) fn to_bytes(request: Request) -> Result<Zeroizing<Vec<u8>>> {
    let mut document = Request {
        schema: SCHEMA,
        ..request
    };
    // The whole size at once: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * REQUEST_LIMIT));
    let written = serde_json::to_writer(&mut *bytes, &document);
    document.password.zeroize();
    document.password_hash.zeroize();
    written.map_err(|error| Error::failed(format!("cannot write the request: {error}"), ""))?;
    if bytes.len() > REQUEST_LIMIT {
        return Err(Error::Invalid(
            "password and ssh keys together are larger than 64 KiB".into(),
        ));
    }
    Ok(bytes)
}

/// The secret that stdin holds to its end.
pub(crate) fn from_stdin() -> Result<Zeroizing<Vec<u8>>> {
    let content = read_all(stdin(), REQUEST_LIMIT).map_err(|error| stdin_error(&error))?;
    Ok(Zeroizing::new(secret_of(&content).to_vec()))
}

/// Reads to the end, or until there are more bytes than `limit`.
///
/// The buffer grows by hand: a vector that grows by itself leaves copies behind.
pub(crate) fn read_all(from: impl AsFd, limit: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![0; 64 * 1024]);
    let mut filled = 0;
    while filled <= limit {
        if filled == bytes.len() {
            let mut larger = Zeroizing::new(vec![0; 2 * filled]);
            larger[..filled].copy_from_slice(&bytes);
            bytes = larger;
        }
        match read(&from, &mut bytes[filled..])? {
            0 => break,
            more => filled += more,
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// One line from the terminal, without its newline; `None` at the end of input.
pub(crate) fn line() -> Result<Option<Zeroizing<Vec<u8>>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(REQUEST_LIMIT));
    let mut byte = Zeroizing::new([0_u8; 1]);
    loop {
        match read(stdin(), &mut byte[..]).map_err(|error| stdin_error(&error))? {
            0 if bytes.is_empty() => return Ok(None),
            0 => return Ok(Some(bytes)),
            _ if byte[0] == b'\n' => return Ok(Some(bytes)),
            _ if bytes.len() == REQUEST_LIMIT => {
                return Err(Error::Invalid("the line is too long".into()));
            }
            _ => bytes.push(byte[0]),
        }
    }
}

fn read(from: impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
    let read = rustix::io::retry_on_intr(|| rustix::io::read(&from, &mut *buffer));
    read.map_err(io::Error::from)
}

fn stdin_error(error: &io::Error) -> Error {
    Error::failed(format!("cannot read the input: {error}"), "")
}

/// No core dump and no ptrace by the same user: this process holds passwords.
pub(crate) fn keep_out_of_core_dumps() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let _ = setrlimit(Resource::Core, none);
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

#[cfg(test)]
mod tests;
