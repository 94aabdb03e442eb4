//! `config.json`: defaults, and the names of the accounts as last seen.
//!
//! Keys that this version does not know are kept and named. No secret ever goes
//! here. The store in the container is the truth about accounts, not `users`:
//! that holds the names of the configured container, `instances` those of others.

mod file;
mod values;

use std::collections::BTreeMap;
use std::net::IpAddr;

use accounts::account::Username;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, Result};
pub(crate) use file::{change, follow, load, path};
pub(crate) use values::{
    parse_bind, parse_container, parse_host, parse_image, parse_port, parse_setting,
    parse_variable, parse_volume,
};

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
    /// A setting of the login, by its word here; its variable is `OCC_` and the word in
    /// capital letters.
    Gate(&'static str),
    /// The accounts as last seen; not to be set.
    Users,
}

/// The settings of the login that a container gets from the configuration. The two that
/// are missing are occ's own: `OCC_GATE_NAME` and `OCC_GATE_LISTEN`.
pub(crate) const GATE: [&str; 13] = [
    "gate_hosts",
    "gate_trusted_proxies",
    "gate_session_idle",
    "gate_session_limit",
    "gate_idle",
    "gate_max_processes",
    "gate_allow_setuid",
    "gate_first_account",
    "gate_tokens",
    "gate_bar",
    "gate_second_step",
    "gate_passkeys",
    "gate_log",
];

impl Key {
    /// All, in the order in which they are listed.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let first = [
            Self::Container,
            Self::Image,
            Self::BaseImage,
            Self::Port,
            Self::Bind,
        ];
        first
            .into_iter()
            .chain(GATE.map(Self::Gate))
            .chain([Self::Users])
    }

    /// The key as the file has it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Image => "image",
            Self::BaseImage => "base_image",
            Self::Port => "port",
            Self::Bind => "bind",
            Self::Gate(word) => word,
            Self::Users => "users",
        }
    }

    pub(crate) fn words() -> Vec<&'static str> {
        Self::all().map(Self::word).collect()
    }

    /// The key of that name, or an error with the nearest one.
    pub(crate) fn parse(word: &str) -> Result<Self> {
        let word = word.replace('-', "_");
        Self::all()
            .find(|key| key.word() == word)
            .ok_or_else(|| Error::Usage {
                message: format!("no such key '{word}'"),
                hint: match Self::nearest(&word) {
                    Some(near) => format!("did you mean '{near}'?"),
                    None => format!("the keys are {}", Self::words().join(", ")),
                },
            })
    }

    fn nearest(word: &str) -> Option<&'static str> {
        nearest(word, Self::words().into_iter())
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
    pub base_image: Option<String>,
    /// For the configured container; image and address for others too.
    #[serde(flatten)]
    settings: Settings,
    /// Other containers, and those on other engines, by [`KnownUsers`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    instances: BTreeMap<String, Instance>,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

/// The settings that a new container gets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bind: Option<IpAddr>,
    /// Settings of the login, by their word.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub login: BTreeMap<String, String>,
}

/// Data kept for a container that is not the configured one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Instance {
    #[serde(default)]
    users: Vec<String>,
    #[serde(flatten)]
    settings: Settings,
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
            base_image: None,
            settings: Settings::default(),
            instances: BTreeMap::new(),
            unknown: Map::new(),
        }
    }
}

impl Config {
    /// From the bytes of the file; the error is words for its reader.
    pub(crate) fn parse(bytes: &[u8]) -> std::result::Result<Self, String> {
        let mut config: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if config.schema > SCHEMA {
            return Err(format!("schema {} is newer than this occ", config.schema));
        }
        config.check().map_err(|error| error.to_string())?;
        keep_names(&mut config.users);
        let instances = config.instances.values_mut();
        instances.for_each(|one| keep_names(&mut one.users));
        Ok(config)
    }

    /// Values written into the file are checked like typed ones.
    fn check(&self) -> Result<()> {
        checked(Key::Container, self.container.as_deref(), parse_container)?;
        checked(Key::BaseImage, self.base_image.as_deref(), parse_image)?;
        let others = self.instances.values().map(|one| &one.settings);
        std::iter::once(&self.settings)
            .chain(others)
            .try_for_each(Settings::check)
    }

    /// The value of a key, or `None` where the default holds; `container` is the one
    /// that was named, if one was.
    pub(crate) fn get(&self, key: Key, container: Option<&str>) -> Option<Value> {
        match key {
            Key::Container => self.container.clone().map(Value::from),
            Key::BaseImage => self.base_image.clone().map(Value::from),
            Key::Users => {
                let name = container.unwrap_or_else(|| self.configured());
                Some(self.users_of(&self.known_users_key(name, None)).into())
            }
            Key::Image => self.settings(container).image.map(Value::from),
            Key::Port => self.settings(container).port.map(Value::from),
            Key::Bind => self
                .settings(container)
                .bind
                .map(|bind| bind.to_string().into()),
            Key::Gate(word) => self.settings(container).login.remove(word).map(Value::from),
        }
    }

    /// The settings of a new container of that name; `None` for the configured one.
    /// A port is one container's, and so are the names of its login.
    pub(crate) fn settings(&self, container: Option<&str>) -> Settings {
        let Some(name) = self.other(container) else {
            return self.settings.clone();
        };
        let own = self.instances.get(name).map(|one| one.settings.clone());
        let own = own.unwrap_or_default();
        let mut login = self.settings.login.clone();
        login.remove(GATE[0]);
        login.extend(own.login);
        Settings {
            image: own.image.or_else(|| self.settings.image.clone()),
            bind: own.bind.or(self.settings.bind),
            port: own.port,
            login,
        }
    }

    /// The name of the configured container.
    fn configured(&self) -> &str {
        self.container.as_deref().unwrap_or(DEFAULT_CONTAINER)
    }

    /// The name of a container that is not the configured one.
    fn other<'a>(&self, container: Option<&'a str>) -> Option<&'a str> {
        container.filter(|name| *name != self.configured())
    }

    /// Sets a key from the command line, checked, for the container that was named;
    /// `None` is back to the default.
    pub(crate) fn set(
        &mut self,
        key: Key,
        value: Option<&str>,
        container: Option<&str>,
    ) -> Result<()> {
        let settings = match self.other(container) {
            Some(name) => &mut self.instances.entry(name.to_owned()).or_default().settings,
            None => &mut self.settings,
        };
        match key {
            Key::Container => self.container = checked(key, value, parse_container)?,
            Key::BaseImage => self.base_image = checked(key, value, parse_image)?,
            Key::Users => return Err(users_follow()),
            Key::Image => settings.image = checked(key, value, parse_image)?,
            Key::Port => settings.port = checked(key, value, parse_port)?,
            Key::Bind => settings.bind = checked(key, value, parse_bind)?,
            Key::Gate(word) => {
                let value = checked(key, value, parse_setting)?;
                settings.login.remove(word);
                settings
                    .login
                    .extend(value.map(|value| (word.to_owned(), value)));
            }
        }
        self.instances.retain(|_, one| *one != Instance::default());
        Ok(())
    }

    /// The place of the names of `container`; `engine` is `None` for the engine that
    /// is used when none is named.
    pub(crate) fn known_users_key(&self, container: &str, engine: Option<&str>) -> KnownUsers {
        match engine {
            None if container == self.configured() => KnownUsers::Configured,
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
        keep_names(users);
        users.sort();
        users.dedup();
        self.instances.retain(|_, one| *one != Instance::default());
    }

    /// Unknown keys, each with the nearest known one. A setting of the login is one below
    /// `login` alone.
    pub(crate) fn unknown_keys(&self) -> impl Iterator<Item = (&str, Option<String>)> {
        let others = self.instances.values();
        let others = others.map(|one| (&one.unknown, &one.settings));
        let all = std::iter::once((&self.unknown, &self.settings)).chain(others);
        let keys = all.flat_map(|(unknown, settings)| {
            let login = settings.login.keys();
            let login = login.filter(|word| !GATE.contains(&word.as_str()));
            let unknown = unknown.keys().map(|key| (key, "login."));
            unknown.chain(login.map(|key| (key, "")))
        });
        keys.map(|(key, login)| {
            let near = Key::nearest(key);
            let place = |near: &&str| if GATE.contains(near) { login } else { "" };
            let near = near.map(|near| format!("{}{near}", place(&near)));
            (key.as_str(), near)
        })
    }
}

/// Names come from the container, and go to completion and hints: only real ones stay.
fn keep_names(users: &mut Vec<String>) {
    users.retain(|name| Username::parse(name).is_ok());
}

impl Settings {
    fn check(&self) -> Result<()> {
        let port = self.port.map(|port| port.to_string());
        checked(Key::Image, self.image.as_deref(), parse_image)?;
        checked(Key::Port, port.as_deref(), parse_port)?;
        for word in GATE {
            let value = self.login.get(word).map(String::as_str);
            checked(Key::Gate(word), value, parse_setting)?;
        }
        Ok(())
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
        hint: "use `occ user add alice` and `occ user remove alice`; `occ user list` refreshes it"
            .into(),
    }
}

#[cfg(test)]
mod tests;
