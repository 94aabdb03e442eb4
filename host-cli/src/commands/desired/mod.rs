//! The container that `start` wants: from the command line, from the container that is
//! there, and for a new one from the configuration. Values only; nothing is called.

use std::net::{IpAddr, Ipv4Addr};

use bollard::models::{ContainerCreateBody, ContainerInspectResponse, HostConfig};

use crate::cli::Start;
use crate::config::{GATE, Settings};
use crate::engine::container;
use crate::engine::environment::{self, change_hosts, hosts};
use crate::engine::spec::{Published, bind_target, is_same_place};
use crate::image;
use crate::text;

pub(crate) const DEFAULT_PORT: u16 = 3000;
pub(crate) const DEFAULT_BIND: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// The request of this run; `None` where whatever is there will do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Requested {
    pub image: Option<String>,
    pub bind: Option<IpAddr>,
    pub port: Option<u16>,
    /// Names that the login answers to.
    pub hosts: Vec<String>,
    /// Variables, `NAME=VALUE`.
    pub env: Vec<String>,
    /// Mounts, `SOURCE:TARGET`.
    pub volumes: Vec<String>,
}

/// The container as it shall be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Desired {
    pub image: String,
    /// `None` for a container that publishes nothing, and nobody asked for it.
    pub published: Option<Published>,
}

impl Requested {
    /// The options of the line; `file` holds the variables of its files.
    pub(crate) fn typed(start: &Start, file: Vec<String>) -> Self {
        let mut env = file;
        for variable in &start.env {
            environment::set(&mut env, variable);
        }
        Self {
            image: start.image.clone(),
            bind: start.bind,
            port: start.port,
            hosts: start.host_name.clone(),
            env,
            volumes: start.volume.clone(),
        }
    }

    /// For a new container the configuration fills up what is not named. One that is
    /// there keeps what it has.
    pub(crate) fn or_configured(&self, settings: Settings) -> Self {
        let mut env = Vec::new();
        for word in GATE {
            if let Some(value) = settings.login.get(word) {
                env.push(format!("OCC_{}={value}", word.to_ascii_uppercase()));
            }
        }
        for variable in &self.env {
            environment::set(&mut env, variable);
        }
        Self {
            image: self.image.clone().or(settings.image),
            bind: self.bind.or(settings.bind),
            port: self.port.or(settings.port),
            env,
            ..self.clone()
        }
    }

    /// Filled up from the container that is there, else with the defaults.
    pub(crate) fn desired(&self, found: Option<&ContainerInspectResponse>) -> Desired {
        let there = found.and_then(Published::of);
        let publish =
            found.is_none() || there.is_some() || self.bind.is_some() || self.port.is_some();
        let bind = self.bind.or(there.map(|there| there.bind));
        let port = self.port.or(there.map(|there| there.port));
        let image = found.and_then(container::image_name);
        let image = image.filter(|image| !container::is_id(image));
        Desired {
            image: self
                .image
                .clone()
                .or(image.map(str::to_owned))
                .unwrap_or_else(|| image::DEFAULT.to_owned()),
            published: publish.then_some(Published {
                bind: bind.unwrap_or(DEFAULT_BIND),
                port: port.unwrap_or(DEFAULT_PORT),
            }),
        }
    }

    /// Puts all of it into a container that is about to be made; `old` is what one in
    /// whose place it comes was published on, `machine` the names of this machine.
    pub(crate) fn apply(
        &self,
        body: &mut ContainerCreateBody,
        old: Option<Published>,
        new: Option<Published>,
        machine: &[String],
    ) {
        let env = body.env.get_or_insert_default();
        self.env
            .iter()
            .for_each(|variable| environment::set(env, variable));
        let names = |published: Option<Published>| {
            published
                .map(|published| published.hosts(machine))
                .unwrap_or_default()
        };
        let wanted = [names(new), self.hosts.clone()].concat();
        change_hosts(env, &names(old), &wanted);
        let host = body.host_config.get_or_insert_default();
        if let Some(published) = new {
            host.port_bindings
                .get_or_insert_default()
                .extend(published.binding());
        }
        self.volumes.iter().for_each(|volume| mount(host, volume));
    }
}

/// The options that ask for something, as they can be typed again.
pub(crate) fn options(start: &Start) -> String {
    fn words(flag: &str, values: impl IntoIterator<Item: ToString>) -> String {
        let values = values.into_iter().map(|value| value.to_string());
        let words = values.map(|value| format!(" {flag} {}", text::word(&value)));
        words.collect::<Vec<_>>().concat()
    }
    let files = start.env_file.iter().map(|file| file.display());
    [
        words("--image", &start.image),
        words("--port", start.port),
        words("--bind", start.bind),
        words("--host-name", &start.host_name),
        words("--env", &start.env),
        words("--env-file", files),
        words("--volume", &start.volume),
    ]
    .concat()
}

/// In the place of whatever is mounted there.
fn mount(host: &mut HostConfig, volume: &str) {
    let place = bind_target(volume).unwrap_or_default();
    if let Some(mounts) = &mut host.mounts {
        mounts.retain(|mount| !is_same_place(mount.target.as_deref(), place));
    }
    let binds = host.binds.get_or_insert_default();
    binds.retain(|bind| !is_same_place(bind_target(bind), place));
    binds.push(volume.to_owned());
}

/// Each difference between the container and the request, in words.
pub(crate) fn differences(
    found: &ContainerInspectResponse,
    requested: &Requested,
    desired: &Desired,
    image: bool,
) -> Vec<String> {
    let mut list = Vec::new();
    if image {
        let old = container::image_name(found).unwrap_or_default();
        list.push(if old == desired.image {
            format!("the image {old} is newer than the container")
        } else {
            format!("the container runs {old}, not {}", desired.image)
        });
    }
    if let Some(published) = desired.published {
        let there = Published::of(found);
        if there.is_none_or(|there| there.port != published.port) {
            list.push(format!("the port is not {}", published.port));
        }
        if there.is_none_or(|there| there.bind != published.bind) {
            list.push(format!("the address is not {}", published.bind));
        }
    }
    let config = found.config.as_ref();
    let env = config
        .and_then(|config| config.env.clone())
        .unwrap_or_default();
    let names = hosts(&env);
    let missing = requested.hosts.iter().filter(|name| !names.contains(name));
    list.extend(missing.map(|name| format!("the login does not answer to {name}")));
    for variable in &requested.env {
        let (name, value) = variable.split_once('=').unwrap_or((variable, ""));
        if environment::get(&env, name) != Some(value) {
            list.push(format!("the variable {name} has another value"));
        }
    }
    let host = found.host_config.as_ref();
    let binds = host.and_then(|host| host.binds.clone()).unwrap_or_default();
    let missing = requested
        .volumes
        .iter()
        .filter(|volume| !binds.contains(volume));
    list.extend(missing.map(|volume| format!("{volume} is not mounted")));
    list
}

#[cfg(test)]
mod tests;
