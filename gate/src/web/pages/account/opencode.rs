//! The section of the account page about the person's opencode.

use maud::{Markup, html};

use crate::web::pages::{RESTART_PATH, last_lines};
use crate::wire::OpencodeView;

/// `restarted`: the form was sent.
pub(super) fn opencode(view: &OpencodeView, restarted: bool) -> Markup {
    html! {
        section aria-labelledby="opencode" {
            h2 #opencode { "Your opencode" }
            @if restarted {
                p.notice.good role="status" { "Your opencode is starting anew." }
            }
            @if let Some(lines) = &view.without_login_shell {
                p.notice.bad role="status" {
                    "It runs without the settings of your login shell: the shell did not come to the end of its files, such as ~/.profile. Correct them, then restart."
                }
                (last_lines(lines))
            }
            p.fine {
                "A restart ends everything that runs in it, its terminals too, and takes in changed groups and a changed ~/.profile."
            }
            form method="post" action=(RESTART_PATH) {
                button.quiet type="submit" { "Restart my opencode" }
            }
        }
    }
}
