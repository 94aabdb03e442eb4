//! Where the gate runs: a pid and a mount namespace with account files, homes,
//! sessions and programs of its own, on this machine's network, so that opencode
//! is as near directly as through the gate. All of it goes when it is dropped.

use bench::{Error, answer, io, until};
use sha_crypt::password_hash::PasswordHasher as _;
use sha_crypt::{Algorithm, Params, ShaCrypt};
use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// People; each logs in once.
pub(crate) const PEOPLE: u32 = 50;
/// Everybody's. One hash for all, too: what a check costs depends on its rounds.
pub(crate) const PASSWORD: &str = "correct-horse-battery";
/// As `occ user passwd` makes them.
const ROUNDS: u32 = 500_000;
/// Uids that nobody else on this machine's network has.
const FIRST_UID: u32 = 41_000;
const WEB_UID: u32 = 901;
/// To start, on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
const START: &str = r#"
for part in etc home run var usr/local/bin; do mount --bind "$PLACE/$part" "/$part" || exit; done
unset PLACE
exec /usr/local/bin/occ-gate
"#;

/// Somebody with an account.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) uid: u32,
}

/// A gate that runs.
pub(crate) struct Place {
    root: PathBuf,
    unshare: Child,
    /// The gate's two processes.
    pub(crate) monitor: u32,
    pub(crate) web_half: u32,
    pub(crate) address: SocketAddr,
}

pub(crate) fn people() -> Vec<Person> {
    let person = |number| Person {
        name: format!("person{number:02}"),
        uid: FIRST_UID + number,
    };
    (0..PEOPLE).map(person).collect()
}

impl Place {
    pub(crate) fn start() -> Result<Self, Error> {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-gate");
        remove(&root)?;
        fill(&root)?;
        let mut place = Self {
            unshare: spawn(&root)?,
            root,
            monitor: 0,
            web_half: 0,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        match until("the gate", PATIENCE, || place.look()) {
            Ok(()) => Ok(place),
            Err(error) => Err(place.explain(&error)),
        }
    }

    /// Whether it is up.
    fn look(&mut self) -> Result<Option<()>, Error> {
        if let Some(status) = self.unshare.try_wait().map_err(io("unshare"))? {
            return Err(Error::Other(format!("the gate ended: {status}")));
        }
        let (Some(monitor), Ok(status)) = (
            children(self.unshare.id()).first().copied(),
            fs::read(self.root.join("run/occ/gate.json")),
        ) else {
            return Ok(None);
        };
        let status = serde_json::from_slice::<serde_json::Value>(&status).unwrap_or_default();
        let address = status["listen"].as_str().and_then(|text| text.parse().ok());
        let (Some(address), Some(web_half)) = (address, web_half(monitor)) else {
            return Ok(None);
        };
        (self.monitor, self.web_half, self.address) = (monitor, web_half, address);
        Ok(Some(()))
    }

    /// An error, and what the gate said last.
    pub(crate) fn explain(&self, error: &Error) -> Error {
        let log = fs::read_to_string(self.root.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let last = lines[lines.len().saturating_sub(5)..].join("\n");
        Error::Other(format!("{error}\nthe gate said last:\n{last}"))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // PID 1 of its namespace: all others are gone before it is.
        for pid in children(self.unshare.id()) {
            let pid = nix::unistd::Pid::from_raw(pid.cast_signed());
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
        }
        let _ = self.unshare.wait();
        let _ = remove(&self.root);
    }
}

fn spawn(root: &Path) -> Result<Child, Error> {
    let log = root.join("log");
    let log = fs::File::create(&log).map_err(io(log))?;
    let mut unshare = Command::new(bench::tool("unshare", "util-linux")?);
    unshare
        .args(["--pid", "--mount", "--fork", "--mount-proc", "--kill-child"])
        .args(["sh", "-c", START])
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .env("LANG", "C.UTF-8")
        .env("PLACE", root)
        .env("OCC_GATE_LISTEN", "127.0.0.1:0")
        // It would try for as long as it is measured.
        .env("OPENCODE_DISABLE_MODELS_FETCH", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log);
    unshare.spawn().map_err(io("unshare"))
}

fn web_half(monitor: u32) -> Option<u32> {
    let is_web = |pid: &u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let is_part = line.split(|&byte| byte == 0).nth(1) == Some(b"web");
        // Before that it is root's.
        is_part && bench::number(*pid, "status", "Uid:").is_ok_and(|uid| uid == WEB_UID)
    };
    children(monitor).into_iter().find(is_web)
}

fn children(pid: u32) -> Vec<u32> {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let list = list.unwrap_or_default();
    list.split_whitespace().flat_map(str::parse).collect()
}

/// What the image has of all this: programs, PAM service, settings, accounts.
fn fill(root: &Path) -> Result<(), Error> {
    for directory in [
        "etc/pam.d",
        "etc/opencode",
        "home",
        "run",
        "var/lib",
        "usr/local/bin",
    ] {
        let path = root.join(directory);
        fs::create_dir_all(&path).map_err(io(path))?;
    }
    let image = Path::new(env!("CARGO_MANIFEST_DIR")).join("../image");
    copy(&image.join("pam.occ"), &root.join("etc/pam.d/occ"))?;
    copy(
        &image.join("opencode.json"),
        &root.join("etc/opencode/opencode.json"),
    )?;
    let bin = root.join("usr/local/bin");
    let gate = std::env::var_os("OCC_GATE_BIN").map(PathBuf::from);
    let gate = gate.ok_or_else(|| Error::Other("OCC_GATE_BIN names no occ-gate".into()))?;
    copy(&gate, &bin.join("occ-gate"))?;
    let tarball = answer(&mut Command::new(image.join("fetch")))?;
    let mut tar = Command::new("tar");
    tar.args(["-xzf", tarball.trim_end(), "--no-same-owner", "-C"])
        .arg(&bin);
    answer(tar.args(["--strip-components=2", "package/bin/opencode"]))?;
    write_accounts(root)
}

/// Of the opencode that the image has.
pub(crate) fn opencode_version() -> Result<String, Error> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../image/opencode.version");
    let text = fs::read_to_string(&file).map_err(io(&file))?;
    let name = text.split_whitespace().nth(1).unwrap_or_default();
    let version = name.trim_end_matches(".tgz").rsplit('-').next();
    Ok(version.unwrap_or_default().to_owned())
}

fn write_accounts(root: &Path) -> Result<(), Error> {
    let hash = hash()?;
    let mut passwd = format!(
        "root:x:0:0:root:/root:/bin/sh\nocc-gate:x:{WEB_UID}:{WEB_UID}::/nonexistent:/usr/sbin/nologin\n"
    );
    let mut shadow = "root:*:19000:0:99999:7:::\nocc-gate:!:19000:0:99999:7:::\n".to_owned();
    let mut group = format!("root:x:0:\nocc-gate:x:{WEB_UID}:\n");
    for Person { name, uid } in people() {
        // Writing into a string can't fail.
        let _ = writeln!(
            passwd,
            "{name}:x:{uid}:{uid}:A. Person:/home/{name}:/bin/sh"
        );
        let _ = writeln!(shadow, "{name}:{hash}:19000:0:99999:7:::");
        let _ = writeln!(group, "{name}:x:{uid}:");
        let home = root.join("home").join(name);
        fs::create_dir(&home).map_err(io(&home))?;
        fs::set_permissions(&home, Permissions::from_mode(0o700)).map_err(io(&home))?;
        chown(&home, Some(uid), Some(uid)).map_err(io(&home))?;
    }
    for (file, text, mode) in [
        ("etc/passwd", passwd, 0o644),
        ("etc/shadow", shadow, 0o600),
        ("etc/group", group, 0o644),
    ] {
        let path = root.join(file);
        fs::write(&path, text).map_err(io(&path))?;
        fs::set_permissions(&path, Permissions::from_mode(mode)).map_err(io(&path))?;
    }
    Ok(())
}

fn hash() -> Result<String, Error> {
    let wrong = |error: &dyn std::fmt::Display| Error::Other(format!("cannot hash: {error}"));
    let params = Params::new(ROUNDS).map_err(|e| wrong(&e))?;
    let hasher = ShaCrypt::new(Algorithm::Sha512Crypt, params);
    let hash = hasher.hash_password_with_salt(PASSWORD.as_bytes(), b"twelve bytes");
    hash.map(|hash| hash.to_string()).map_err(|e| wrong(&e))
}

fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    fs::copy(from, to).map(drop).map_err(io(from))
}

fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(io(path)(error)),
        _ => Ok(()),
    }
}
