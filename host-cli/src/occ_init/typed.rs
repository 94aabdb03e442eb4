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

/// The program of the host that one of its hints pipes keys into.
const FINGERPRINTS: &str = " | ssh-keygen -lf -";

/// A text of occ-init's or occ-gate's, whose commands stand in quotes: `'occ-init user …'`
/// (`'user …'` in older images) is `occ user …` here, and what only the container has is run
/// there. The one that is a pipe stands in backquotes.
pub(super) fn on_host(said: &str, container: &str) -> String {
    let said = replaced(said, '`', |part| pipe(part, container));
    replaced(&said, '\'', |part| command(part, container))
}

/// The text with each quoted part that is a command replaced by it, in backquotes.
fn replaced(said: &str, quote: char, command: impl Fn(&str) -> Option<String>) -> String {
    // An apostrophe that nothing closes is one.
    if said.matches(quote).count() % 2 == 1 {
        return said.to_owned();
    }
    let parts = said.split(quote).enumerate();
    let parts = parts.map(|(at, part)| match at % 2 {
        0 => part.to_owned(),
        _ => command(part).map_or_else(
            || format!("{quote}{part}{quote}"),
            |command| format!("`{command}`"),
        ),
    });
    parts.collect()
}

/// The command of the host for one of the container; `None` for another word in quotes.
fn command(part: &str, container: &str) -> Option<String> {
    if !is_plain(part) {
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
    is_inside.then(|| inside(part, container))
}

/// The same for a pipe, which begins in the container.
fn pipe(part: &str, container: &str) -> Option<String> {
    let keys = part.strip_suffix(FINGERPRINTS)?;
    let is_known = keys.starts_with("occ-init user keys ") && is_plain(keys);
    is_known.then(|| inside(part, container))
}

/// Returns true for words that a shell does nothing with: the container chooses them.
fn is_plain(command: &str) -> bool {
    command.split(' ').all(|word| text::word(word) == word)
}

fn inside(command: &str, container: &str) -> String {
    format!("docker exec {} {command}", text::word(container))
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
            "`occ-init user keys al | sh`",
            "`occ-init user keys $(reboot) | ssh-keygen -lf -`",
        ] {
            assert_eq!(on_host(said, "box"), said);
        }
        assert_eq!(
            on_host("'occ-init restore'", "b x"),
            "`docker exec 'b x' occ-init restore`"
        );
    }
}
