//! Answers on stdout and stderr: messages, tables and JSON lines.

use accounts::account::{date_of, whole_days};
use accounts::wire::{
    AccountReply, AccountView, ErrorReply, ListReply, PasskeyView, PasskeysReply, SCHEMA, Status,
    TokenView, TokensReply,
};
use comfy_table::{Cell, Color, ContentArrangement, Table, presets};
use serde::Serialize;
use zeroize::Zeroize;

use crate::text;
use crate::ui::out;
use crate::ui::secret::Secret;

/// How answers look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Messages and tables.
    Text,
    /// One document on one line.
    Json,
    /// Names only, as with `-q`; changes say nothing.
    Name,
}

/// The form of answers, from the flags.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Screen {
    pub format: Format,
    /// Colours on stdout.
    pub colours: bool,
    /// `-v`.
    pub verbose: bool,
    /// `-q`: no progress and no messages.
    pub quiet: bool,
}

impl Screen {
    /// A message: not shown with `-q` or `--json`, which choose other formats.
    pub(crate) fn message(self, message: &str) {
        if self.format == Format::Text {
            line(&out::addressed(&text::message(message)));
        }
    }

    /// A line about what is being done, on stderr; not shown with `-q`.
    pub(crate) fn progress(self, text: &str) {
        if !self.quiet {
            out::note(text);
        }
    }

    /// The answer of a command that changes a container: a message, or a document.
    pub(crate) fn done(self, container: &str, changed: bool, newer: Option<bool>, message: &str) {
        self.message(message);
        if self.format == Format::Json {
            json(&Done {
                schema: SCHEMA,
                changed,
                container,
                newer,
            });
        }
    }

    /// An error: text on stderr, and the document on stdout for programs.
    pub(crate) fn error(self, lines: &[String], reply: &ErrorReply) {
        for line in lines {
            if line.starts_with(char::is_uppercase) {
                // One of the owner's sentences.
                out::verbatim(line);
            } else {
                out::note(line);
            }
        }
        if self.format == Format::Json {
            let mut reply = reply.clone();
            reply.error.hint = out::addressed(&reply.error.hint);
            json(&reply);
        }
    }

    /// The accounts, as table, names or document.
    pub(crate) fn accounts(self, reply: &ListReply) {
        match self.format {
            Format::Json => json(reply),
            Format::Name => reply
                .accounts
                .iter()
                .all(|account| line(&text::line(&account.user_name))),
            Format::Text if reply.accounts.is_empty() => line("No users configured."),
            Format::Text => coloured(&account_table(&reply.accounts, self.colours)),
        };
    }

    /// A person's tokens, as table, ids or document.
    pub(crate) fn tokens(self, reply: &TokensReply) {
        match self.format {
            Format::Json => json(reply),
            Format::Name => reply
                .tokens
                .iter()
                .all(|token| line(&text::line(&token.id))),
            Format::Text if reply.tokens.is_empty() => line(&format!(
                "User '{}' has no tokens.",
                text::line(&reply.user_name)
            )),
            Format::Text => line(&token_table(&reply.tokens)),
        };
    }

    /// A person's passkeys, as table, ids or document.
    pub(crate) fn passkeys(self, reply: &PasskeysReply) {
        match self.format {
            Format::Json => json(reply),
            Format::Name => (reply.passkeys.iter()).all(|passkey| line(&text::line(&passkey.id))),
            Format::Text if reply.passkeys.is_empty() => line(&format!(
                "User '{}' has no passkeys.",
                text::line(&reply.user_name)
            )),
            Format::Text => line(&passkey_table(&reply.passkeys)),
        };
    }

    /// One account, field by field.
    pub(crate) fn account(self, reply: &AccountReply) {
        match self.format {
            Format::Json => json(reply),
            Format::Name => line(&text::line(&reply.account.user_name)),
            Format::Text => line(&fields(&account_fields(&reply.account))),
        };
    }

    /// The answer to `add` and `passwd`. A generated password is always shown: alone
    /// where nothing else is, and on stderr where stdout does not take it.
    pub(crate) fn password_change(
        self,
        reply: &mut AccountReply,
        message: &str,
        generated: Option<&Secret>,
    ) {
        self.message(message);
        let is_written = match (self.format, generated) {
            (Format::Json, _) => {
                reply.generated_password = generated.map(|secret| secret.expose().to_owned());
                let is_written = json(reply);
                reply.generated_password.zeroize();
                is_written
            }
            (Format::Name, Some(secret)) => line(secret.expose()),
            (Format::Text, Some(secret)) => line(&format!("Password: {}", secret.expose())),
            (Format::Name | Format::Text, None) => return,
        };
        if let (false, Some(secret)) = (is_written, generated) {
            let name = &reply.account.user_name;
            out::rescue(&format!("Password of '{name}': {}", secret.expose()));
        }
    }
}

#[derive(Debug, Serialize)]
struct Done<'a> {
    schema: u32,
    changed: bool,
    container: &'a str,
    /// There is a newer image; only `update --check` tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    newer: Option<bool>,
}

/// Lines of an answer on stdout, whose parts are harmless already; false if they could
/// not be written.
pub(crate) fn line(lines: &str) -> bool {
    out::answer(format!("{}\n", text::lines(lines)).as_bytes())
}

/// Lines that are ours and may hold colours; their parts are harmless already.
pub(crate) fn coloured(lines: &str) -> bool {
    out::answer(format!("{lines}\n").as_bytes())
}

/// A document on one line of stdout; false if it could not be written.
pub(crate) fn json(document: &impl Serialize) -> bool {
    // None of our documents has a key that is no text.
    let document = serde_json::to_string(document).unwrap_or_default();
    out::answer(format!("{}\n", text::json(&document)).as_bytes())
}

/// The last line that says anything in what a program of the container printed.
pub(crate) fn last_line(bytes: &[u8]) -> Option<String> {
    let said = String::from_utf8_lossy(bytes);
    let mut lines = said.lines().rev();
    let last = lines.find(|line| !line.trim().is_empty());
    last.map(|last| text::line(last).into_owned())
}

/// A warning on stderr.
pub(crate) fn warn(message: &str) {
    out::note(&format!("occ: warning: {message}"));
}

fn status_word(status: Status) -> (&'static str, Color) {
    match status {
        Status::Enabled => ("enabled", Color::Green),
        Status::Disabled => ("disabled", Color::Yellow),
        Status::Expired => ("expired", Color::Yellow),
    }
}

/// No borders, no wrapping: what is cut or folded can't be piped.
fn account_table(accounts: &[AccountView], colours: bool) -> String {
    let mut table = empty_table(&["Username", "Status", "UID", "Home", "Shell"]);
    if colours {
        table.enforce_styling();
    }
    for account in accounts {
        let (word, colour) = status_word(account.status);
        table.add_row([
            Cell::new(text::line(&account.user_name)),
            Cell::new(word).fg(colour),
            Cell::new(account.uid),
            Cell::new(text::line(&account.home_directory)),
            Cell::new(text::line(&account.shell)),
        ]);
    }
    rendered(table)
}

fn token_table(tokens: &[TokenView]) -> String {
    let day = |usec| date_of(whole_days(usec));
    let mut table = empty_table(&["Name", "ID", "Made", "Ends", "Last use"]);
    for token in tokens {
        let last_use = match (token.last_use_usec, &token.last_use_address) {
            (Some(usec), Some(address)) => format!("{} from {address}", day(usec)),
            _ => "never".to_owned(),
        };
        table.add_row([
            text::line(&token.name),
            text::line(&token.id),
            day(token.made_usec).into(),
            day(token.ends_usec).into(),
            text::line(&last_use),
        ]);
    }
    rendered(table)
}

fn passkey_table(passkeys: &[PasskeyView]) -> String {
    let mut table = empty_table(&["Name", "ID", "Made"]);
    for passkey in passkeys {
        table.add_row([
            text::line(&passkey.name),
            text::line(&passkey.id),
            date_of(whole_days(passkey.made_usec)).into(),
        ]);
    }
    rendered(table)
}

fn empty_table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .force_no_tty()
        .set_header(header.iter().copied());
    table
}

fn rendered(mut table: Table) -> String {
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    trimmed(&table.to_string())
}

fn trimmed(text: &str) -> String {
    text.lines()
        .map(str::trim_end)
        .collect::<Vec<_>>()
        .join("\n")
}

fn account_fields(account: &AccountView) -> Vec<(&'static str, String)> {
    let groups = if account.member_of.is_empty() {
        "-".to_owned()
    } else {
        account.member_of.join(", ")
    };
    let mut list = vec![
        ("Username", account.user_name.clone()),
        ("Status", status_word(account.status).0.to_owned()),
        ("UID", account.uid.to_string()),
        ("Home", account.home_directory.clone()),
        ("Shell", account.shell.clone()),
        ("Groups", groups),
    ];
    if !account.real_name.is_empty() {
        list.insert(1, ("Name", account.real_name.clone()));
    }
    if let Some(usec) = account.expires_usec {
        list.push(("Expires", date_of(whole_days(usec))));
    }
    if account.password_change_now {
        list.push(("Password", "must be changed at the next login".to_owned()));
    } else if let Some(is_set) = account.has_password {
        list.push(("Password", if is_set { "set" } else { "none" }.to_owned()));
    }
    if let Some(count) = account.ssh_keys {
        list.push(("SSH keys", count.to_string()));
    }
    if let Some(count) = account.passkeys {
        list.push(("Passkeys", count.to_string()));
    }
    list
}

/// Aligned `Name: value` lines.
pub(crate) fn fields(list: &[(&str, String)]) -> String {
    let width = list
        .iter()
        .map(|(name, _)| name.len() + 1)
        .max()
        .unwrap_or(0);
    let lines = list
        .iter()
        .map(|(name, value)| format!("{:width$} {}", format!("{name}:"), text::line(value)));
    trimmed(&lines.collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests;
