//! `occ user export`.

use std::process::ExitCode;

use accounts::wire::ExportReply;

use super::arguments;
use crate::cli::Export;
use crate::error::Result;
use crate::occ_init;
use crate::session::Session;
use crate::ui::show::{self, Format};

/// Prints the records as they come back: one a line, which `import` reads.
pub(super) async fn run(session: &Session, options: Export) -> Result<ExitCode> {
    let (docker, container) = session.running().await?;
    let mut args = arguments("export");
    if options.with_hashes {
        args.push("--with-hashes".into());
    }
    let reply: ExportReply = occ_init::call_on_lines(&docker, &container, args, b"", 0).await?;
    if session.screen.format == Format::Json {
        show::json(&reply);
    } else {
        reply.records.iter().for_each(show::json);
    }
    // The reasons were passed on.
    Ok(ExitCode::from(u8::from(!reply.skipped.is_empty())))
}
