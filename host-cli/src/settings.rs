//! `occ config`.

use serde_json::Value;

use crate::cli::ConfigCommand;
use crate::config::{self, Config, Key};
use crate::error::{Error, Result};
use crate::show::{self, Format, Screen, fields};

/// Runs one of the commands; needs no engine.
pub(crate) fn run(screen: Screen, command: &ConfigCommand) -> Result<()> {
    if !matches!(command, ConfigCommand::Path) {
        warn_of_unknown(&config::load()?);
    }
    match command {
        ConfigCommand::Get { key } => get(screen, Key::parse(key)?),
        ConfigCommand::Set { key, value } => {
            config::change(|config| config.set(Key::parse(key)?, value))
        }
        ConfigCommand::Unset { key } => config::change(|config| config.unset(Key::parse(key)?)),
        ConfigCommand::List => list(screen),
        ConfigCommand::Path => {
            show::line(&config::path()?.to_string_lossy());
            Ok(())
        }
    }
}

/// A key with a typing error would be without effect, silently.
pub(crate) fn warn_of_unknown(config: &Config) {
    for (key, near) in config.unknown_keys() {
        let near = near.map(|near| format!("; did you mean '{near}'?"));
        let near = near.unwrap_or_default();
        show::warn(&format!(
            "the configuration has a key '{key}' that means nothing to occ{near}"
        ));
    }
}

fn get(screen: Screen, key: Key) -> Result<()> {
    let config = config::load()?;
    let value = config.get(key).ok_or_else(|| Error::Failed {
        message: format!("{} is not set", key.word()),
        hint: "the default holds; `occ config list` shows it".into(),
    })?;
    match (screen.format, &value) {
        (Format::Json, value) => show::json(value),
        (_, value) => show::line(&plain(value)),
    }
    Ok(())
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
    if screen.format == Format::Json {
        show::json(&config);
        return Ok(());
    }
    let rows = Key::ALL.map(|key| (key.word(), shown(&config, key)));
    show::line(&fields(&rows));
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
