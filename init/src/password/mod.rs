//! Passwords: read, made, hashed, wiped. The only place where plaintext is.

#[cfg(test)]
mod tests;

use crate::error::{Error, io, usage};
use crate::fs::retry;
use accounts::account::{InvalidHash, PasswordHash, check_password, secret_of};
use accounts::wire::{REQUEST_LIMIT, Request, SCHEMA};
use nix::errno::Errno;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
use rand::TryRng;
use rand::rngs::SysRng;
use sha_crypt::password_hash::{PasswordHasher, PasswordVerifier};
use sha_crypt::{Algorithm, Params, ShaCrypt};
use std::io::IsTerminal;
use std::os::fd::{AsFd, BorrowedFd};
use zeroize::Zeroizing;

/// Length of a generated password.
const GENERATED: usize = 24;
/// Rounds of sha512-crypt; 0.2 s on a small machine.
const ROUNDS: u32 = 500_000;
/// Sets another number of rounds, 100000 to 2000000.
const ROUNDS_VARIABLE: &str = "OCC_INIT_SHA512_ROUNDS";
/// Bytes of salt: 12 make the 16 characters that crypt(5) reads. The crate's own
/// `hash_password` writes 22, of which every libc compares 16, so that no
/// password would ever match.
const SALT: usize = 12;

/// A password. No `Debug`, no `Clone`; wiped when dropped.
pub(crate) struct Password(Zeroizing<Vec<u8>>);

/// Keeps secrets of this process out of core dumps and other people's reach.
pub(crate) fn protect_process() {
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    let _ = nix::sys::prctl::set_dumpable(false);
}

impl Password {
    /// 1 to 255 bytes without control characters.
    pub(crate) fn new(bytes: Zeroizing<Vec<u8>>) -> Result<Self, Error> {
        check_password(&bytes).map_err(Error::Password)?;
        Ok(Self(bytes))
    }

    /// 24 letters and digits from the operating system's generator.
    pub(crate) fn generate() -> Result<Self, Error> {
        const ALPHABET: &[u8; 62] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let mut password = Zeroizing::new(Vec::with_capacity(GENERATED));
        let mut random = Zeroizing::new([0_u8; 64]);
        while password.len() < GENERATED {
            let filled = SysRng.try_fill_bytes(random.as_mut_slice());
            filled.map_err(|_| Error::Hashing)?;
            // 248 = 4 · 62: higher bytes would favour the first letters.
            let even = random
                .iter()
                .filter(|&&byte| byte < 248)
                .map(|byte| ALPHABET[usize::from(byte % 62)]);
            let missing = GENERATED - password.len();
            password.extend(even.take(missing));
        }
        Self::new(password)
    }

    /// The generated password, to be shown once.
    pub(crate) fn reveal(&self) -> Zeroizing<String> {
        Zeroizing::new(String::from_utf8_lossy(&self.0).into_owned())
    }

    /// sha512-crypt with a fresh salt, checked once against itself.
    pub(crate) fn hash(&self) -> Result<PasswordHash, Error> {
        let text = self.sha512_crypt().ok_or(Error::Hashing)?;
        Ok(PasswordHash::parse(&text)?)
    }

    fn sha512_crypt(&self) -> Option<Zeroizing<String>> {
        let mut salt = [0_u8; SALT];
        SysRng.try_fill_bytes(&mut salt).ok()?;
        let hasher = ShaCrypt::new(Algorithm::Sha512Crypt, Params::new(rounds()).ok()?);
        let hash = hasher.hash_password_with_salt(&self.0, &salt).ok()?;
        hasher.verify_password(&self.0, &hash).ok()?;
        let text = Zeroizing::new(hash.to_string());
        let is_whole = text.split('$').nth(3).is_some_and(|salt| salt.len() == 16);
        is_whole.then_some(text)
    }

    /// Why the password is easy to guess: a warning, never a refusal.
    pub(crate) fn weakness(&self) -> Option<&'static str> {
        accounts::account::weakness(&self.0)
    }

    /// One line from standard input, without its newline.
    pub(crate) fn from_stdin() -> Result<Self, Error> {
        Self::new(line_from_stdin()?)
    }

    /// Typed twice at a terminal, without echo.
    pub(crate) fn from_terminal() -> Result<Self, Error> {
        let first = typed("Password: ")?;
        let second = typed("Password again: ")?;
        if *first == *second {
            Self::new(first)
        } else {
            Err(Error::PasswordsDiffer)
        }
    }
}

/// A crypt(5) hash as one line of standard input.
pub(crate) fn hash_from_stdin() -> Result<PasswordHash, Error> {
    parse_hash(&line_from_stdin()?)
}

pub(crate) fn parse_hash(bytes: &[u8]) -> Result<PasswordHash, Error> {
    let text = std::str::from_utf8(bytes).map_err(|_| InvalidHash::Characters)?;
    Ok(PasswordHash::parse(text)?)
}

/// The request document, read to its end. A client that died half-way leaves it
/// incomplete, and then nothing happens.
pub(crate) fn request_from_stdin() -> Result<Request, Error> {
    let bytes = read_stdin(REQUEST_LIMIT + 1)?;
    if bytes.len() > REQUEST_LIMIT {
        return Err(Error::Request("more than 64 KiB"));
    }
    // The parser's own message could repeat a piece of the secret.
    let request: Request = serde_json::from_slice(&bytes)
        .map_err(|_| Error::Request("not one whole JSON document"))?;
    if request.schema > SCHEMA {
        return Err(Error::Request("a newer schema than this program knows"));
    }
    if request.password.is_some() && request.password_hash.is_some() {
        return Err(Error::Request("both a password and a hash"));
    }
    Ok(request)
}

/// Returns true if a question can be put: it goes to stderr, the answer comes from stdin.
pub(crate) fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// One line from the terminal, with echo.
pub(crate) fn ask(question: &str) -> Result<String, Error> {
    prompt(question);
    let line = terminal_line()?;
    Ok(String::from_utf8_lossy(&line).trim().to_owned())
}

fn typed(question: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    let stdin = std::io::stdin();
    let terminal = |errno| io("set", "terminal")(errno);
    let before = tcgetattr(stdin.as_fd()).map_err(terminal)?;
    let mut silent = before.clone();
    silent.local_flags.remove(LocalFlags::ECHO);
    silent.local_flags.insert(LocalFlags::ECHONL);
    // What was typed before the question was not meant as the answer.
    tcsetattr(stdin.as_fd(), SetArg::TCSAFLUSH, &silent).map_err(terminal)?;
    prompt(question);
    let line = terminal_line();
    tcsetattr(stdin.as_fd(), SetArg::TCSANOW, &before).map_err(terminal)?;
    line
}

fn prompt(question: &str) {
    use std::io::Write;
    let _ = std::io::stderr().write_all(question.as_bytes());
}

/// Reads one line byte by byte: a reader with a buffer would leave a copy of the
/// password in it.
fn terminal_line() -> Result<Zeroizing<Vec<u8>>, Error> {
    let stdin = std::io::stdin();
    let mut line = Zeroizing::new(Vec::with_capacity(1024));
    let mut byte = [0_u8; 1];
    loop {
        match retry::read(stdin.as_fd(), &mut byte).map_err(io("read", "standard input"))? {
            0 if line.is_empty() => return Err(usage("no answer: the input ended")),
            0 => return Ok(line),
            _ if byte[0] == b'\n' => return Ok(line),
            _ => line.push(byte[0]),
        }
    }
}

fn line_from_stdin() -> Result<Zeroizing<Vec<u8>>, Error> {
    let content = read_stdin(REQUEST_LIMIT)?;
    Ok(Zeroizing::new(secret_of(&content).to_vec()))
}

/// Reads what is left, for an answer that was clear without it. A socket that is
/// closed with unread bytes is reset, and Podman then loses the answer as well.
pub(crate) fn finish_stdin() {
    if !std::io::stdin().is_terminal() {
        drop(read_stdin(REQUEST_LIMIT + 1));
    }
}

fn read_stdin(limit: usize) -> Result<Zeroizing<Vec<u8>>, Error> {
    let read = read_secret(std::io::stdin().as_fd(), limit);
    read.map_err(|_| Error::Request("it can't be read"))
}

/// Reads to the end, or `limit` bytes; past std's readers, whose buffers would keep a copy.
pub(crate) fn read_secret(from: BorrowedFd<'_>, limit: usize) -> Result<Zeroizing<Vec<u8>>, Errno> {
    let mut bytes = Zeroizing::new(vec![0; limit]);
    let mut filled = 0;
    while filled < limit {
        match retry::read(from, &mut bytes[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

fn rounds() -> u32 {
    let wanted = std::env::var(ROUNDS_VARIABLE).ok();
    let wanted = wanted.and_then(|rounds| rounds.parse().ok());
    let is_allowed = |rounds: &u32| (100_000..=2_000_000).contains(rounds);
    wanted.filter(is_allowed).unwrap_or(ROUNDS)
}
