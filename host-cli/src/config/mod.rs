//! `config.json`: defaults, and the names of the accounts as last seen.
//!
//! Keys that this version does not know are kept and named. No secret ever goes
//! here. The store in the container is the truth about accounts, not `users`:
//! that holds the names of the configured container, `instances` those of others.

mod file;
mod values;

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, Result};
pub(crate) use file::{change, follow, load, path};
pub(crate) use values::{parse_bind, parse_container, parse_image, parse_port};

const SCHEMA: u64 = 1;
/// The container where none is named or configured.
pub(crate) const DEFAULT_CONTAINER: &str = "opencode";

/// A key that people may set, with its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    /// The container's name.
    Container,
    /// The image that `start` runs.
    Image,
    /// The base that the image is built from.
    BaseImage,
    /// The published port.
    Port,
    /// The address it is published on.
    Bind,
    /// The accounts as last seen; not to be set.
    Users,
}

impl Key {
    /// All, in the order in which they are listed.
    pub(crate) const ALL: [Self; 6] = [
        Self::Container,
        Self::Image,
        Self::BaseImage,
        Self::Port,
        Self::Bind,
        Self::Users,
    ];

    /// The key as the file has it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Image => "image",
            Self::BaseImage => "base_image",
            Self::Port => "port",
            Self::Bind => "bind",
            Self::Users => "users",
        }
    }

    /// The key of that name, or an error with the nearest one.
    pub(crate) fn parse(word: &str) -> Result<Self> {
        let word = word.replace('-', "_");
        Self::ALL
            .into_iter()
            .find(|key| key.word() == word)
            .ok_or_else(|| Error::Usage {
                message: format!("no such key '{word}'"),
                hint: match Self::nearest(&word) {
                    Some(near) => format!("did you mean '{near}'?"),
                    None => format!("the keys are {}", Self::ALL.map(Self::word).join(", ")),
                },
            })
    }

    fn nearest(word: &str) -> Option<&'static str> {
        nearest(word, Self::ALL.map(Self::word).into_iter())
    }
}

/// The candidate that looks most like `word`, if one does.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    candidates
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// The whole file; [`Key`] says what its values are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Config {
    schema: u64,
    #[serde(default)]
    pub users: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_image: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bind: Option<IpAddr>,
    /// Other containers, and those on other engines, by [`KnownUsers`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    instances: BTreeMap<String, Instance>,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

/// Data kept for a container that is not the configured one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Instance {
    #[serde(default)]
    users: Vec<String>,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

/// The place in the file of a container's account names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KnownUsers {
    /// In `users`: the configured container on this machine's engine.
    Configured,
    /// In `instances`, under NAME, or NAME@ENGINE for another engine.
    Other(String),
}

impl Default for Config {
    fn default() -> Self {
        Self {
            schema: SCHEMA,
            users: Vec::new(),
            container: None,
            image: None,
            base_image: None,
            port: None,
            bind: None,
            instances: BTreeMap::new(),
            unknown: Map::new(),
        }
    }
}

impl Config {
    /// From the bytes of the file; the error is words for its reader.
    pub(crate) fn parse(bytes: &[u8]) -> std::result::Result<Self, String> {
        let config: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if config.schema > SCHEMA {
            return Err(format!("schema {} is newer than this occ", config.schema));
        }
        config.check().map_err(|error| error.to_string())?;
        Ok(config)
    }

    /// Values written into the file are checked like typed ones.
    fn check(&self) -> Result<()> {
        let port = self.port.map(|port| port.to_string());
        checked(Key::Container, self.container.as_deref(), parse_container)?;
        checked(Key::Image, self.image.as_deref(), parse_image)?;
        checked(Key::BaseImage, self.base_image.as_deref(), parse_image)?;
        checked(Key::Port, port.as_deref(), parse_port).map(drop)
    }

    /// The value of a key, or `None` where the default holds.
    pub(crate) fn get(&self, key: Key) -> Option<Value> {
        let file = serde_json::to_value(self).ok()?;
        file.get(key.word()).cloned()
    }

    /// Sets a key from the command line, checked; `None` is back to the default.
    pub(crate) fn set(&mut self, key: Key, value: Option<&str>) -> Result<()> {
        match key {
            Key::Container => self.container = checked(key, value, parse_container)?,
            Key::Image => self.image = checked(key, value, parse_image)?,
            Key::BaseImage => self.base_image = checked(key, value, parse_image)?,
            Key::Port => self.port = checked(key, value, parse_port)?,
            Key::Bind => self.bind = checked(key, value, parse_bind)?,
            Key::Users => return Err(users_follow()),
        }
        Ok(())
    }

    /// The place of the names of `container`; `engine` is `None` for the engine that
    /// is used when none is named.
    pub(crate) fn known_users_key(&self, container: &str, engine: Option<&str>) -> KnownUsers {
        let configured = self.container.as_deref().unwrap_or(DEFAULT_CONTAINER);
        match engine {
            None if container == configured => KnownUsers::Configured,
            None => KnownUsers::Other(container.to_owned()),
            Some(engine) => KnownUsers::Other(format!("{container}@{engine}")),
        }
    }

    /// The names as last seen.
    pub(crate) fn users_of(&self, known_users_key: &KnownUsers) -> &[String] {
        match known_users_key {
            KnownUsers::Configured => &self.users,
            KnownUsers::Other(key) => self.instances.get(key).map_or(&[], |one| &one.users),
        }
    }

    fn edit_users(&mut self, known_users_key: &KnownUsers, edit: impl FnOnce(&mut Vec<String>)) {
        let users = match known_users_key {
            KnownUsers::Configured => &mut self.users,
            KnownUsers::Other(key) => &mut self.instances.entry(key.clone()).or_default().users,
        };
        edit(users);
        users.sort();
        users.dedup();
        self.instances.retain(|_, one| *one != Instance::default());
    }

    /// Unknown keys, each with the nearest known one.
    pub(crate) fn unknown_keys(&self) -> impl Iterator<Item = (&str, Option<&'static str>)> {
        let keys = self.unknown.keys();
        keys.map(|key| (key.as_str(), Key::nearest(key)))
    }
}

fn checked<T>(
    key: Key,
    value: Option<&str>,
    parse: impl Fn(&str) -> std::result::Result<T, String>,
) -> Result<Option<T>> {
    let parsed = value.map(|value| {
        parse(value).map_err(|why| {
            Error::Invalid(format!("invalid value '{value}' for {}: {why}", key.word()))
        })
    });
    parsed.transpose()
}

fn users_follow() -> Error {
    Error::Usage {
        message: "users follows the accounts in the container".into(),
        hint: "use `occ user add` and `occ user remove`; `occ user list` refreshes it".into(),
    }
}

#[cfg(test)]
mod tests;
