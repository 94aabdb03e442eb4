//! `occ user import`.

use std::fs::File;
use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::ExitCode;

use accounts::wire::{ImportAction, ImportReply, counted};
use zeroize::Zeroizing;

use crate::cli::Import;
use crate::error::{Error, Result};
use crate::occ_init::{self, switched_on};
use crate::session::Session;
use crate::text;
use crate::ui::interrupt;
use crate::ui::progress::Progress;
use crate::ui::secret;
use crate::ui::show::{self, Format};

/// Most bytes of input, as occ-init takes them.
const LIMIT: usize = 64 * 1024 * 1024;

/// Sends the accounts to occ-init, all in one exec; it reads the formats.
pub(super) async fn run(session: &Session, options: &Import) -> Result<ExitCode> {
    let input = read(options.file.as_deref())?;
    let init = session.occ_init().await?;
    let _notice = interrupt::notice(
        "some accounts may have been added; look with `occ user list`, and import again: those that are there stay as they are",
    );
    let switches = [
        ("--dry-run", options.dry_run),
        ("--update", options.update),
        ("--verbose", session.screen.verbose),
    ];
    let args = occ_init::user("import", switched_on(switches));
    let lines = input.split(|&byte| byte == b'\n');
    let lines = lines.filter(|line| !line.is_empty()).count();
    let progress = Progress::new(session.screen);
    progress.step(&format!(
        "Importing {} into '{}'",
        counted(lines, "line"),
        init.container.name
    ));
    let lines = u32::try_from(lines).unwrap_or(u32::MAX);
    let reply: ImportReply = init.call_on_lines(args, &input, lines).await?;
    drop(progress);
    show(session, &reply, options.dry_run);
    if !options.dry_run {
        let there = reply
            .results
            .iter()
            .filter(|result| result.action != ImportAction::Failed)
            .map(|result| result.user_name.clone());
        session.follow(|users| users.extend(there));
    }
    let failed = reply.count(ImportAction::Failed) > 0;
    Ok(ExitCode::from(u8::from(failed)))
}

fn show(session: &Session, reply: &ImportReply, dry_run: bool) {
    let screen = session.screen;
    if screen.format == Format::Json {
        show::json(reply);
        return;
    }
    for sentence in reply.sentences(dry_run, screen.format == Format::Name) {
        show::line(&text::line(&sentence));
    }
}

/// A file, or standard input for none and for `-`.
fn read(file: Option<&Path>) -> Result<Zeroizing<Vec<u8>>> {
    match file.filter(|path| *path != Path::new("-")) {
        Some(path) => {
            let file = File::open(path).map_err(Error::unusable("read", path))?;
            read_all(&file, path)
        }
        None if std::io::stdin().is_terminal() => Err(Error::NeedsInput {
            what: "a list of accounts",
            give: "a FILE, or send it to standard input",
        }),
        None => read_all(rustix::stdio::stdin(), Path::new("standard input")),
    }
}

fn read_all(from: impl AsFd, path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let bytes = secret::read_all(from, LIMIT).map_err(Error::file("read", path))?;
    if bytes.len() > LIMIT {
        return Err(Error::failed(
            format!("'{}' has more than 64 MiB", path.display()),
            "import it in parts",
        ));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_is_read_whole_and_not_beyond_the_limit() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let content = b"alice:x:::::\n".repeat(20_000);
        file.write_all(&content).unwrap();
        assert!(*read(Some(file.path())).unwrap() == content);
        file.as_file().set_len(LIMIT as u64 + 1).unwrap();
        let error = read(Some(file.path())).unwrap_err();
        assert_eq!(error.kind().exit_code(), 1);
        let missing = read(Some(Path::new("/nonexistent"))).unwrap_err();
        assert_eq!(missing.kind().exit_code(), 9);
    }
}
