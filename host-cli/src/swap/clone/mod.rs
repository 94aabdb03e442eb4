//! The same container on another image, as a value.

use std::collections::{BTreeSet, HashMap};

use bollard::models::{
    ContainerConfig, ContainerCreateBody, ContainerInspectResponse, EndpointSettings, HostConfig,
    ImageConfig, Mount, NetworkingConfig,
};

use crate::engine::spec::{Published, volume};

/// The same container on another image: ports, mounts, labels and environment
/// stay; what only came from the old image comes from the new one.
pub(crate) fn copy(
    found: &ContainerInspectResponse,
    old_image: &ImageConfig,
    image: &str,
    published: Option<Published>,
) -> ContainerCreateBody {
    let config = found.config.clone().unwrap_or_default();
    let mut host = found.host_config.clone().unwrap_or_default();
    keep_anonymous_volumes(found, &mut host);
    name_limits(&mut host);
    if let Some(published) = published {
        host.port_bindings
            .get_or_insert_default()
            .extend(published.binding());
    }
    ContainerCreateBody {
        image: Some(image.to_owned()),
        hostname: config
            .hostname
            .clone()
            .filter(|name| !is_short_id(found, name)),
        env: Some(without(config.env.as_ref(), old_image.env.as_ref())),
        labels: Some(own_labels(&config, old_image)),
        cmd: changed(config.cmd, old_image.cmd.as_ref()),
        entrypoint: changed(config.entrypoint, old_image.entrypoint.as_ref()),
        healthcheck: changed(config.healthcheck, old_image.healthcheck.as_ref()),
        working_dir: changed(config.working_dir, old_image.working_dir.as_ref()),
        user: changed(config.user, old_image.user.as_ref()),
        stop_signal: changed(config.stop_signal, old_image.stop_signal.as_ref()),
        domainname: config.domainname,
        tty: config.tty,
        open_stdin: config.open_stdin,
        exposed_ports: config.exposed_ports,
        stop_timeout: config.stop_timeout,
        networking_config: first_network(found).map(|(name, settings)| NetworkingConfig {
            endpoints_config: Some(HashMap::from([(name, settings)])),
        }),
        host_config: Some(host),
        ..ContainerCreateBody::default()
    }
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

fn own_labels(config: &ContainerConfig, image: &ImageConfig) -> HashMap<String, String> {
    let of_image = image.labels.as_ref();
    let mut labels = config.labels.clone().unwrap_or_default();
    labels.retain(|key, value| of_image.and_then(|labels| labels.get(key)) != Some(value));
    labels
}

fn is_short_id(found: &ContainerInspectResponse, name: &str) -> bool {
    !name.is_empty() && found.id.as_deref().is_some_and(|id| id.starts_with(name))
}

/// A volume that only the image's VOLUME line asked for has no entry in the
/// host configuration; the copy would get an empty one instead.
fn keep_anonymous_volumes(found: &ContainerInspectResponse, host: &mut HostConfig) {
    let bound = host.binds.iter().flatten();
    let bound = bound.filter_map(|bind| bind.split(':').nth(1));
    let mounted = host.mounts.iter().flatten();
    let mounted = mounted.filter_map(|mount| mount.target.as_deref());
    let kept: Vec<&str> = bound.chain(mounted).collect();
    let named = found.mounts.iter().flatten().filter_map(|mount| {
        let name = mount.name.clone().filter(|name| !name.is_empty())?;
        Some((name, mount.destination.as_deref()?))
    });
    let lost: Vec<Mount> = named
        .filter(|(_, target)| !kept.contains(target))
        .map(|(name, target)| volume(name, target))
        .collect();
    host.mounts.get_or_insert_default().extend(lost);
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

/// The one that the container is made in, where that is a person's. With any
/// other here, the engine would leave out its own default.
fn first_network(found: &ContainerInspectResponse) -> Option<(String, EndpointSettings)> {
    let mode = found.host_config.as_ref()?.network_mode.as_ref()?;
    let mut networks = networks(found).into_iter();
    networks.find(|(name, _)| name == mode)
}

fn asked_of(found: &ContainerInspectResponse, mut settings: EndpointSettings) -> EndpointSettings {
    if let Some(aliases) = &mut settings.aliases {
        aliases.retain(|alias| !is_short_id(found, alias));
    }
    EndpointSettings {
        aliases: settings.aliases,
        ipam_config: settings.ipam_config,
        links: settings.links,
        driver_opts: settings.driver_opts,
        ..EndpointSettings::default()
    }
}

#[cfg(test)]
mod tests;
