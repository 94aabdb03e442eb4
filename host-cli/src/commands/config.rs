//! `occ config`.

use std::path::Path;

use accounts::wire::SCHEMA;
use serde::Serialize;
use serde_json::Value;

use crate::cli::ConfigCommand;
use crate::commands::desired::{DEFAULT_BIND, DEFAULT_PORT};
use crate::config::{self, Config, DEFAULT_CONTAINER, Key};
use crate::error::Result;
use crate::image;
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
    let shown = value.as_ref().map_or_else(|| default(key), plain);
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
        Format::Name => Key::all().all(|key| show::line(key.word())),
        Format::Text => {
            let rows = Key::all().map(|key| (key.word(), shown(&config, key, container)));
            show::line(&fields(&rows.collect::<Vec<_>>()))
        }
    };
    Ok(())
}

fn default(key: Key) -> String {
    match key {
        Key::Container => DEFAULT_CONTAINER.to_owned(),
        Key::Image => image::DEFAULT.to_owned(),
        Key::BaseImage => image::BASES[0].to_owned(),
        Key::Port => DEFAULT_PORT.to_string(),
        Key::Bind => DEFAULT_BIND.to_string(),
        // The login has its own.
        Key::Gate(_) | Key::Users => String::new(),
    }
}

fn shown(config: &Config, key: Key, container: Option<&str>) -> String {
    match (config.get(key, container), key) {
        (Some(Value::Array(names)), _) if names.is_empty() => "-".to_owned(),
        (Some(value), _) => plain(&value).replace('\n', ", "),
        (None, Key::Gate(_)) => "(default)".to_owned(),
        (None, Key::BaseImage) => {
            let [debian, made_here] = image::BASES;
            format!("{debian}, or {made_here} where that cannot be had (default)")
        }
        (None, _) => format!("{} (default)", default(key)),
    }
}
