//! The monitor's files: account files, its own state in /var/lib/occ-gate, and its
//! status in /run/occ/gate.json.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use accounts::files::table;
use zeroize::Zeroizing;

use super::random;
use crate::helpers::tmpdir::make_for_root;
use crate::log;
use crate::monitor::accounts::AccountFiles;
use crate::monitor::login::device_cookie::DeviceKey;
use crate::monitor::sessions::{SessionLimits, Sessions};

const STATE: &str = "/var/lib/occ-gate";
pub(crate) const SESSIONS: &str = "/var/lib/occ-gate/sessions.json";
const UNREADABLE: &str = "/var/lib/occ-gate/sessions.json.unreadable";
const DEVICE_KEY: &str = "/var/lib/occ-gate/device-key";
/// Root alone may read it: the code for the first account.
pub(crate) const FIRST_CODE: &str = "/run/occ/first-account";
/// Anybody may read it: names, pids and times.
pub(crate) const STATUS: &str = "/run/occ/gate.json";
/// Lists of image accounts: of the image's build, else occ-init's snapshot.
const IMAGE_ACCOUNTS: [&str; 2] = [
    "/usr/share/occ/image-accounts",
    "/var/lib/occ-init/image-accounts",
];
const APPLIED: &str = "/var/lib/occ-init/applied.json";

/// Everything that says who may log in. An error if it can't all be read.
pub(crate) fn read_accounts() -> io::Result<AccountFiles> {
    let named = |path: &'static str| {
        move |error: io::Error| io::Error::other(format!("cannot read '{path}': {error}"))
    };
    let mut image_accounts = Vec::new();
    for path in IMAGE_ACCOUNTS {
        if let Some(list) = read_optional(path).map_err(named(path))? {
            image_accounts = list;
            break;
        }
    }
    Ok(AccountFiles {
        passwd: fs::read("/etc/passwd").map_err(named("/etc/passwd"))?,
        shadow: Zeroizing::new(fs::read("/etc/shadow").map_err(named("/etc/shadow"))?),
        image_accounts,
        applied: read_optional(APPLIED).map_err(named(APPLIED))?,
    })
}

/// Returns whether passwd(5) has that name.
pub(crate) fn is_account(name: &str) -> bool {
    let passwd = fs::read("/etc/passwd").unwrap_or_default();
    table::lines(&passwd).any(|line| table::name(line) == Some(name.as_bytes()))
}

/// The names of passwd(5), read when the first one is asked for. A file that can't be read
/// has none.
#[derive(Default)]
pub(crate) struct PasswdNames(OnceCell<HashSet<Vec<u8>>>);

impl PasswdNames {
    pub(crate) fn has(&self, name: &str) -> bool {
        let read = || {
            let passwd = fs::read("/etc/passwd").unwrap_or_default();
            let names = table::lines(&passwd).filter_map(table::name);
            names.map(<[u8]>::to_vec).collect()
        };
        self.0.get_or_init(read).contains(name.as_bytes())
    }
}

fn read_optional(path: &str) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes /var/lib/occ-gate if need be. Somebody else's is refused, an open one is
/// closed.
pub(crate) fn make_state() -> io::Result<()> {
    if make_for_root(STATE, 0o700)? {
        Ok(())
    } else {
        Err(io::Error::other("it is not a directory of root's"))
    }
}

/// The sessions of the last run. A file that this version can't read is set
/// aside; then everybody logs in again.
pub(crate) fn sessions(limits: SessionLimits) -> io::Result<Sessions> {
    let Some(bytes) = read_optional(SESSIONS)? else {
        return Ok(Sessions::new(limits));
    };
    if let Some(sessions) = Sessions::from_bytes(&bytes, limits) {
        return Ok(sessions);
    }
    log::line(&format!(
        "cannot use '{SESSIONS}': now '{UNREADABLE}', and everybody logs in again"
    ));
    fs::rename(SESSIONS, UNREADABLE)?;
    Ok(Sessions::new(limits))
}

/// On disk when this returns.
pub(crate) fn save_sessions(sessions: &Sessions) -> io::Result<()> {
    replace(SESSIONS, &sessions.to_bytes(), 0o600, true)
}

/// Made at the first start.
pub(crate) fn device_key() -> io::Result<DeviceKey> {
    let found = read_optional(DEVICE_KEY)?.map(Zeroizing::new);
    if let Some(key) = found.and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok()) {
        return Ok(DeviceKey::new(Zeroizing::new(key)));
    }
    let key = random::bytes::<32>();
    replace(DEVICE_KEY, key.as_slice(), 0o600, true)?;
    Ok(DeviceKey::new(key))
}

/// An opencode, as `occ-init status` shows it.
pub(crate) struct OpencodeLine<'a> {
    pub(crate) user: &'a str,
    pub(crate) uid: u32,
    pub(crate) pid: Option<u32>,
    pub(crate) since: u64,
}

/// The web half, as `occ-init health` judges it.
pub(crate) struct WebLine {
    /// When it was started, if it runs.
    pub(crate) since: Option<u64>,
    /// How often it was started again since one last ran for long.
    pub(crate) restarts: u32,
}

/// The status before there is a web half, so that nobody takes this container for ready.
pub(crate) fn write_starting(address: SocketAddr) -> io::Result<()> {
    let web = WebLine {
        since: None,
        restarts: 0,
    };
    write_status(address, &web, 0, &[])
}

/// Writes /run/occ/gate.json. No secret is in it, and no port.
pub(crate) fn write_status(
    address: SocketAddr,
    web: &WebLine,
    sessions: usize,
    instances: &[OpencodeLine<'_>],
) -> io::Result<()> {
    let instances: Vec<serde_json::Value> = instances
        .iter()
        .map(|line| {
            serde_json::json!({
                "userName": line.user, "uid": line.uid, "pid": line.pid,
                "state": if line.pid.is_some() { "ready" } else { "starting" },
                "sinceUSec": line.since.saturating_mul(1_000_000),
            })
        })
        .collect();
    let status = serde_json::json!({
        "schema": 1, "pid": std::process::id(), "listen": address.to_string(),
        "web": {
            "sinceUSec": web.since.map(|since| since.saturating_mul(1_000_000)),
            "restarts": web.restarts,
        },
        "sessions": sessions, "instances": instances,
    });
    replace(STATUS, format!("{status}\n").as_bytes(), 0o644, false)
}

/// Shows administrators the code for the first account: `occ-gate first-account`.
pub(crate) fn write_first_code(code: &str) -> io::Result<()> {
    replace(FIRST_CODE, format!("{code}\n").as_bytes(), 0o600, false)
}

/// The line that is shown. Returns `None` if there is no code.
pub(crate) fn first_code() -> io::Result<Option<Vec<u8>>> {
    read_optional(FIRST_CODE)
}

pub(crate) fn remove_first_code() {
    let _ = fs::remove_file(FIRST_CODE);
}

/// Nothing runs any more.
pub(crate) fn remove_status() {
    let _ = fs::remove_file(STATUS);
}

/// The old file or the whole new one, whenever the machine stops.
pub(super) fn replace(path: &str, bytes: &[u8], mode: u32, durable: bool) -> io::Result<()> {
    let path = Path::new(path);
    let temporary = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .custom_flags(libc::O_NOFOLLOW)
        .open(&temporary)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    file.write_all(bytes)?;
    if durable {
        file.sync_all()?;
    }
    fs::rename(&temporary, path)?;
    match path.parent() {
        Some(parent) if durable => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}
