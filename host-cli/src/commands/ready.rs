//! The last words of `start` and `restart`: where opencode is reached. Addresses are
//! tried before they are named.

use std::process::{Command, Stdio};

use bollard::Docker;

use crate::commands::probe::{self, Answer};
use crate::commands::status;
use crate::engine::container::{self, Listed, store_mount};
use crate::engine::reached;
use crate::engine::spec::Published;
use crate::error::Result;
use crate::occ_init::OccInit;
use crate::session::Session;
use crate::ui::show;

/// The page of occ-gate that makes the first account.
const FIRST: &str = "/_occ/first";
/// Programs that show a URL in the browser that somebody has chosen.
const OPENERS: [&str; 3] = ["xdg-open", "open", "wslview"];

/// Says the address, and what is worth knowing about the accounts; returns an address
/// that answers.
pub(crate) async fn say(
    session: &Session,
    docker: &Docker,
    listed: &Listed,
) -> Result<Option<String>> {
    let found = container::present(docker, &listed.id).await?;
    let published = reached::published(docker, &found).await?;
    let init = OccInit::of(docker, &found);
    let none = init.accounts().await?.accounts.is_empty();
    if let Some(published) = published.filter(|published| none && !published.bind.is_loopback()) {
        show::warn(&format!(
            "opencode is reachable on {} and there is no account yet",
            published.bind
        ));
    }
    let name = &listed.name;
    let reached = published.map(|published| answering(session, name, published));
    let url = reached.iter().flatten().next().cloned();
    if session.screen.format == show::Format::Json {
        return status::show(session, docker, &found).await.map(|_| url);
    }
    let message = match (published, reached.unwrap_or_default().as_slice()) {
        (None, _) => format!("Container '{name}' is ready; its port 3000 is not published."),
        (Some(published), []) => format!(
            "Container '{name}' is ready, but nothing answers at {}; `occ doctor` says why.",
            published.urls(name).join(" or ")
        ),
        (Some(_), good) => format!("Container '{name}' is ready: {}", good.join(" or ")),
    };
    session.screen.message(&message);
    if none && store_mount(&found).is_some() {
        session
            .screen
            .message("No users yet. Add one with `occ user add`.");
        if let (Some(url), Some(code)) = (&url, init.first_code().await) {
            session.screen.message(&format!(
                "Or make the first one in the browser: {url}{FIRST} with the code {code}."
            ));
        }
    }
    Ok(url)
}

/// The URLs that answer; those of another machine can't be tried.
fn answering(session: &Session, name: &str, published: Published) -> Vec<String> {
    let mut urls = published.urls(name);
    if session.chosen.is_here() {
        urls.retain(|url| {
            let answer = probe::ask(published.near(), probe::host_of(url));
            matches!(answer, Ok(Answer::Page | Answer::Other))
        });
    }
    urls
}

/// Opens the address in a browser; where that can't be, people have the address.
pub(crate) fn open(url: Option<&str>) {
    let Some(url) = url else { return };
    let is_opened = |program: &&str| {
        let mut command = Command::new(program);
        let command = command.arg(url).stdin(Stdio::null());
        let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
        quiet.status().is_ok_and(|status| status.success())
    };
    if !OPENERS.iter().any(is_opened) {
        show::warn(&format!("no program here opens {url} in a browser"));
    }
}
