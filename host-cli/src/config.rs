//! `config.json`: defaults, and the names of the accounts as last seen.
//!
//! Keys that this version does not know are kept. No secret ever goes here.
//! The store in the container is the truth about accounts, not `users`.

use std::io::Write;
use std::net::IpAddr;
use std::path::PathBuf;

use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, Result};

const SCHEMA: u64 = 1;

/// A key that people may set, with its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    /// The container's name.
    Container,
    /// The image that `start` runs.
    Image,
    /// What the image is built from.
    BaseImage,
    /// The published port.
    Port,
    /// The address it is published on.
    Bind,
    /// The accounts as last seen; not to be set.
    Users,
}

impl Key {
    const ALL: [Self; 6] = [
        Self::Container,
        Self::Image,
        Self::BaseImage,
        Self::Port,
        Self::Bind,
        Self::Users,
    ];

    /// As written in the file.
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
    /// What the image is built from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_image: Option<String>,
    /// The published port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The address it is published on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bind: Option<IpAddr>,
    #[serde(flatten)]
    unknown: Map<String, Value>,
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
        if let Some(name) = &config.container {
            check_container(name)?;
        }
        Ok(config)
    }

    /// The value of a key, or None where the default holds.
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
                Ok(0) | Err(_) => return Err(invalid("a port is 1 to 65535".into())),
                Ok(port) => self.port = Some(port),
            },
            Key::Bind => self.bind = Some(parse_bind(value).map_err(invalid)?),
            Key::Users => return Err(users_follow()),
        }
        Ok(())
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

/// A value of `bind`: an address literal.
pub(crate) fn parse_bind(value: &str) -> std::result::Result<IpAddr, String> {
    value
        .parse()
        .map_err(|_| "an IP address is needed, such as 127.0.0.1 or 0.0.0.0".to_owned())
}

/// A name that the engine takes for a container and its volumes.
pub(crate) fn check_container(name: &str) -> std::result::Result<(), String> {
    let fine = name.len() >= 2
        && name.len() <= 100
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    if fine {
        Ok(())
    } else {
        Err("2 to 100 letters, digits, '_', '.', '-', starting with a letter or digit".into())
    }
}

/// An image reference, roughly; the engine has the last word.
pub(crate) fn check_image(name: &str) -> std::result::Result<(), String> {
    let fine = !name.is_empty()
        && name.len() <= 512
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.-/:@".contains(&byte));
    if fine {
        Ok(())
    } else {
        Err("an image is written like debian:bookworm-slim".into())
    }
}

/// Where the file is: `$XDG_CONFIG_HOME/occ/config.json`, else in ~/.config.
pub(crate) fn path() -> Result<PathBuf> {
    let base = etcetera::base_strategy::Xdg::new().map_err(|_| {
        Error::failed(
            "there is no home directory to keep the configuration in",
            "set HOME or XDG_CONFIG_HOME",
        )
    })?;
    Ok(base.config_dir().join("occ/config.json"))
}

/// The configuration; the defaults when there is no file.
pub(crate) fn load() -> Result<Config> {
    let path = path()?;
    match std::fs::read(&path) {
        Ok(bytes) => Config::parse(&bytes).map_err(|why| {
            Error::failed(
                format!("cannot read '{}': {why}", path.display()),
                "repair the file, or remove it for the defaults",
            )
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Config::default()),
        Err(error) => Err(Error::file("read", path)(error)),
    }
}

/// Writes the whole file beside itself and renames it.
pub(crate) fn save(config: &Config) -> Result<()> {
    let path = path()?;
    let directory = path.parent().unwrap_or(&path).to_owned();
    let write = || -> std::io::Result<()> {
        std::fs::create_dir_all(&directory)?;
        let mut file = tempfile::NamedTempFile::new_in(&directory)?;
        serde_json::to_writer_pretty(&mut file, config)?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(&path)?;
        Ok(())
    };
    write().map_err(Error::file("write", &path))
}

/// Lets `users` follow a change. The change is done: a failure here is a
/// warning, never an error.
pub(crate) fn follow(edit: impl FnOnce(&mut Vec<String>)) {
    let followed = load().and_then(|mut config| {
        let before = config.users.clone();
        edit(&mut config.users);
        config.users.sort();
        config.users.dedup();
        if config.users == before {
            Ok(())
        } else {
            save(&config)
        }
    });
    if let Err(error) = followed {
        crate::show::warn(&format!(
            "the change is done, but the configuration does not show it: {error}"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_it_does_not_know() {
        let text = br#"{"schema":1,"users":["alice"],"container":"box","port":3001,"bind":"127.0.0.1","theme":{"dark":true}}"#;
        let mut config = Config::parse(text).unwrap();
        config.set(Key::Port, "4000").unwrap();
        let written: Value = serde_json::from_slice(&serde_json::to_vec(&config).unwrap()).unwrap();
        assert_eq!(written["theme"]["dark"], true);
        assert_eq!(written["port"], 4000);
        assert_eq!(written["users"][0], "alice");
        assert_eq!(written["schema"], 1);
    }

    #[test]
    fn refuses_a_newer_schema_and_broken_files() {
        assert!(
            Config::parse(br#"{"schema":2,"users":[]}"#)
                .unwrap_err()
                .contains("newer")
        );
        assert!(Config::parse(b"{").is_err());
        assert!(Config::parse(br#"{"schema":1,"container":"../x"}"#).is_err());
        assert!(Config::parse(br#"{"schema":1,"port":70000}"#).is_err());
    }

    #[test]
    fn values_are_checked_and_a_refused_one_changes_nothing() {
        let mut config = Config::default();
        for (key, value) in [
            (Key::Port, "0"),
            (Key::Port, "65536"),
            (Key::Port, "http"),
            (Key::Bind, "localhost"),
            (Key::Container, "-x"),
            (Key::Container, "a b"),
            (Key::Image, ""),
            (Key::Image, "a b"),
            (Key::BaseImage, "--privileged"),
        ] {
            assert_eq!(
                config.set(key, value).unwrap_err().kind().exit_code(),
                9,
                "{key:?} {value}"
            );
        }
        assert_eq!(
            config.set(Key::Users, "x").unwrap_err().kind().exit_code(),
            2
        );
        assert_eq!(config, Config::default());
        config.set(Key::Bind, "::1").unwrap();
        config
            .set(Key::Image, "registry:5000/occ:1@sha256:00")
            .unwrap();
        config.unset(Key::Bind).unwrap();
        assert_eq!(config.bind, None);
    }

    #[test]
    fn a_mistyped_key_gets_the_nearest_one() {
        assert_eq!(Key::parse("base-image").unwrap(), Key::BaseImage);
        assert_eq!(
            Key::parse("contaner").unwrap_err().hint(),
            "did you mean 'container'?"
        );
        assert!(
            Key::parse("zzz")
                .unwrap_err()
                .hint()
                .starts_with("the keys are")
        );
    }
}
