//! The commands in what occ-init says, as they are typed on the host. Pure.

use crate::text;

/// Programs of the container that its hints name.
const INSIDE: [&str; 6] = [
    "groupadd ",
    "groupdel ",
    "groupmod ",
    "kill ",
    "userdel ",
    "usermod ",
];

/// A text of occ-init's, whose commands stand in quotes: `'occ-init user …'` (`'user …'` in
/// older images) is `occ user …` here, and what only the container has is run there.
pub(super) fn on_host(said: &str, container: &str) -> String {
    // An apostrophe that nothing closes is one.
    if said.matches('\'').count() % 2 == 1 {
        return said.to_owned();
    }
    let parts = said.split('\'').enumerate().map(|(at, part)| match at % 2 {
        0 => of_pipes(part, container),
        _ => match command(part, container) {
            Some(command) => format!("`{command}`"),
            None => format!("'{part}'"),
        },
    });
    parts.collect()
}

/// The command of the host for one of the container; `None` for another word in quotes.
fn command(part: &str, container: &str) -> Option<String> {
    // The container chooses its words: none that a shell does more with is passed on.
    if part.split(' ').any(|word| text::word(word) != word) {
        return None;
    }
    if let Some(token) = part.strip_prefix("occ-gate token ") {
        return Some(format!("occ user token {token}"));
    }
    let own = part.strip_prefix("occ-init ");
    let user = own.unwrap_or(part);
    if user.starts_with("user ") && !user.starts_with("user keys ") {
        return Some(format!("occ {user}"));
    }
    if own == Some("check") {
        return Some("occ doctor".to_owned());
    }
    let is_inside = own.is_some() || INSIDE.iter().any(|program| part.starts_with(program));
    is_inside.then(|| format!("docker exec {} {part}", text::word(container)))
}

/// A pipe stands in backquotes, and begins in the container.
fn of_pipes(text: &str, container: &str) -> String {
    let inside = format!("`docker exec {} occ-init ", text::word(container));
    text.replace("`occ-init ", &inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_of_the_container_are_typed_on_the_host() {
        for (said, typed) in [
            (
                "'occ-init user add bob --restore' gives the same uid back, 'user list' shows '%w'",
                "`occ user add bob --restore` gives the same uid back, `occ user list` shows '%w'",
            ),
            ("don't", "don't"),
            (
                "make room and run 'occ-init restore'",
                "make room and run `docker exec box occ-init restore`",
            ),
            ("see 'occ-init check'", "see `occ doctor`"),
            (
                "'occ-gate token list alice' shows them",
                "`occ user token list alice` shows them",
            ),
            (
                "`occ-init user keys al | ssh-keygen -lf -` prints the fingerprints",
                "`docker exec box occ-init user keys al | ssh-keygen -lf -` prints the fingerprints",
            ),
            (
                "'userdel eve' and then 'occ-init user add eve' give it a uid of its own",
                "`docker exec box userdel eve` and then `occ user add eve` give it a uid of its own",
            ),
            (
                "add the line 'docker: al' to /etc/occ/groups.allow in the image",
                "add the line 'docker: al' to /etc/occ/groups.allow in the image",
            ),
        ] {
            assert_eq!(on_host(said, "box"), typed);
        }
    }

    #[test]
    fn what_a_shell_would_run_is_no_command() {
        for said in [
            "'occ-init user add x;reboot'",
            "'occ-init $(reboot)'",
            "'kill 1`reboot`'",
            "'user add x\nreboot'",
        ] {
            assert_eq!(on_host(said, "box"), said);
        }
        assert_eq!(
            on_host("'occ-init restore'", "b x"),
            "`docker exec 'b x' occ-init restore`"
        );
    }
}
