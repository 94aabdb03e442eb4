//! `occ config`.

use std::path::Path;

use accounts::wire::SCHEMA;
use serde::Serialize;
use serde_json::Value;

use crate::cli::ConfigCommand;
use crate::config::{self, Config, Key};
use crate::error::{Error, Result};
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
pub(crate) fn run(screen: Screen, command: &ConfigCommand) -> Result<()> {
    if !matches!(command, ConfigCommand::Path) {
        warn_of_unknown(&config::load()?);
    }
    match command {
        ConfigCommand::Get { key } => get(screen, Key::parse(key)?),
        ConfigCommand::Set { key, value } => set(screen, Key::parse(key)?, Some(value)),
        ConfigCommand::Unset { key } => set(screen, Key::parse(key)?, None),
        ConfigCommand::List => list(screen),
        ConfigCommand::Path => path(screen),
    }
}

fn set(screen: Screen, key: Key, value: Option<&str>) -> Result<()> {
    let changed = config::change(|config| config.set(key, value))?;
    tell(screen, key, Some(changed))
}

/// A change needs no words, but programs want a document.
fn tell(screen: Screen, key: Key, changed: Option<bool>) -> Result<()> {
    if screen.format == Format::Json {
        show::json(&Entry {
            schema: SCHEMA,
            changed,
            key: key.word(),
            value: config::load()?.get(key),
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
        Format::Text | Format::Name => show::line(&path.to_string_lossy()),
    }
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

fn get(screen: Screen, key: Key) -> Result<()> {
    let config = config::load()?;
    let value = config.get(key).ok_or_else(|| Error::Failed {
        message: format!("{} is not set", key.word()),
        hint: "the default holds; `occ config list` shows it".into(),
    })?;
    let text = plain(&value);
    if screen.format != Format::Json && !text.is_empty() {
        show::line(&text);
    }
    tell(screen, key, None)
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(plain).collect::<Vec<_>>().join("\n"),
        other => other.to_string(),
    }
}

fn list(screen: Screen) -> Result<()> {
    let config = config::load()?;
    match screen.format {
        Format::Json => show::json(&config),
        Format::Name => Key::ALL.iter().for_each(|key| show::line(key.word())),
        Format::Text => {
            let rows = Key::ALL.map(|key| (key.word(), shown(&config, key)));
            show::line(&fields(&rows));
        }
    }
    Ok(())
}

fn shown(config: &Config, key: Key) -> String {
    let default = match key {
        Key::Container => "opencode",
        Key::Image => "occ:local",
        Key::BaseImage => "debian:bookworm-slim, or occ-base:bookworm where that cannot be had",
        Key::Port => "3000",
        Key::Bind => "127.0.0.1",
        Key::Users => "",
    };
    match config.get(key) {
        Some(Value::Array(names)) if names.is_empty() => "-".to_owned(),
        Some(value) => plain(&value).replace('\n', ", "),
        None => format!("{default} (default)"),
    }
}
