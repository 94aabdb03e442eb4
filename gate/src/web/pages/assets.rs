//! The files of the terminal's page: xterm.js as it was published, our script and style; and
//! the script of passkeys.
//! Each has a digest of its content in its name, so that browsers may keep it for good.

use std::sync::LazyLock;

use hyper::body::Bytes;
use sha2::{Digest as _, Sha256};

const BASE: &str = "/_occ/assets/";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// A file to be served.
pub(crate) struct Asset {
    path: String,
    pub(crate) kind: &'static str,
    pub(crate) content: Bytes,
}

/// All of them; our script imports the two others by their names.
pub(super) struct Assets {
    xterm: Asset,
    fit: Asset,
    pub(super) style: Asset,
    pub(super) script: Asset,
    license: Asset,
    /// The script of the login page and the account page.
    pub(super) passkey: Asset,
}

pub(super) static ASSETS: LazyLock<Assets> = LazyLock::new(|| {
    let xterm = Asset::new(
        "xterm",
        ".mjs",
        SCRIPT,
        include_bytes!("../../../vendor/xterm/xterm.mjs"),
    );
    let fit = Asset::new(
        "addon-fit",
        ".mjs",
        SCRIPT,
        include_bytes!("../../../vendor/xterm/addon-fit.mjs"),
    );
    let style = concat!(
        include_str!("../../../vendor/xterm/xterm.css"),
        include_str!("terminal.css")
    );
    let license = include_bytes!("../../../vendor/xterm/LICENSE");
    let script = include_str!("terminal.js")
        .replace("./xterm.mjs", &xterm.path)
        .replace("./addon-fit.mjs", &fit.path);
    Assets {
        style: Asset::new("terminal", ".css", STYLE, style.as_bytes()),
        script: Asset::owned("terminal", ".js", SCRIPT, script.into()),
        license: Asset::new(
            "xterm-license",
            ".txt",
            "text/plain; charset=utf-8",
            license,
        ),
        passkey: Asset::new("passkey", ".js", SCRIPT, include_bytes!("passkey.js")),
        xterm,
        fit,
    }
});

impl Asset {
    fn new(name: &str, ending: &str, kind: &'static str, content: &'static [u8]) -> Self {
        Self::owned(name, ending, kind, Bytes::from_static(content))
    }

    fn owned(name: &str, ending: &str, kind: &'static str, content: Bytes) -> Self {
        let digest: [u8; 32] = Sha256::digest(&content).into();
        let part = u64::from_be_bytes(std::array::from_fn(|at| digest[at]));
        Self {
            path: format!("{BASE}{name}-{part:016x}{ending}"),
            kind,
            content,
        }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }
}

/// The file at a path.
pub(crate) fn asset(path: &str) -> Option<&'static Asset> {
    path.starts_with(BASE).then_some(())?;
    let Assets {
        xterm,
        fit,
        style,
        script,
        license,
        passkey,
    } = &*ASSETS;
    let mut all = [xterm, fit, style, script, license, passkey].into_iter();
    all.find(|asset| asset.path == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_imports_what_is_served() {
        let script = &ASSETS.script;
        let text = String::from_utf8(script.content.to_vec()).unwrap();
        let imports = text.lines().filter(|line| line.starts_with("import "));
        let paths: Vec<&str> = imports.filter_map(|line| line.split('"').nth(1)).collect();
        assert_eq!(paths.len(), 2, "{paths:?}");
        assert!(paths.iter().all(|path| asset(path).is_some()), "{paths:?}");
        assert!(asset(script.path()).is_some() && asset("/_occ/assets/").is_none());
    }
}
