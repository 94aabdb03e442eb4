//! The terminal's page: a frame around xterm.js, which does the rest.

use maud::{Markup, html};

use super::frame_with;
use crate::web::files::FILES;

/// The page. Style sheets that xterm.js makes carry the nonce.
pub(crate) fn terminal(user: &str, nonce: &str) -> Markup {
    let head = html! {
        link rel="stylesheet" href=(FILES.terminal_style.path);
        script type="module" src=(FILES.terminal.path) {}
    };
    let content = html! {
        main #page .tty data-nonce=(nonce) {
            header {
                h1 { "Terminal" span.where { " · " (user) } }
                nav aria-label="Other pages" {
                    a href="/" { "opencode" }
                    a href="/_occ/account" { "Your account" }
                    button #reader .quiet type="button" aria-pressed="false" { "Screen reader" }
                }
            }
            p #way-out .fine { "Ctrl+Shift+Enter leaves the terminal; Tab goes to the program in it. Copy with Ctrl+Shift+C, paste with Ctrl+Shift+V." }
            div #screen role="group" aria-label="Terminal" aria-describedby="way-out" {}
            div #over .over role="alert" hidden {
                p #why {}
                button #again type="button" hidden { "Start again" }
                a #login .button href="/_occ/login?next=%2F_occ%2Fterminal" hidden { "Log in again" }
            }
            (keys())
            noscript { p.notice.bad { "The terminal needs JavaScript. Allow it for this page." } }
        }
    };
    frame_with("Terminal", None, &head, &content)
}

/// The keys that phones don't have.
fn keys() -> Markup {
    html! {
        div #keys .keys role="toolbar" aria-label="Keys" {
            button type="button" data-key="Esc" { "Esc" }
            button type="button" data-key="Tab" { "Tab" }
            button type="button" #ctrl aria-pressed="false" { "Ctrl" }
            button type="button" data-key="Left" aria-label="Left" { "←" }
            button type="button" data-key="Up" aria-label="Up" { "↑" }
            button type="button" data-key="Down" aria-label="Down" { "↓" }
            button type="button" data-key="Right" aria-label="Right" { "→" }
            button type="button" #paste hidden { "Paste" }
        }
    }
}
