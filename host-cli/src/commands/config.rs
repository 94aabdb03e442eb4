//! `occ config`.

use std::path::Path;

use accounts::wire::SCHEMA;
use serde::Serialize;
use serde_json::Value;

use crate::cli::ConfigCommand;
use crate::config::{self, Config, Key};
use crate::error::Result;
use crate::text;
use crate::ui::show::{self, Format, Screen, fields};

/// The document of one key.
#[derive(Serialize)]
struct Entry {
    schema: u32,
    /// Only where something could have changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    changed: Option<bool>,
    key: &'static str,
    /// `null` if the default holds.
    value: Option<Value>,
}

#[derive(Serialize)]
struct Place<'a> {
    schema: u32,
    path: &'a Path,
}

/// Runs one of the commands; needs no engine.
pub(crate) fn run(screen: Screen, container: Option<&str>, command: &ConfigCommand) -> Result<()> {
    if !matches!(command, ConfigCommand::Path) {
        warn_of_unknown(&config::load()?);
    }
    match command {
        ConfigCommand::Get { key } => get(screen, Key::parse(key)?, container),
        ConfigCommand::Set { key, value } => set(screen, Key::parse(key)?, Some(value), container),
        ConfigCommand::Unset { key } => set(screen, Key::parse(key)?, None, container),
        ConfigCommand::List => list(screen, container),
        ConfigCommand::Path => path(screen),
    }
}

fn set(screen: Screen, key: Key, value: Option<&str>, container: Option<&str>) -> Result<()> {
    let changed = config::change(|config| config.set(key, value, container))?;
    tell(screen, key, Some(changed), container)
}

/// A change needs no words, but programs want a document.
fn tell(screen: Screen, key: Key, changed: Option<bool>, container: Option<&str>) -> Result<()> {
    if screen.format == Format::Json {
        show::json(&Entry {
            schema: SCHEMA,
            changed,
            key: key.word(),
            value: config::load()?.get(key, container),
        });
    }
    Ok(())
}

fn path(screen: Screen) -> Result<()> {
    let path = config::path()?;
    match screen.format {
        Format::Json => show::json(&Place {
            schema: SCHEMA,
            path: &path,
        }),
        Format::Text | Format::Name => show::line(&text::line(&path.to_string_lossy())),
    };
    Ok(())
}

/// A key with a typing error would be without effect, silently.
pub(crate) fn warn_of_unknown(config: &Config) {
    for (key, near) in config.unknown_keys() {
        let near = near.map(|near| format!("; did you mean '{near}'?"));
        let near = near.unwrap_or_default();
        show::warn(&format!(
            "the configuration has an unknown key '{key}'{near}"
        ));
    }
}

/// Prints the value that holds, the default too; a document says `null` for that.
fn get(screen: Screen, key: Key, container: Option<&str>) -> Result<()> {
    let value = config::load()?.get(key, container);
    let shown = value
        .as_ref()
        .map_or_else(|| default(key).to_owned(), plain);
    if screen.format != Format::Json && !shown.is_empty() {
        show::line(&shown);
    }
    tell(screen, key, None, container)
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(plain).collect::<Vec<_>>().join("\n"),
        other => other.to_string(),
    }
}

fn list(screen: Screen, container: Option<&str>) -> Result<()> {
    let config = config::load()?;
    match screen.format {
        Format::Json => show::json(&config),
        Format::Name => Key::ALL.iter().all(|key| show::line(key.word())),
        Format::Text => {
            let rows = Key::ALL.map(|key| (key.word(), shown(&config, key, container)));
            show::line(&fields(&rows))
        }
    };
    Ok(())
}

const fn default(key: Key) -> &'static str {
    match key {
        Key::Container => "opencode",
        Key::Image => "occ:local",
        Key::BaseImage => "debian:bookworm-slim",
        Key::Port => "3000",
        Key::Bind => "127.0.0.1",
        // The login has its own.
        Key::Gate(_) | Key::Users => "",
    }
}

fn shown(config: &Config, key: Key, container: Option<&str>) -> String {
    match (config.get(key, container), key) {
        (Some(Value::Array(names)), _) if names.is_empty() => "-".to_owned(),
        (Some(value), _) => plain(&value).replace('\n', ", "),
        (None, Key::Gate(_)) => "(default)".to_owned(),
        (None, Key::BaseImage) => {
            let made_here = "occ-base:bookworm where that cannot be had";
            format!("{}, or {made_here} (default)", default(key))
        }
        (None, _) => format!("{} (default)", default(key)),
    }
}
