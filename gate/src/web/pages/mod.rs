//! The gate's pages. All but the terminal and passkeys work without scripts, on phones, by
//! keyboard and with screen readers. Pure: values in, markup out.

mod account;
mod first;
mod login;
mod renewal;
mod terminal;
mod trouble;
mod wait;

use maud::{DOCTYPE, Markup, html};

pub(super) use account::{Account, Outcome, SecondSecret, account};
pub(super) use first::{FirstForm, FirstNotice, first};
pub(super) use login::{LoginForm, Notice, PromptForm, login, prompt, span};
pub(super) use renewal::{RenewalForm, renewal};
pub(super) use terminal::terminal;
pub(super) use trouble::trouble;
pub(super) use wait::{follow, last_lines, not_started, starting};

use crate::web::files::FILES;

/// A person's own shell, which is there when their opencode is not.
pub(super) const TERMINAL_PATH: &str = "/_occ/terminal";
/// The form that starts a person's opencode anew.
pub(super) const RESTART_PATH: &str = "/_occ/account/restart";

/// The mark, which browsers show for the page, and phones for the installed one.
pub(super) const ICON_PATH: &str = "/_occ/icon.svg";
pub(super) const ICON: &str = include_str!("icon.svg");
/// The same for browsers that ask for nothing else.
pub(super) const FAVICON: &[u8] = include_bytes!("favicon.ico");
pub(super) const MANIFEST_PATH: &str = "/site.webmanifest";
pub(super) const MANIFEST: &str = r##"{
  "name": "opencode",
  "short_name": "opencode",
  "start_url": "/",
  "scope": "/",
  "display": "standalone",
  "background_color": "#131211",
  "theme_color": "#131211",
  "icons": [{ "src": "/_occ/icon.svg", "type": "image/svg+xml", "sizes": "any" }]
}
"##;

/// The frame of all pages. `refresh`: seconds, and the path to go to.
fn frame(title: &str, refresh: Option<(u32, &str)>, content: &Markup) -> Markup {
    frame_with(title, refresh, &html! {}, content)
}

/// The same, with more in the head.
fn frame_with(
    title: &str,
    refresh: Option<(u32, &str)>,
    head: &Markup,
    content: &Markup,
) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                @match refresh {
                    Some((seconds, "")) => { meta http-equiv="refresh" content=(seconds); }
                    Some((seconds, path)) => { meta http-equiv="refresh" content={ (seconds) "; url=" (path) }; }
                    None => {}
                }
                title { (title) " · opencode" }
                link rel="stylesheet" href=(FILES.style.path);
                link rel="icon" href=(ICON_PATH) type="image/svg+xml";
                link rel="manifest" href=(MANIFEST_PATH);
                (head)
            }
            body { (content) }
        }
    }
}

/// A small page: the mark, a heading, and what follows it.
fn card(title: &str, heading: &str, refresh: Option<(u32, &str)>, rest: &Markup) -> Markup {
    let content = html! { main.card { (mark()) h1 { (heading) } (rest) } };
    frame(title, refresh, &content)
}

/// The mark above the small pages: a prompt in a window.
fn mark() -> Markup {
    html! {
        svg.mark viewBox="3 3 42 42" width="44" height="44" aria-hidden="true" {
            rect x="3" y="3" width="42" height="42" rx="11" {}
            path d="M15 17l8 7-8 7" {}
            path d="M26 32h8" {}
        }
    }
}
