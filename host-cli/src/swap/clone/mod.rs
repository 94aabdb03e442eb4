//! The same container on another image, as a value.

use std::collections::{BTreeSet, HashMap};
use std::net::Ipv4Addr;

use bollard::models::{
    ContainerConfig, ContainerCreateBody, ContainerInspectResponse, EndpointSettings, HostConfig,
    ImageConfig, Mount, MountType, NetworkingConfig,
};

use serde_json::Value;

use crate::engine::container::{SHORT_ID, image_name};
use crate::engine::labels::IMAGE_NAME;
use crate::engine::spec::{bind_target, is_same_place, volume};

/// The image of a copy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewImage<'a> {
    /// The name it is known by, and updated under.
    pub name: &'a str,
    /// Its id, where the name stands for another image by now.
    pub id: Option<&'a str>,
}

impl<'a> NewImage<'a> {
    /// The image that a container has already.
    pub(crate) fn of(found: &'a ContainerInspectResponse) -> Self {
        Self {
            name: image_name(found).unwrap_or_default(),
            id: found.image.as_deref(),
        }
    }
}

/// The same container on another image: everything that somebody set stays; what only
/// came from the old image comes from the new one.
pub(crate) fn copy(
    found: &ContainerInspectResponse,
    old_image: &ImageConfig,
    image: NewImage,
) -> ContainerCreateBody {
    let config = found.config.clone().unwrap_or_default();
    let mut host = found.host_config.clone().unwrap_or_default();
    keep_anonymous_volumes(found, &mut host);
    name_limits(&mut host);
    let (entrypoint, cmd) = program(&config, old_image);
    let has_own_name = has_own_name(&host);
    ContainerCreateBody {
        image: Some(image.id.unwrap_or(image.name).to_owned()),
        hostname: config
            .hostname
            .clone()
            .filter(|name| has_own_name && !is_short_id(found, name)),
        domainname: config.domainname.clone().filter(|_| has_own_name),
        env: Some(without(config.env.as_ref(), old_image.env.as_ref())),
        labels: Some(own_labels(&config, old_image, image)),
        cmd,
        entrypoint,
        healthcheck: changed(config.healthcheck, old_image.healthcheck.as_ref()),
        working_dir: changed(config.working_dir, old_image.working_dir.as_ref()),
        user: changed(config.user, old_image.user.as_ref()),
        stop_signal: changed(config.stop_signal, old_image.stop_signal.as_ref()),
        shell: changed(config.shell, old_image.shell.as_ref()),
        on_build: None,
        attach_stdin: config.attach_stdin,
        attach_stdout: config.attach_stdout,
        attach_stderr: config.attach_stderr,
        tty: config.tty,
        open_stdin: config.open_stdin,
        stdin_once: config.stdin_once,
        args_escaped: config.args_escaped,
        network_disabled: config.network_disabled,
        exposed_ports: Some(without(
            config.exposed_ports.as_ref(),
            old_image.exposed_ports.as_ref(),
        )),
        volumes: Some(without(config.volumes.as_ref(), old_image.volumes.as_ref())),
        stop_timeout: config.stop_timeout,
        networking_config: first_network(found).map(|(name, settings)| NetworkingConfig {
            endpoints_config: Some(HashMap::from([(name, settings)])),
        }),
        host_config: Some(host),
    }
}

/// Entrypoint and command. An engine takes the image's command only where the
/// entrypoint is the image's too, and `[""]` for none.
fn program(
    config: &ContainerConfig,
    image: &ImageConfig,
) -> (Option<Vec<String>>, Option<Vec<String>>) {
    let words = |list: &Option<Vec<String>>| list.clone().unwrap_or_default();
    let own = words(&config.entrypoint);
    if own == words(&image.entrypoint) {
        return (None, changed(config.cmd.clone(), image.cmd.as_ref()));
    }
    let own = if own.is_empty() {
        vec![String::new()]
    } else {
        own
    };
    (Some(own), config.cmd.clone())
}

/// One that shares another's names, or the machine's, can't be given any.
fn has_own_name(host: &HostConfig) -> bool {
    let network = host.network_mode.as_deref().unwrap_or_default();
    !network.starts_with("container:") && host.uts_mode.as_deref() != Some("host")
}

fn changed<T: PartialEq>(own: Option<T>, image: Option<&T>) -> Option<T> {
    own.filter(|own| Some(own) != image)
}

fn without(own: Option<&Vec<String>>, image: Option<&Vec<String>>) -> Vec<String> {
    let image: BTreeSet<&String> = image.into_iter().flatten().collect();
    own.into_iter()
        .flatten()
        .filter(|value| !image.contains(value))
        .cloned()
        .collect()
}

fn own_labels(
    config: &ContainerConfig,
    old_image: &ImageConfig,
    image: NewImage,
) -> HashMap<String, String> {
    let of_image = old_image.labels.as_ref();
    let mut labels = config.labels.clone().unwrap_or_default();
    labels.retain(|key, value| of_image.and_then(|labels| labels.get(key)) != Some(value));
    labels.remove(IMAGE_NAME);
    if image.id.is_some() {
        labels.insert(IMAGE_NAME.to_owned(), image.name.to_owned());
    }
    labels
}

/// Compose takes every container with its labels for one of a project: it would start,
/// count and remove what is kept for a rollback.
pub(crate) fn is_of_compose(key: &str) -> bool {
    key.starts_with("com.docker.compose.") || key.starts_with("io.podman.compose.")
}

fn is_short_id(found: &ContainerInspectResponse, name: &str) -> bool {
    !name.is_empty() && found.id.as_deref().is_some_and(|id| id.starts_with(name))
}

/// A volume that nobody named (a VOLUME line, `--volume /data`, `--volumes-from`) has no
/// name in the host configuration; the copy would get an empty one instead.
fn keep_anonymous_volumes(found: &ContainerInspectResponse, host: &mut HostConfig) {
    let named = found.mounts.iter().flatten().filter_map(|mount| {
        let name = mount.name.clone().filter(|name| !name.is_empty())?;
        Some((name, mount.destination.as_deref()?, mount.rw))
    });
    for (name, target, writable) in named {
        if let Some(asked) = asked_mount(host, target) {
            let is_volume = asked.typ == Some(MountType::VOLUME);
            if is_volume && asked.source.as_deref().unwrap_or_default().is_empty() {
                asked.source = Some(name);
            }
        } else if !is_bound(host, target) {
            let mount = Mount {
                read_only: Some(writable == Some(false)),
                ..volume(name, target)
            };
            host.mounts.get_or_insert_default().push(mount);
        }
    }
}

fn asked_mount<'a>(host: &'a mut HostConfig, target: &str) -> Option<&'a mut Mount> {
    let mut mounts = host.mounts.iter_mut().flatten();
    mounts.find(|mount| is_same_place(mount.target.as_deref(), target))
}

fn is_bound(host: &HostConfig, target: &str) -> bool {
    let mut binds = host.binds.iter().flatten();
    binds.any(|bind| is_same_place(bind_target(bind), target))
}

/// Podman says `RLIMIT_NOFILE`, and takes only `nofile`, as Docker does.
fn name_limits(host: &mut HostConfig) {
    let limits = host.ulimits.iter_mut().flatten();
    for name in limits.filter_map(|limit| limit.name.as_mut()) {
        if let Some(short) = name.strip_prefix("RLIMIT_") {
            *name = short.to_ascii_lowercase();
        }
    }
}

/// The networks that a person made, by name, with what was asked of them.
pub(crate) fn networks(found: &ContainerInspectResponse) -> Vec<(String, EndpointSettings)> {
    let networks = found
        .network_settings
        .as_ref()
        .and_then(|settings| settings.networks.clone());
    let mut list: Vec<_> = networks
        .unwrap_or_default()
        .into_iter()
        .filter(|(name, _)| !matches!(name.as_str(), "bridge" | "host" | "none" | "default"))
        .map(|(name, settings)| (name, asked_of(found, settings)))
        .collect();
    list.sort_by(|(a, _), (b, _)| a.cmp(b));
    list
}

/// The one that the container is made in, under the name or id that was given, where
/// that is a person's. With any other here, the engine would leave out its own default.
fn first_network(found: &ContainerInspectResponse) -> Option<(String, EndpointSettings)> {
    let mode = found.host_config.as_ref()?.network_mode.as_ref()?;
    let networks = found.network_settings.as_ref()?.networks.as_ref()?;
    let is_meant = |name: &String, id: Option<&str>| {
        let id = id.unwrap_or_default();
        name == mode || mode.len() >= SHORT_ID && id.starts_with(mode.as_str())
    };
    let own = self::networks(found).into_iter().find(|(name, _)| {
        let settings = networks.get(name);
        is_meant(name, settings.and_then(|one| one.network_id.as_deref()))
    });
    own.map(|(_, settings)| (mode.clone(), settings))
}

/// The settings, without what the engine chose itself.
fn asked_of(found: &ContainerInspectResponse, mut settings: EndpointSettings) -> EndpointSettings {
    if let Some(aliases) = &mut settings.aliases {
        aliases.retain(|alias| !is_short_id(found, alias));
    }
    EndpointSettings {
        aliases: settings.aliases,
        ipam_config: settings.ipam_config,
        links: settings.links,
        driver_opts: settings.driver_opts,
        gw_priority: settings.gw_priority,
        mac_address: settings.mac_address.filter(|address| !address.is_empty()),
        ..EndpointSettings::default()
    }
}

/// The networks whose hardware address somebody chose, as far as that shows: an older
/// engine makes its own out of the address (libnetwork's GenerateMACFromIP).
pub(crate) fn chosen_hardware_addresses(found: &ContainerInspectResponse) -> Vec<String> {
    let networks = found.network_settings.as_ref();
    let networks = networks.and_then(|settings| settings.networks.as_ref());
    let chosen = networks.into_iter().flatten().filter(|(_, settings)| {
        let address = settings.ip_address.as_deref().unwrap_or_default();
        let hardware = settings.mac_address.as_deref().unwrap_or_default();
        let Ok(address) = address.parse::<Ipv4Addr>() else {
            return false;
        };
        let [a, b, c, d] = address.octets();
        let own = format!("02:42:{a:02x}:{b:02x}:{c:02x}:{d:02x}");
        !hardware.is_empty() && !hardware.eq_ignore_ascii_case(&own)
    });
    let mut names: Vec<String> = chosen
        .map(|(name, _)| format!("NetworkSettings.Networks.{name}.MacAddress"))
        .collect();
    names.sort();
    names
}

/// The settings of the original that the engine did not give to its copy, by their names
/// in `docker inspect`.
pub(crate) fn lost(
    found: &ContainerInspectResponse,
    made: &ContainerInspectResponse,
) -> Vec<String> {
    let host = |of: &ContainerInspectResponse| serde_json::to_value(&of.host_config);
    let (Ok(Value::Object(old)), Ok(Value::Object(new))) = (host(found), host(made)) else {
        return Vec::new();
    };
    let is_lost = |(key, value): &(&String, &Value)| {
        !CHANGED.contains(&key.as_str()) && is_set(value) && !new.get(*key).is_some_and(is_set)
    };
    let fields = old.iter().filter(is_lost);
    let fields = fields.map(|(key, _)| format!("HostConfig.{key}"));
    let there: BTreeSet<String> = networks(made).into_iter().map(|(name, _)| name).collect();
    let networks = networks(found)
        .into_iter()
        .filter(|(name, _)| !there.contains(name));
    let networks = networks.map(|(name, _)| format!("NetworkSettings.Networks.{name}"));
    fields.chain(networks).collect()
}

/// The settings of a host that a copy may have otherwise.
const CHANGED: [&str; 4] = [
    "ContainerIDFile",
    "ConsoleSize",
    "PortBindings",
    "RestartPolicy",
];

/// Returns true for a value that says more than its absence.
fn is_set(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(is_on) => *is_on,
        Value::Number(number) => number.as_i64().is_none_or(|number| number > 0),
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(fields) => fields.values().any(is_set),
    }
}

#[cfg(test)]
mod tests;
