//! `occ user export`.

use std::process::ExitCode;

use accounts::wire::ExportReply;

use crate::cli::Export;
use crate::error::Result;
use crate::occ_init::{self, switched_on};
use crate::session::Session;
use crate::ui::show::{self, Format};

/// Prints the records as they come back: one a line, which `import` reads.
pub(super) async fn run(session: &Session, options: Export) -> Result<ExitCode> {
    let init = session.occ_init().await?;
    let args = occ_init::user(
        "export",
        switched_on([("--with-hashes", options.with_hashes)]),
    );
    let reply: ExportReply = init.call_on_lines(args, b"", 0).await?;
    if session.screen.format == Format::Json {
        show::json(&reply);
    } else {
        // A reader who has gone wants no more of them.
        let _ = reply.records.iter().all(show::json);
    }
    // The reasons were passed on.
    Ok(ExitCode::from(u8::from(!reply.skipped.is_empty())))
}
