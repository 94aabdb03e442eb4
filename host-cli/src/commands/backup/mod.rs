//! `occ backup`: a file of all accounts, and back.
//!
//! occ-init makes the archive and takes it in; here it is only passed on, piece
//! by piece, and checked: one that is not whole is never kept, and never sent.

mod file;

use std::process::ExitCode;

use accounts::admin::backup::{Check, Checked};
use accounts::wire::{LoadReply, SCHEMA, counted};
use serde::Serialize;

use crate::cli::{Backup, BackupFile};
use crate::commands::backup::file::{BackupSource, BackupTarget};
use crate::error::{Error, Result};
use crate::occ_init::{self, switched_on};
use crate::session::Session;
use crate::text;
use crate::ui::progress::Progress;
use crate::ui::show::{self, Format};
use crate::ui::{interrupt, out, prompt, terminal};

/// Runs one of the commands; the exit code is 1 if a restored account can't be
/// used in this image.
pub(crate) async fn run(session: &Session, command: &Backup) -> Result<ExitCode> {
    match command {
        Backup::Create(options) => create(session, options).await.map(|()| ExitCode::SUCCESS),
        Backup::Restore(options) => restore(session, options).await,
    }
}

async fn create(session: &Session, options: &BackupFile) -> Result<()> {
    let mut target = BackupTarget::open(&options.file, options.force)?;
    let init = session.occ_init().await?;
    let _notice = interrupt::notice("no backup was written");
    let progress = Progress::new(session.screen);
    let step = format!("Reading the accounts of '{}'", init.container.name);
    progress.step(&step);
    let mut check = Check::default();
    let mut bytes = 0;
    let sink = |piece: &[u8]| {
        check.update(piece).map_err(|why| not_whole(&why))?;
        bytes += piece.len() as u64;
        progress.so_far(|| format!("{step}: {}", size(bytes)));
        target.write(piece)
    };
    init.fetch(arguments("save", options, false), sink).await?;
    let checked = check.finish().map_err(|why| not_whole(&why))?;
    target.keep()?;
    drop(progress);
    show_created(session, options, &checked);
    Ok(())
}

/// occ-init ended well, and yet the seal is missing: something between us.
fn not_whole(why: &accounts::admin::backup::Unusable) -> Error {
    Error::BadReply(format!("the backup did not arrive whole: {why}"))
}

#[derive(Debug, Serialize)]
struct Created<'a> {
    schema: u32,
    changed: bool,
    file: &'a str,
    accounts: u64,
    homes: bool,
    bytes: u64,
    sha256: &'a str,
}

fn show_created(session: &Session, options: &BackupFile, checked: &Checked) {
    let file = options.file.to_string_lossy();
    let accounts = usize::try_from(checked.manifest.accounts).unwrap_or(usize::MAX);
    let message = format!(
        "Backup of {} written to '{file}' ({}).",
        counted(accounts, "account"),
        size(checked.bytes)
    );
    // The archive is on stdout.
    if file == "-" {
        return session.screen.progress(&message);
    }
    session.screen.message(&message);
    if session.screen.format == Format::Json {
        show::json(&Created {
            schema: SCHEMA,
            changed: true,
            file: &file,
            accounts: checked.manifest.accounts,
            homes: checked.manifest.homes,
            bytes: checked.bytes,
            sha256: &checked.sha256,
        });
    }
}

async fn restore(session: &Session, options: &BackupFile) -> Result<ExitCode> {
    let source = BackupSource::open(&options.file)?;
    let init = session.occ_init().await?;
    let mut force = options.force;
    // Where nobody can be asked, occ-init says no by itself.
    if !force && !session.no_input && terminal::can_ask() {
        let present = init.accounts().await?.accounts.len();
        force = present > 0;
        if force && !prompt::confirm(&question(&init.container.name, present))? {
            return Err(Error::Declined("not restored".into()));
        }
    }
    let _notice = interrupt::notice(
        "all accounts of the backup may have been restored, or none; look with `occ user list`",
    );
    let progress = Progress::new(session.screen);
    progress.step(&format!(
        "Restoring the accounts of '{}'",
        init.container.name
    ));
    let args = arguments("load", options, force);
    let (reply, code): (LoadReply, i64) = init.send(args, source).await?;
    drop(progress);
    show_restored(session, &reply);
    session.follow(|users| {
        users.extend(reply.added.into_iter().chain(reply.replaced));
    });
    Ok(ExitCode::from(u8::from(code != 0)))
}

fn question(container: &str, present: usize) -> String {
    let has = counted(present, "account");
    format!(
        "'{container}' has {has}. Those in the backup become what they were then, the others stay. Restore?"
    )
}

fn show_restored(session: &Session, reply: &LoadReply) {
    if session.screen.format == Format::Json {
        show::json(reply);
        return;
    }
    session.screen.message(&reply.sentence());
    for problem in &reply.problems {
        out::note(&text::line(problem));
    }
}

fn arguments(verb: &str, options: &BackupFile, force: bool) -> Vec<String> {
    let switches = [("--homes", options.homes), ("--force", force)];
    occ_init::user(verb, switched_on(switches))
}

/// Bytes for people.
fn size(bytes: u64) -> String {
    match bytes >> 10 {
        kib @ 0..10_240 => format!("{} KiB", kib.max(1)),
        kib => format!("{} MiB", kib >> 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restore_question_names_the_accounts_present() {
        assert_eq!(
            question("opencode", 1),
            "'opencode' has 1 account. Those in the backup become what they were then, the others stay. Restore?"
        );
    }

    #[test]
    fn sizes_are_for_people() {
        assert_eq!(size(7), "1 KiB");
        assert_eq!(size(9_999_999), "9765 KiB");
        assert_eq!(size(5 << 30), "5120 MiB");
    }
}
