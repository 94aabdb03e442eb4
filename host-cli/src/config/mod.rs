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
pub(crate) use values::{check_container, check_image, parse_bind};

const SCHEMA: u64 = 1;
const PORT: &str = "a port is 1 to 65535";
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
            .ok_or_else(|| {
                let near = nearest(&word, Self::ALL.iter().map(|key| key.word()));
                let all = Self::ALL.map(Self::word).join(", ");
                Error::Usage {
                    message: format!("no such key '{word}'"),
                    hint: near.map_or_else(
                        || format!("the keys are {all}"),
                        |near| format!("did you mean '{near}'?"),
                    ),
                }
            })
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

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Config {
    schema: u64,
    /// Names of the accounts as last seen.
    #[serde(default)]
    pub users: Vec<String>,
    /// The container's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// The image that `start` runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The base that the image is built from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_image: Option<String>,
    /// The published port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The address it is published on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
        config.check()?;
        Ok(config)
    }

    /// Values written into the file are checked like typed ones.
    fn check(&self) -> std::result::Result<(), String> {
        let named = |key: Key, value: &str, why: String| {
            format!("invalid value '{value}' for {}: {why}", key.word())
        };
        if let Some(name) = &self.container {
            check_container(name).map_err(|why| named(Key::Container, name, why))?;
        }
        for (key, image) in [
            (Key::Image, &self.image),
            (Key::BaseImage, &self.base_image),
        ] {
            if let Some(image) = image {
                check_image(image).map_err(|why| named(key, image, why))?;
            }
        }
        match self.port {
            Some(0) => Err(named(Key::Port, "0", PORT.into())),
            _ => Ok(()),
        }
    }

    /// The value of a key, or `None` where the default holds.
    pub(crate) fn get(&self, key: Key) -> Option<Value> {
        match key {
            Key::Container => self.container.clone().map(Value::from),
            Key::Image => self.image.clone().map(Value::from),
            Key::BaseImage => self.base_image.clone().map(Value::from),
            Key::Port => self.port.map(Value::from),
            Key::Bind => self.bind.map(|bind| Value::from(bind.to_string())),
            Key::Users => Some(self.users.clone().into()),
        }
    }

    /// Sets a key from the command line, checked.
    pub(crate) fn set(&mut self, key: Key, value: &str) -> Result<()> {
        let invalid = |why: String| {
            Error::Invalid(format!("invalid value '{value}' for {}: {why}", key.word()))
        };
        match key {
            Key::Container => {
                check_container(value).map_err(invalid)?;
                self.container = Some(value.to_owned());
            }
            Key::Image | Key::BaseImage => {
                check_image(value).map_err(invalid)?;
                let slot = if key == Key::Image {
                    &mut self.image
                } else {
                    &mut self.base_image
                };
                *slot = Some(value.to_owned());
            }
            Key::Port => match value.parse() {
                Ok(0) | Err(_) => return Err(invalid(PORT.into())),
                Ok(port) => self.port = Some(port),
            },
            Key::Bind => self.bind = Some(parse_bind(value).map_err(invalid)?),
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
        self.unknown.keys().map(|key| {
            let near = nearest(key, Key::ALL.iter().map(|key| key.word()));
            (key.as_str(), near)
        })
    }

    /// Back to the default.
    pub(crate) fn unset(&mut self, key: Key) -> Result<()> {
        match key {
            Key::Container => self.container = None,
            Key::Image => self.image = None,
            Key::BaseImage => self.base_image = None,
            Key::Port => self.port = None,
            Key::Bind => self.bind = None,
            Key::Users => return Err(users_follow()),
        }
        Ok(())
    }
}

fn users_follow() -> Error {
    Error::Usage {
        message: "users follows the accounts in the container".into(),
        hint: "use `occ user add` and `occ user remove`; `occ user list` refreshes it".into(),
    }
}

#[cfg(test)]
mod tests;
