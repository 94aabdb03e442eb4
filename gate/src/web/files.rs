//! The gate's own scripts, styles and what belongs to them. Each has a digest of its content
//! in its name, so that browsers may keep it for good. Pure.

use std::io::Write as _;
use std::sync::{LazyLock, OnceLock};

use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::body::Bytes;
use sha2::{Digest as _, Sha256};

const BASE: &str = "/_occ/assets/";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// A file to be served.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) kind: &'static str,
    pub(crate) content: Bytes,
    gzip: OnceLock<Bytes>,
}

/// All of them. The terminal's page is xterm.js as it was published, and our script, which
/// imports xterm.js and its addon by their names here.
pub(crate) struct Files {
    pub(crate) style: File,
    pub(crate) bar: File,
    pub(crate) passkey: File,
    pub(crate) terminal_style: File,
    pub(crate) terminal: File,
    xterm: File,
    fit: File,
    license: File,
}

pub(crate) static FILES: LazyLock<Files> = LazyLock::new(|| {
    let xterm = include_str!("../../vendor/xterm/xterm.mjs");
    let xterm = File::new("xterm", "mjs", SCRIPT, xterm);
    let fit = include_str!("../../vendor/xterm/addon-fit.mjs");
    let fit = File::new("addon-fit", "mjs", SCRIPT, fit);
    let terminal = include_str!("pages/terminal.js")
        .replace("./xterm.mjs", &xterm.path)
        .replace("./addon-fit.mjs", &fit.path);
    let terminal_style = concat!(
        include_str!("../../vendor/xterm/xterm.css"),
        include_str!("pages/terminal.css")
    );
    let license = concat!(
        include_str!("../../vendor/xterm/LICENSE"),
        "\n",
        include_str!("../../vendor/xterm/LICENSE.addon-fit")
    );
    Files {
        style: File::new("style", "css", STYLE, include_str!("pages/style.css")),
        bar: File::new("bar", "js", SCRIPT, include_str!("bar/bar.js")),
        passkey: File::new("passkey", "js", SCRIPT, include_str!("pages/passkey.js")),
        terminal_style: File::new("terminal", "css", STYLE, terminal_style),
        terminal: File::new("terminal", "js", SCRIPT, terminal),
        license: File::new("xterm-license", "txt", TEXT, license),
        xterm,
        fit,
    }
});

impl File {
    fn new(name: &str, ending: &str, kind: &'static str, content: impl Into<Bytes>) -> Self {
        let content = content.into();
        let digest: [u8; 32] = Sha256::digest(&content).into();
        let part = u64::from_be_bytes(std::array::from_fn(|at| digest[at]));
        Self {
            path: format!("{BASE}{name}-{part:016x}.{ending}"),
            kind,
            content,
            gzip: OnceLock::new(),
        }
    }

    /// The content compressed; empty if that fails, which it does only without memory.
    pub(crate) fn gzip(&self) -> &Bytes {
        self.gzip.get_or_init(|| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
            let written = encoder.write_all(&self.content);
            let compressed = written.and_then(|()| encoder.finish());
            compressed.unwrap_or_default().into()
        })
    }
}

/// The file at a path.
pub(crate) fn find(path: &str) -> Option<&'static File> {
    path.starts_with(BASE).then_some(())?;
    let Files {
        style,
        bar,
        passkey,
        terminal_style,
        terminal,
        xterm,
        fit,
        license,
    } = &*FILES;
    let own = [style, bar, passkey, terminal_style, terminal];
    let mut all = own.into_iter().chain([xterm, fit, license]);
    all.find(|file| file.path == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_script_imports_what_is_served() {
        let text = String::from_utf8(FILES.terminal.content.to_vec()).unwrap();
        let imports = text.lines().filter(|line| line.starts_with("import "));
        let paths: Vec<&str> = imports.filter_map(|line| line.split('"').nth(1)).collect();
        assert_eq!(paths.len(), 2, "{paths:?}");
        assert!(paths.iter().all(|path| find(path).is_some()), "{paths:?}");
        assert!(find(&FILES.terminal.path).is_some() && find(BASE).is_none());
    }
}
